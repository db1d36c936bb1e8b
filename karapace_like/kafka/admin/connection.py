"""One admin client, and how it is asked: answers come through librdkafka's thread, nothing blocks the event loop."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka.admin import AdminClient

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PASSING = frozenset(
    {
        "COORDINATOR_LOAD_IN_PROGRESS",
        "COORDINATOR_NOT_AVAILABLE",
        "FENCED_LEADER_EPOCH",
        "LEADER_NOT_AVAILABLE",
        "NOT_COORDINATOR",
        "NOT_LEADER_FOR_PARTITION",
        "UNKNOWN_LEADER_EPOCH",
    }
)
"""A partition's leader or a group's coordinator is being chosen, as they are for a moment after they were made."""
_AGAIN_SECONDS = 0.05
_NUDGE_SECONDS = 1.0


class Connection:
    """The client that all management calls share; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float) -> None:
        """`timeout` is in seconds, for each question. KafkaFailure: no client can be made with these settings."""
        self._kafka = kafka
        self.client = self._made()
        self.timeout = timeout
        self._before: list[tuple[float, AdminClient]] = []
        """Clients that questions may still be asked through, and since when no new ones are."""
        kafka.renewal.tell(self)

    def renew(self) -> None:
        """Ask through a new client from now on."""
        made, now = self._made(), time.monotonic()
        over = [client for since, client in self._before if now - since > self.timeout]
        self._before = [each for each in self._before if each[1] not in over]
        self._before.append((now, self.client))
        self.client = made
        for each in over:
            each.__exit__(None, None, None)

    def _made(self) -> AdminClient:
        with translate.failures():
            return AdminClient(self._kafka.client_options(), logger=logger)

    async def answer(self, ask: Callable[[], Future[T]]) -> T:
        """What the cluster answers; asked again while a leader is on its way. Raises KafkaFailure.

        Also where the client itself will not ask: it knows limits of its own.
        """

        async def asked() -> T:
            with translate.failures():
                try:
                    answer = ask()
                except (ValueError, OverflowError, TypeError) as error:
                    raise KafkaFailure("INVALID_REQUEST", str(error)) from error
                return await self._nudged(asyncio.wrap_future(answer))

        return await self.persistently(asked)

    async def persistently(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Try until a leader or coordinator is there, as long as a question may take. Raises KafkaFailure."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self.timeout
        while True:
            try:
                return await attempt()
            except KafkaFailure as failure:
                if failure.name not in _PASSING or loop.time() > give_up:
                    raise
            await asyncio.sleep(_AGAIN_SECONDS)

    async def answers(self, asked: Iterable[Future[T]]) -> list[T | BaseException]:
        """What the cluster answers to several questions at once; a failure is a value."""
        return await self._nudged(asyncio.gather(*map(asyncio.wrap_future, asked), return_exceptions=True))

    async def _nudged(self, answer: "asyncio.Future[T]") -> T:
        """Wait for an answer, and let the client look for other brokers every second that it does not come.

        The client asks whom it took for the controller last, and would wait for that one to come back.
        """
        while True:
            # The future is never cancelled: the client's thread would trip over it when a caller leaves.
            done, _ = await asyncio.wait({answer}, timeout=_NUDGE_SECONDS)
            if done:
                return answer.result()
            with contextlib.suppress(KafkaFailure):
                await self.in_thread(lambda: self.client.list_topics(timeout=_NUDGE_SECONDS))

    async def in_thread(self, ask: Callable[[], T]) -> T:
        """What a call answers that has no future, and may wait. Raises KafkaFailure."""

        def asked() -> T:
            with translate.failures():
                return ask()

        return await asyncio.to_thread(asked)

    def close(self) -> None:
        """Let go of the cluster."""
        for each in (self.client, *(client for _, client in self._before)):
            each.__exit__(None, None, None)


def enumerated(value: Any) -> str:
    """The name of a member of one of the client library's enumerations, also where it gives the bare number."""
    return str(getattr(value, "name", value))
