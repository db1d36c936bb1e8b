"""Where tokens are fetched a thread serves the reports of what is written: it is started again if it ends."""

import asyncio
import time
from typing import Any

import pytest

from karapace_like import background
from karapace_like.background import BackgroundTasks
from karapace_like.kafka.async_producer import AsyncProducer
from karapace_like.kafka.retrying_producer import ProducerSettings, RetryingProducer
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.tokens import Token
from karapace_like.records import OutgoingRecord
from tests.security.conftest import SERVICE, SecuredKafka, token


async def test_the_thread_is_started_again(secured: SecuredKafka, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is reported afterwards."""
    poll, failures = AsyncProducer._poll, [ZeroDivisionError("nobody expected this")]

    def failing(channel: AsyncProducer, seconds: float) -> Any:
        if failures:  # before the poll, whose reports would be lost with it
            raise failures.pop()
        return poll(channel, seconds)

    monkeypatch.setattr(background, "_FIRST_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(AsyncProducer, "_poll", failing)
    made = Token(token(SERVICE), time.time() + 3600)
    settings = KafkaSettings(
        bootstrap_servers=secured.cluster.servers("SASL"),
        security={"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "OAUTHBEARER"},
        token=lambda: made,
        background=BackgroundTasks(),
    )
    producer = RetryingProducer(settings, ProducerSettings(metadata_timeout=30, delivery_timeout=60))
    async with asyncio.timeout(120):
        (delivery,) = await producer.send([OutgoingRecord(secured.topic_of(SERVICE), key=None, value=b"x")])
    assert delivery.failure is None
    assert settings.background.failures == {("delivery reports",): 1}
    assert "delivery reports failed, and is started again" in settings.background.warnings[0]
    await producer.close()
