"""`Idempotency-Key` under `rest_authorization`: the service writes for its caller what Kafka lets the caller write."""

import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession
from confluent_kafka.admin import AclOperation, ResourceType  # type: ignore[attr-defined]

from tests import leaks
from tests.security.conftest import SecuredKafka, token
from tests.security.test_rest_authorization import JSON_V2, basic
from tests.service_process import ServiceProcess
from tests.web.proxy.committed import read_committed

_ONE = {"records": [{"value": 1}]}


class Writer:
    """Writes with one caller's `Authorization`."""

    def __init__(self, session: ClientSession, authorization: str) -> None:
        self._session = session
        self._authorization = authorization

    async def __call__(self, path: str, key: str, body: Any = None) -> tuple[int, Any, bool]:
        """(status, body, whether it is the repeated first answer)."""
        headers = {"Authorization": self._authorization, "Content-Type": JSON_V2, "Idempotency-Key": key}
        async with self._session.post(path, json=body or _ONE, headers=headers) as answer:
            body = await answer.json(content_type=None)
            return answer.status, body, "Idempotency-Replayed" in answer.headers


class Writers:
    """Alice, Bob, and holders of tokens."""

    def __init__(self, kafka: SecuredKafka, session: ClientSession) -> None:
        self._session = session
        self.alice, self.bob = (self.of(basic(name, kafka.passwords[name])) for name in ("alice", "bob"))

    def of(self, authorization: str) -> Writer:
        return Writer(self._session, authorization)


@pytest.fixture
async def writers(secured: SecuredKafka, guarded: ServiceProcess) -> AsyncIterator[Writers]:
    async with ClientSession(guarded.url) as session:
        yield Writers(secured, session)


def read_values(secured: SecuredKafka, topic: str) -> list[bytes]:
    return read_committed(secured.cluster.bootstrap_servers, topic)


async def test_a_caller_writes_once_what_kafka_lets_them_write(secured: SecuredKafka, writers: Writers) -> None:
    path = f"/topics/{(topic := secured.topic_of('alice'))}"
    first = await writers.alice(path, "a")
    assert (first[0], first[2]) == (200, False), first
    assert await writers.alice(path, "a") == (200, first[1], True)
    assert read_values(secured, topic) == [b"1"]


async def test_the_rights_of_the_service_are_not_the_callers(secured: SecuredKafka, writers: Writers) -> None:
    """Nothing is written, to no topic, where one of them is not the caller's; also where they may read it."""
    path = f"/topics/{(topic := secured.topic_of('alice'))}"
    status, body, _ = await writers.bob(path, "a")
    assert (status, body["error_code"]) == (403, 40301), body
    secured.allow("bob", ResourceType.TOPIC, topic, AclOperation.READ)
    status, body, _ = await writers.bob(path, "a")
    assert (status, body["error_code"]) == (403, 40301), body
    assert f"Kafka does not let you write to the topic '{topic}'" in body["message"]
    shared = secured.topic_of("alice", "bob")
    both = {"records": [{"topic": shared, "value": 1}, {"topic": topic, "value": 1}]}
    status, body, _ = await writers.bob("/records", "both", both)
    assert (status, body["error_code"]) == (403, 40301), body
    assert (read_values(secured, topic), read_values(secured, shared)) == ([], [])
    secured.allow("bob", ResourceType.TOPIC, topic)
    assert (await writers.bob(path, "a"))[0] == 200  # a refusal is not remembered


async def test_a_key_belongs_to_its_caller(secured: SecuredKafka, writers: Writers) -> None:
    path = f"/topics/{(topic := secured.topic_of('alice', 'bob'))}"
    assert (await writers.alice(path, "a"))[::2] == (200, False)
    assert (await writers.bob(path, "a"))[::2] == (200, False)
    assert read_values(secured, topic) == [b"1", b"1"]


async def test_a_key_outlives_the_token_of_its_caller(secured: SecuredKafka, writers: Writers) -> None:
    """A token that was renewed is of the same caller, and the token of another one is not."""
    path = f"/topics/{(topic := secured.topic_of('alice', 'bob'))}"
    first, renewed, other = token("alice"), token("alice", seconds=1800), token("bob")
    assert (await writers.of(f"Bearer {first}")(path, "a"))[::2] == (200, False)
    assert (await writers.of(f"Bearer {renewed}")(path, "a"))[::2] == (200, True)
    assert (await writers.of(f"Bearer {other}")(path, "a"))[::2] == (200, False)
    assert read_values(secured, topic) == [b"1", b"1"]


async def test_wrong_credentials_get_no_answer(secured: SecuredKafka, writers: Writers) -> None:
    path = f"/topics/{secured.topic_of('alice')}"
    assert (await writers.alice(path, "a"))[0] == 200
    leaks.register(wrong := secrets.token_urlsafe(8))
    assert (await writers.of(basic("alice", wrong))(path, "a"))[0] == 401


async def test_a_batch_of_v3_is_held_to_the_same(secured: SecuredKafka, guarded: ServiceProcess) -> None:
    topic = secured.topic_of("alice")
    async with ClientSession(guarded.url) as session:
        headers = {"Content-Type": "application/json", "Idempotency-Key": "v3"}
        body = {"entries": [{"id": "a", "value": {"type": "JSON", "data": 1}}]}
        for name, expected in (("bob", 403), ("alice", 207), ("alice", 207)):
            own = {**headers, "Authorization": basic(name, secured.passwords[name])}
            async with session.get("/v3/clusters", headers=own) as answer:
                cluster = (await answer.json())["data"][0]["cluster_id"]
            path = f"/v3/clusters/{cluster}/topics/{topic}/records:batch"
            async with session.post(path, json=body, headers=own) as answer:
                assert answer.status == expected, await answer.text()
    assert read_values(secured, topic) == [b"1"]
