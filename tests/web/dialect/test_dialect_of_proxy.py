"""What both dialects of the REST proxy answer to the same call, row by row."""

import base64
import json
import secrets
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.config import Listener
from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.serve.listeners import open_listeners
from karapace_like.web.app import RequestHandling, make_app
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.server.runner import Runner
from tests.waiting import until
from tests.web.halves import both_halves

pytestmark = pytest.mark.asyncio(loop_scope="session")

Topic = Callable[..., str]

AVRO = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'
STRING = '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"string"}]}'
JSON_SCHEMA = '{"type":"object","properties":{"floor":{"type":"integer"}}}'
FOO = base64.b64encode(b"foo").decode()
JSON, PLAIN = "application/vnd.kafka.json.v2+json", "application/vnd.kafka.v2+json"


class Client(NamedTuple):
    """A client of one listener that answers (status, body)."""

    session: aiohttp.ClientSession
    url: str

    async def __call__(
        self, method: str, path: str, body: object = None, sent_as: str | None = JSON, accept: str = "*/*"
    ) -> tuple[int, Any]:
        headers = {"Accept": accept} | ({"Content-Type": sent_as} if sent_as else {})
        data = None if body is None else json.dumps(body).encode()
        skipped = () if sent_as else ("Content-Type",)
        async with self.session.request(
            method, self.url + path, data=data, headers=headers, skip_auto_headers=skipped
        ) as response:
            return response.status, await response.json(content_type=None)

    async def create(self, group: str, **options: Any) -> str:
        status, made = await self("POST", f"/consumers/{group}", {"format": "json", **options})
        assert status == 200, made
        return f"/consumers/{group}/instances/{made['instance_id']}"


class Both(NamedTuple):
    confluent: Client
    karapace: Client


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def both(kafka: Cluster) -> AsyncIterator[Both]:
    sockets = open_listeners([Listener("127.0.0.1", 0, dialect=dialect) for dialect in Dialect])
    async with both_halves(kafka, ProxySettings()) as halves, aiohttp.ClientSession() as session:
        runner = Runner(make_app(halves.registry, halves.proxy, handling=RequestHandling(speaks_karapace=True)))
        await runner.setup()
        for listening in sockets:
            await runner.listen(listening.socket, dialect=listening.dialect)
        clients = {each.dialect: Client(session, f"http://127.0.0.1:{each.address.port}") for each in sockets}
        yield Both(clients[Dialect.CONFLUENT], clients[Dialect.KARAPACE])
        await runner.cleanup()


@pytest.fixture
def topic_of(kafka: Cluster, topic: Callable[[], str]) -> Topic:
    """Make a topic that nobody else uses; its name."""
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})

    def create() -> str:
        name = topic()
        admin.create_topics([NewTopic(name, 1, 1)])[name].result()
        while name not in admin.list_topics().topics or admin.list_topics(name).topics[name].error is not None:
            pass
        return name

    return create


@pytest.fixture
def group() -> str:
    return f"group-{secrets.token_hex(6)}"


@pytest.mark.parametrize(
    ("sent_as", "value"),
    [
        ("application/json", FOO),
        ("application/octet-stream", FOO),
        ("application/vnd.kafka+json", FOO),
        ("application/vnd.kafka.v1+json", FOO),
        ("application/vnd.kafka.binary.v1+json", FOO),
        ("application/vnd.kafka.json+json", {"floor": 3}),
        (None, FOO),
    ],
)
async def test_karapace_s_media_types_are_taken(both: Both, topic_of: Topic, sent_as: str | None, value: Any) -> None:
    call = ("POST", f"/topics/{topic_of()}", {"records": [{"value": value}]}, sent_as)
    for offset in range(2):
        answer = {"offsets": [{"partition": 0, "offset": offset}], "key_schema_id": None, "value_schema_id": None}
        assert await both.karapace(*call) == (200, answer)
    is_v1 = sent_as is not None and "kafka" in sent_as
    assert (await both.confluent(*call))[0] == (200 if sent_as is None or is_v1 else 415)


