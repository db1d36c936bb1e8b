"""What the REST proxy encrypts is read by confluent-kafka, and the reverse; and who is given the plaintext by REST.

Tink's register of KMS clients is one for the process: all tests here use the secret of `test_encryption`.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.clients.test_encryption import ADA, KEKS, SECRET, Connect, connect, register_rule
from tests.contracts.ruled_service import FORMATS, RuledService
from tests.contracts.ruled_service import connect as connect_rest
from tests.contracts.test_rules import stored_value
from tests.scraping import scraped, values_by_labels
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

__all__ = ["connect"]
"""The fixture."""


@pytest.fixture(scope="module")
def node(kafka: Cluster) -> Iterator[ServiceProcess]:
    """A service that lets everybody decrypt."""
    with ServiceProcess(kafka.bootstrap_servers, dek_registry_show_secrets=True) as service:
        yield service


@pytest.fixture
async def rest(node: ServiceProcess) -> AsyncIterator[RuledService]:
    async with connect_rest(node) as client:
        yield client


def create_kek(url: str, name: str, *, is_shared: bool) -> None:
    body = {"name": name, "kmsType": "local-kms", "kmsKeyId": "people", "kmsProps": SECRET, "shared": is_shared}
    call(url, "POST", KEKS, body)


def send(kafka: Cluster, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    producer.produce(topic, value, partition=0)
    assert producer.flush(30) == 0


@pytest.mark.parametrize("is_shared", [True, False], ids=["shared", "not shared"])
@pytest.mark.parametrize(
    "params",
    [
        {"encrypt_dek_algorithm": "AES128_GCM"},
        {"encrypt_dek_expiry_days": "1"},
        {"encrypt_dek_algorithm": "AES256_SIV", "encrypt_dek_expiry_days": "1"},
        {"rule_type": "ENCRYPT_PAYLOAD"},
    ],
    ids=["AES128_GCM", "expiry", "AES256_SIV with expiry", "whole payload"],
)
async def test_rest_clients_and_libraries_read_each_other(
    kafka: Cluster,
    node: ServiceProcess,
    rest: RuledService,
    connect: Connect,
    topic: Callable[[], str],
    params: Mapping[str, str],
    *,
    is_shared: bool,
) -> None:
    name = topic()
    create_kek(node.url, name, is_shared=is_shared)
    context = register_rule(node.url, name, name, **params)
    status, answer = await rest.produce(name, "avro", {"value": ADA})
    assert status == 200, answer
    written = stored_value(kafka, name)
    assert b"Ada" not in written
    assert connect().read(written, context) == ADA
    if is_shared:
        algorithm = params.get("encrypt_dek_algorithm", "AES256_GCM")
        path = f"{KEKS}/{name}/deks/{name}-value?rewrap=true"
        call(node.url, "POST", path, {"version": 1, "algorithm": algorithm})
    days = 2 if "encrypt_dek_expiry_days" in params else 0
    send(kafka, name, connect(days=days).write({**ADA, "id": 2}, context))
    assert await rest.read_values(name, "avro") == [ADA, {**ADA, "id": 2}]


async def register_with_params(rest: RuledService, topic: str, embedded: str, **params: str) -> None:
    rule = {"kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"], "onFailure": "NONE,ERROR"}
    named = {f"encrypt.{name.replace('_', '.')}": value for name, value in params.items()}
    await rest.register(f"{topic}-value", embedded, [{**rule, "params": named}])


@pytest.mark.parametrize("embedded", FORMATS)
async def test_every_format_is_encrypted_on_every_way_in(
    kafka: Cluster, node: ServiceProcess, rest: RuledService, topic: Callable[[], str], embedded: str
) -> None:
    """By tags in the text."""
    name, form = topic(), FORMATS[embedded]
    create_kek(node.url, name, is_shared=True)
    await register_with_params(rest, name, embedded, kek_name=name)
    values = [form.value(who, f"{who}'s number", 1) for who in ("Ann", "Bob")]
    status, answer = await rest.produce(name, embedded, {"value": values[0]})
    assert status == 200, answer
    [answer] = await rest.produce_v3(name, {"value": {"type": form.v3_type, "data": values[1]}})
    assert answer["error_code"] == 200, answer
    written = stored_value(kafka, name)
    assert b"Ann" in written
    assert b"number" not in written
    assert await rest.read_values(name, embedded) == values


async def test_tags_of_the_metadata_count_and_heavy_schemas_are_encrypted_elsewhere(
    kafka: Cluster, node: ServiceProcess, rest: RuledService, topic: Callable[[], str]
) -> None:
    """Alternatives of a JSON Schema are found in another process, which is given the keys."""
    name = topic()
    create_kek(node.url, name, is_shared=True)
    schema = {
        "type": "object",
        "properties": {"id": {"type": "integer"}, "of": {"oneOf": [{"type": "integer"}, {"type": "string"}]}},
    }
    rule = {"name": "e", "kind": "TRANSFORM", "mode": "WRITEREAD", "type": "ENCRYPT", "tags": ["PII"]}
    body = {
        "schema": json.dumps(schema),
        "schemaType": "JSON",
        "metadata": {"tags": {"$.of": ["PII"]}, "properties": {"encrypt.kek.name": name}},
        "ruleSet": {"domainRules": [rule]},
    }
    status, answer = await rest.call("POST", f"/subjects/{name}-value/versions", body, Content_Type="application/json")
    assert status == 200, answer
    for count in (1, 2):
        status, answer = await rest.produce(name, "jsonschema", {"value": {"id": count, "of": "secret text"}})
        assert status == 200, answer
    assert b"secret" not in stored_value(kafka, name)
    assert [value["of"] for value in await rest.read_values(name, "jsonschema")] == ["secret text"] * 2


async def test_an_expired_key_gets_a_successor(
    kafka: Cluster, node: ServiceProcess, rest: RuledService, topic: Callable[[], str]
) -> None:
    name, deks = topic(), f"{KEKS}/{topic()}/deks"
    kek = deks.split("/")[-2]
    create_kek(node.url, kek, is_shared=True)
    await register_with_params(rest, name, "avro", kek_name=kek, dek_expiry_days="1")
    values = [FORMATS["avro"].value(who, "number", 1) for who in ("Ann", "Bob", "Cid")]
    assert (await rest.produce(name, "avro", {"value": values[0]}))[0] == 200
    make_old(kafka, f"{node.topic}_dek_registry_keys", f'"subject":"{name}-value"'.encode())
    path = f"{deks}/{name}-value/versions"
    wait_until(lambda: call(node.url, "GET", f"{path}/1")["ts"] < 1_700_000_000_000)
    wait_until(lambda: len(set(values_by_labels(scraped(node), "keys_position").values())) == 1)  # of all workers
    for value in values[1:]:
        assert (await rest.produce(name, "avro", {"value": value}))[0] == 200
    assert call(node.url, "GET", path) == [1, 2]
    assert await rest.read_values(name, "avro") == values
    metrics = scraped(node)
    calls = values_by_labels(metrics, "kms_calls_total")
    for operation in ("wrap", "unwrap"):
        wanted = {("operation", operation), ("outcome", "done"), ("type", "local-kms")}
        assert any(wanted <= labels for labels in calls)
    assert any(("kind", "dek") in labels for labels in values_by_labels(metrics, "keys"))


def make_old(kafka: Cluster, topic: str, part_of_key: bytes) -> None:
    """Write the record of a key once more, as if it were years old."""
    resource = ConfigResource(ResourceType.TOPIC, topic)
    resource.add_incremental_config(
        ConfigEntry("message.timestamp.type", "CreateTime", incremental_operation=AlterConfigOpType.SET)
    )
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.incremental_alter_configs([resource])[resource].result()
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": topic})
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        while (message := consumer.poll(30)) is not None:
            if part_of_key in (message.key() or b""):
                producer.produce(topic, message.value(), message.key(), partition=0, timestamp=1_600_000_000_000)
                assert producer.flush(30) == 0
                return
        raise AssertionError(f"{topic} has no such key")
    finally:
        consumer.close()


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"dek_algorithm": "AES256_GCM"}, "it names no key: its parameter encrypt.kek.name is missing"),
        ({"kek_name": "none-of-them"}, "Key 'none-of-them' not found"),
        ({"kek_name": "KEK", "dek_algorithm": "DES"}, "encrypt.dek.algorithm is 'DES'"),
        ({"kek_name": "KEK", "kms_type": "hcvault"}, "the rule expects hcvault, and KEK KEK has local-kms"),
        ({"kek_name": "KEK", "kms_key_id": "other"}, "the rule expects other, and KEK KEK has people"),
        (
            {"kek_name": "aws", "kms_type": "aws-kms", "kms_key_id": "arn:aws:kms:x"},
            "this service may not use the key; an operator permits it by dek_registry_kms_keys",
        ),
        ({"kek_name": "gone"}, "Key 'gone' not found"),
        ({"kek_name": "secretless", "kms_type": "local-kms", "kms_key_id": "k"}, "local-kms needs the property secret"),
    ],
    ids=lambda value: None if isinstance(value, str) else "-".join(value),
)
async def test_what_cannot_be_encrypted_is_refused_with_the_reason(
    node: ServiceProcess, rest: RuledService, topic: Callable[[], str], params: dict[str, str], reason: str
) -> None:
    """Although the rule says NONE, with which Confluent's clients write the plaintext."""
    name = topic()
    create_kek(node.url, name, is_shared=True)
    if params.get("kek_name") == "gone":
        create_kek(node.url, "gone", is_shared=True)
        call(node.url, "DELETE", f"{KEKS}/gone")
    params = {key: name if value == "KEK" else value for key, value in params.items()}
    await register_with_params(rest, name, "avro", **params)
    status, error = await rest.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "number", 1)})
    assert (status, error["error_code"]) == (422, 42230)
    assert reason.replace("KEK KEK", f"KEK {name}") in error["message"]
    assert "number" not in error["message"]


