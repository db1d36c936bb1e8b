"""Topics and configs that are described together: missing topics are left out, and nothing else is."""

from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException

from karapace_like.administration import NewTopic
from karapace_like.errors import KafkaFailure
from karapace_like.kafka.admin import Admin, shared_client
from karapace_like.kafka.admin.shared_client import SharedAdminClient
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.settings import KafkaSettings
from tests.waiting import until


@pytest.fixture
async def admin(kafka: Cluster) -> AsyncIterator[Admin]:
    admin = Admin(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers))
    yield admin
    admin.close()


async def test_topics_are_described_without_missing_ones(
    admin: Admin, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where they need several requests."""
    monkeypatch.setattr(shared_client, "_TOPICS_PER_REQUEST", 2)
    existing = [topic() for _ in range(3)]
    for name in existing:
        await admin.create_topic(NewTopic(name, configs={"retention.ms": "55000"}))

    async def are_known() -> bool:
        return set(existing) <= set(await admin.topic_names())

    await until(are_known)
    names = [existing[0], topic(), *existing[1:], topic(), topic()]
    assert [described.name for described in await admin.describe_topics(names)] == existing
    configs = await admin.configs.describe_topics(names)
    assert list(configs) == existing
    for entries in configs.values():
        assert {entry.name: entry.value for entry in entries}["retention.ms"] == "55000"
        assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    assert await admin.describe_topics([]) == []


@pytest.mark.parametrize("code", [KafkaError._TIMED_OUT, KafkaError.TOPIC_AUTHORIZATION_FAILED])
async def test_other_failures_are_raised(kafka: Cluster, code: int) -> None:
    """The client's time-out, and what a broker answers for one of the topics."""

    def send(_: object) -> Mapping[str, Future[str]]:
        good: Future[str] = Future()
        good.set_result("good")
        bad: Future[str] = Future()
        bad.set_exception(KafkaException(KafkaError(code)))
        return {"good": good, "bad": bad}

    client = SharedAdminClient(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), timeout=1)
    with pytest.raises(KafkaFailure) as caught:
        _ = [each async for each in client.call_for_topics(["good", "bad"], send)]
    assert caught.value.name == KafkaError(code).name()
    client.close()