@pytest.mark.parametrize("sent_as", ["application/vnd.kafka.v3+json", "application/vnd.kafka.avro.v0+json", "bar/baz"])
async def test_other_media_types_are_refused(both: Both, topic_of: Topic, sent_as: str) -> None:
    refused = await both.karapace("POST", f"/topics/{topic_of()}", {"records": [{"value": FOO}]}, sent_as)
    assert refused == (415, {"error_code": 415, "message": "HTTP 415 Unsupported Media Type"})


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("application/vnd.kafka.v1+json", 200),
        ("application/json", 200),
        ("*/json", 200),
        ("application/octet-stream", 406),
        ("foo/*", 406),
        ("*/baz", 406),
    ],
)
async def test_karapace_s_accept_headers(both: Both, accept: str, status: int) -> None:
    assert (await both.karapace("GET", "/brokers", accept=accept))[0] == status


ABSENT = [
    # method, path behind the topic, body, Confluent's code, Karapace's answer
    ("GET", "", None, 40403, (40403, "Topic {topic} not found")),
    ("GET", "/partitions", None, 40403, (40401, "Topic {topic} not found")),
    ("GET", "/partitions/0", None, 40403, (40401, "Topic {topic} not found")),
    ("GET", "/partitions/0/offsets", None, 40403, (40401, "Topic {topic} not found")),
    ("GET", "/partitions/first/offsets", None, 404, (404, "Partition first not found")),
    ("POST", "/partitions/0", {"records": [{"value": 1}]}, None, (40401, "Topic {topic} not found")),
    ("POST", "", {"records": [{"value": 1}]}, None, (40401, "Topic {topic} not found")),
]


@pytest.mark.parametrize(("method", "path", "body", "confluent", "karapace"), ABSENT)
async def test_what_is_not_there_has_codes_of_its_own(
    both: Both, topic: Callable[[], str], method: str, path: str, body: Any, confluent: int, karapace: tuple[int, str]
) -> None:
    name = topic()
    code, message = karapace
    answer = {"error_code": code, "message": message.format(topic=name)}
    assert await both.karapace(method, f"/topics/{name}{path}", body) == (404, answer)
    if confluent is not None:
        status, told = await both.confluent(method, f"/topics/{name}{path}", body)
        assert (status, told["error_code"]) == (404, confluent)


async def test_a_partition_that_is_not_there(both: Both, topic_of: Topic) -> None:
    name = topic_of()
    for method, body in (("GET", None), ("POST", {"records": [{"value": 1}]})):
        answer = (404, {"error_code": 40402, "message": "Partition 10 not found"})
        assert await both.karapace(method, f"/topics/{name}/partitions/10", body) == answer


async def test_data_that_does_not_fit_its_schema(both: Both, topic_of: Topic) -> None:
    for form, schema, message in (
        ("avro", AVRO, "Object does not fit to stored schema"),
        ("jsonschema", JSON_SCHEMA, 'floor: "three" is not of type "integer"'),
    ):
        body = {"value_schema": schema, "records": [{"value": {"floor": "three"}}]}
        call = ("POST", f"/topics/{topic_of()}", body, f"application/vnd.kafka.{form}.v2+json")
        assert await both.karapace(*call) == (422, {"error_code": 42205, "message": message})
        assert (await both.confluent(*call))[0] == 400


async def test_a_schema_that_cannot_be_used(both: Both, topic_of: Topic) -> None:
    name, avro = topic_of(), "application/vnd.kafka.avro.v2+json"
    good = {"value_schema": AVRO, "records": [{"value": {"floor": 3}}]}
    assert (await both.karapace("POST", f"/topics/{name}", good, avro))[0] == 200
    for changes, status, code, beginning in (
        ({"value_schema": STRING}, 408, 40801, f"Error when registering schema.format = AVRO, subject = {name}-value"),
        ({"value_schema": "lift"}, 422, 42205, "Invalid schema. format = AVRO, schema = lift"),
        (
            {"value_schema": None, "value_schema_id": 9999},
            422,
            42205,
            "Invalid schema. format = AVRO, schema_id = 9999",
        ),
    ):
        body = {key: value for key, value in {**good, **changes}.items() if value is not None}
        answer = await both.karapace("POST", f"/topics/{name}", body, avro)
        assert answer == (status, {"error_code": code, "message": beginning})


