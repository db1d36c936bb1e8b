"""confluent-kafka's deserializers and the REST proxy read a record as the same version with the same result."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import pytest
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.schema_registry.json_schema import JSONDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from karapace_like.kafka.cluster import Cluster
from tests.clients.test_confluent_kafka_rules import make_rule_registry, stored_value
from tests.contracts.ruled_service import RuledService, connect
from tests.forms import shorten
from tests.service_process import ServiceProcess

KINDS = {"avro": "AVRO", "jsonschema": "JSON"}
"""The client's Protobuf deserializer takes a generated class, and gives JSONATA its messages, which fails."""


def make_schema(embedded: str, *fields: str) -> str:
    if embedded == "jsonschema":
        return json.dumps({"type": "object", "title": "M", "properties": {name: {"type": "string"} for name in fields}})
    listed = [{"name": name, "type": "string", "default": f"no {name}"} for name in fields]
    return json.dumps({"type": "record", "name": "M", "fields": listed})


class Case(NamedTuple):
    """Rules of versions 2 and 3, and which version of a record is read as which."""

    second: dict[str, Any]
    third: dict[str, Any]
    written: int
    read: str
    """The number of the version, or a property of its metadata."""


UP = {"mode": "UPGRADE", "type": "JSONATA", "expr": "$merge([$sift($, function($v, $k) {$k != 'a'}), {'b': a & '2'}])"}
UP_AGAIN = {"mode": "UPGRADE", "type": "CEL", "expr": "{'b': message.b + '3', 'c': message.b}"}
DOWN = {"mode": "DOWNGRADE", "type": "JSONATA", "expr": "{'a': b & '1'}"}
DOWN_AGAIN = {"mode": "DOWNGRADE", "type": "CEL", "expr": "{'b': message.b + message.c}"}
REFUSES = {"mode": "UPDOWN", "kind": "CONDITION", "type": "CEL", "expr": "size(message) == 7"}
CASES = {
    "upgrade by one": Case(UP, {}, 1, "major=2"),
    "upgrade by two": Case(UP, UP_AGAIN, 1, "latest"),
    "upgrade by two, with rules of one": Case({}, UP_AGAIN | {"expr": "{'b': message.a, 'c': 'c'}"}, 1, "latest"),
    "no rules": Case({}, {}, 2, "latest"),
    "downgrade by one": Case({}, DOWN_AGAIN, 3, "major=2"),
    "downgrade by two": Case(DOWN, DOWN_AGAIN, 3, "major=1"),
    "refused": Case({}, REFUSES, 2, "latest"),
    "refused on the way down": Case(REFUSES, DOWN_AGAIN, 3, "major=1"),
    "rules of the other way": Case(DOWN, DOWN_AGAIN, 2, "latest"),
}


@pytest.fixture
async def proxy(service: ServiceProcess) -> AsyncIterator[RuledService]:
    async with connect(service) as client:
        yield client


async def register(proxy: RuledService, subject: str, embedded: str, case: Case) -> list[int]:
    await proxy.call("PUT", f"/config/{subject}", {"compatibility": "NONE"}, Content_Type="application/json")
    ids = []
    for major, (fields, rule) in enumerate(zip(("a", "b", "bc"), ({}, case.second, case.third), strict=True), 1):
        body: dict[str, Any] = {
            "schema": make_schema(embedded, *fields),
            "schemaType": KINDS[embedded],
            "metadata": {"properties": {"major": str(major)}},
        }
        if rule:
            body["ruleSet"] = {"migrationRules": [{"name": "migrate", **rule}]}
        path = f"/subjects/{subject}/versions"
        status, answer = await proxy.call("POST", path, body, Content_Type="application/json")
        assert status == 200, answer
        ids.append(answer["id"])
    return ids


def deserialize(url: str, embedded: str, topic: str, payload: bytes, case: Case) -> Any:
    """Return the value, or the error's class."""
    conf: dict[str, Any] = {"use.latest.version": True}
    if "=" in case.read:
        conf = {"use.latest.with.metadata": dict([case.read.split("=")])}
    with SchemaRegistryClient({"url": url}) as registry:
        if embedded == "avro":
            deserializer: Any = AvroDeserializer(registry, None, None, conf=conf, rule_registry=make_rule_registry())
        else:
            deserializer = JSONDeserializer(None, None, registry, conf, rule_registry=make_rule_registry())
        try:
            return deserializer(payload, SerializationContext(topic, MessageField.VALUE))
        except Exception as error:  # noqa: BLE001 - the client raises errors of several libraries
            return type(error)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("embedded", shorten(KINDS))
async def test_a_record_is_migrated_as_by_the_client(
    proxy: RuledService, service: ServiceProcess, kafka: Cluster, topic: Callable[[], str], embedded: str, name: str
) -> None:
    case, target = CASES[name], topic()
    ids = await register(proxy, f"{target}-value", embedded, case)
    value = {field: field.upper() for field in ("a", "b", "bc")[case.written - 1]}
    status, answer = await proxy.produce(target, embedded, {"value": value}, value_schema_id=ids[case.written - 1])
    assert status == 200, answer
    query = {"reader_metadata": case.read} if "=" in case.read else {"reader_version": case.read}
    status, body = await proxy.read(target, embedded, undecodable="report", **query)
    assert status == 200, body
    theirs = deserialize(service.url, embedded, target, stored_value(kafka, target), case)
    assert isinstance(theirs, type) == name.startswith("refused"), theirs
    if isinstance(theirs, type):
        assert body[0]["error_code"] == 40801, (theirs, body)
    else:
        assert body[0]["value"] == theirs, body
