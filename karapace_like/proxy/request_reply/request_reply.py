"""Write a record that asks for a reply, and return the reply.

A reply that comes after the request's time-out is not lost: for some minutes its place in the reply topic is kept, and
the caller that made the request can fetch it by the request's id.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from karapace_like.background import BackgroundTasks
from karapace_like.ownership import Owner
from karapace_like.proxy import errors
from karapace_like.proxy.consumers import InstanceUser
from karapace_like.proxy.decode import DecodedRecord, RecordDecoder
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.ports import ClusterAdmin
from karapace_like.proxy.produce import (
    ProducedHeader,
    ProduceOptions,
    ProduceRequest,
    Producing,
)
from karapace_like.proxy.produce_report import ProduceReport, SchemaIds
from karapace_like.proxy.reading import Limits, Reading, RecordFormats, Start
from karapace_like.proxy.request_reply import correlation
from karapace_like.proxy.request_reply.correlation import RequestId
from karapace_like.proxy.request_reply.usage import MAX_LATE, RequestReplyUsage
from karapace_like.proxy.rights import SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.topic_tail import TopicTail
from karapace_like.records import ConsumedRecord, Delivery, Headers, RecordPlace

_LOOK_SECONDS = 2.0
"""How often it is noticed that the client of a waiting request has disconnected."""
_FETCH_MS = 10_000


class Request(NamedTuple):
    """A record that asks for a reply."""

    topic: str
    body: ProduceRequest
    """It has one record."""
    options: ProduceOptions
    reply_topic: str
    reply_partition: int | None
    timeout: float
    """Seconds."""
    formats: RecordFormats
    """Of the reply."""


class Reply(NamedTuple):
    """A reply, and the request that it is for."""

    id: RequestId
    decoded: DecodedRecord


class SentReply(NamedTuple):
    """Where a reply was written, and the schemas that encoded it."""

    delivery: Delivery
    schema_ids: SchemaIds


class ReplyTimeoutError(ProxyError):
    """504: no reply came in time; a late one can be fetched by the id."""

    def __init__(self, request_id: RequestId, request: Request, late_seconds: float) -> None:
        super().__init__(
            504,
            f"No reply came to {request.reply_topic} within {request.timeout:g} s. The request was written; within "
            f"{late_seconds:g} s, a late reply can be fetched with GET /topics/{request.topic}/requests/{request_id}",
        )
        self.request_id = request_id


@dataclass(slots=True, eq=False)
class _Sent:
    """A request whose reply is waited for, or may be fetched."""

    topic: str
    reply_topic: str
    user: InstanceUser
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    record: ConsumedRecord | None = None
    """The reply; only while the request waits."""
    place: RecordPlace | None = None
    """Where the reply is."""
    expires: float = 0.0
    """On the clock of the event loop, once it is late."""


class RequestReply:
    """The requests of one process. Every call raises ApiError for what the cluster or a contract refuses."""

    def __init__(
        self,
        owner: Owner,
        admin: ClusterAdmin,
        producing: Producing,
        reading: Reading,
        schemas: SchemaCache,
        usage: RequestReplyUsage,
        background: BackgroundTasks,
    ) -> None:
        """`owner` is this process; `usage` is shared by the proxies of all callers."""
        self.owner = owner
        self._admin = admin
        self._producing = producing
        self._reading = reading
        self._schemas = schemas
        self._usage = usage
        self._background = background
        self._topics: dict[str, TopicTail] = {}
        self._waiting: dict[bytes, _Sent] = {}
        """By the correlation id."""
        self._late: dict[bytes, _Sent] = {}
        """By the correlation id, the oldest first."""
        self._uses: Counter[str] = Counter()
        """Reply topic -> requests that wait, or whose late reply may be fetched."""

    def __len__(self) -> int:
        """The number of requests whose reply can still be given: with one, this must not be closed for being idle."""
        self._forget_expired_requests()
        return len(self._waiting) + len(self._late)

    async def request(
        self, wanted: Request, rights: SubjectRights, user: InstanceUser, *, is_wanted: Callable[[], bool]
    ) -> Reply:
        """Write the record and return its reply; ReplyTimeoutError without one.

        Raises 40403 and 40402 for a reply topic or partition that is not there, before anything is written.
        """
        with self._usage.waiting.hold(user.counted_as):
            begun = time.perf_counter()
            request_id = RequestId.create(self.owner)
            sent = _Sent(wanted.topic, wanted.reply_topic, user)
            self._uses[sent.reply_topic] += 1
            try:
                await self._send_and_wait(wanted, request_id, sent, rights, is_wanted)
            finally:
                self._stop_using(sent)
            if sent.record is None:
                self._keep_for_late_reply(request_id, sent)
                raise ReplyTimeoutError(request_id, wanted, self._usage.late_seconds)
            self._usage.seconds.observe(time.perf_counter() - begun)
            self._usage.replies["in_time",] += 1
            return Reply(request_id, await self._decode(sent.record, wanted.formats, rights))

    async def send_reply(
        self, topic: str, body: ProduceRequest, headers: Headers, options: ProduceOptions, rights: SubjectRights
    ) -> SentReply:
        """Write the reply to a request, with these headers that join the two."""
        report = await _produce_one(self._producing, topic, body, headers, options, rights)
        return SentReply(report.deliveries[0], report.schema_ids[topic])

    def find_reply_topic(self, topic: str, request_id: RequestId, user: InstanceUser) -> str | None:
        """Return the reply topic of a request of this process that has timed out; None if the caller has none such."""
        sent = self._find_late(topic, request_id, user)
        return None if sent is None else sent.reply_topic

    async def fetch_late_reply(
        self,
        topic: str,
        request_id: RequestId,
        formats: RecordFormats,
        wait: float,
        rights: SubjectRights,
        user: InstanceUser,
        *,
        is_wanted: Callable[[], bool],
    ) -> Reply | None:
        """Return the reply that came after the time-out of the request; None if none comes within `wait` seconds.

        Raises 404 for a request that is not the caller's, or is forgotten.
        """
        sent = self._find_late(topic, request_id, user)
        if sent is None:
            raise unknown_request_error(request_id)
        with self._usage.waiting.hold(user.counted_as):
            await _wait(sent.arrived, asyncio.get_running_loop().time() + wait, is_wanted)
            if sent.place is None:
                return None
            at, offset = sent.place
            page = await self._reading.read(
                [at], Start(offset=offset), formats, Limits(count=1, timeout_ms=_FETCH_MS), rights, is_wanted=is_wanted
            )
        if not page.records or page.records[0].record.offset != offset:
            raise deleted_reply_error(sent.place)
        return Reply(request_id, page.records[0])

    async def close(self) -> None:
        """Stop reading reply topics."""
        await asyncio.gather(*(topic.close() for topic in self._topics.values()))
        self._usage.reply_topics -= len(self._topics)
        self._usage.late -= len(self._late)

    async def _send_and_wait(
        self,
        wanted: Request,
        request_id: RequestId,
        sent: _Sent,
        rights: SubjectRights,
        is_wanted: Callable[[], bool],
    ) -> None:
        """Write the record, and wait until `sent` has the reply, or for the time of the request."""
        deadline = asyncio.get_running_loop().time() + wanted.timeout
        await self._open_topic(wanted.reply_topic, wanted.reply_partition)
        key = str(request_id).encode()
        self._waiting[key] = sent
        try:
            headers = correlation.make_headers(key, wanted.reply_topic, wanted.reply_partition)
            await _produce_one(self._producing, wanted.topic, wanted.body, headers, wanted.options, rights)
            await _wait(sent.arrived, deadline, is_wanted)
        finally:
            del self._waiting[key]

    async def _open_topic(self, name: str, partition: int | None) -> None:
        topic = self._topics.get(name)
        if topic is None:
            for closed in [known for known, reader in self._topics.items() if reader.is_closed]:
                del self._topics[closed]
                self._usage.reply_topics -= 1
            if self._usage.reply_topics >= self._usage.max_reply_topics:
                raise errors.too_many("reply topics")
            topic = self._topics[name] = TopicTail(
                name, self._admin, self._deliver, partial(self._is_in_use, name), self._background
            )
            self._usage.reply_topics += 1
        await topic.open()
        if partition is not None and partition not in topic.partitions:
            raise errors.partition_not_found_error(partition, name)

    def _is_in_use(self, topic: str) -> bool:
        self._forget_expired_requests()
        return topic in self._uses

    def _stop_using(self, sent: _Sent) -> None:
        self._uses[sent.reply_topic] -= 1
        if not self._uses[sent.reply_topic]:
            del self._uses[sent.reply_topic]

    def _deliver(self, record: ConsumedRecord) -> None:
        """Give a record of a reply topic to the request that it is for, if any; the first reply of a request counts."""
        key = correlation.find_header(record.headers, correlation.CORRELATION_ID) or b""
        waiting, late = self._waiting.get(key), self._late.get(key)
        sent = waiting or late
        if sent is None or sent.place is not None or sent.reply_topic != record.at.topic:
            return
        if sent is waiting:
            sent.record = record
        else:
            self._usage.replies["late",] += 1
        sent.place = RecordPlace(record.at, record.offset)
        sent.arrived.set()

    def _keep_for_late_reply(self, request_id: RequestId, sent: _Sent) -> None:
        self._usage.replies["timed_out",] += 1
        sent.expires = asyncio.get_running_loop().time() + self._usage.late_seconds
        self._late[str(request_id).encode()] = sent
        self._uses[sent.reply_topic] += 1
        self._usage.late += 1
        self._forget_expired_requests()
        while len(self._late) > MAX_LATE:
            self._forget(next(iter(self._late)))

    def _forget_expired_requests(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._late and next(iter(self._late.values())).expires <= now:
            self._forget(next(iter(self._late)))

    def _forget(self, key: bytes) -> None:
        self._stop_using(self._late.pop(key))
        self._usage.late -= 1

    def _find_late(self, topic: str, request_id: RequestId, user: InstanceUser) -> _Sent | None:
        self._forget_expired_requests()
        sent = self._late.get(str(request_id).encode())
        return sent if sent is not None and (sent.topic, sent.user.name) == (topic, user.name) else None

    async def _decode(self, record: ConsumedRecord, formats: RecordFormats, rights: SubjectRights) -> DecodedRecord:
        decoder = RecordDecoder(self._schemas, key=formats.key, value=formats.value, reader=formats.reader)
        return await decoder.decode(record, rights)


async def _produce_one(
    producing: Producing,
    topic: str,
    body: ProduceRequest,
    headers: Headers,
    options: ProduceOptions,
    rights: SubjectRights,
) -> ProduceReport:
    """Write the request's one record with more headers; raise ApiError where it was not written."""
    (record,) = body.records
    more = tuple(ProducedHeader(key, value) for key, value in headers)
    record = replace(record, headers=(*(record.headers or ()), *more))
    report = await producing.produce(topic, replace(body, records=(record,)), options, rights)
    refusal = report.refusals.get(0)
    if refusal is not None:
        raise refusal
    failure = report.deliveries[0].failure
    if failure is not None:
        # Without the time of a repetition: the record may be written.
        raise ProxyError(errors.kafka_code(failure), failure.message)
    return report


async def _wait(event: asyncio.Event, deadline: float, is_wanted: Callable[[], bool]) -> None:
    """Wait for the event until the deadline, on the clock of the event loop, or until nobody wants it any more."""
    loop = asyncio.get_running_loop()
    while not event.is_set() and (left := deadline - loop.time()) > 0 and is_wanted():
        try:
            async with asyncio.timeout(min(_LOOK_SECONDS, left)):
                await event.wait()
        except TimeoutError:
            continue


def unknown_request_error(request_id: RequestId) -> ProxyError:
    """Return the 404 for an id of which the caller has no request here."""
    return ProxyError(
        404,
        f"HTTP 404 Not Found: this caller has no request {request_id} that has timed out, or it is forgotten: its time "
        "is over, or the process that made it has ended. A reply, if any, is in the reply topic.",
    )


def deleted_reply_error(place: RecordPlace) -> ProxyError:
    """Return the 404 for a reply that the cluster has deleted meanwhile."""
    return ProxyError(
        404, f"HTTP 404 Not Found: the reply at offset {place.offset} of {place.at} is deleted from its topic."
    )