async def test_the_type_of_a_schema_id_counts(both: Both, topic_of: Topic) -> None:
    name = topic_of()
    made = await both.confluent(
        "POST", f"/subjects/{name}-value/versions", {"schemaType": "JSON", "schema": JSON_SCHEMA}, "application/json"
    )
    body = {"value_schema_id": made[1]["id"], "records": [{"value": {"floor": 3}}]}
    call = ("POST", f"/topics/{name}", body, "application/vnd.kafka.avro.v2+json")
    assert (await both.confluent(*call))[0] == 400
    assert (await both.karapace(*call))[0] == 200


@pytest.mark.parametrize("body", [{"records": []}, {"foo": 1, "records": [{"value": 1}]}, {"records": [{"valur": 1}]}])
async def test_a_malformed_produce_request(both: Both, topic_of: Topic, body: Any) -> None:
    answer = (422, {"error_code": 422, "message": "Invalid request format"})
    assert await both.karapace("POST", f"/topics/{topic_of()}", body) == answer


async def test_a_failed_record_makes_the_status_422(both: Both, topic_of: Topic) -> None:
    body = {"records": [{"value": 1}, {"value": 2, "partition": 99}]}
    status, report = await both.karapace("POST", f"/topics/{topic_of()}", body)
    assert status == 422
    written, failed = report["offsets"]
    assert written == {"partition": 0, "offset": 0}
    assert (set(failed), failed["error_code"] in {1, 2}) == ({"error_code", "error"}, True)


async def test_an_instance_of_karapace_s_client(both: Both, topic_of: Topic, group: str) -> None:
    """Unknown fields are ignored, it reads from the beginning, records have times, and a commit answers 204."""
    name = topic_of()
    assert (await both.karapace("POST", f"/topics/{name}", {"records": [{"value": 1}]}))[0] == 200
    options = {"topic.metadata.refresh.interval.ms": 1000, "auto.commit.enable": "false", "whatever": 1}
    assert (await both.confluent("POST", f"/consumers/{group}", options))[0] == 422
    instance = await both.karapace.create(group, **options)
    partitions = {"partitions": [{"topic": name, "partition": 0}]}
    assert (await both.karapace("POST", f"{instance}/assignments", partitions, "application/json"))[0] == 204
    accept = f"{JSON}, {PLAIN}, application/json, */*"

    async def poll() -> Any:
        status, polled = await both.karapace("GET", f"{instance}/records?timeout=500", accept=accept)
        assert status == 200, polled
        return polled

    records = await until(poll)
    assert (records[0]["value"], records[0]["timestamp"] > 0) == (1, True)
    assert await both.karapace("POST", f"{instance}/offsets") == (204, None)
    offsets = {"offsets": [{"topic": name, "partition": 0, "offset": 0}]}
    assert await both.karapace("POST", f"{instance}/offsets", offsets) == (204, None)
    assert (await both.karapace("DELETE", instance, sent_as=None))[0] == 204


async def test_refusals_about_an_instance(both: Both, group: str) -> None:
    for options in ({"format": "xml"}, {"fetch.min.bytes": -10}):
        status, answer = await both.karapace("POST", f"/consumers/{group}", options)
        assert (status, answer["error_code"]) == (422, 42204)
    instance = await both.karapace.create(group)
    for body, status, code, beginning in (
        ({"topics": ["a"], "topic_pattern": "b"}, 409, 40903, "IllegalStateError: You must choose only one way"),
        ({}, 409, 40903, "Neither topic_pattern nor topics"),
        ({"topics": []}, 409, 40903, "Neither topic_pattern nor topics"),
        ({"topics": "a"}, 422, 422, "Topics is expected to be list of strings"),
        ({"topic_pattern": ["a"]}, 422, 422, "Topic patterns is expected to be a string"),
    ):
        told = await both.karapace("POST", f"{instance}/subscription", body)
        assert (told[0], told[1]["error_code"]) == (status, code)
        assert told[1]["message"].startswith(beginning)


