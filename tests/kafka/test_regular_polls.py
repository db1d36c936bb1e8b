"""Clients that nothing else polls are polled: librdkafka would keep their log lines and errors in memory."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp.test_utils import unused_port

from karapace_like.kafka import regular_polls
from karapace_like.kafka.admin.shared_client import SharedAdminClient
from karapace_like.kafka.log_topic_admin import LogTopicAdmin
from karapace_like.kafka.log_topic_writer import LogTopicWriter
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import Fencing
from tests.waiting import until


@pytest.fixture
def kafka_away() -> KafkaSettings:
    """Of a cluster that nobody reaches: each attempt is a line."""
    return KafkaSettings(bootstrap_servers=f"127.0.0.1:{unused_port()}")


def count(client: Any) -> int:
    """What it has queued; the client's annotations lack this."""
    return len(client)


def _make_management(kafka: KafkaSettings) -> tuple[object, Callable[[], int]]:
    owner = SharedAdminClient(kafka, timeout=1)
    owner.renew()
    return owner, lambda: sum(map(count, owner._list_clients()))


def _make_topic_admin(kafka: KafkaSettings) -> tuple[object, Callable[[], int]]:
    owner = LogTopicAdmin(kafka, "_schemas", "schemas", timeout=1)
    kafka.polls.add(owner)
    return owner, lambda: count(owner._client)


def _make_writer(kafka: KafkaSettings) -> tuple[object, Callable[[], int]]:
    owner = LogTopicWriter(
        kafka, topic="t", group_id="g", mark=b"", fencing=Fencing.OFF, timeout=1, max_record_bytes=1_000
    )
    kafka.polls.add(owner)
    return owner, lambda: count(owner._plain)


@pytest.mark.parametrize("make", [_make_management, _make_topic_admin, _make_writer])
async def test_what_a_client_has_queued_is_logged_and_freed(
    kafka_away: KafkaSettings,
    make: Callable[[KafkaSettings], tuple[object, Callable[[], int]]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(regular_polls, "_INTERVAL_SECONDS", 0.05)
    caplog.set_level(logging.INFO)
    _owner, count_queued = make(kafka_away)

    async def has_queued() -> bool:
        return count_queued() > 2

    async def has_freed() -> bool:
        return count_queued() == 0

    await until(has_queued)
    assert "Connection refused" not in caplog.text
    polling = asyncio.create_task(kafka_away.polls.run())
    try:
        await until(has_freed)
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
    assert "Connection refused" in caplog.text
