"""The dashboard: a real Prometheus answers each of its queries with series of a running service."""

import json
import re
import secrets
import socket
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.prometheus_tools import find_program
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

DASHBOARD = json.loads((Path(__file__).parents[2] / "monitoring" / "grafana-dashboard.json").read_text())
QUERIES = [(panel["title"], target["expr"]) for panel in DASHBOARD["panels"] for target in panel["targets"]]
VARIABLES = {"$job": ".*", "$instance": ".*", "$__rate_interval": "5s"}
EMPTY = {"Certificates: days left", "Sent on to other nodes"}
"""Panels of a node with TLS, and of several nodes: their queries are run, and find nothing."""


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@pytest.fixture(scope="module")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    with ServiceProcess(kafka.bootstrap_servers, workers=1) as process:
        yield process


@pytest.fixture(scope="module")
def ask(service: ServiceProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], list[Any]]]:
    """Ask a Prometheus that scrapes the service."""
    folder = tmp_path_factory.mktemp("prometheus")
    target = urllib.parse.urlsplit(service.url).netloc
    job = {"job_name": "karapace_like", "scrape_interval": "1s", "static_configs": [{"targets": [target]}]}
    (folder / "config.yaml").write_text(json.dumps({"scrape_configs": [job]}))
    address = f"127.0.0.1:{find_port()}"
    command = [
        find_program("prometheus"), f"--config.file={folder / 'config.yaml'}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:

        def query(expression: str) -> list[Any]:
            path = f"/api/v1/query?query={urllib.parse.quote(expression)}"
            answer = call(f"http://{address}", "GET", path)
            assert answer["status"] == "success"
            return list(answer["data"]["result"])

        def is_up() -> bool:
            assert process.poll() is None
            try:
                return len(query("count_over_time(karapace_like_build_info[1h]) > 3")) == 1
            except (OSError, urllib.error.URLError):
                return False

        try:
            use(service)
            wait_until(is_up)
            yield query
        finally:
            process.terminate()


def use(service: ServiceProcess) -> None:
    """A registration, a read, and produced and consumed records."""
    topic, kind = f"t-{secrets.token_hex(6)}", "application/vnd.kafka.binary.v2+json"
    for _ in range(2):
        call(service.url, "POST", "/subjects/drawn/versions", {"schema": '"int"'})
        call(service.url, "GET", "/subjects/drawn/versions/1")
        call(service.url, "POST", f"/topics/{topic}", {"records": [{"value": "YQ=="}]}, content_type=kind)


def fill_in(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def test_every_query_has_an_answer(ask: Callable[[str], list[Any]]) -> None:
    missing = [title for title, expression in QUERIES if not ask(fill_in(expression)) and title not in EMPTY]
    assert missing == []


@pytest.mark.parametrize("panel", DASHBOARD["panels"], ids=lambda panel: str(panel["title"]))
def test_panels_select_by_job_and_instance_and_do_not_overlap(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        for series in re.findall(r"(?:karapace_like|process)_\w+(\{[^}]*\})?", target["expr"]):
            assert 'job=~"$job",instance=~"$instance"' in series
    at = panel["gridPos"]
    assert at["x"] + at["w"] <= 24
    others = [each["gridPos"] for each in DASHBOARD["panels"] if each is not panel]
    assert not any(
        at["x"] < other["x"] + other["w"] and other["x"] < at["x"] + at["w"]
        and at["y"] < other["y"] + other["h"] and other["y"] < at["y"] + at["h"]
        for other in others
    )  # fmt: skip
