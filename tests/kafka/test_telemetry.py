"""Traces and metrics of real services as an OpenTelemetry collector gets them; traces in records and between nodes."""

import json
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, TopicPartition
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from karapace_like.kafka.cluster import Cluster
from tests.cluster.registry_nodes import RegistryNodes
from tests.kafka.otel_collector import Collector, attributes
from tests.service_process import ServiceProcess

JSON_V2 = "application/vnd.kafka.json.v2+json"
CALLER = "00f067aa0ba902b7"
"""The caller's span."""


class Traced(NamedTuple):
    collector: Collector
    service: ServiceProcess


@pytest.fixture(scope="module", autouse=True)
def _soon() -> Iterator[None]:
    """Spans are sent at once, not every five seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
        yield


@pytest.fixture(scope="module")
def traced(kafka: Cluster) -> Iterator[Traced]:
    with Collector() as collector:
        settings: dict[str, Any] = {
            "telemetry__otel_endpoint_url": collector.url,
            "telemetry__metrics_export_interval_milliseconds": 200,
            "telemetry__resource_service_name": "registry-of-a-test",
            "telemetry_trace_records": "true",
        }
        with ServiceProcess(kafka.bootstrap_servers, **settings) as service:
            yield Traced(collector, service)


def ask(url: str, method: str, body: object = None, kind: str = "application/json", **headers: str) -> tuple[int, str]:
    """(status, trace id) of a request in a trace of its own."""
    trace_id = secrets.token_hex(16)
    content = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": kind, "traceparent": f"00-{trace_id}-{CALLER}-01", **headers}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, content, headers, method=method)) as answer:
            answer.read()
            return answer.status, trace_id
    except urllib.error.HTTPError as error:
        with error:
            return error.code, trace_id


def produced(
    service: ServiceProcess, topic: str, bootstrap_servers: str, *of_record: dict[str, str]
) -> tuple[str, Any]:
    """(trace id, headers) of a record that was written by a request in that trace."""
    record = {"value": 1, "partition": 0} | ({"headers": of_record} if of_record else {})
    status, trace_id = ask(f"{service.url}/topics/{topic}", "POST", {"records": [record]}, JSON_V2)
    assert status == 200
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(60)
        assert message is not None
        assert message.error() is None
        return trace_id, message.headers()
    finally:
        consumer.close()


def test_a_request_is_a_span_in_its_callers_trace(traced: Traced) -> None:
    status, trace_id = ask(f"{traced.service.url}/subjects/nobody/versions/1?deleted=true", "GET")
    assert status == 404
    [span] = traced.collector.of_trace(trace_id)
    assert (span.name, span.kind) == ("GET /subjects/{subject}/versions/{version}", Span.SPAN_KIND_SERVER)
    assert span.parent_span_id.hex() == CALLER
    assert span.end_time_unix_nano >= span.start_time_unix_nano
    assert span.status.code == Status.STATUS_CODE_UNSET  # it is the client's error
    assert attributes(span) == {
        "http.request.method": "GET",
        "http.route": "/subjects/{subject}/versions/{version}",
        "http.response.status_code": 404,
        "url.path": "/subjects/nobody/versions/1",
        "url.scheme": "http",
    }
    resource = attributes(traced.collector.resources[0])
    assert resource["service.name"] == "registry-of-a-test"
    assert resource["service.instance.id"]


def test_what_no_route_takes_is_named_so(traced: Traced) -> None:
    _, trace_id = ask(f"{traced.service.url}/no/such/path", "GET")
    assert traced.collector.of_trace(trace_id)[0].name == "GET unmatched"


def test_the_services_failures_are_errors(kafka: Cluster) -> None:
    with (
        Collector() as collector,
        ServiceProcess(
            kafka.bootstrap_servers, telemetry_otel_endpoint_url=collector.url, connect_url="http://127.0.0.1:9"
        ) as service,
    ):
        status, trace_id = ask(f"{service.url}/connectors", "GET")
        service.stop()  # sends what is left
        [span] = collector.of_trace(trace_id)
        assert (status, attributes(span)["error.type"]) == (503, "503")
        assert span.status.code == Status.STATUS_CODE_ERROR


def test_repeated_requests_are_spans_too(traced: Traced) -> None:
    """Also where their answers would be remembered."""
    subject = f"subject-{secrets.token_hex(8)}"
    url = f"{traced.service.url}/subjects/{subject}/versions"
    assert ask(url, "POST", {"schema": '"string"'})[0] == 200
    for _ in range(5):
        status, trace_id = ask(f"{url}/1", "GET")
        assert status == 200
        assert len(traced.collector.of_trace(trace_id)) == 1


@pytest.mark.parametrize("header", ["", "nonsense", f"00-{'0' * 32}-{CALLER}-01"])
def test_a_caller_who_names_no_trace_gets_a_new_one(traced: Traced, header: str) -> None:
    path = f"/subjects/{secrets.token_hex(8)}/versions"
    ask(traced.service.url + path, "GET", traceparent=header)
    [span] = traced.collector.until(lambda: [e for e in traced.collector.spans if attributes(e)["url.path"] == path])
    assert int(span.trace_id.hex(), 16) != 0
    assert span.parent_span_id == b""


def test_records_carry_the_trace(traced: Traced, kafka: Cluster, topic: Callable[[], str]) -> None:
    trace_id, headers = produced(traced.service, topic(), kafka.bootstrap_servers)
    [span] = traced.collector.of_trace(trace_id)
    assert headers == [("traceparent", f"00-{trace_id}-{span.span_id.hex()}-01".encode())]


def test_a_records_own_trace_is_kept(traced: Traced, kafka: Cluster, topic: Callable[[], str]) -> None:
    _, headers = produced(traced.service, topic(), kafka.bootstrap_servers, {"key": "traceparent", "value": "b3du"})
    assert headers == [("traceparent", b"own")]


def test_records_of_v3_carry_it_too(traced: Traced, kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    with urllib.request.urlopen(f"{traced.service.url}/v3/clusters") as answer:
        cluster = json.load(answer)["data"][0]["cluster_id"]
    produced(traced.service, name, kafka.bootstrap_servers)
    url = f"{traced.service.url}/v3/clusters/{cluster}/topics/{name}/records"
    status, trace_id = ask(url, "POST", {"partition_id": 0, "value": {"type": "JSON", "data": 1}})
    assert status == 200
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": name})
    consumer.assign([TopicPartition(name, 0, 1)])
    message = consumer.poll(60)
    consumer.close()
    assert message is not None
    assert trace_id in str(dict(message.headers() or ())["traceparent"])


def test_records_have_no_headers_unless_asked_for(
    service: ServiceProcess, kafka: Cluster, topic: Callable[[], str]
) -> None:
    assert produced(service, topic(), kafka.bootstrap_servers)[1] is None


def test_a_request_that_is_sent_on_stays_in_its_trace(kafka: Cluster) -> None:
    """Whichever node is asked: the primary's span follows from the other's."""
    with (
        Collector() as collector,
        RegistryNodes(kafka.bootstrap_servers, 2, telemetry_otel_endpoint_url=collector.url) as nodes,
    ):
        nodes.primary()  # all agree on one
        traces = []
        for node in nodes.all:
            status, trace_id = ask(
                f"{node.url}/subjects/a-{secrets.token_hex(4)}/versions", "POST", {"schema": '"int"'}
            )
            assert status == 200
            traces.append(trace_id)

        def followed() -> bool:
            spans = {each.span_id: each.trace_id for each in collector.spans if each.trace_id.hex() in traces}
            return any(spans.get(each.parent_span_id) == each.trace_id for each in collector.spans)

        assert collector.until(followed)


def test_metrics_are_those_of_prometheus(traced: Traced) -> None:
    url = f"{traced.service.url}/subjects"
    assert ask(f"{url}/some/versions", "POST", {"schema": '"int"'})[0] == 200  # some families tell of schemas

    def count() -> float:
        """Of the process that told last; each of several takes its share of the requests."""
        assert ask(url, "GET")[0] == 200
        requests = traced.collector.metrics.get("karapace_like_http_requests")
        wanted = {"method": "GET", "route": "/subjects", "status": "200"}
        for each in () if requests is None else requests.sum.data_points:
            if {pair.key: pair.value.string_value for pair in each.attributes} == wanted:
                return each.as_double or each.as_int
        return 0

    assert traced.collector.until(lambda: count() >= 3)
    metrics = traced.collector.metrics
    assert metrics["karapace_like_http_requests"].sum.is_monotonic
    assert metrics["karapace_like_registry_ready"].gauge.data_points[0].as_double == 1
    [delay] = metrics["karapace_like_event_loop_delay_seconds"].histogram.data_points
    assert len(delay.bucket_counts) == len(delay.explicit_bounds) + 1
    assert sum(delay.bucket_counts) == delay.count
    with urllib.request.urlopen(f"{traced.service.url}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    families = {line.split()[2] for line in lines if line.startswith("# TYPE")}
    # Without files to watch, some families have no value to send.
    told = {name.removesuffix("_total") for name in families if any(line.startswith(name) for line in lines)}
    assert traced.collector.until(lambda: told <= traced.collector.metrics.keys())


def test_a_missing_extra_is_named() -> None:
    started = (
        "import sys; sys.modules['opentelemetry.exporter.otlp.proto.http'] = None; sys.argv[1:] = ['serve'];"
        "from karapace_like.cli import run; run()"
    )
    found = subprocess.run(
        [sys.executable, "-c", started],
        env={"KARAPACE_TELEMETRY__OTEL_ENDPOINT_URL": "http://127.0.0.1:4318"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode != 0
    assert "telemetry_otel_endpoint_url: the extra is not installed: pip install 'karapace-like[otel]'" in found.stderr


@pytest.mark.long
def test_a_collector_that_is_away_disturbs_nobody(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, telemetry_otel_endpoint_url="http://127.0.0.1:9") as service:
        assert ask(f"{service.url}/subjects", "GET")[0] == 200
        assert service.stop() == 0
