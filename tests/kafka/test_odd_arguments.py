"""What the client has no room for is the caller's mistake: refused by name here, with 4xx by the API, never a 500."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import Future
from typing import Any
from urllib.parse import quote

import pytest
from confluent_kafka import Producer as Client
from yarl import URL

from karapace_like.administration import ConfigChange, ConfigOwner, NewTopic, OwnerKind
from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin import Admin
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.consumer import Consumer, ConsumerSettings
from karapace_like.kafka.consumer_factory import ConsumerFactory
from karapace_like.kafka.retrying_producer import ProducerSettings, RetryingProducer
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.translate import CallbackError
from karapace_like.records import Committed, OutgoingRecord, TopicPartition
from tests.kafka.service_in_process import serving

ODD = [2**31, 2**63, 2**70, -(2**63) - 1]
NUL = "a\0b"
LONE = "\ud800"
"""Half of a character, which UTF-8 cannot write."""

Member = Callable[[], Consumer]


@pytest.fixture
def settings(kafka: Cluster) -> KafkaSettings:
    return KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)


@pytest.fixture
async def member(settings: KafkaSettings, topic: Callable[[], str]) -> AsyncIterator[Consumer]:
    consumers = ConsumerFactory(settings, ConsumerSettings())
    made = consumers.create_consumer(group=topic(), auto_commit=False, offset_reset="earliest")
    yield made
    await made.close()


@pytest.fixture
async def admin(settings: KafkaSettings) -> AsyncIterator[Admin]:
    made = Admin(settings)
    yield made
    made.close()


def record(**fields: Any) -> OutgoingRecord:
    return OutgoingRecord(**{"topic": "t", "key": None, "value": b"x", **fields})


async def refused(call: Awaitable[Any]) -> str:
    with pytest.raises(KafkaFailure) as caught:
        await call
    assert not caught.value.retriable or caught.value.name != "_INVALID_ARG"
    return caught.value.name


@pytest.mark.parametrize("number", ODD)
async def test_a_member_is_told_of_numbers(member: Consumer, topic: Callable[[], str], number: int) -> None:
    """Whatever 64 bits hold is an offset to the client; what Kafka says of that it says itself."""
    at = TopicPartition(topic(), 0)
    odd = TopicPartition(at.topic, number)
    await member.assign([at])
    assert await refused(member.assign([odd])) == "_INVALID_ARG"
    assert await refused(member.fetch_committed_offsets([odd])) == "_INVALID_ARG"
    assert await refused(member.offsets_at({odd: 0})) == "_INVALID_ARG"
    assert await refused(member.commit_offsets([Committed(odd, 1)])) == "_INVALID_ARG"
    if not -(2**63) <= number < 2**63:
        assert await refused(member.seek({at: number})) == "_INVALID_ARG"
        assert await refused(member.offsets_at({at: number})) == "_INVALID_ARG"
        assert await refused(member.commit_offsets([Committed(at, number)])) == "_INVALID_ARG"


@pytest.mark.parametrize("name", [NUL, LONE])
async def test_a_member_is_told_of_names(member: Consumer, name: str) -> None:
    at = TopicPartition(name, 0)
    assert await refused(member.assign([at])) == "_INVALID_ARG"
    assert await refused(member.subscribe([name])) in {"_INVALID_ARG", "TOPIC_EXCEPTION"}
    assert await refused(member.fetch_committed_offsets([at])) == "_INVALID_ARG"


@pytest.mark.parametrize("number", ODD)
async def test_the_admin_is_told_of_numbers(admin: Admin, topic: Callable[[], str], number: int) -> None:
    at = TopicPartition(topic(), number)
    assert await refused(admin.bounds(at)) == "_INVALID_ARG"
    assert await refused(admin.create_topic(NewTopic(at.topic, number))) == "_INVALID_ARG"
    assert await refused(admin.add_partitions(at.topic, number)) == "_INVALID_ARG"
    if not -(2**63) <= number < 2**63:
        assert await refused(admin.offset_at(TopicPartition(at.topic, 0), number)) == "_INVALID_ARG"
    with pytest.raises(KafkaFailure, match="Kafka client rejects an argument"):
        admin.reader({at: 0})


@pytest.mark.parametrize("name", [NUL, LONE])
async def test_the_admin_is_told_of_names(admin: Admin, name: str) -> None:
    """Some go to the broker, which refuses them."""
    known = {"_INVALID_ARG", "TOPIC_EXCEPTION", "INVALID_REQUEST", "INVALID_TOPIC_EXCEPTION", "UNKNOWN_TOPIC_OR_PART"}
    owner = ConfigOwner(OwnerKind.TOPIC, name)
    assert await refused(admin.topic(name)) in known
    assert await refused(admin.create_topic(NewTopic(name))) in known
    assert await refused(admin.delete_topic(name)) in known
    assert await refused(admin.topic_configs(name)) in known
    assert await refused(admin.configs.alter(owner, [ConfigChange(name, name)])) in known
    assert await refused(admin.groups.fetch_offsets(LONE)) == "_INVALID_ARG"


@pytest.mark.parametrize(
    "odd",
    [
        record(topic=NUL),
        record(topic=LONE),
        record(partition=2**31),
        record(partition=2**70),
        record(timestamp=2**70),
        record(headers=((LONE, b""),)),
        record(headers=((NUL, b""),)),
    ],
)
async def test_a_record_that_the_client_does_not_take_fails_alone(
    settings: KafkaSettings, odd: OutgoingRecord, topic: Callable[[], str]
) -> None:
    """Those beside it are written, and the request is answered."""
    producer = RetryingProducer(settings, ProducerSettings())
    good = record(topic=topic())
    async with asyncio.timeout(60):
        before, refusal, after = await producer.send([good, odd, good])
    assert before.failure is None
    assert after.failure is None
    assert refusal.failure is not None
    assert refusal.failure.name in {"_INVALID_ARG", "TOPIC_EXCEPTION", "INVALID_TOPIC_EXCEPTION"}
    await producer.close()


def test_a_closed_client_is_one_that_another_may_replace(settings: KafkaSettings) -> None:
    client = Client(settings.client_options())
    client.close()
    with pytest.raises(KafkaFailure) as caught, translate.failures():
        client.produce("t", b"x")
    assert (caught.value.name, caught.value.retriable) == ("_DESTROY", True)


def test_what_a_callback_raises_is_nobodys_argument(settings: KafkaSettings) -> None:
    """A fault of this service is not told to callers as theirs."""

    def fail(*_: object) -> None:
        raise ValueError("a fault of ours")

    client = Client({**settings.client_options(), "message.timeout.ms": 1, "bootstrap.servers": "127.0.0.1:1"})
    client.produce("t", b"x", on_delivery=translate.callback(fail))
    with pytest.raises(CallbackError, match="a fault of ours"), translate.failures():
        client.flush(60)
    client.close()


def test_a_future_that_is_not_answered_in_time() -> None:
    with pytest.raises(KafkaFailure) as caught, translate.failures():
        Future[None]().result(0.001)
    assert (caught.value.name, caught.value.retriable) == ("_TIMED_OUT", True)


V2 = {"Content-Type": "application/vnd.kafka.v2+json"}
BINARY = {"Content-Type": "application/vnd.kafka.binary.v2+json"}


@pytest.mark.parametrize("number", [*ODD, "x"])
async def test_no_odd_number_is_a_failure_of_the_service(
    kafka: Cluster, topic: Callable[[], str], number: object
) -> None:
    name, group = topic(), topic()
    async with serving(kafka, topic()) as node:
        assert (await node.call("POST", f"/topics/{name}", {"records": [{"value": "eA=="}]}, headers=BINARY))[0] == 200
        made = (await node.call("POST", f"/consumers/{group}", {"name": "one"}, headers=V2))[1]
        base = f"/consumers/{group}/instances/{made['instance_id']}"
        partitions = {"partitions": [{"topic": name, "partition": 0}]}
        assert (await node.call("POST", f"{base}/assignments", partitions, headers=V2))[0] == 204
        odd_partition = {"topic": name, "partition": number}
        odd_offset = {"topic": name, "partition": 0, "offset": number}
        calls: list[tuple[str, str, object]] = [
            ("POST", f"{base}/assignments", {"partitions": [odd_partition]}),
            ("POST", f"{base}/positions", {"offsets": [odd_offset]}),
            ("POST", f"{base}/positions", {"offsets": [{**odd_partition, "offset": 0}]}),
            ("POST", f"{base}/positions/end", {"partitions": [odd_partition]}),
            ("POST", f"{base}/offsets", {"offsets": [odd_offset]}),
            ("POST", f"{base}/offsets", {"offsets": [{**odd_partition, "offset": 1}]}),
            ("GET", f"/topics/{name}/partitions/{number}", None),
            ("GET", f"/topics/{name}/partitions/{number}/offsets", None),
            ("GET", f"/topics/{name}/partitions/0/messages?offset={number}", None),
            ("GET", f"/topics/{name}/partitions/{number}/messages?offset=0", None),
            ("POST", f"/topics/{name}/partitions/{number}", {"records": [{"value": "eA=="}]}),
        ]
        for method, path, body in calls:
            headers = BINARY if path.startswith("/topics") and body else V2
            status, answer = await node.call(method, path, body, headers=headers)
            offsets = answer.get("offsets", []) if isinstance(answer, dict) else []
            codes = [status, *(each.get("error_code") or 0 for each in offsets)]
            assert all(code < 500 or 40000 <= code < 50000 for code in codes), (method, path, status, answer)


@pytest.mark.parametrize("end", ["\0", "\0b"])
async def test_a_name_is_not_cut_at_a_nul(kafka: Cluster, topic: Callable[[], str], end: str) -> None:
    """The client would go on with what is before it: another topic or group than the one that was asked about."""
    name, group, schemas = topic(), topic(), topic()
    async with serving(kafka, schemas) as node:
        await node.call("POST", f"/topics/{name}", {"records": [{"value": "eA=="}]}, headers=BINARY)
        ((cluster,),) = ([each["cluster_id"] for each in (await node.call("GET", "/v3/clusters"))[1]["data"]],)
        base = f"/v3/clusters/{cluster}/topics"
        odd = quote(name + end)
        status, made = await node.call("POST", f"/consumers/{group}", {"auto.offset.reset": "earliest"}, headers=V2)
        assert status == 200
        instance = f"/consumers/{group}/instances/{made['instance_id']}"
        calls: list[tuple[str, str, object]] = [
            ("DELETE", f"{base}/{odd}", None),
            ("GET", f"{base}/{odd}", None),
            ("GET", f"{base}/{odd}/configs", None),
            ("PUT", f"{base}/{odd}/configs/retention.ms", {"value": "1000"}),
            ("PUT", f"{base}/{name}/configs/retention.ms", {"value": f"1000{end}"}),
            ("PATCH", f"{base}/{odd}", {"partitions_count": 7}),
            ("POST", base, {"topic_name": f"{topic()}{end}"}),
            ("POST", base, {"topic_name": topic(), "configs": [{"name": f"retention.ms{end}", "value": "1"}]}),
            ("GET", f"/topics/{odd}", None),
            ("GET", f"/topics/{odd}/partitions", None),
            ("POST", f"/consumers/{quote(group + end)}", {}),
            ("POST", f"{instance}/subscription", {"topics": [name + end]}),
            ("POST", f"{instance}/assignments", {"partitions": [{"topic": name + end, "partition": 0}]}),
        ]
        for method, path, body in calls:
            headers = V2 if path.startswith("/consumers") else {"Content-Type": "application/json"}
            status, answer = await node.call(method, URL(path, encoded=True), body, headers=headers)
            assert 400 <= status < 500, (method, path, answer)
        status, answer = await node.call("GET", f"{base}/{name}/configs/retention.ms")
        assert (status, answer["is_default"]) == (200, True)
        assert (await node.call("GET", f"{base}/{name}"))[1]["partitions_count"] == 1
