"""`/metrics` of a real service: it tells what has happened, its series are bounded, and what is drawn of it exists."""

import itertools
import json
import re
import secrets
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.scraping import scraped, sum_of, value
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

MONITORING = Path(__file__).parents[2] / "monitoring"
MANY = 10_000


@pytest.fixture(scope="module")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    """One process: the series of several have a label more (tests/cluster/test_worker_metrics.py)."""
    with ServiceProcess(kafka.bootstrap_servers, workers=1) as process:
        yield process


def ask(service: ServiceProcess, method: str, path: str, body: object = None, kind: str = "application/json") -> None:
    try:
        call(service.url, method, path, body, content_type=kind)
    except urllib.error.HTTPError as error:
        error.close()


def flood(service: ServiceProcess, paths: Iterable[str]) -> None:
    """GET each of them, all over one connection."""
    url = urlsplit(service.url)
    requests = [f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode() for path in paths]
    with socket.create_connection((url.hostname, url.port)) as connection:
        for begin in range(0, len(requests), 100):
            batch = requests[begin : begin + 100]
            connection.sendall(b"".join(batch))
            answered, rest = 0, b""
            while answered < len(batch):
                data = rest + connection.recv(1 << 20)
                answered += data.count(b"HTTP/1.1 ")
                rest = data[-8:] if not data.endswith(b"HTTP/1.1 ") else b""


def get_until_remembered(service: ServiceProcess, path: str) -> int:
    """GET the same over one connection until one answer comes from memory; how often that was."""
    connection = HTTPConnection(urlsplit(service.url).netloc)
    before, times = sum_of(scraped(service), "http_remembered_answers_total"), itertools.count()

    def comes_from_memory() -> bool:
        connection.request("GET", path)
        connection.getresponse().read()
        next(times)
        return sum_of(scraped(service), "http_remembered_answers_total") > before

    wait_until(comes_from_memory)
    connection.close()
    return next(times)


def test_what_has_happened_is_told(service: ServiceProcess) -> None:
    before = scraped(service)
    subject, topic = f"s-{secrets.token_hex(6)}", f"t-{secrets.token_hex(6)}"
    route = "/subjects/{subject}/versions"
    ask(service, "POST", f"/subjects/{subject}/versions", {"schema": '"int"'})
    times = get_until_remembered(service, f"/subjects/{subject}/versions/1")
    ask(service, "GET", f"/subjects/{subject}/versions/2")
    ask(service, "POST", f"/topics/{topic}", {"records": [{"value": "YQ=="}]}, "application/vnd.kafka.binary.v2+json")
    after = scraped(service)

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    one_version = {"method": "GET", "route": f"{route}/{{version}}"}
    assert more("http_requests_total", method="POST", route=route, status="200") == 1
    assert more("http_requests_total", **one_version, status="200") == times
    assert more("http_requests_total", **one_version, status="404") == 1
    assert more("http_request_duration_seconds_count", **one_version) == times + 1
    assert more("http_request_duration_seconds_bucket", **one_version, le="+Inf") == times + 1
    assert more("http_remembered_answers_total", **one_version) == 1
    assert more("http_request_bytes_total", method="POST", route=route) == len(json.dumps({"schema": '"int"'}))
    assert more("http_response_bytes_total", **one_version) > 100
    assert value(after, "http_requests_in_flight") >= 1  # this one
    assert more("registry_versions", type="AVRO", state="live") == 1
    assert more("registry_subjects") == 1
    assert more("registry_transactions_total") == 1
    assert more("registry_written_records_total") == 1
    assert more("registry_position") >= 1
    assert value(after, "registry_ready") == value(after, "registry_writable") == 1
    assert value(after, "election_is_primary") == 1
    assert value(after, "election_terms_total") >= 1
    assert ("process_cpu_seconds_total", frozenset()) in after

    # The loop is looked at, and Kafka's client tells of itself, from time to time; a mark may follow what was written.
    def are_all_told() -> bool:
        latest = scraped(service)
        return bool(
            value(latest, "kafka_sent_records_total", client="rest_producer")
            and value(latest, "kafka_received_bytes_total", client="schemas_reader")
            and value(latest, "event_loop_delay_seconds_count")
            and value(latest, "registry_lag_records") == 0
        )

    wait_until(are_all_told)
    after = scraped(service)
    assert value(after, "kafka_connected_brokers", client="rest_producer") >= 1


def test_usage_is_exported_as_the_metrics_have_it(service: ServiceProcess, topic: Callable[[], str]) -> None:
    name, kind = topic(), "application/vnd.kafka.binary.v2+json"
    anyone = {"principal": "anyone", "authenticated_by": "none"}

    def get_row() -> dict[str, int]:
        (row,) = call(service.url, "GET", "/usage")["principals"]
        assert isinstance(row, dict)
        assert {key: row.pop(key) for key in anyone} == anyone
        return row

    before = get_row()
    for _ in range(3):
        ask(service, "POST", f"/topics/{name}", {"records": [{"value": "YQ=="}] * 2}, kind)
    ask(service, "GET", f"/topics/{name}/partitions/0/records?count=4&timeout=60000")
    ask(service, "POST", f"/topics/{name}", {"records": []}, kind)
    after, series = get_row(), scraped(service)
    more = {key: after[key] - before[key] for key in after}
    assert (more["requests"], more["refused_requests"], more["produced_records"]) == (6, 0, 6)
    assert 1 <= more["consumed_records"] <= 4
    assert value(series, "principal_produced_records_total", **anyone) == after["produced_records"]
    assert value(series, "principal_requests_total", **anyone) == after["requests"] + 1


