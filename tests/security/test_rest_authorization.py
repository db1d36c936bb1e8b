"""Callers of the REST proxy are somebody in Kafka: on a broker with the standard authorizer, which decides."""

import base64
import contextlib
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from confluent_kafka.admin import ResourceType  # type: ignore[attr-defined]

from karapace_like.config import ConfigError, load
from tests import leaks
from tests.security.conftest import SecuredKafka, token
from tests.service_process import ServiceProcess
from tests.waiting import until

V2 = "application/vnd.kafka.v2+json"
JSON_V2 = "application/vnd.kafka.json.v2+json"


def basic(name: str, password: str) -> str:
    encoded = base64.b64encode(f"{name}:{password}".encode()).decode()
    leaks.register(encoded)
    return f"Basic {encoded}"


def guarding(secured: SecuredKafka, **settings: Any) -> ServiceProcess:
    """Another one, with these settings, which needs no credentials where it is not a caller's."""
    return ServiceProcess(
        secured.cluster.bootstrap_servers,
        sasl_bootstrap_uri=secured.cluster.servers("SASL"),
        sasl_mechanism="SCRAM-SHA-256",
        rest_authorization="true",
        **settings,
    )


class User:
    """Calls with one `Authorization` header, or none."""

    def __init__(self, session: ClientSession, authorization: str | None) -> None:
        self._session = session
        self._headers = {} if authorization is None else {"Authorization": authorization}

    async def __call__(self, method: str, path: str, body: Any = None, sent_as: str = V2) -> tuple[int, Any]:
        headers = {**self._headers, "Content-Type": sent_as, "Accept": "*/*"}
        async with self._session.request(method, path, json=body, headers=headers) as answer:
            text = await answer.read()
            return answer.status, await answer.json(content_type=None) if text else None

    async def produce(self, topic: str, value: object) -> tuple[int, Any]:
        """(status, error code of the only record, or of the request). What is in the record is nobody's business."""
        leaks.register(str(value))
        status, told = await self("POST", f"/topics/{topic}", {"records": [{"value": value}]}, JSON_V2)
        return status, told["offsets"][0]["error_code"] if status == 200 else told["error_code"]

    async def instance(self, group: str, topic: str) -> str:
        wanted = {"format": "json", "auto.offset.reset": "earliest"}
        status, made = await self("POST", f"/consumers/{group}", wanted)
        assert status == 200, made
        instance = f"/consumers/{group}/instances/{made['instance_id']}"
        assert await self("POST", f"{instance}/subscription", {"topics": [topic]}) == (204, None)
        return instance

    async def poll(self, instance: str) -> tuple[int, Any]:
        """The first answer that is not empty."""

        async def answered() -> tuple[int, Any] | None:
            headers = {**self._headers, "Accept": JSON_V2}
            async with self._session.get(f"{instance}/records", headers=headers) as answer:
                found = await answer.json(content_type=None)
                if answer.status != 200:
                    return answer.status, found["error_code"]
                return (200, [each["value"] for each in found]) if found else None

        found = await until(answered)
        assert found is not None
        return found


class Users:
    """Alice, Bob, and whoever else comes."""

    def __init__(self, kafka: SecuredKafka, session: ClientSession) -> None:
        self._session = session
        self.alice, self.bob = (self.of(basic(name, kafka.passwords[name])) for name in ("alice", "bob"))

    def of(self, authorization: str | None) -> User:
        return User(self._session, authorization)


@pytest.fixture
async def users(secured: SecuredKafka, guarded: ServiceProcess) -> AsyncIterator[Users]:
    async with ClientSession(guarded.url) as session:
        yield Users(secured, session)


async def test_each_writes_and_reads_what_kafka_lets_him(secured: SecuredKafka, users: Users) -> None:
    topic = secured.topic_of("alice")
    secured.allow("alice", ResourceType.GROUP, topic)
    secured.allow("bob", ResourceType.GROUP, topic)
    assert await users.alice.produce(topic, "a record of hers") == (200, None)
    assert await users.bob.produce(topic, "a record of his") == (200, 40301)
    hers, his = await users.alice.instance(f"{topic}-a", topic), await users.bob.instance(f"{topic}-b", topic)
    assert await users.alice.poll(hers) == (200, ["a record of hers"])
    assert await users.bob.poll(his) == (403, 40301)
    assert topic in (await users.alice("GET", "/topics"))[1]
    assert topic not in (await users.bob("GET", "/topics"))[1]


async def test_rest_v3_is_held_to_it_as_well(secured: SecuredKafka, users: Users) -> None:
    topic = secured.topic_of("alice")
    status, found = await users.bob("GET", "/v3/clusters")
    assert status == 200, found
    topics = f"/v3/clusters/{found['data'][0]['cluster_id']}/topics"
    record = {"value": {"type": "JSON", "data": 1}}
    for user, code, shown in ((users.alice, 200, 200), (users.bob, 40301, 403)):
        _, told = await user("POST", f"{topics}/{topic}/records", record, "application/json")
        assert told["error_code"] == code
        assert (await user("GET", f"{topics}/{topic}"))[0] == shown
    status, told = await users.bob("DELETE", f"{topics}/{topic}")
    assert (status, told["error_code"]) == (403, 40301)


