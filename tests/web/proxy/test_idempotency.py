"""`Idempotency-Key`: a repeated produce request writes nothing, and gets the first answer."""

import asyncio
import secrets
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest
import pytest_asyncio
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.kafka.service_in_process import serving
from tests.service_process import ServiceProcess
from tests.waiting import until
from tests.web.access.conftest import basic, written
from tests.web.proxy.committed import read_committed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]

Topics = Callable[[], str]
_JSON = "application/vnd.kafka.json.v2+json"


class Reply(NamedTuple):
    """A response."""

    status: int
    body: Any
    is_repeated: bool
    headers: Any

    @property
    def code(self) -> int:
        return int(self.body["error_code"])


class Writer:
    """A client that produces with a key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self.session = session

    async def __call__(
        self, key: str, path: str, *records: object, body: object = None, sent_as: str = _JSON, **more: str
    ) -> Reply:
        headers = {"Content-Type": sent_as, "Idempotency-Key": key, **more}
        async with self.session.post(path, json=body or {"records": records}, headers=headers) as answer:
            told = await answer.json(content_type=None)
            return Reply(answer.status, told, answer.headers.get("Idempotency-Replayed") == "true", answer.headers)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def write(service: ServiceProcess) -> AsyncIterator[Writer]:
    async with aiohttp.ClientSession(service.url) as session:
        yield Writer(session)


@asynccontextmanager
async def writing(kafka: Cluster, **settings: Any) -> AsyncIterator[Writer]:
    """A client of a service of its own."""
    async with serving(kafka, f"_schemas-{secrets.token_hex(6)}", **settings) as node:
        yield Writer(node.session)


def new_key() -> str:
    return str(uuid.uuid4())


def make_timed_key(seconds: float) -> str:
    """A UUID of version 7 that was made at this time."""
    bits = int(seconds * 1000) << 80 | 7 << 76 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=bits))


async def test_a_repeated_request_writes_nothing_and_gets_the_first_answer(
    write: Writer, topic: Topics, kafka: Cluster
) -> None:
    name, key = topic(), new_key()
    first = await write(key, f"/topics/{name}", {"value": 1}, {"value": 2})
    assert (first.status, first.is_repeated) == (200, False), first
    again = await write(f'"{key}"', f"/topics/{name}", {"value": 1}, {"value": 2})  # as a structured header
    assert (again.status, again.body, again.is_repeated) == (200, first.body, True)
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert "X-Registry-Offset" not in again.headers
    assert read_committed(kafka.bootstrap_servers, name) == [b"1", b"2"]


async def test_every_route_takes_a_key(write: Writer, topic: Topics, kafka: Cluster) -> None:
    """A key belongs to the path, too: the same one is new at another."""
    name, key = topic(), new_key()
    async with write.session.get("/v3/clusters") as answer:
        cluster = (await answer.json())["data"][0]["cluster_id"]
    await write(new_key(), f"/topics/{name}", {"value": 0})
    batch = {"entries": [{"id": "a", "value": {"type": "JSON", "data": 4}}]}
    calls: dict[str, dict[str, Any]] = {
        f"/topics/{name}": {"body": {"records": [{"value": 1}]}},
        f"/topics/{name}/partitions/0": {"body": {"records": [{"value": 2}]}},
        "/records": {"body": {"records": [{"topic": name, "value": 3}]}},
        f"/v3/clusters/{cluster}/topics/{name}/records:batch": {"body": batch, "sent_as": "application/json"},
    }
    for path, call in calls.items():
        first, again = await write(key, path, **call), await write(key, path, **call)
        assert (first.status, again.is_repeated) in {(200, True), (207, True)}, (path, first, again)
        assert (again.status, again.body) == (first.status, first.body)
    assert read_committed(kafka.bootstrap_servers, name) == [b"0", b"1", b"2", b"3", b"4"]


async def test_another_request_under_the_same_key_is_refused(write: Writer, topic: Topics) -> None:
    name, key = topic(), new_key()
    assert (await write(key, f"/topics/{name}", {"value": 1})).status == 200
    for refused in (
        await write(key, f"/topics/{name}", {"value": 2}),
        await write(key, f"/topics/{name}?key_format=string", {"value": 1}),
    ):
        assert (refused.status, refused.code) == (422, 42221)
        assert key in refused.body["message"]


async def test_a_request_that_was_refused_can_be_repeated(write: Writer, topic: Topics, kafka: Cluster) -> None:
    """Only answers of what was written are remembered; the others at that time are written all the same."""
    small, name = topic(), topic()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(small, 1, 1, config={"max.message.bytes": "1000"})])[small].result()
    key = new_key()
    for _ in range(2):
        refused, *others = await asyncio.gather(
            write(key, f"/topics/{small}", {"value": "x" * 5_000}),
            *(write(new_key(), f"/topics/{name}", {"value": number}) for number in range(5)),
        )
        assert (refused.status, refused.code, refused.is_repeated) == (500, 50002, False)
        assert refused.body["message"].startswith("None of the records was written: ")
        assert [other.status for other in others] == [200] * 5
    assert len(read_committed(kafka.bootstrap_servers, name)) == 10
    assert read_committed(kafka.bootstrap_servers, small) == []
    malformed = await write(key, f"/topics/{small}", body={"records": [{"value": 1, "of": 2}]})
    corrected = await write(key, f"/topics/{small}", {"value": 1})
    assert (malformed.status, corrected.status) == (422, 200), corrected


async def test_a_key_under_way_is_refused(write: Writer, topic: Topics, kafka: Cluster) -> None:
    name, written = topic(), 0

    async def is_refused() -> bool:
        nonlocal written
        written += 1
        key = new_key()
        replies = await asyncio.gather(*(write(key, f"/topics/{name}", {"value": 1}) for _ in range(5)))
        assert sum(reply.status == 200 and not reply.is_repeated for reply in replies) == 1
        refused = [reply for reply in replies if reply.status != 200]
        assert {(reply.status, reply.code, reply.headers["Retry-After"]) for reply in refused} <= {(409, 40921, "1")}
        return bool(refused)

    await until(is_refused)
    assert len(read_committed(kafka.bootstrap_servers, name)) == written


@pytest.mark.parametrize("key", ["", "ключ", "x" * 256, "\t"])
async def test_keys_that_cannot_be_used(service: ServiceProcess, topic: Topics, key: str) -> None:
    headers = {"Content-Type": _JSON, "Idempotency-Key": key}
    async with (
        aiohttp.ClientSession(service.url) as session,
        session.post(f"/topics/{topic()}", json={"records": [{"value": 1}]}, headers=headers) as answer,
    ):
        refusal = await answer.json(content_type=None)
        assert (answer.status, refusal["error_code"]) == (400, 400)
        assert "Idempotency-Key" in refusal["message"]


async def test_limits_of_requests_with_keys(write: Writer, topic: Topics) -> None:
    many = await write(new_key(), f"/topics/{topic()}", *[{"value": 1}] * 10_001)
    topics = await write(new_key(), "/records", *[{"topic": f"t{at}", "value": 1} for at in range(1_001)])
    overridden = await write(new_key(), f"/topics/{topic()}?acks=1", {"value": 1})
    assert [(reply.status, reply.code) for reply in (many, topics, overridden)] == [(413, 413), (413, 413), (422, 422)]


async def test_an_endless_stream_takes_no_key(write: Writer, topic: Topics) -> None:
    async with write.session.get("/v3/clusters") as answer:
        cluster = (await answer.json())["data"][0]["cluster_id"]
    path = f"/v3/clusters/{cluster}/topics/{topic()}/records"
    refused = await write(new_key(), path, body={"value": {"type": "JSON", "data": 1}}, sent_as="application/json")
    assert (refused.status, refused.code) == (422, 422)
    assert "records:batch" in refused.body["message"]


async def test_callers_cannot_use_the_topic_of_receipts(write: Writer, service: ServiceProcess) -> None:
    refused = await write(new_key(), f"/topics/{service.topic}_receipts", {"value": 1})
    assert (refused.status, refused.code) == (403, 403)
    assert "Idempotency-Key" in refused.body["message"]


async def test_keys_are_remembered_for_a_time(kafka: Cluster, topic: Topics) -> None:
    name, key = topic(), new_key()
    async with writing(kafka, idempotency_seconds=3) as write:
        first = await write(key, f"/topics/{name}", {"value": 1})
        assert (await write(key, f"/topics/{name}", {"value": 1})).is_repeated

        async def is_new() -> bool:
            reply = await write(key, f"/topics/{name}", {"value": 1})
            assert reply.status == 200, reply
            return bool(reply.body != first.body)

        await until(is_new)
        old, future = make_timed_key(time.time() - 60), make_timed_key(time.time() + 60)
        refused = await write(old, f"/topics/{name}", {"value": 1})
        assert (refused.status, refused.code) == (409, 40922)
        assert "not remembered" in refused.body["message"]
        refused = await write(future, f"/topics/{name}", {"value": 1})
        assert (refused.status, refused.code) == (422, 422)
        recent = await write(make_timed_key(time.time()), f"/topics/{name}", {"value": 1})
        assert recent.status == 200
    assert len(read_committed(kafka.bootstrap_servers, name)) == 3


async def test_no_key_is_forgotten_for_a_new_one(kafka: Cluster, topic: Topics) -> None:
    """Where the memory is full, requests with new keys are refused; a restart forgets nothing."""
    name, keys = topic(), [new_key() for _ in range(30)]
    of_schemas = f"_schemas-{secrets.token_hex(6)}"
    written: dict[str, Reply] = {}
    async with serving(kafka, of_schemas, idempotency_max_bytes=5_000) as node:
        write = Writer(node.session)
        for key in keys:
            reply = await write(key, f"/topics/{name}", {"value": key})
            if reply.status != 200:
                assert (reply.status, reply.code) == (429, 42921)
                assert 0 < int(reply.headers["Retry-After"]) <= 3_601
                break
            written[key] = reply
        assert 5 < len(written) < len(keys)
        assert (await write(new_key(), f"/topics/{name}", {"value": 1})).status == 429
    async with serving(kafka, of_schemas, idempotency_max_bytes=5_000) as node:
        write = Writer(node.session)

        async def is_remembered() -> bool:
            return (await write(keys[0], f"/topics/{name}", {"value": keys[0]})).is_repeated

        await until(is_remembered)
        for key, first in written.items():
            again = await write(key, f"/topics/{name}", {"value": key})
            assert (again.is_repeated, again.body) == (True, first.body)
    assert read_committed(kafka.bootstrap_servers, name) == [f'"{key}"'.encode() for key in written]


async def test_a_service_without_receipts_refuses_keys(kafka: Cluster, topic: Topics) -> None:
    async with writing(kafka, idempotency_enabled=False) as write:
        refused = await write(new_key(), f"/topics/{topic()}", {"value": 1})
        assert (refused.status, refused.code) == (422, 422)
        assert "idempotency_enabled" in refused.body["message"]


async def test_keys_belong_to_their_caller(kafka: Cluster, topic: Topics, tmp_path: Path) -> None:
    """Another caller cannot learn what was answered, nor take the key; and needs the right to write."""
    grants = [{"principals": ["alice", "bob"], "operations": ["write", "describe"], "resource": "topic"}]
    authfile = tmp_path / "authfile.json"
    authfile.write_bytes(written({name: f"password of {name}" for name in ("alice", "bob", "carol")}, grants))
    name, key = topic(), new_key()
    async with writing(kafka, registry_authfile=str(authfile)) as write:
        for caller, value in (("alice", 1), ("bob", 2), ("alice", 1), ("bob", 2)):
            reply = await write(key, f"/topics/{name}", {"value": value}, **basic(caller, f"password of {caller}"))
            assert reply.status == 200, reply
        assert reply.is_repeated
        refused = await write(key, f"/topics/{name}", {"value": 1}, **basic("carol", "password of carol"))
        assert refused.status == 403
    assert read_committed(kafka.bootstrap_servers, name) == [b"1", b"2"]