def test_clients_of_consumers_are_left_out_where_their_statistics_are_switched_off(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=1, consumer_statistics=False) as service:
        series = scraped(service)
    clients = {dict(labels).get("client") for name, labels in series if name.endswith("kafka_requests_total")}
    assert "rest_producer" in clients
    assert "rest_consumers" not in clients


@pytest.mark.long
def test_consumers_are_counted_together_and_stay_counted(service: ServiceProcess, topic: Callable[[], str]) -> None:
    kind, name = "application/vnd.kafka.binary.v2+json", topic()

    def received() -> float:
        return value(scraped(service), "kafka_received_records_total", client="rest_consumers")

    def reads_three(group: str, before: float) -> None:
        """An instance that lives until its records are counted."""
        instance = f"/consumers/{group}/instances/a"
        call(
            service.url,
            "POST",
            f"/consumers/{group}",
            {"name": "a", "auto.offset.reset": "earliest"},
            content_type=kind,
        )
        only = {"topic": name, "partition": 0}
        call(service.url, "POST", f"{instance}/assignments", {"partitions": [only]}, content_type=kind)
        wait_until(lambda: [call(service.url, "GET", f"{instance}/records")] and received() == before + 3)
        call(service.url, "DELETE", instance)

    call(service.url, "POST", f"/topics/{name}", {"records": [{"value": "YQ=="}] * 3}, content_type=kind)
    start = received()
    reads_three(f"g-{secrets.token_hex(6)}", start)
    reads_three(f"g-{secrets.token_hex(6)}", start + 3)
    assert received() == start + 6
    assert value(scraped(service), "kafka_requests_total", client="rest_consumers") > 0


def test_subjects_and_wrong_paths_add_no_series(service: ServiceProcess) -> None:
    def names(kind: str, count: int) -> list[str]:
        return [f"{kind}-{secrets.token_hex(4)}" for _ in range(count)]

    def paths(count: int) -> list[str]:
        return [
            *(f"/subjects/{each}/versions" for each in names("subject", count)),
            *(f"/no/such/{each}" for each in names("path", count)),
            *(f"/{each}" for each in names("wrong", count // 10)),
        ]

    ask(service, "BREW", "/coffee")
    flood(service, paths(10))
    scraped(service)  # which is a series, too
    before = scraped(service)
    ask(service, "STIR", "/coffee")
    flood(service, paths(MANY))
    after = scraped(service)
    assert after.keys() == before.keys()
    missing = {"method": "GET", "route": "unmatched", "status": "404"}
    assert (
        value(after, "http_requests_total", **missing) - value(before, "http_requests_total", **missing) == MANY * 1.1
    )


@pytest.mark.parametrize("file", ["grafana-dashboard.json", "alerts.yaml"])
def test_every_metric_that_is_drawn_or_alerted_on_exists(service: ServiceProcess, file: str) -> None:
    text = (MONITORING / file).read_text()
    if file.endswith(".json"):
        json.loads(text)
    ask(service, "POST", "/subjects/drawn/versions", {"schema": '"int"'})
    with urllib.request.urlopen(f"{service.url}/metrics") as answer:
        families = re.findall(r"^# TYPE (\w+)", answer.read().decode(), re.MULTILINE)  # some have no series here
    told = {name for name, _ in scraped(service)} | set(families)
    used = set(re.findall(r"\b(?:karapace_like|process)_[a-z_]+", text))
    assert used
    assert used - told == set()


def test_caches_tell_how_they_are_used(service: ServiceProcess) -> None:
    """The engines', the REST proxy's codecs, and the answers that are remembered."""
    topic, kind = f"t-{secrets.token_hex(6)}", "application/vnd.kafka.avro.v2+json"
    schema = json.dumps({"type": "fixed", "name": f"n{secrets.token_hex(6)}", "size": 1})
    before = scraped(service)
    for _ in range(2):
        ask(service, "POST", f"/topics/{topic}", {"value_schema": schema, "records": [{"value": "a"}]}, kind)
    ask(service, "POST", f"/subjects/{topic}/versions", {"schema": schema})  # parsed already
    get_until_remembered(service, f"/subjects/{topic}-value/versions/1")
    after = scraped(service)
    for cache in ("parsing.parsed", "proxy.codecs", "web.answers"):
        assert value(after, "cache_misses_total", cache=cache) > value(before, "cache_misses_total", cache=cache)
        assert value(after, "cache_entries", cache=cache) >= 1
    for cache in ("parsing.text", "web.answers"):
        assert value(after, "cache_hits_total", cache=cache) > value(before, "cache_hits_total", cache=cache)
