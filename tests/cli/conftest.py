"""Registries for commands: with contents, and empty ones."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.cli.large_registry import registry_records, write
from tests.cli.shop import Shop
from tests.command_line import run
from tests.service_process import ServiceProcess


@pytest.fixture
def shop(tmp_path: Path, service: ServiceProcess) -> Shop:
    return Shop(tmp_path, service.url)


@pytest.fixture(scope="module")
def filled(kafka: Cluster) -> Iterator[ServiceProcess]:
    """A registry with 150 versions in three contexts; not to be changed."""
    topic = f"_schemas-{secrets.token_hex(6)}"
    write(kafka.bootstrap_servers, topic, registry_records(150))
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as process:
        yield process


@pytest.fixture(scope="module")
def archive(filled: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it; not to be changed."""
    path = tmp_path_factory.mktemp("archive") / "registry.jsonl"
    assert run("export", path, "--registry", filled.url).code == 0
    return path


@pytest.fixture
def context() -> Callable[[], str]:
    """Make names of contexts that nobody else uses."""
    return lambda: f".c{secrets.token_hex(6)}"