async def test_a_record_whose_key_was_deleted_is_undecodable(
    node: ServiceProcess, rest: RuledService, topic: Callable[[], str]
) -> None:
    name = topic()
    create_kek(node.url, name, is_shared=True)
    await register_with_params(rest, name, "avro", kek_name=name)
    assert (await rest.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "number", 1)}))[0] == 200
    for query in ("", "?permanent=true"):
        call(node.url, "DELETE", f"{KEKS}/{name}/deks/{name}-value{query}")
    status, error = await rest.read(name, "avro")
    assert (status, error["error_code"]) == (408, 40801)
    assert f"Key '{name}-value' not found" in error["message"]


async def test_secrets_that_only_clients_may_see_decrypt_nothing(
    service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Without access control, a KEK that is not shared is for writing only, unless its secrets are shown."""
    name = topic()
    async with connect_rest(service) as rest:
        create_kek(service.url, name, is_shared=False)
        await register_with_params(rest, name, "avro", kek_name=name)
        assert (await rest.produce(name, "avro", {"value": FORMATS["avro"].value("Ann", "number", 1)}))[0] == 200
        status, error = await rest.read(name, "avro")
    assert (status, error["error_code"]) == (408, 40801)
    assert "read_secrets, or without access control dek_registry_show_secrets" in error["message"]


@pytest.mark.long
async def test_whole_values_of_every_format_are_encrypted_with_keys_that_are_kept_for_a_while(
    kafka: Cluster, topic: Callable[[], str]
) -> None:
    """With `dek_registry_key_cache_seconds` the KMS is called once for a key, not for each request."""
    with ServiceProcess(kafka.bootstrap_servers, dek_registry_key_cache_seconds=600) as service:
        async with connect_rest(service) as rest:
            for embedded, form in FORMATS.items():
                name = topic()
                create_kek(service.url, name, is_shared=True)
                params = {"encrypt.kek.name": name}
                rule = {
                    "name": "e",
                    "kind": "TRANSFORM",
                    "mode": "WRITEREAD",
                    "type": "ENCRYPT_PAYLOAD",
                    "params": params,
                }
                await rest.register(f"{name}-value", embedded, ruleSet={"encodingRules": [rule]})
                values = [form.value(who, "number", 1) for who in ("Ann", "Bob")]
                assert (await rest.produce(name, embedded, {"value": values[0]}))[0] == 200
                before = await count_unwrapped(rest)
                assert (await rest.produce(name, embedded, {"value": values[1]}))[0] == 200
                assert b"Ann" not in stored_value(kafka, name)
                assert await rest.read_values(name, embedded) == values
                assert await count_unwrapped(rest) == before


async def count_unwrapped(rest: RuledService) -> float:
    """How often the KMS has unwrapped a key."""
    async with rest.session.get("/metrics") as response:
        text = await response.text()
    start = 'karapace_like_kms_calls_total{operation="unwrap",outcome="done"'
    return sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(start))
