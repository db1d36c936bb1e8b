"""What REST writes, Kafka clients read with their own serdes, and the other way round."""

import json
import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.service_process import ServiceProcess

SCHEMA = json.dumps(
    {
        "type": "record",
        "name": "Parcel",
        "fields": [
            {"name": "to", "type": "string"},
            {"name": "grams", "type": "int"},
            {"name": "note", "type": ["null", "string"], "default": None},
        ],
    }
)
VALUES = [{"to": "Oslo", "grams": 250, "note": None}, {"to": "Lima", "grams": 40, "note": "fragile"}]
AS_AVRO_JSON = [{"to": "Oslo", "grams": 250, "note": None}, {"to": "Lima", "grams": 40, "note": {"string": "fragile"}}]
V2 = "application/vnd.kafka.v2+json"
AVRO = "application/vnd.kafka.avro.v2+json"
README = Path(__file__).parents[2] / "README.md"
TOUR = README.parent / "examples" / "tour.sh"
_READ_SECONDS = 120


def ask(service: ServiceProcess, method: str, path: str, body: object = None, media_type: str = V2) -> Any:
    if body is None:
        return call(service.url, method, path, Accept=media_type)
    return call(service.url, method, path, body, content_type=media_type)


def test_records_produced_as_avro_by_rest_are_read_by_a_client_and_by_rest(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Once with the library's AvroDeserializer, once as JSON."""
    name = topic()
    body = {"value_schema": SCHEMA, "records": [{"value": each} for each in AS_AVRO_JSON]}
    answer = ask(service, "POST", f"/topics/{name}", body, AVRO)
    assert [each["error_code"] for each in answer["offsets"]] == [None, None]
    assert _decoded_by_the_library(kafka, service, name) == VALUES
    assert _consumed_by_rest(service, name) == AS_AVRO_JSON


def test_records_written_by_a_client_are_read_by_rest(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """With the library's AvroSerializer, which registers the schema itself."""
    name = topic()
    with SchemaRegistryClient({"url": service.url}) as client:
        serialize = AvroSerializer(client, SCHEMA)
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
        for value in VALUES:
            producer.produce(name, serialize(value, SerializationContext(name, MessageField.VALUE)))
        producer.flush()
    assert _consumed_by_rest(service, name) == AS_AVRO_JSON


def _decoded_by_the_library(kafka: Cluster, service: ServiceProcess, name: str) -> list[Any]:
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": f"{name}-library", "auto.offset.reset": "earliest"}
    )
    try:
        consumer.subscribe([name])
        messages = consumer.consume(len(VALUES), _READ_SECONDS)
        with SchemaRegistryClient({"url": service.url}) as client:
            deserialize = AvroDeserializer(client)
            context = SerializationContext(name, MessageField.VALUE)
            return [deserialize(message.value(), context) for message in messages]
    finally:
        consumer.close()


def _consumed_by_rest(service: ServiceProcess, name: str) -> list[Any]:
    made = ask(service, "POST", f"/consumers/{name}-rest", {"format": "avro", "auto.offset.reset": "earliest"})
    instance = f"/consumers/{name}-rest/instances/{made['instance_id']}"
    ask(service, "POST", f"{instance}/subscription", {"topics": [name]})
    found: list[Any] = []
    give_up = time.monotonic() + _READ_SECONDS
    while len(found) < len(VALUES) and time.monotonic() < give_up:
        found += [each["value"] for each in ask(service, "GET", f"{instance}/records?timeout=5000", media_type=AVRO)]
    ask(service, "DELETE", instance)
    return found


def test_the_script_of_the_tour_runs(service: ServiceProcess, topic: Callable[[], str]) -> None:
    """Every call succeeds, and the records that it writes come back."""
    name = topic()
    ended = subprocess.run(
        [TOUR],
        env={**os.environ, "BASE": service.url, "TOPIC": name},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "READER_FIELD_MISSING_DEFAULT_VALUE" in ended.stdout
    assert f'"topic":"{name}"' in ended.stdout
    assert re.findall(r'"value":\{"to":"(\w+)"', ended.stdout) == ["Oslo", "Lima"]


def test_the_tour_of_the_readme_is_answered_as_shown(service: ServiceProcess, topic: Callable[[], str]) -> None:
    """Address, topic and id of the schema are this service's; everything else is compared as it is printed."""
    name = topic()
    schema_id = "1"
    shown = re.findall(r"^\$ (curl (?:.*\\\n)*.*)\n((?:(?![$`]).*\n)*)", README.read_text(), re.MULTILINE)
    assert shown
    for command, expected in shown:
        for old, new in (
            ("http://127.0.0.1:8081", service.url),
            ("parcels", name),
            ('"value_schema_id": 1', f'"value_schema_id": {schema_id}'),
        ):
            command = command.replace(old, new)  # noqa: PLW2901 - one replacement after another
        done = subprocess.run(["sh", "-c", f"{command} -sS"], capture_output=True, text=True, timeout=60, check=True)
        if "/subjects/" in command and "/compatibility/" not in command:
            schema_id = str(json.loads(done.stdout)["id"])
        answer = done.stdout.replace(service.url, "http://127.0.0.1:8081").replace(name, "parcels")
        answer = re.sub(r'"(id|value_schema_id)":\d+', r'"\1":1', answer)
        assert answer == expected.removesuffix("\n"), command


@pytest.mark.parametrize("path", ["/topics", "/subjects"])
def test_one_listener_serves_both_halves(service: ServiceProcess, path: str) -> None:
    """Whichever port a client knows."""
    assert isinstance(ask(service, "GET", path, media_type="*/*"), list)
