"""The admin client of all management calls: responses arrive on librdkafka's thread, nothing blocks the event loop."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, TypeVar

from confluent_kafka.admin import AdminClient

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import blocking, elections, translate
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.regular_polls import poll_client
from karapace_like.kafka.settings import KafkaSettings

K = TypeVar("K")
T = TypeVar("T")

_TOPICS_PER_REQUEST = 100
"""A topic has some 35 configs: to convert those of so many takes ten to forty milliseconds of the event loop."""
_MISSING = frozenset({"UNKNOWN_TOPIC_OR_PART", "UNKNOWN_TOPIC_ID", "_UNKNOWN_TOPIC"})
_NUDGE_SECONDS = 1.0
"""How long a response is waited for before the client refreshes its metadata."""


class SharedAdminClient:
    """The client that all management calls share; `close` it at the end."""

    def __init__(self, kafka: KafkaSettings, *, timeout: float) -> None:
        """`timeout` is in seconds, for each request. Raises KafkaFailure where the client rejects the settings."""
        self._kafka = kafka
        self.current = self._create_client()
        self.timeout = timeout
        self._previous: list[tuple[float, AdminClient]] = []
        """(time of replacement, client): replaced clients through which requests may still be in flight."""
        kafka.renewal.add(self)
        kafka.polls.add(self)

    def poll(self) -> None:
        """Have all clients log what they have queued."""
        for client in self._list_clients():
            poll_client(client)

    def renew(self) -> None:
        """Use a new client from now on; close replaced ones whose requests have timed out."""
        created, now = self._create_client(), time.monotonic()
        finished = [client for since, client in self._previous if now - since > self.timeout]
        self._previous = [entry for entry in self._previous if entry[1] not in finished]
        self._previous.append((now, self.current))
        self.current = created
        for client in finished:
            client.__exit__(None, None, None)

    def _create_client(self) -> AdminClient:
        with translate.failures():
            return AdminClient(self._kafka.client_options(), logger=client_logger)

    async def call(self, send: Callable[[], Future[T]]) -> T:
        """Send a request; return its response. Retries while a leader is elected. Raises KafkaFailure.

        The client raises some limits of its own before it sends anything.
        """

        async def call_once() -> T:
            response = translate.call(send)
            with translate.failures():
                return await self._await_with_nudges(asyncio.wrap_future(response))

        return await self.retry_during_elections(call_once)

    async def retry_during_elections(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Retry the attempt while a leader or coordinator is elected, until the timeout. Raises KafkaFailure."""
        return await elections.retry_during_elections(attempt, self.timeout)

    async def call_for_topics(
        self, names: Sequence[str], send: Callable[[Sequence[str]], Mapping[K, Future[T]]]
    ) -> AsyncIterator[tuple[K, T]]:
        """Send requests about many topics; yield the responses in order, without topics that do not exist.

        Retries while a leader is elected. Raises KafkaFailure if a topic fails otherwise: it would be missing.
        """
        for start in range(0, len(names), _TOPICS_PER_REQUEST):

            async def call_once(some: Sequence[str] = names[start : start + _TOPICS_PER_REQUEST]) -> dict[K, T]:
                sent = translate.call(send, some)
                responses = asyncio.gather(*map(asyncio.wrap_future, sent.values()), return_exceptions=True)
                results: list[T | BaseException] = await self._await_with_nudges(responses)
                return _take_results(dict(zip(sent, results, strict=True)))

            for key, result in (await self.retry_during_elections(call_once)).items():
                yield key, result

    async def _await_with_nudges(self, response: "asyncio.Future[T]") -> T:
        """Wait for a response, and have the client refresh its metadata every second.

        The client sends a request to the last known controller, and would wait for that broker to come back.
        """
        while True:
            # The future is never cancelled with its caller: the client's thread could not set its result.
            done, _ = await asyncio.wait({response}, timeout=_NUDGE_SECONDS)
            if done:
                return response.result()
            with contextlib.suppress(KafkaFailure):
                await self.call_in_thread(lambda: self.current.list_topics(timeout=_NUDGE_SECONDS))

    async def call_in_thread(self, method: Callable[[], T]) -> T:
        """Make a blocking call in a thread; return its result. Raises KafkaFailure."""
        return await blocking.call_in_thread(translate.call, method)

    def close(self) -> None:
        """Close all clients."""
        for client in self._list_clients():
            client.__exit__(None, None, None)

    def _list_clients(self) -> list[AdminClient]:
        return [self.current, *(client for _, client in self._previous)]


def _take_results(responses: Mapping[K, T | BaseException]) -> dict[K, T]:
    """Return the responses that are none about a missing topic; raise another failure as KafkaFailure."""
    results: dict[K, T] = {}
    for key, response in responses.items():
        if not isinstance(response, BaseException):
            results[key] = response
        elif (failure := translate.convert(response)).name not in _MISSING:
            raise failure
    return results


def get_enum_name(value: Any) -> str:
    """Return the name of an enumeration's member; the number as text where the client library knows no name."""
    return str(getattr(value, "name", value))
