"""The story of docs/contracts.md, sent to a service: what is downstream of it gets only well-formed records."""

import json
import secrets
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.contracts.producing import read_all
from tests.kafka.connect.worker import ConnectWorker
from tests.markdown_examples import Example, examples
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.kafka]


@pytest.fixture
def kafka_alone() -> Iterator[Cluster]:
    """Other tests, too, write to topics of these names."""
    with Cluster() as cluster:
        yield cluster


def send(url: str, example: Example, cluster: str) -> Any:
    """Return the answer, which is as the page shows it."""
    path = example.path.replace("CLUSTER", cluster)
    request = urllib.request.Request(url + path, example.body or None, example.headers, method=example.method)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            status, text = response.status, response.read()
    except urllib.error.HTTPError as error:
        with error:
            status, text = error.code, error.read()
    assert status == example.status, (example, text)
    answer = json.loads(text)
    assert example.answer is None or answer == example.answer, (example, answer)
    return answer


def test_the_page_s_story_keeps_malformed_records_from_what_is_downstream(kafka_alone: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "sink.txt"
    with ConnectWorker(kafka_alone, f"connect-{secrets.token_hex(6)}", tmp_path) as worker:
        worker.await_ready()
        with ServiceProcess(kafka_alone.bootstrap_servers, connect_url=worker.url) as service:
            (described,) = call(service.url, "GET", "/v3/clusters")["data"]
            answers = []
            for example in examples("contracts.md"):
                if "metrics-avro" in example.path:  # the last step begins: the sink reads text
                    check_sink(service.url, file)
                answers.append(send(service.url, example, described["cluster_id"]))
            check_verdicts(answers)
            check_topics(kafka_alone, service.url)


def check_sink(url: str, file: Path) -> None:
    """The file gets what was written while observing, and then only what fits."""
    config = {
        "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
        "topics": "metrics",
        "file": str(file),
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    }
    call(url, "POST", "/connectors", {"name": "sink", "config": config})
    observed, enforced = [{"celsius": 21.5}, {"celsius": "warm"}], [{"celsius": 22}]

    def holds_all() -> bool:
        lines = file.read_text().splitlines() if file.exists() else []
        return list(map(json.loads, lines)) == observed + enforced

    wait_until(holds_all)
    call(url, "DELETE", "/connectors/sink")


def check_verdicts(answers: list[Any]) -> None:
    (violations,) = (answer for answer in answers if answer.get("kind") == "KafkaTopicPolicyViolations")
    assert [(count["mode"], count["reason"], count["count"]) for count in violations["counts"]] == [
        ("observe", "invalid", 1)
    ]
    (trial,) = (answer for answer in answers if answer.get("kind") == "KafkaTopicPolicyTest")
    assert [result["is_accepted"] for result in trial["results"]] == [True]


def check_topics(kafka: Cluster, url: str) -> None:
    (dead,) = read_all(kafka, "metrics.invalid")
    assert (dead.value, dead.headers["dead_letter.reason"]) == (b'{"celsius":"cold"}', b"invalid")
    *_, last = read_all(kafka, "metrics")
    with SchemaRegistryClient({"url": url}) as registry:
        read = AvroDeserializer(registry)
        assert read(last.value, SerializationContext("metrics", MessageField.VALUE)) == {"celsius": 22.5}
