"""Creation of missing topics by the brokers, where they do that at a first record (`auto.create.topics.enable`).

The producers do not ask for it: they would recreate topics that are deleted (`async_producer.py`).
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress

from aiokafka.protocol.metadata import MetadataRequest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.protocol import ProtocolClient
from karapace_like.kafka.settings import KafkaSettings

_TOPICS = 10_000
"""Topics of which it is remembered that they were there."""
_KNOWN_SECONDS = 10.0
"""For so long: a topic may be deleted."""
_AGAIN_SECONDS = 0.1


class MissingTopics:
    """Has the brokers create topics before a transaction writes to them. Used on the event loop."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float) -> None:
        """`timeout` is in seconds."""
        self._timeout = timeout
        self._protocol = ProtocolClient(kafka, timeout=timeout)
        self._known: dict[str, float] = {}
        """Topic -> when it was there."""

    async def create(self, topics: Collection[str]) -> None:
        """Return once the brokers know the topics, or will not; the records' own failure says why."""
        loop = asyncio.get_running_loop()
        recent = loop.time() - _KNOWN_SECONDS
        missing = {topic for topic in topics if self._known.get(topic, -_KNOWN_SECONDS) <= recent}
        if not missing:
            return
        translate.check_texts(*missing)
        give_up = loop.time() + self._timeout
        with suppress(KafkaFailure):
            while missing and loop.time() < give_up:
                answer = await self._protocol.ask(MetadataRequest(list(missing), allow_auto_topic_creation=True))
                failed = {name: translate.error_code(error) for error, name, *_ in answer.topics if error}
                missing = {name for name, failure in failed.items() if failure.retriable}
                if missing:
                    await asyncio.sleep(_AGAIN_SECONDS)

    def remember(self, topics: Collection[str]) -> None:
        """Note that the topics were written."""
        if len(self._known) > _TOPICS:
            self._known.clear()
        self._known.update(dict.fromkeys(topics, asyncio.get_running_loop().time()))

    def forget(self, topics: Collection[str]) -> None:
        """Note that one of the topics may have been deleted."""
        for topic in topics:
            self._known.pop(topic, None)
