"""Kafka Connect behind the service, for real: what HTTP clients produce ends in a file, also when a worker dies."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.kafka.connect.worker import ConnectWorker
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.long

GROUP = f"connect-{secrets.token_hex(6)}"
SINK_CLASS = "org.apache.kafka.connect.file.FileStreamSinkConnector"


class Answer(NamedTuple):
    status: int
    body: Any
    headers: Any


class Client:
    """HTTP to one service."""

    def __init__(self, service: ServiceProcess) -> None:
        self._url = service.url
        (described,) = self("GET", "/v3/clusters").body["data"]
        self._cluster = f"/v3/clusters/{described['cluster_id']}"

    def __call__(self, method: str, path: str, body: object = None) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._url + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=100) as answer:
                text = answer.read()
                return Answer(answer.status, json.loads(text) if text else None, answer.headers)
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, json.loads(error.read()), error.headers)

    def produce(self, topic: str, *lines: str) -> None:
        """Write the lines through REST v3."""
        for line in lines:
            record = {"value": {"type": "STRING", "data": line}}
            assert self("POST", f"{self._cluster}/topics/{topic}/records", record).body["error_code"] == 200

    def create_topic(self, topic: str) -> None:
        wanted = {"topic_name": topic, "partitions_count": 1, "replication_factor": 1}
        assert self("POST", f"{self._cluster}/topics", wanted).status == 201


def sink(name: str, topic: str, file: Path) -> dict[str, object]:
    return {
        "name": name,
        "config": {"connector.class": SINK_CLASS, "tasks.max": "1", "topics": topic, "file": str(file)},
    }


def is_there(client: Client, name: str) -> bool:
    """Whether the connector was made: 409 is told also while workers come and go."""
    return client("GET", f"/connectors/{name}").status == 200


def holds(file: Path, *lines: str) -> Callable[[], bool]:
    return lambda: file.exists() and file.read_text().splitlines() == list(lines)


def holds_once_or_more(file: Path, *lines: str) -> Callable[[], bool]:
    """As `holds`; a worker that was killed had not told how far it was, so the next one writes some lines again."""
    return lambda: file.exists() and list(dict.fromkeys(file.read_text().splitlines())) == list(lines)


@pytest.fixture(scope="module")
def worker(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConnectWorker]:
    """A worker that the tests of this file share."""
    with ConnectWorker(kafka, GROUP, tmp_path_factory.mktemp("worker")) as started:
        started.await_ready()
        yield started


@pytest.fixture(scope="module")
def client(kafka: Cluster, worker: ConnectWorker) -> Iterator[Client]:
    """A service in front of that worker."""
    with ServiceProcess(kafka.bootstrap_servers, connect_url=worker.url) as service:
        yield Client(service)


def test_what_rest_clients_produce_arrives_in_a_sink_s_file(
    client: Client, topic: Callable[[], str], tmp_path: Path
) -> None:
    name, file = topic(), tmp_path / "sink.txt"
    client.create_topic(name)
    client.produce(name, "one")
    made = client("POST", "/connectors", sink(name, name, file))
    assert (made.status, made.body["name"], made.headers["Location"]) == (201, name, f"/connectors/{name}")
    client.produce(name, "two", "three")
    wait_until(holds(file, "one", "two", "three"))
    assert name in client("GET", "/connectors").body

    def tells() -> tuple[Any, ...]:
        """What the worker hears of through its own topics."""
        status, topics = (client("GET", f"/connectors/{name}/{path}").body for path in ("status", "topics"))
        return status["type"], [each["state"] for each in status["tasks"]], topics

    wait_until(lambda: tells() == ("sink", ["RUNNING"], {name: {"topics": [name]}}))
    assert client("PUT", f"/connectors/{name}/pause").status == 202
    assert client("DELETE", f"/connectors/{name}").status == 204
    wait_until(lambda: client("GET", f"/connectors/{name}").status == 404)


def test_errors_of_a_worker_have_the_one_shape(client: Client) -> None:
    def refused(method: str, path: str, body: object = None) -> tuple[int, str]:
        answer = client(method, path, body)
        assert answer.body.keys() == {"error_code", "message"}
        assert answer.body["error_code"] == answer.status
        return answer.status, answer.body["message"]

    assert refused("GET", "/connectors/nope") == (404, "Connector nope not found")
    assert refused("DELETE", "/connectors/nope") == (404, "Connector nope not found")
    assert refused("GET", "/connectors/nope/what") == (404, "HTTP 404 Not Found")
    message = "HTTP 405 Method Not Allowed: /connectors has no PUT; it takes GET, HEAD, POST."
    assert refused("PUT", "/connectors") == (405, message)
    status, message = refused("POST", "/connectors", {"name": "bad", "config": {"connector.class": "NoSuchClass"}})
    assert (status, "NoSuchClass" in message) == (400, True)
    status, message = refused("POST", "/connectors", {"name": "bad", "config": {"connector.class": SINK_CLASS}})
    assert (status, "Must configure one of topics or topics.regex" in message) == (400, True)
    assert client("GET", "/connectors").status == 200


def test_plugins_and_loggers_are_passed_too(client: Client) -> None:
    plugins = {each["class"]: each["type"] for each in client("GET", "/connector-plugins").body}
    assert plugins[SINK_CLASS] == "sink"
    path = "/connector-plugins/FileStreamSinkConnector/config/validate"
    checked = client("PUT", path, {"connector.class": SINK_CLASS, "tasks.max": "none"})
    assert (checked.status, checked.body["error_count"] > 0) == (200, True)
    logger = "org.apache.kafka.connect.file"
    assert client("PUT", f"/admin/loggers/{logger}", {"level": "DEBUG"}).status == 200
    assert client("GET", f"/admin/loggers/{logger}").body["level"] == "DEBUG"
    assert client("GET", "/admin/loggers").body[logger]["level"] == "DEBUG"


def test_when_a_worker_is_killed_the_next_answers_and_the_sink_goes_on(
    kafka: Cluster, worker: ConnectWorker, topic: Callable[[], str], tmp_path: Path
) -> None:
    """A read is answered at once; what changes something may have to wait until the group has noticed."""
    name, file = topic(), tmp_path / "sink.txt"
    with ConnectWorker(kafka, GROUP, tmp_path / "worker") as killed:
        killed.await_ready()
        with ServiceProcess(kafka.bootstrap_servers, connect_url=f"{killed.url},{worker.url}") as service:
            client = Client(service)
            client.create_topic(name)
            wait_until(
                lambda: client("POST", "/connectors", sink(name, name, file)).status == 201 or is_there(client, name)
            )
            client.produce(name, "before")
            wait_until(holds(file, "before"))
            killed.kill()
            assert name in client("GET", "/connectors").body
            client.produce(name, "after")
            wait_until(holds_once_or_more(file, "before", "after"))
            wait_until(lambda: client("DELETE", f"/connectors/{name}").status in {204, 404})
            wait_until(lambda: name not in client("GET", "/connectors").body)
