"""Every format with schemas, both ways: what REST writes confluent-kafka's deserializers read, and what its serializers
write REST reads. Each schema refers to one of another subject.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.clients import protos
from tests.service_process import ServiceProcess

VALUES: list[dict[str, Any]] = [{"loads": [{"grams": 12}, {"grams": 40}]}, {"loads": []}]
_SECONDS = 120


class Texts(NamedTuple):
    """The schemas of one format: a route has parcels."""

    type: str
    reference: str
    parcel: str
    route: str


TEXTS: Mapping[str, Texts] = {
    "avro": Texts(
        "AVRO",
        "own.Parcel",
        '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"}]}',
        '{"type":"record","name":"Route","namespace":"own","fields":['
        '{"name":"loads","type":{"type":"array","items":"Parcel"}}]}',
    ),
    "jsonschema": Texts(
        "JSON",
        "https://own.example/parcel.json",
        '{"$id":"https://own.example/parcel.json","title":"Parcel","type":"object",'
        '"properties":{"grams":{"type":"integer"}},"required":["grams"]}',
        '{"$id":"https://own.example/route.json","title":"Route","type":"object",'
        '"properties":{"loads":{"type":"array","items":{"$ref":"parcel.json"}}}}',
    ),
    "protobuf": Texts(
        "PROTOBUF",
        "parcel.proto",
        protos.PARCEL,
        'syntax = "proto3"; package own; import "parcel.proto"; message Route { repeated Parcel loads = 1; }',
    ),
}
FORMATS = pytest.mark.parametrize("embedded", TEXTS)


@pytest.fixture(scope="module")
def message_class(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The Protobuf route, as a compiler makes it."""
    texts = TEXTS["protobuf"]
    compiled = protos.compile_protos(
        tmp_path_factory.mktemp("protos"), {"parcel.proto": texts.parcel, "route.proto": texts.route}
    )
    files = FileDescriptorSet.FromString(compiled.read_bytes()).file
    return message_factory.GetMessages(files, pool=descriptor_pool.DescriptorPool())["own.Route"]


def media_type(embedded: str) -> str:
    return f"application/vnd.kafka.{embedded}.v2+json"


def registered(client: SchemaRegistryClient, texts: Texts, topic: str) -> list[SchemaReference]:
    """What the route refers to, registered."""
    client.register_schema(f"{topic}-parcel", Schema(texts.parcel, texts.type))
    return [SchemaReference(texts.reference, f"{topic}-parcel", 1)]


def stored(kafka: Cluster, topic: str) -> list[Any]:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": "stored"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(len(VALUES), _SECONDS)]
    finally:
        consumer.close()


def read_by_rest(service: ServiceProcess, topic: str, embedded: str) -> list[Any]:
    give_up = time.monotonic() + _SECONDS
    found: list[Any] = []
    while len(found) < len(VALUES) and time.monotonic() < give_up:
        path = f"/topics/{topic}/partitions/0/records?timeout=1000&key_format=binary"
        found = [each["value"] for each in call(service.url, "GET", path, Accept=media_type(embedded))]
    return found


@FORMATS
def test_what_rest_writes_clients_read(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str], embedded: str, message_class: Any
) -> None:
    name, texts = topic(), TEXTS[embedded]
    with SchemaRegistryClient({"url": service.url}) as client:
        references = [
            {"name": each.name, "subject": each.subject, "version": each.version}
            for each in registered(client, texts, name)
        ]
        body = {
            "value_schema": texts.route, "value_references": references, "records": [{"value": each} for each in VALUES]
        }  # fmt: skip
        answer = call(service.url, "POST", f"/topics/{name}", body, content_type=media_type(embedded))
        assert [each["error"] for each in answer["offsets"]] == [None, None]
        deserialize = {
            "avro": lambda: AvroDeserializer(client),
            "jsonschema": lambda: JSONDeserializer(None, schema_registry_client=client),
            "protobuf": lambda: ProtobufDeserializer(
                message_class, {"use.deprecated.format": False}, schema_registry_client=client
            ),
        }[embedded]()
        context = SerializationContext(name, MessageField.VALUE)
        found = [deserialize(each, context) for each in stored(kafka, name)]
    assert [_as_json(each) for each in found] == VALUES
    assert read_by_rest(service, name, embedded) == VALUES


@FORMATS
def test_what_clients_write_rest_reads(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str], embedded: str, message_class: Any
) -> None:
    name, texts = topic(), TEXTS[embedded]
    with SchemaRegistryClient({"url": service.url}) as client:
        schema = Schema(texts.route, texts.type, registered(client, texts, name))
        subjects = {"reference.subject.name.strategy": lambda _, __: f"{name}-parcel", "use.deprecated.format": False}
        serialize = {
            "avro": lambda: AvroSerializer(client, schema),
            "jsonschema": lambda: JSONSerializer(schema, client),
            "protobuf": lambda: ProtobufSerializer(message_class, client, subjects),
        }[embedded]()
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
        for each in VALUES:
            value = json_format.ParseDict(each, message_class()) if embedded == "protobuf" else each
            producer.produce(name, serialize(value, SerializationContext(name, MessageField.VALUE)))
        producer.flush()
    assert read_by_rest(service, name, embedded) == VALUES


def _as_json(found: Any) -> Any:
    """A message as the other formats' values are."""
    if isinstance(found, dict):
        return found
    return {"loads": [{"grams": each.grams} for each in found.loads]}
