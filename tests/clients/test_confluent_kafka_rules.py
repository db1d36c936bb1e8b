"""Rules have the same results in confluent-kafka's serializers as in the REST proxy, on writing and on reading."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer, JSONSerializer
from confluent_kafka.schema_registry.protobuf import ProtobufDeserializer, ProtobufSerializer
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.rules.cel.cel_field_executor import CelFieldExecutor
from confluent_kafka.schema_registry.rules.jsonata.jsonata_executor import JsonataExecutor
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from google.protobuf import descriptor_pool, json_format, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorSet

from karapace_like.kafka.cluster import Cluster
from tests.clients import protos
from tests.contracts.ruled_service import RuledService, connect
from tests.forms import shorten
from tests.service_process import ServiceProcess

AVRO = """{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "name", "type": "string"},
  {"name": "ssn", "type": ["null", "string"], "default": null, "confluent:tags": ["PII"]},
  {"name": "count", "type": "int"},
  {"name": "labels", "type": {"type": "array", "items": "string"}},
  {"name": "buyer", "type": {"type": "record", "name": "Person", "fields": [
    {"name": "name", "type": "string", "confluent:tags": ["BUYER"]}]}}]}"""
JSON_SCHEMA = """{"type": "object", "title": "Order", "properties": {
  "name": {"type": "string"},
  "ssn": {"type": "string", "confluent:tags": ["PII"]},
  "count": {"type": "integer"},
  "labels": {"type": "array", "items": {"type": "string"}},
  "buyer": {"type": "object", "properties": {"name": {"type": "string", "confluent:tags": ["BUYER"]}}}}}"""
UNTAGGED = """syntax = "proto3";
package shop;
message Order {
  string name = 1;
  string ssn = 2;
  int32 count = 3;
  repeated string labels = 4;
  Person buyer = 5;
}
message Person { string name = 1; }"""
PROTOBUF = (
    UNTAGGED.replace("package shop;", 'package shop; import "confluent/meta.proto";')
    .replace("ssn = 2", 'ssn = 2 [(confluent.field_meta).tags = "PII"]')
    .replace("Person { string name = 1", 'Person { string name = 1 [(confluent.field_meta).tags = "BUYER"]')
)
"""The client's class of the message needs no tags: those of the registered schema count."""
ORDER = {"name": "Ann", "ssn": "123", "count": 3, "labels": ["a", "b"], "buyer": {"name": "Bob"}}


class Format(NamedTuple):
    schema_type: str
    schema: str
    serializer: Any
    deserializer: Any


FORMATS: Mapping[str, Format] = {
    "avro": Format("AVRO", AVRO, AvroSerializer, AvroDeserializer),
    "jsonschema": Format("JSON", JSON_SCHEMA, JSONSerializer, JSONDeserializer),
    "protobuf": Format("PROTOBUF", PROTOBUF, ProtobufSerializer, ProtobufDeserializer),
}
MAP = "'ssn': message.ssn, 'count': message.count + 1, 'labels': message.labels + ['c'], 'buyer': message.buyer"
RULES: Mapping[str, list[dict[str, Any]]] = {
    "condition": [{"kind": "CONDITION", "type": "CEL", "expr": "message.name == 'Ann' && size(message.labels) == 2"}],
    "refused": [{"kind": "CONDITION", "type": "CEL", "expr": "message.count > 5"}],
    "refused on reading": [{"kind": "CONDITION", "type": "CEL", "mode": "READ", "expr": "message.count > 5"}],
    "ignored": [{"kind": "CONDITION", "type": "CEL", "expr": "message.count > 5", "onFailure": "NONE"}],
    "record": [{"type": "CEL", "expr": f"{{'name': message.name + '!', {MAP}}}"}],
    "guard": [{"type": "CEL", "expr": f"message.count > 5; {{'name': 'x', {MAP}}}"}],
    "tagged field": [{"type": "CEL_FIELD", "tags": ["PII"], "expr": "value + '!'"}],
    "nested field": [{"type": "CEL_FIELD", "tags": ["BUYER"], "expr": "name + fullName + typeName + value"}],
    "every text": [{"type": "CEL_FIELD", "expr": "typeName == 'STRING'; value + '!'"}],
    "refused field": [{"kind": "CONDITION", "type": "CEL_FIELD", "tags": ["PII"], "expr": "size(value) > 5"}],
    "order": [
        {"type": "CEL_FIELD", "tags": ["PII", "x"], "expr": "value + '1'"},
        {"type": "CEL_FIELD", "tags": ["PII", "y"], "expr": "value + '2'"},
        {"type": "CEL_FIELD", "tags": ["PII"], "expr": "value + '3'", "mode": "READ"},
    ],
    "same tags": [
        {"type": "CEL_FIELD", "tags": ["PII"], "expr": "value + '1'"},
        {"type": "CEL_FIELD", "tags": ["PII"], "expr": "value + '2'"},
    ],
    "actions": [
        {"kind": "CONDITION", "type": "CEL", "expr": "message.count > 5", "onFailure": "NONE,ERROR"},
    ],
    "jsonata": [{"type": "JSONATA", "expr": "$merge([$, {'count': count + 1}])"}],
    "wrong type": [{"type": "CEL", "expr": "message.name + 1"}],
}
CASES = [(embedded, name) for embedded in FORMATS for name in RULES if (embedded, name) != ("protobuf", "jsonata")]
"""The client gives JSONATA a Protobuf message, which it can do nothing with."""


