"""One librdkafka producer, whose delivery reports are served in batches on the event loop.

A thread of their own would take Python's lock for each report, against the event loop that needs it just then. Only
where a client fetches tokens is there one: they are asked for in the same call, and the issuer may take long.

A client keeps every topic that it ever wrote to, and asks the brokers for all of them again and again, until it is
closed. One that may create topics would so bring deleted ones back: these clients may not. The brokers are asked by
itself for a topic that is written to for the first time, and create it then if they do so.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from functools import partial
from operator import attrgetter
from typing import Any, TypeAlias

from aiokafka.protocol.metadata import MetadataRequest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Producer as Client

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.admin.protocol import Protocol
from karapace_like.records import Delivery, OutgoingRecord

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 0.1
"""How long nothing else is looked for, statistics say, while nothing is being sent."""
_BATCH_SECONDS = 0.001
"""How long reports may wait for others."""
_QUEUE_FULL_SECONDS = 0.005
_ANY_PARTITION = -1
_NOW = 0
_RECORDS_PER_TURN = 500
"""Records that are handed over before other requests get the event loop again."""

_topic_of = attrgetter("topic")
_Report: TypeAlias = Callable[[KafkaError | None, Any], None]
"""Is told what became of a record: why it failed, or where it is."""


class _Call:
    """The records of one `send` and what has become of them so far.

    Who serves the reports writes `deliveries` and `reported`, the event loop `sent`. Each looks at both after it has
    written, so that at least one sees that all is done.
    """

    __slots__ = ("deliveries", "done", "reported", "sent")

    def __init__(self, size: int, done: asyncio.Future[None]) -> None:
        self.deliveries = [_UNREPORTED] * size
        self.reported = 0
        self.sent: int | None = None
        """How many reports to expect; None until all records are handed over."""
        self.done = done

    def settle(self) -> None:
        """Wake the sender if all reports are in."""
        if self.reported == self.sent and not self.done.done():
            self.done.set_result(None)


_UNREPORTED = Delivery()


class Channel:
    """One librdkafka producer."""

    def __init__(self, options: dict[str, Any], protocol: Protocol) -> None:
        """`protocol` is how the brokers are asked for topics."""
        self.topics: set[str] = set()
        """Those that the client keeps something of."""
        self.written: set[str] = set()
        """Those of them that were there."""
        self._protocol = protocol
        self._sending = 0
        self.is_broken = False
        """Whether the client has met an error after which it can write nothing any more, which idempotence has."""
        with translate.failures():
            self._client = Client({**options, "error_cb": self._note}, logger=logger)
        self._loop = asyncio.get_running_loop()
        self._complete: list[_Call] = []
        self._stopping = threading.Event()
        self._ended = asyncio.Event()
        self._next: asyncio.TimerHandle | None = None
        if "oauth_cb" in options:
            threading.Thread(target=self._serve_beside, name="delivery-reports", daemon=True).start()
        else:
            self._next = self._loop.call_later(_IDLE_SECONDS, self._serve)

    async def send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        """Hand the records over and wait for their reports."""
        self._sending += 1
        if self._sending == 1 and self._next is not None:
            self._next.cancel()
            self._next = self._loop.call_later(_BATCH_SECONDS, self._serve)
        try:
            if self.written.issuperset(map(_topic_of, records)):
                return await self._send(records)
            refused = await self._meet({each.topic for each in records} - self.written)
            sent = iter(await self._send([each for each in records if each.topic not in refused]))
            deliveries = [refused.get(each.topic) or next(sent) for each in records]
            self.written.update(
                record.topic for record, found in zip(records, deliveries, strict=True) if found.failure is None
            )
            return deliveries
        finally:
            self._sending -= 1

    async def existing(self, topics: Collection[str]) -> set[str]:
        """Those of the topics that are there, by the brokers' word. Raises KafkaFailure."""
        return {name for name, error in (await self._errors(topics)).items() if not error}

    async def _meet(self, topics: set[str]) -> dict[str, Delivery]:
        """Have topics created that are not there, where the brokers do so; what the others' records are refused for.

        The client remembers a refusal for some time, and then says of each reason that it does not know the topic.
        """
        try:
            errors = await self._errors(topics, are_created=True)
        except KafkaFailure:
            errors = {}  # the reports of the records will say what is the matter
        failures = {name: translate.protocol_failure(error) for name, error in errors.items() if error}
        refused = {name: Delivery(failure=failure) for name, failure in failures.items() if not failure.retriable}
        self.topics |= topics - refused.keys()
        return refused

    async def _errors(self, topics: Collection[str], *, are_created: bool = False) -> dict[str, int]:
        """What the brokers say of each topic, in the protocol's numbers. Raises KafkaFailure."""
        answer = await self._protocol.ask(MetadataRequest(list(topics), allow_auto_topic_creation=are_created))
        return {name: error for error, name, *_ in answer.topics}

    async def _send(self, records: Sequence[OutgoingRecord]) -> list[Delivery]:
        call = _Call(len(records), self._loop.create_future())
        produce, report, sent = self._client.produce, self._report, 0
        for at, record in enumerate(records):
            if at % _RECORDS_PER_TURN == _RECORDS_PER_TURN - 1:
                await asyncio.sleep(0)
            reporting = partial(report, call, at)
            try:
                try:
                    if record.headers or record.timestamp:
                        self._hand_over(record, reporting)
                    else:  # in place, and without names: either would add half to what the call costs
                        partition = _ANY_PARTITION if record.partition is None else record.partition
                        produce(record.topic, record.value, record.key, partition, reporting)
                except BufferError:
                    await self._hand_over_later(record, reporting)
            except KafkaException as error:
                call.deliveries[at] = Delivery(failure=_refusal(error.args[0]))
            else:
                sent += 1
        call.sent = sent
        call.settle()
        await call.done
        return call.deliveries

    def partition_count(self, topic: str, timeout: float) -> int:
        """How many partitions the topic has, asked from the brokers now. Blocks; raises KafkaFailure."""
        with translate.failures():
            found = self._client.list_topics(topic, timeout=timeout).topics[topic]
        if found.error is not None:
            raise translate.failure(found.error)
        return len(found.partitions)

    async def close(self) -> None:
        """Wait for what is being sent, and all reports; each comes within the delivery timeout."""
        self._stopping.set()
        await self._ended.wait()
        self._client.close()

    def _hand_over(self, record: OutgoingRecord, report: _Report) -> None:
        """Give one record to the client; raises BufferError where its queue has no room, KafkaException if refused."""
        self._client.produce(
            record.topic,
            record.value,
            record.key,
            _ANY_PARTITION if record.partition is None else record.partition,
            report,
            timestamp=record.timestamp or _NOW,
            headers=list(record.headers) or None,
        )

    def _report(self, call: _Call, at: int, error: KafkaError | None, message: Any) -> None:
        """Note what became of a record of the call."""
        call.deliveries[at] = (
            Delivery(message.partition(), message.offset(), None, message.timestamp()[1])
            if error is None
            else Delivery(failure=translate.failure(error))
        )
        call.reported += 1
        if call.reported == call.sent:
            self._complete.append(call)

    async def _hand_over_later(self, record: OutgoingRecord, report: _Report) -> None:
        """Give one record to the client once its queue has room."""
        while True:
            await asyncio.sleep(_QUEUE_FULL_SECONDS)
            with suppress(BufferError):
                return self._hand_over(record, report)

    def _note(self, error: KafkaError) -> None:
        """Where reports are served, or records handed over."""
        if error.fatal():
            self._break(error.str())
        else:
            logger.debug("%s", error.str())  # the client logs by itself what matters

    def _break(self, reason: str) -> None:
        if not self.is_broken:
            self.is_broken = True
            logger.error("The producer has to be made anew: %s", reason)

    def _serve(self) -> None:
        """Serve the reports that there are, and come again."""
        _settle(self._poll(0))
        if self._is_at_end:
            self._next = None
            self._ended.set()
        else:
            self._next = self._loop.call_later(_BATCH_SECONDS if self._sending else _IDLE_SECONDS, self._serve)

    def _serve_beside(self) -> None:
        """Serve reports in this thread as they come."""
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            while not self._is_at_end:
                if complete := self._poll(_IDLE_SECONDS):
                    self._loop.call_soon_threadsafe(_settle, complete)
            self._loop.call_soon_threadsafe(self._ended.set)

    @property
    def _is_at_end(self) -> bool:
        return self._stopping.is_set() and not self._sending and not len(self._client)

    def _poll(self, seconds: float) -> list[_Call]:
        """Serve the reports that there are, or come in time; the calls that have all of theirs."""
        try:
            with translate.failures():
                self._client.poll(seconds)
        except KafkaFailure as failure:  # only what is fatal is raised here; reports go on
            self._break(failure.message)
        complete, self._complete = self._complete, []
        return complete


def _settle(calls: list[_Call]) -> None:
    for call in calls:
        call.settle()


def _refusal(error: KafkaError) -> KafkaFailure:
    if error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        return KafkaFailure("RECORD_TOO_LARGE", "The record is larger than the producer's max.request.size allows.")
    return translate.failure(error)