async def test_an_instance_is_its_makers(secured: SecuredKafka, users: Users) -> None:
    topic = secured.topic_of("alice", "bob")
    for name in ("alice", "bob"):
        secured.allow(name, ResourceType.GROUP, topic)
    assert await users.alice.produce(topic, "a record of hers") == (200, None)
    instance = await users.alice.instance(topic, topic)
    assert await users.bob.poll(instance) == (404, 40403)
    status, told = await users.bob("DELETE", instance)
    assert (status, told["error_code"]) == (404, 40403)
    assert await users.alice.poll(instance) == (200, ["a record of hers"])


async def test_a_token_is_its_subject(secured: SecuredKafka, users: Users) -> None:
    topic = secured.topic_of("alice")
    expected = (
        (token("alice"), (200, None)),
        (token("bob"), (200, 40301)),
        (token("alice", seconds=-60), (401, 40101)),
    )
    for given, told in expected:
        assert await users.of(f"Bearer {given}").produce(topic, 1) == told


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic("alice", "wrong"),
        basic("nobody", "wrong"),
        basic("alice", ""),
        basic("", "x"),
        basic("alice\0x", "wrong"),
        "Basic !",
        "Bearer x y",
        "Bearer a\tauth=b",
        f"Bearer {token('alice')}x.y.z",
        "Bearer a." + base64.urlsafe_b64encode(b"[" * 4_000).decode() + ".c",
        "Bearer a." + base64.urlsafe_b64encode(b'{"exp":' + b"9" * 400 + b"}").decode() + ".c",
        "Digest x",
    ],
)
async def test_wrong_credentials(secured: SecuredKafka, users: Users, authorization: str | None) -> None:
    """Nobody is taken for the service, nor for who was here before."""
    topic = secured.topic_of("alice")
    assert await users.alice.produce(topic, 1) == (200, None)
    stranger = users.of(authorization)
    assert await stranger.produce(topic, 1) == (401, 40101)
    for path in ("/topics", f"/topics/{topic}", "/v3/clusters"):
        status, told = await stranger("GET", path)
        assert (status, told["error_code"]) == (401, 40101)


async def test_who_guesses_passwords_waits(secured: SecuredKafka, users: Users) -> None:
    """Neither whoever is here already, nor another user."""
    topic = secured.topic_of("alice", "bob")
    assert await users.alice.produce(topic, 1) == (200, None)
    guesses = [await users.of(basic("alice", f"guess-{n}")).produce(topic, 1) for n in range(7)]
    assert guesses[-1] == (429, 42901)
    assert {401, 429} == {status for status, _ in guesses}
    assert await users.alice.produce(topic, 1) == (200, None)
    assert await users.bob.produce(topic, 1) == (200, None)


async def test_a_schema_is_registered_for_topics_that_its_caller_may_write(secured: SecuredKafka, users: Users) -> None:
    """In the topic's own subjects; elsewhere, and for others, only what is registered is found."""
    topic, foreign = secured.topic_of("alice"), secured.topic_of("bob")
    avro = "application/vnd.kafka.avro.v2+json"

    async def produce(schema: str, **options: str) -> int:
        body = {"value_schema": schema, "records": [{"value": 1}], **options}
        return (await users.alice("POST", f"/topics/{topic}", body, avro))[0]

    assert await produce('"int"') == 200
    assert await produce('"int"') == 200
    for subject in (f"{foreign}-value", "anything", f"{topic}-other", f"{topic}-Record"):
        assert await produce('"int"', value_subject=subject) == 422
        assert (await users.of(None)("GET", f"/subjects/{subject}/versions"))[0] == 404
    registry = users.of(None)
    status, _ = await registry("POST", f"/subjects/{foreign}-value/versions", {"schema": '"int"'}, "application/json")
    assert status == 200
    assert await produce('"int"', value_subject=f"{foreign}-value") == 200
    assert await produce('"long"', value_subject=f"{foreign}-value") == 422
    assert (await registry("GET", f"/subjects/{foreign}-value/versions"))[1] == [1]
    text = {"value_schema": '"int"', "records": [{"value": 1}]}
    assert (await users.bob("POST", f"/topics/{topic}", {**text, "value_schema": '"long"'}, avro))[0] == 422
    assert (await registry("GET", f"/subjects/{topic}-value/versions"))[1] == [1]


