"""Fixtures that every test may ask for. Nothing starts before a test asks; what cannot start fails that test."""

import os
import secrets
from collections.abc import Callable, Iterator

import pytest
from hypothesis import settings

from karapace_like.kafka.cluster import Cluster
from tests.leaks import (  # noqa: F401 - pytest calls them
    pytest_configure,
    pytest_runtest_makereport,
    pytest_sessionfinish,
)
from tests.service_process import ServiceProcess

# Drawn examples take as long as the machine needs. CI draws the same ones each time: a new find belongs to its finder.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture(scope="session")
def kafka() -> Iterator[Cluster]:
    """One real broker for the whole run: tests share it and take topics, subjects and groups of their own."""
    with Cluster(properties={"log.cleaner.backoff.ms": 200}) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def three_brokers() -> Iterator[Cluster]:
    """Three real brokers for the tests of one file: a test that stops one starts it again."""
    with Cluster(brokers=3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    """One service on that broker for the whole run, as a process: tests share it like the broker."""
    with ServiceProcess(kafka.bootstrap_servers) as process:
        yield process


@pytest.fixture
def topic() -> Callable[[], str]:
    """Make topic names that nobody else uses. Call it for each; the topic is not created."""
    return lambda: f"topic-{secrets.token_hex(8)}"
