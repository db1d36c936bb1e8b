"""The registry on a real broker: what it writes, what survives, and what it refuses to run on."""

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.service_process import ServiceProcess
from tests.waiting import wait_until


def records_of(kafka: Cluster, topic: str) -> list[tuple[bytes, bytes | None]]:
    """Every key and value of the topic's only partition, but for the records that say nothing."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic, "enable.partition.eof": True})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        found: list[tuple[bytes, bytes | None]] = []
        while True:
            message = consumer.poll(30)
            assert message is not None
            if message.error() is not None:
                return found
            if message.key() != b'{"keytype":"NOOP","magic":0}':
                found.append((message.key(), message.value()))  # type: ignore[arg-type]
    finally:
        consumer.close()


def test_a_restart_of_the_service_loses_nothing_and_the_topic_is_as_documented(kafka: Cluster) -> None:
    """Keys are the reference registry's byte for byte, and a deletion is a real null."""
    with ServiceProcess(kafka.bootstrap_servers) as service:
        call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})
        call(service.url, "POST", "/subjects/a/versions", {"schema": '"long"'})
        call(service.url, "POST", "/subjects/b/versions", {"schema": '"string"'})
        call(service.url, "PUT", "/config", {"compatibility": "FULL"})
        call(service.url, "PUT", "/config/a", {"compatibility": "NONE"})
        call(service.url, "DELETE", "/subjects/a/versions/1")
        call(service.url, "DELETE", "/subjects/a/versions/1?permanent=true")
        call(service.url, "DELETE", "/subjects/b")
        paths = ("/subjects", "/schemas?deleted=true", "/config", "/config/a")
        before = [call(service.url, "GET", path) for path in paths]
        assert service.stop() == 0
        service.start()
        assert [call(service.url, "GET", path) for path in paths] == before
        assert call(service.url, "POST", "/subjects/c/versions", {"schema": '"bytes"'})["id"] == 4
    assert records_of(kafka, service.topic) == [
        (
            b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
            b'{"subject":"a","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":false}',
        ),
        (
            b'{"keytype":"SCHEMA","subject":"a","version":2,"magic":1}',
            b'{"subject":"a","version":2,"id":2,"schemaType":"AVRO","schema":"\\"long\\"","deleted":false}',
        ),
        (
            b'{"keytype":"SCHEMA","subject":"b","version":1,"magic":1}',
            b'{"subject":"b","version":1,"id":3,"schemaType":"AVRO","schema":"\\"string\\"","deleted":false}',
        ),
        (b'{"keytype":"CONFIG","magic":0}', b'{"compatibilityLevel":"FULL"}'),
        (
            b'{"keytype":"CONFIG","subject":"a","magic":0}',
            b'{"subject":"a","compatibilityLevel":"NONE"}',
        ),
        (
            b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}',
            b'{"subject":"a","version":1,"id":1,"schemaType":"AVRO","schema":"\\"int\\"","deleted":true}',
        ),
        (b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1}', None),
        (b'{"keytype":"DELETE_SUBJECT","subject":"b","magic":0}', b'{"subject":"b","version":1}'),
        (
            b'{"keytype":"SCHEMA","subject":"c","version":1,"magic":1}',
            b'{"subject":"c","version":1,"id":4,"schemaType":"AVRO","schema":"\\"bytes\\"","deleted":false}',
        ),
    ]


def test_another_products_keys_are_written_over_in_their_own_spelling(kafka: Cluster, topic: Callable[[], str]) -> None:
    """Compaction then keeps one record for each, and no deleted schema comes back."""
    name = topic()
    legacy = b'{"subject":"a","version":1,"magic":1,"keytype":"SCHEMA"}'
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1, config={"cleanup.policy": "compact"})])[name].result()
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(name, b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}', legacy)
    producer.produce(name, b"?", b"something else")
    producer.flush()
    with ServiceProcess(kafka.bootstrap_servers, topic_name=name) as service:
        assert call(service.url, "GET", "/subjects/a/versions/1")["schema"] == '"int"'
        call(service.url, "DELETE", "/subjects/a/versions/1")
        call(service.url, "DELETE", "/subjects/a/versions/1?permanent=true")
    written = records_of(kafka, name)[2:]
    counter = b'{"keytype":"MODE","subject":"__MAX_ID","magic":0}'
    assert [key for key, _ in written] == [legacy, counter, legacy]
    assert written[-1][1] is None


def test_brokers_that_the_topic_needs_are_waited_for(kafka: Cluster, topic: Callable[[], str]) -> None:
    """They may be on their way; here the topic is made otherwise."""
    name = topic()
    service = ServiceProcess(kafka.bootstrap_servers, topic_name=name, replication_factor=2)
    service.start(wait=False)
    try:
        wait_until(lambda: any("Waiting for Kafka" in line and "replicat" in line for line in service.lines))
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        admin.create_topics([NewTopic(name, 1, 1, config={"cleanup.policy": "compact"})])[name].result()
        service.wait()
        assert call(service.url, "GET", "/subjects") == []
    finally:
        service.stop()