async def test_a_record_that_cannot_be_decoded(both: Both, topic_of: Topic, group: str) -> None:
    name = topic_of()
    body = {"records": [{"value": FOO}]}
    assert (await both.confluent("POST", f"/topics/{name}", body, "application/vnd.kafka.binary.v2+json"))[0] == 200
    instance = await both.karapace.create(group, format="avro")
    partitions = {"partitions": [{"topic": name, "partition": 0}]}
    assert (await both.karapace("POST", f"{instance}/assignments", partitions))[0] == 204
    accept, path = "application/vnd.kafka.avro.v2+json", f"{instance}/records?timeout=500"
    status, answer = await both.karapace("GET", path, accept=accept)
    while status == 200:
        status, answer = await both.karapace("GET", path, accept=accept)
    assert (status, answer["error_code"]) == (422, 422)
    assert answer["message"].startswith("value deserialization error for format avro: ")


UNIONS = (
    '{"type":"record","name":"Lift","fields":[{"name":"load","type":["null","long","double","string"]},'
    '{"name":"code","type":"bytes"}]}'
)
PROTOBUF = 'syntax = "proto3"; message Lift { int32 top_floor = 1; }'


@pytest.mark.parametrize(
    ("form", "schema_text", "values", "standard", "plain"),
    [
        (
            "avro",
            UNIONS,
            [{"load": 5, "code": "a"}, {"load": 1.5, "code": ""}, {"load": None, "code": "b"}],
            [{"load": {"long": 5}, "code": "a"}, {"load": {"double": 1.5}, "code": ""}, {"load": None, "code": "b"}],
            [{"load": 5, "code": "YQ=="}, {"load": 1.5, "code": ""}, {"load": None, "code": "Yg=="}],
        ),
        ("protobuf", PROTOBUF, [{"top_floor": 3}], [{"topFloor": 3}], [{"top_floor": 3}]),
        ("jsonschema", JSON_SCHEMA, [{"floor": 3}], [{"floor": 3}], [{"floor": 3}]),
    ],
)
async def test_records_with_a_schema_are_plain_for_karapace_s_clients(
    both: Both, topic_of: Topic, group: str, form: str, schema_text: str, values: Any, standard: Any, plain: Any
) -> None:
    """Unions may come without the names of types in both; an instance may ask for the plain form in both."""
    name, media_type = topic_of(), f"application/vnd.kafka.{form}.v2+json"
    body = {"value_schema": schema_text, "records": [{"value": value} for value in values]}
    assert (await both.karapace("POST", f"/topics/{name}", body, media_type))[0] == 200
    for client, options, expected in (
        (both.confluent, {}, standard),
        (both.confluent, {"record.form": "plain"}, plain),
        (both.karapace, {}, plain),
        (both.karapace, {"record.form": "standard"}, standard),
    ):
        options |= {"format": form, "auto.offset.reset": "earliest"}
        assert [record["value"] for record in await poll_all(client, group, name, len(values), options)] == expected


async def test_a_key_that_cannot_be_decoded_is_base64_for_karapace_s_clients(
    both: Both, topic_of: Topic, group: str
) -> None:
    name = topic_of()
    body = {"records": [{"key": FOO}]}
    assert (await both.confluent("POST", f"/topics/{name}", body, "application/vnd.kafka.binary.v2+json"))[0] == 200
    [record] = await poll_all(both.karapace, group, name, 1, {"format": "avro"})
    assert (record["key"], record["value"]) == (FOO, None)


async def test_a_form_that_records_do_not_have(both: Both, group: str) -> None:
    status, answer = await both.confluent("POST", f"/consumers/{group}", {"record.form": "fancy"})
    assert (status, answer["error_code"]) == (422, 422)
    assert "must be standard or plain" in answer["message"]


async def poll_all(client: Client, group: str, topic: str, count: int, options: dict[str, str]) -> list[Any]:
    instance = await client.create(group, **options)
    partitions = {"partitions": [{"topic": topic, "partition": 0}]}
    assert (await client("POST", f"{instance}/assignments", partitions))[0] == 204
    for end in ("beginning", "/beginning"):
        assert (await client("POST", f"{instance}/positions/{end}", partitions))[0] in {200, 204}
    records: list[Any] = []
    while len(records) < count:
        path, accept = f"{instance}/records?timeout=500", f"application/vnd.kafka.{options['format']}.v2+json"
        status, polled = await client("GET", path, accept=accept)
        assert status == 200, polled
        records += polled
    assert (await client("DELETE", instance))[0] == 204
    return records
