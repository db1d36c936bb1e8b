"""The rules of a schema run on every way into a topic and out of it, for every format, and cannot be bypassed."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.contracts.ruled_service import FORMATS, RuledService, connect
from tests.service_process import ServiceProcess

NAMED = {
    "kind": "CONDITION",
    "type": "CEL",
    "mode": "WRITE",
    "expr": "size(message.name) > 0",
    "doc": "an order has a name",
}
MASKED = {"kind": "TRANSFORM", "type": "CEL_FIELD", "mode": "WRITE", "tags": ["PII"], "expr": "'***' + value"}
GREETED = {"kind": "TRANSFORM", "type": "CEL_FIELD", "mode": "READ", "expr": "name == 'name'; 'Dear ' + value"}


@pytest.fixture
async def ruled(service: ServiceProcess) -> AsyncIterator[RuledService]:
    async with connect(service) as client:
        yield client


def stored_value(kafka: Cluster, topic: str) -> bytes:
    """The first value of the topic."""
    consumer = Consumer(
        {"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        value = message.value()
        assert isinstance(value, bytes)
        return value
    finally:
        consumer.close()


@pytest.mark.parametrize("embedded", FORMATS)
async def test_a_record_that_a_condition_refuses_is_not_written(
    ruled: RuledService, topic: Callable[[], str], embedded: str
) -> None:
    name, form = topic(), FORMATS[embedded]
    await ruled.register(f"{name}-value", embedded, [NAMED])
    status, _ = await ruled.produce(name, embedded, {"value": form.value("Ann", "123", 1)})
    assert status == 200
    status, error = await ruled.produce(
        name, embedded, {"value": form.value("Bob", "1", 1)}, {"value": form.value("", "1", 1)}
    )
    assert (status, error["error_code"]) == (422, 42230)
    assert error["message"] == "Rule failed: rule0: an order has a name (record 1)"
    assert await ruled.read_values(name, embedded) == [form.value("Ann", "123", 1)]


@pytest.mark.parametrize("embedded", FORMATS)
async def test_records_are_transformed_before_they_are_written(
    ruled: RuledService, kafka: Cluster, topic: Callable[[], str], embedded: str
) -> None:
    name, form = topic(), FORMATS[embedded]
    await ruled.register(f"{name}-value", embedded, [MASKED])
    assert (await ruled.produce(name, embedded, {"value": form.value("Ann", "123", 1)}))[0] == 200
    assert await ruled.read_values(name, embedded) == [form.value("Ann", "***123", 1)]
    assert b"***123" in stored_value(kafka, name)


@pytest.mark.parametrize("embedded", FORMATS)
async def test_records_are_transformed_when_they_are_read(
    ruled: RuledService, kafka: Cluster, topic: Callable[[], str], embedded: str
) -> None:
    """By partition reads, streams, consumer instances and REST v3; the topic has what was sent."""
    name, form = topic(), FORMATS[embedded]
    await ruled.register(f"{name}-value", embedded, [GREETED])
    assert (await ruled.produce(name, embedded, {"value": form.value("Ann", "123", 1)}))[0] == 200
    assert b"Dear" not in stored_value(kafka, name)
    read = form.value("Dear Ann", "123", 1)
    assert await ruled.read_values(name, embedded) == [read]
    media_type = f"application/vnd.kafka.{embedded}.v2+json"
    async with ruled.session.get(f"/topics/{name}/records?from=earliest&format={embedded}") as stream:
        async for line in stream.content:
            if b"Dear Ann" in line:
                break
    for form_name, shown in (("standard", read), ("plain", {"name": "Dear Ann", "ssn": "123", "count": 1})):
        status, made = await ruled.call(
            "POST",
            f"/consumers/{name}-{form_name}",
            {"format": embedded, "auto.offset.reset": "earliest", "record.form": form_name},
            Content_Type="application/vnd.kafka.v2+json",
        )
        assert status == 200, made
        path = f"/consumers/{name}-{form_name}/instances/{made['instance_id']}"
        body = {"topics": [name]}
        await ruled.call("POST", f"{path}/subscription", body, Content_Type="application/vnd.kafka.v2+json")
        records: list[Any] = []
        while not records:
            status, records = await ruled.call("GET", f"{path}/records", Accept=media_type)
            assert status == 200, records
        assert [record["value"] for record in records] == [shown]
        await ruled.call("DELETE", path, Content_Type="application/vnd.kafka.v2+json")


@pytest.mark.parametrize("embedded", FORMATS)
async def test_no_way_of_naming_the_schema_bypasses_its_rules(
    ruled: RuledService, topic: Callable[[], str], embedded: str
) -> None:
    name, form = topic(), FORMATS[embedded]
    schema_id = await ruled.register(f"{name}-value", embedded, [NAMED])
    record = {"value": form.value("", "1", 1)}
    v3: dict[str, Any] = {"type": form.v3_type}
    for fields in (
        {},
        {"value_schema_id": schema_id},
        {"value_schema": form.schema},
        {"value_subject": f"{name}-value"},
    ):
        status, error = await ruled.produce(name, embedded, record, **fields)
        assert (status, error["error_code"]) == (422, 42230), fields
        status, error = await ruled.call(
            "POST",
            "/records",
            {"records": [{"topic": name, **record}], **fields},
            Content_Type=f"application/vnd.kafka.{embedded}.v2+json",
        )
        assert (status, error["error_code"]) == (422, 42230), fields
    of_v3: list[dict[str, Any]] = [
        {"schema_id": schema_id},
        {"schema_version": 1},
        v3,
        {**v3, "schema": form.schema},
        {"subject": f"{name}-value", "schema_id": schema_id},
    ]
    for fields in of_v3:
        (result,) = await ruled.produce_v3(name, {"value": {**fields, "data": record["value"]}})
        assert result["error_code"] == 422, fields
        assert "Rule failed: rule0: an order has a name" in result["message"]


async def test_rules_of_keys_run_on_keys(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    await ruled.register(f"{name}-key", "jsonschema", [MASKED])
    await ruled.register(f"{name}-value", "jsonschema")
    record = {"key": {"ssn": "1", "count": 1}, "value": {"name": "Ann"}}
    assert (await ruled.produce(name, "jsonschema", record))[0] == 200
    status, (read,) = await ruled.read(name, "jsonschema")
    assert (status, read["key"], read["value"]) == (200, {"ssn": "***1", "count": 1}, {"name": "Ann"})


async def test_what_a_rule_writes_has_to_fit_the_schema(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    rule = {"type": "CEL", "mode": "WRITE", "expr": "{'name': message.count}"}
    await ruled.register(f"{name}-value", "avro", [rule])
    status, error = await ruled.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "1", 1)})
    assert (status, error["message"]) == (
        400,
        'Bad Request: Field "name" content mismatch: Expected string. Got VALUE_NUMBER_INT',
    )


async def test_jsonata_and_large_values_run_in_another_process(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    rules = [
        {"type": "JSONATA", "mode": "WRITEREAD", "expr": "$merge([$, {'count': count + 1}])"},
        {
            "kind": "CONDITION",
            "type": "CEL",
            "mode": "WRITE",
            "expr": "[1, 2].all(a, [1, 2].all(b, size(message.name) > a * b))",
        },
    ]
    await ruled.register(f"{name}-value", "jsonschema", rules)
    status, answer = await ruled.produce(name, "jsonschema", {"value": {"name": "x" * 300_000, "count": 1}})
    assert status == 200, answer
    status, error = await ruled.produce(name, "jsonschema", {"value": {"name": "x", "count": 1}})
    assert (status, error["error_code"]) == (422, 42230)
    (value,) = await ruled.read_values(name, "jsonschema")
    assert value["count"] == 3


async def test_a_rule_without_end_costs_its_record_only(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    endless = "($f := function($x) { $f($x + 1) }; $f(1))"
    await ruled.register(f"{name}-value", "jsonschema", [{"type": "JSONATA", "mode": "WRITE", "expr": endless}])
    status, error = await ruled.produce(name, "jsonschema", {"value": {"name": "x"}})
    assert (status, error["error_code"]) == (422, 42230)
    assert error["message"].endswith("Evaluation timeout after 1000 milliseconds. Check for infinite loop")
    other = topic()
    await ruled.register(f"{other}-value", "jsonschema", [{"type": "JSONATA", "mode": "WRITE", "expr": "$"}])
    assert (await ruled.produce(other, "jsonschema", {"value": {"name": "x"}}))[0] == 200


async def test_memory_without_end_costs_its_record_only(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    rule = {"type": "JSONATA", "mode": "WRITE", "onFailure": "NONE", "expr": "{'name': $pad('x', 2000000000)}"}
    await ruled.register(f"{name}-value", "jsonschema", [rule])
    status, error = await ruled.produce(name, "jsonschema", {"value": {"name": "x"}})
    assert (status, error["error_code"]) == (422, 42230)
    assert "to execute the rules on this value takes" in error["message"]


async def test_a_rule_that_this_service_cannot_execute_fails(ruled: RuledService, topic: Callable[[], str]) -> None:
    name = topic()
    await ruled.register(f"{name}-value", "avro", [{"type": "MINE", "tags": ["PII"]}])
    status, error = await ruled.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "1", 1)})
    assert (status, error["error_code"]) == (422, 42230)
    assert "this service has no executor of rules of the type MINE" in error["message"]
    payload = {"encodingRules": [{"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "MINE"}]}
    await ruled.register(f"{name}-value", "avro", ruleSet=payload)
    status, error = await ruled.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "1", 1)})
    assert (status, error["error_code"]) == (422, 42230)
    assert "Rule failed: e: this service has no executor of rules of the type MINE" in error["message"]


async def test_a_record_that_a_rule_refuses_to_show_is_undecodable(
    ruled: RuledService, topic: Callable[[], str]
) -> None:
    name, form = topic(), FORMATS["avro"]
    condition = {"kind": "CONDITION", "type": "CEL", "mode": "READ", "expr": "message.count > 1"}
    await ruled.register(f"{name}-value", "avro", [condition])
    records = [{"value": form.value("Ann", "1", count)} for count in (2, 1)]
    assert (await ruled.produce(name, "avro", *records))[0] == 200
    status, (first, second) = await ruled.read(name, "avro", undecodable="report")
    assert (status, first["value"]) == (200, form.value("Ann", "1", 2))
    assert second["error_code"] == 40801
    assert "Rule failed: rule0: the condition does not hold: message.count > 1" in second["message"]


async def test_a_record_from_a_dead_letter_topic_is_read_without_the_rule_that_refused_it(
    ruled: RuledService, kafka: Cluster, topic: Callable[[], str]
) -> None:
    """The header is believed on reading only: a producer cannot leave rules out."""
    name, form = topic(), FORMATS["avro"]
    conditions = [{"kind": "CONDITION", "type": "CEL", "mode": "READ", "expr": "message.count > 1"}, NAMED]
    await ruled.register(f"{name}-value", "avro", conditions)
    header = {"key": "__rule.name", "value": "cnVsZTE="}
    status, error = await ruled.produce(name, "avro", {"value": form.value("", "1", 1), "headers": [header]})
    assert (status, error["error_code"]) == (422, 42230)
    assert (await ruled.produce(name, "avro", {"value": form.value("Ann", "1", 1)}))[0] == 200
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    for rule in (b"rule0", b"other"):
        producer.produce(name, stored_value(kafka, name), headers=[("__rule.name", rule)])
        producer.flush()
    status, (_, replayed, other) = await ruled.read(name, "avro", undecodable="report")
    assert (status, replayed["value"]) == (200, form.value("Ann", "1", 1))
    assert other["error_code"] == 40801


async def test_disabled_rules_and_those_for_servers_do_not_run(ruled: RuledService, topic: Callable[[], str]) -> None:
    name, form = topic(), FORMATS["avro"]
    await ruled.register(f"{name}-value", "avro", [{**NAMED, "disabled": True}])
    assert (await ruled.produce(name, "avro", {"value": form.value("", "1", 1)}))[0] == 200
    rule_set = {"domainRules": [{"name": "r", **NAMED}], "enableAt": "SERVER"}
    await ruled.register(f"{name}-value", "avro", ruleSet=rule_set)
    assert (await ruled.produce(name, "avro", {"value": form.value("", "1", 1)}))[0] == 200


async def test_rules_of_the_config_are_rules_of_the_schema(ruled: RuledService, topic: Callable[[], str]) -> None:
    name, form = topic(), FORMATS["avro"]
    config = {"compatibility": "NONE", "overrideRuleSet": {"domainRules": [{"name": "r", **NAMED}]}}
    await ruled.call("PUT", f"/config/{name}-value", config, Content_Type="application/json")
    await ruled.register(f"{name}-value", "avro")
    status, error = await ruled.produce(name, "avro", {"value": form.value("", "1", 1)}, value_schema=form.schema)
    assert (status, error["error_code"]) == (422, 42230)


DEAD_LETTERED: dict[str, Any] = {**NAMED, "onFailure": "DLQ"}


def stored_message(kafka: Cluster, topic: str) -> Any:
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        return message
    finally:
        consumer.close()


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_refused_record_goes_to_the_dead_letter_topic_of_the_rule(
    ruled: RuledService, kafka: Cluster, topic: Callable[[], str], version: str
) -> None:
    name, dead, form = topic(), topic(), FORMATS["avro"]
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(dead, 1)])[dead].result()
    rules = [{**DEAD_LETTERED, "params": {"dlq.topic": dead}}, {**MASKED, "type": "ENCRYPT"}]
    await ruled.register(f"{name}-value", "avro", rules)
    value = form.value("", "123", 1)
    if version == "v2":
        header = {"key": "own", "value": "eA=="}
        status, error = await ruled.produce(name, "avro", {"value": value, "headers": [header]})
        assert (status, error["error_code"]) == (422, 42230)
    else:
        header = {"name": "own", "value": "eA=="}
        (error,) = await ruled.produce_v3(name, {"value": {"type": "AVRO", "data": value}, "headers": [header]})
    assert (
        f"Rule failed: rule0: an order has a name. The record is in the dead-letter topic {dead}." in error["message"]
    )
    message = stored_message(kafka, dead)
    assert json.loads(message.value()) == {"name": "", "ssn": {"string": "<REDACTED>"}, "count": 1}
    assert message.headers() == [
        ("own", b"x"),
        ("__rule.name", b"rule0"),
        ("__rule.mode", b"WRITE"),
        ("__rule.subject", f"{name}-value".encode()),
        ("__rule.topic", name.encode()),
        ("__rule.exception", b"an order has a name"),
    ]


@pytest.mark.parametrize(
    ("dead", "reason"),
    [
        (None, "could not be written to a dead-letter topic: the rule has no parameter dlq.topic."),
        ("__consumer_offsets", "__consumer_offsets: the service or Kafka keeps its own state in it."),
        ("a b", "a b: "),
    ],
)
async def test_a_dead_letter_that_cannot_be_sent_is_said(
    ruled: RuledService, topic: Callable[[], str], dead: str | None, reason: str
) -> None:
    name, form = topic(), FORMATS["avro"]
    rule = {**DEAD_LETTERED, "params": {} if dead is None else {"dlq.topic": dead}}
    await ruled.register(f"{name}-value", "avro", [rule])
    status, error = await ruled.produce(name, "avro", {"value": form.value("", "123", 1)})
    assert (status, error["error_code"]) == (422, 42230)
    assert "Rule failed: rule0: an order has a name. The record could not be written to" in error["message"]
    assert reason in error["message"]
