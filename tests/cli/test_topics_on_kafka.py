"""`produce`, `consume` and `tail` straight on Kafka: `--bootstrap-servers`."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.command_line import Outcome, started, write
from tests.service_process import ServiceProcess

JSON_RECORDS = "application/vnd.kafka.json.v2+json"
SCHEMAS = {
    "avro": ("lift.avsc", '{"type": "record", "name": "Lift", "fields": [{"name": "floor", "type": "int"}]}'),
    "jsonschema": ("lift.json", '{"type": "object", "properties": {"floor": {"type": "integer"}}}'),
    "protobuf": ("lift.proto", 'syntax = "proto3";\nmessage Lift {\n  int32 floor = 1;\n}\n'),
}


@pytest.fixture
def on_kafka(service: ServiceProcess, kafka: Cluster, tmp_path: Path) -> Callable[..., Outcome]:
    """Run a command in a process of its own, on the Kafka and the schemas topic of the service."""

    def run_on_kafka(*arguments: object, lines: bytes = b"") -> Outcome:
        words = [*map(str, arguments), "--bootstrap-servers", kafka.bootstrap_servers]
        environment = {**os.environ, "KARAPACE_TOPIC_NAME": service.topic}
        ended = subprocess.run(
            [sys.executable, "-m", "karapace_like", *words],
            input=lines,
            capture_output=True,
            check=False,
            cwd=tmp_path,
            env=environment,
        )
        return Outcome(ended.returncode, ended.stdout.decode(), ended.stderr.decode())

    return run_on_kafka


def list_topics(kafka: Cluster) -> set[str]:
    with AdminClient({"bootstrap.servers": kafka.bootstrap_servers}) as admin:
        return set(admin.list_topics(timeout=10).topics)


def test_lines_become_records_and_records_lines(
    on_kafka: Callable[..., Outcome], topic: Callable[[], str], kafka: Cluster
) -> None:
    name, before = topic(), list_topics(kafka)
    ended = on_kafka("produce", name, "--key-separator", " ", lines=b'"a" {"floor": 3}\n"b" {"floor": 4}\n')
    assert (ended.code, ended.out, ended.err) == (0, f"2 records written to {name}\n", "")
    ended = on_kafka("consume", name)
    assert (ended.code, ended.out, ended.err) == (0, '0:0 "a" {"floor": 3}\n0:1 "b" {"floor": 4}\n', "")
    own = {"_schemas", "_topic_policies", "_dek_registry_keys", "_produce_receipts"}
    assert not (list_topics(kafka) - before) & own  # other tests create topics of theirs meanwhile


@pytest.mark.long
@pytest.mark.parametrize("form", [*SCHEMAS, "binary", "string"])
def test_every_format_is_written_and_recognised(
    on_kafka: Callable[..., Outcome], topic: Callable[[], str], service: ServiceProcess, tmp_path: Path, form: str
) -> None:
    """With --registry new schemas are registered; without it they are read from the topic."""
    name = topic()
    options = ["--value-format", form]
    if form in SCHEMAS:
        write(tmp_path, dict([SCHEMAS[form]]))
        options += ["--schema", SCHEMAS[form][0], "--registry", service.url]
    ended = on_kafka("produce", name, *options, lines=b'{"floor": 1}\n')
    assert (ended.code, ended.err) == (0, "")
    shown = '{"floor": 1}' if form != "string" else '"{\\"floor\\": 1}"'
    read_as = [] if form in SCHEMAS or form == "binary" else options
    assert on_kafka("consume", name, *read_as).out == f"0:0 null {shown}\n"


@pytest.mark.long
def test_records_are_followed_until_an_interrupt(
    service: ServiceProcess, kafka: Cluster, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = topic()
    monkeypatch.setenv("KARAPACE_TOPIC_NAME", service.topic)
    monkeypatch.setenv("PYTHONUNBUFFERED", "1")
    call(service.url, "POST", f"/topics/{name}", {"records": [{"value": 1}]}, content_type=JSON_RECORDS)
    process = started("tail", name, "--last", "1", "--bootstrap-servers", kafka.bootstrap_servers)
    assert process.stdout is not None
    with process:
        assert process.stdout.readline() == "0:0 null 1\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "Name where the topic is: --proxy URL of a REST proxy, or --bootstrap-servers HOST:PORT of Kafka."),
        (["--proxy", "http://h", "--bootstrap-servers", "h:1"], "--proxy and --bootstrap-servers exclude each other"),
        (["--bootstrap-servers", "h:1", "--registry", "kafka:9092"], "is not the URL of a registry for a REST proxy"),
        (["--bootstrap-servers", "h:1", "--registry", "http://h/x"], "write http(s)://host:port"),
        (["--bootstrap-servers", "h:1", "--registry", "http://h", "--token", "t"], "Leave --token out"),
        (["--bootstrap-servers", "h"], "'h' has no port"),
    ],
)
def test_what_names_no_topic_is_refused(arguments: list[str], told: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "consume", "t", *arguments], capture_output=True, check=False, text=True
    )
    assert ended.returncode == 2
    assert told in ended.stderr


def test_a_cluster_without_a_schemas_topic_gets_none(kafka: Cluster) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "consume", "t", "--bootstrap-uri", kafka.bootstrap_servers],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "KARAPACE_TOPIC_NAME": "_schemas-that-is-nowhere"},
    )
    assert ended.returncode == 2
    assert "has no schemas topic _schemas-that-is-nowhere, and this command creates none" in ended.stderr
    assert not [name for name in list_topics(kafka) if name.startswith("_schemas-that-is-nowhere")]


@pytest.mark.long
def test_brokers_that_do_not_answer_are_named() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "consume", "t", "--bootstrap-servers", "127.0.0.1:1"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert ended.returncode == 2
    assert "Kafka at 127.0.0.1:1" in ended.stderr
    assert "Traceback" not in ended.stderr
