"""A node of two workers with a listener for each kind of client, as an operator starts it."""

import re
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

LISTENERS = ("registry+data", "data", "rest", "operations+console")


@pytest.fixture(scope="module")
def node(kafka: Cluster) -> Iterator[ServiceProcess]:
    listeners = ",".join(f"http://127.0.0.1:0?serves={names}" for names in LISTENERS)
    with ServiceProcess(kafka.bootstrap_servers, workers=2, listeners=listeners) as process:
        yield process


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_each_listener_serves_its_calls_only(node: ServiceProcess) -> None:
    told = next(line for line in node.lines if line.startswith("Listening at"))
    urls = dict(zip(LISTENERS, re.findall(r"http://\S+", told), strict=True))
    calls = {
        "/subjects": {"registry+data"},
        "/topics": {"rest"},
        "/v3/clusters": {"rest"},
        "/health/live": {"operations+console"},
        "/metrics": {"operations+console"},
        "/openapi.json": {"operations+console"},
    }
    for _ in range(4):  # by either worker, and from the response cache
        for path, served in calls.items():
            assert {name for name, url in urls.items() if _get(url + path)[0] == 200} == served, path
    status, body = _get(f"{urls['data']}/subjects")
    assert status == 404
    assert "HTTP 404 Not Found: this service has no call GET /subjects." in body
    assert any(f"  API documentation: {urls['operations+console']}/docs" in line for line in node.lines)