async def test_a_refusal_says_what_is_taken(guarded: ServiceProcess) -> None:
    async with ClientSession(guarded.url) as session, session.get("/topics") as answer:
        assert answer.status == 401
        assert [each.split()[0] for each in answer.headers.getall("WWW-Authenticate")] == ["Basic", "Bearer"]


@pytest.mark.long
async def test_at_most_so_many_users(secured: SecuredKafka) -> None:
    """One more takes the place of one who has nothing there, and is refused while all have something."""
    topic = secured.topic_of("alice", "bob")
    secured.allow("alice", ResourceType.GROUP, topic)
    with guarding(secured, rest_authorization_max_users=1) as service:
        async with ClientSession(service.url) as session:
            users = Users(secured, session)
            assert await users.alice.produce(topic, 1) == (200, None)
            assert await users.bob.produce(topic, 2) == (200, None)
            instance = await users.alice.instance(topic, topic)
            assert await users.bob.produce(topic, 3) == (429, 42901)
            assert await users.alice.poll(instance) == (200, [1, 2])
            assert await users.alice("DELETE", instance) == (204, None)
            assert await users.bob.produce(topic, 4) == (200, None)


def connections(service: ServiceProcess, port: int) -> int:
    """How many the service has to this port."""
    own = set()
    for each in (each for pid in service.pids for each in Path(f"/proc/{pid}/fd").iterdir()):
        with contextlib.suppress(FileNotFoundError):
            own.add(str(each.readlink()))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    established = [row[9] for row in rows if row[2].endswith(f":{port:04X}") and row[3] == "01"]
    return sum(f"socket:[{inode}]" in own for inode in established)


@pytest.mark.long
async def test_the_clients_of_a_caller_are_let_go(secured: SecuredKafka) -> None:
    """Once he asks for nothing, and when his token ends, though he has an instance."""
    topic = secured.topic_of("alice")
    secured.allow("alice", ResourceType.GROUP, topic)
    port = int(secured.cluster.servers("SASL").rpartition(":")[2])
    with guarding(secured, rest_authorization_idle_timeout=1) as service:
        async with ClientSession(service.url) as session:
            users = Users(secured, session)

            async def has_clients(user: User) -> bool:
                return (await user.produce(topic, 1))[0] == 200 and connections(service, port) > 0

            async def has_none() -> bool:
                return connections(service, port) == 0

            await until(lambda: has_clients(users.alice))
            await until(has_none)
            for seconds in (4, 8, 16, 32, 64):  # a busy machine may take longer than the token counts
                token_user = users.of(f"Bearer {token('alice', seconds=seconds)}")
                status, made = await token_user("POST", f"/consumers/{topic}", {"format": "json"})
                if status == 200:
                    break
            assert status == 200, made
            await until(has_none)
            path = f"/consumers/{topic}/instances/{made['instance_id']}/assignments"

            async def is_refused() -> bool:
                status, told = await token_user("GET", path)
                assert status == 200 or (status, told["error_code"]) == (401, 40101), told
                return status == 401

            await until(is_refused)


async def test_a_changed_password_counts(secured: SecuredKafka) -> None:
    """The old one until it is shown to the brokers again."""
    before, after = (secrets.token_urlsafe(16) for _ in range(2))
    secured.set_password("dora", before)
    topic = secured.topic_of("dora")
    with guarding(secured, rest_authorization_proof_timeout=0) as service:
        async with ClientSession(service.url) as session:
            users = Users(secured, session)
            old, new = (users.of(basic("dora", each)) for each in (before, after))

            async def answers(user: User, *expected: object) -> bool:
                return await user.produce(topic, 1) == expected

            await until(lambda: answers(old, 200, None))
            assert await new.produce(topic, 2) == (401, 40101)
            secured.set_password("dora", after)
            await until(lambda: answers(old, 401, 40101))
            await until(lambda: answers(new, 200, None))


async def test_each_has_a_quota_of_his_own(secured: SecuredKafka) -> None:
    """Whoever says his name with another password does not use it up."""
    topic = secured.topic_of("alice", "bob")
    with guarding(secured, http_principal_bytes_per_second=1) as service:
        async with ClientSession(service.url) as session:
            users = Users(secured, session)
            long = secrets.token_hex(2_500)
            stranger = users.of(basic("alice", long))
            assert await stranger.produce(topic, long) == (401, 40101)
            assert await users.alice.produce(topic, long) == (200, None)
            assert await users.alice.produce(topic, 2) == (429, 42901)
            assert await users.bob.produce(topic, 3) == (200, None)


def test_secrets_stay_secret(secured: SecuredKafka, guarded: ServiceProcess) -> None:
    said = "\n".join(guarded.lines)
    assert not [name for name, password in secured.passwords.items() if password in said]
    assert token("alice")[:40] not in said


def test_it_needs_brokers_that_take_credentials() -> None:
    with pytest.raises(ConfigError, match="sasl_bootstrap_uri"):
        load(environment={}, flags={"rest_authorization": True})