@pytest.mark.parametrize(
    ("partitions", "policy", "reason"),
    [(1, "delete", "cleanup.policy=delete"), (2, "compact", "has 2 partitions")],
)
def test_a_topic_that_would_lose_schemas_is_refused(
    kafka: Cluster, topic: Callable[[], str], partitions: int, policy: str, reason: str
) -> None:
    """One sentence, exit code 1."""
    name = topic()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, partitions, 1, config={"cleanup.policy": policy})])[name].result()
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "serve", "--bootstrap-uri", kafka.bootstrap_servers, "--port", "0"],
        env={"KARAPACE_TOPIC_NAME": name, "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 1
    # Other topics may be opened at the same time, which logs lines of their own.
    (sentence,) = [line for line in ended.stderr.splitlines() if reason in line]
    assert sentence.startswith("Error: ")


def test_the_service_names_its_clusters(service: ServiceProcess, kafka: Cluster) -> None:
    """Kafka's own id, and the group of the registry's nodes."""
    clusters = call(service.url, "GET", "/v1/metadata/id")["scope"]["clusters"]
    cluster_id = AdminClient({"bootstrap.servers": kafka.bootstrap_servers}).list_topics(timeout=30).cluster_id
    assert clusters["kafka-cluster"] == cluster_id
    assert clusters["schema-registry-cluster"]


def test_an_open_service_on_loopback_is_not_read_by_a_page_whose_name_resolves_to_it(service: ServiceProcess) -> None:
    """Also where the response cache knows the rest of the request."""
    for _ in range(3):
        assert isinstance(call(service.url, "GET", "/subjects", Host="localhost"), list)
    with pytest.raises(urllib.error.HTTPError) as refused:
        call(service.url, "GET", "/subjects", Host="evil.example")
    assert refused.value.code == 421
    refused.value.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_service_cleanly(kafka: Cluster, number: signal.Signals) -> None:
    """Exit code 0, and no traceback."""
    with ServiceProcess(kafka.bootstrap_servers) as service:
        assert service.stop(number) == 0
    assert not [line for line in service.lines if "Traceback" in line]


def test_while_kafka_is_away_the_registry_says_so(breakable_kafka: Cluster) -> None:
    """It answers 503 with Retry-After, and becomes ready when Kafka comes."""
    breakable_kafka.brokers[0].pause()
    service = ServiceProcess(breakable_kafka.bootstrap_servers)
    try:
        service.start(wait=False)
        with pytest.raises(urllib.error.HTTPError) as raised:
            call(service.url, "GET", "/subjects")
        with raised.value as answer:
            assert (answer.code, answer.headers["Retry-After"]) == (503, "1")
            assert json.loads(answer.read())["error_code"] == 503
        breakable_kafka.brokers[0].resume()
        service.wait()
        assert call(service.url, "GET", "/subjects") == []
    finally:
        breakable_kafka.brokers[0].resume()
        service.stop()


def ready(service: ServiceProcess, query: str = "") -> tuple[int, Any]:
    """Status and body of `/health/ready`."""
    try:
        return 200, call(service.url, "GET", f"/health/ready{query}")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())


def test_an_outage_of_kafka_ends_writes_and_nothing_else_until_it_is_over(breakable_kafka: Cluster) -> None:
    """The service goes on with what it has, says why it cannot write, and needs no restart to write again."""
    with ServiceProcess(breakable_kafka.bootstrap_servers, session_timeout_ms=2_000) as service:
        call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})
        breakable_kafka.brokers[0].stop()
        wait_until(lambda: not ready(service)[1]["writes"])
        status, body = ready(service)
        assert (status, body["reads"]) == (200, True)
        assert body["reason"]
        assert ready(service, "?writes=true")[0] == 503
        assert call(service.url, "GET", "/health/live")["live"]
        assert call(service.url, "GET", "/subjects/a/versions") == [1]
        breakable_kafka.brokers[0].start()
        call(service.url, "POST", "/subjects/a/versions", {"schema": '"long"'})
        assert call(service.url, "GET", "/subjects/a/versions") == [1, 2]
        wait_until(lambda: ready(service, "?writes=true")[0] == 200)


def test_a_node_that_nobody_can_reach_is_found_out(kafka: Cluster) -> None:
    """Before it harms: in the log and in the health, while it goes on to serve."""
    with ServiceProcess(kafka.bootstrap_servers, advertised_hostname="127.0.0.1", advertised_port=1) as service:
        expected = "This node cannot be reached at its advertised URL http://127.0.0.1:1"
        wait_until(lambda: expected in str(call(service.url, "GET", "/_health")["status"]["schema_registry_problem"]))
        wait_until(lambda: any("ERROR" in line and f"{expected} (" in line for line in service.lines))
        assert expected in ready(service)[1]["warning"]