class Client(NamedTuple):
    """Serializers of the client's library, and the proxy."""

    proxy: RuledService
    url: str
    message: Any
    """The class of a Protobuf message."""
    kafka: Cluster

    def serialize(self, embedded: str, topic: str) -> bytes | type[SerializationError]:
        """The client's bytes, or that a rule refuses the record."""
        kind = FORMATS[embedded]
        conf = {"auto.register.schemas": False, "use.latest.version": True}
        with SchemaRegistryClient({"url": self.url}) as registry:
            if embedded == "protobuf":
                conf |= {"use.deprecated.format": False}
                serializer = kind.serializer(self.message, registry, conf, rule_registry=make_rule_registry())
                order = json_format.ParseDict(ORDER, self.message())
            elif embedded == "jsonschema":
                serializer = kind.serializer(kind.schema, registry, None, conf, rule_registry=make_rule_registry())
                order = json.loads(json.dumps(ORDER))
            else:
                serializer = kind.serializer(registry, kind.schema, None, conf, rule_registry=make_rule_registry())
                order = json.loads(json.dumps(ORDER))
            try:
                written = serializer(order, SerializationContext(topic, MessageField.VALUE))
            except SerializationError:
                return SerializationError
            assert isinstance(written, bytes)
            return written

    def deserialize(self, embedded: str, topic: str, payload: bytes) -> Any:
        kind = FORMATS[embedded]
        with SchemaRegistryClient({"url": self.url}) as registry:
            if embedded == "protobuf":
                conf = {"use.deprecated.format": False}
                deserializer = kind.deserializer(self.message, conf, registry, rule_registry=make_rule_registry())
            elif embedded == "jsonschema":
                deserializer = kind.deserializer(None, None, registry, rule_registry=make_rule_registry())
            else:
                deserializer = kind.deserializer(registry, None, rule_registry=make_rule_registry())
            try:
                read = deserializer(payload, SerializationContext(topic, MessageField.VALUE))
            except SerializationError:
                return SerializationError
            return json_format.MessageToDict(read, True, True) if embedded == "protobuf" else read

    async def produce(self, embedded: str, topic: str) -> bytes | type[SerializationError]:
        """The bytes that the proxy writes of the order, or that a rule refuses it."""
        value = {**ORDER, "ssn": {"string": ORDER["ssn"]}} if embedded == "avro" else ORDER
        status, answer = await self.proxy.produce(topic, embedded, {"value": value})
        if status == 422:
            assert answer["error_code"] == 42230
            return SerializationError
        assert status == 200, answer
        return stored_value(self.kafka, topic)

    async def read(self, embedded: str, topic: str) -> Any:
        """The first record as the proxy shows it."""
        status, body = await self.proxy.read(topic, embedded, undecodable="report")
        assert status == 200, body
        if "error_code" in body[0]:
            assert body[0]["error_code"] == 40801
            return SerializationError
        value = body[0]["value"]
        return {**value, "ssn": value["ssn"]["string"]} if embedded == "avro" else value


def make_rule_registry() -> RuleRegistry:
    registry = RuleRegistry()  # type: ignore[no-untyped-call]
    for executor in (CelExecutor, CelFieldExecutor, JsonataExecutor):
        registry.register_executor(executor())
    return registry


def stored_value(kafka: Cluster, topic: str) -> bytes:
    """The first value of the topic."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        value = message.value()
        assert isinstance(value, bytes)
        return value
    finally:
        consumer.close()


@pytest.fixture
async def client(service: ServiceProcess, kafka: Cluster, tmp_path: Path) -> AsyncIterator[Client]:
    compiled = protos.compile_protos(tmp_path, {"order.proto": UNTAGGED})
    files = FileDescriptorSet.FromString(compiled.read_bytes()).file
    messages = message_factory.GetMessages(files, pool=descriptor_pool.DescriptorPool())
    async with connect(service) as proxy:
        yield Client(proxy, service.url, messages["shop.Order"], kafka)


@pytest.mark.parametrize(("embedded", "rules"), shorten(CASES, 8))
async def test_client_and_proxy_write_and_read_the_same(
    client: Client, topic: Callable[[], str], embedded: str, rules: str
) -> None:
    """The client's record is read here as there, and the proxy's record there as here; or both refuse it."""
    kind, name, other = FORMATS[embedded], topic(), topic()
    body = {
        "schema": kind.schema,
        "schemaType": kind.schema_type,
        "ruleSet": {"domainRules": [{"name": f"rule{at}", **rule} for at, rule in enumerate(RULES[rules])]},
    }
    for subject in (f"{name}-value", f"{other}-value"):
        status, answer = await client.proxy.call(
            "POST", f"/subjects/{subject}/versions", body, Content_Type="application/json"
        )
        assert status == 200, answer
    theirs, ours = client.serialize(embedded, name), await client.produce(embedded, name)
    if embedded == "jsonschema" and isinstance(theirs, bytes) and isinstance(ours, bytes):
        assert (theirs[:5], json.loads(theirs[5:])) == (ours[:5], json.loads(ours[5:]))
    else:
        assert theirs == ours
    if isinstance(ours, bytes) and isinstance(theirs, bytes):
        assert await client.read(embedded, name) == client.deserialize(embedded, name, ours)
        producer = Producer({"bootstrap.servers": client.kafka.bootstrap_servers})
        producer.produce(other, theirs)
        producer.flush()
        assert await client.read(embedded, other) == client.deserialize(embedded, other, theirs)
