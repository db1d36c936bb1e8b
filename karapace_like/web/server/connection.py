"""One client's connection: requests that the response cache knows are answered at once, the others by aiohttp.

The cache answers only a whole request with nothing before or after it in the connection's buffer. Everything else goes
to aiohttp: methods other than GET and POST, chunked bodies, `Expect`, `Connection: close`, pipelined requests, and
clients that do not read their responses.

This module, `caching.py` and `runner.py` use names of aiohttp that are not public, and no other module does;
tests/web/test_aiohttp_internals.py lists them all. setup.cfg holds aiohttp to its minor version for that reason.
"""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from time import perf_counter
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time, set_exception
from aiohttp.http_parser import RawRequestMessage
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.process import logs
from karapace_like.web.http import request_ids
from karapace_like.web.http.api_roles import ApiRoles
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.http.errors import build_error_response
from karapace_like.web.http.request_bodies import is_chunked
from karapace_like.web.server.caching import Admit, store_response
from karapace_like.web.server.observer import Observer
from karapace_like.web.server.rejected_heads import find_status, name_fault
from karapace_like.web.server.request_heads import UNKNOWN, RequestHead, parse_request_head
from karapace_like.web.server.response_cache import AnswerBody, CachedResponse, CacheEntry, Counted, ResponseCache

logger = logging.getLogger(__name__)

_DISCARD_SECONDS = 1.0
"""How long the rest of a body is discarded before the connection is closed."""
_CONFIRM_SECONDS = 1.0
"""How long a cached response may take to be confirmed, before aiohttp answers, which knows how to wait for Kafka."""
_CONTINUE = "100-continue"
"""The one value of `Expect` (RFC 9110)."""


class _PendingRequest(NamedTuple):
    """One request whose answer is awaited: from a function of its body, or a cached one once that is confirmed."""

    entry: CacheEntry
    answer: AnswerBody | CachedResponse
    head: RequestHead
    body: bytes
    pieces: Sequence[bytes]
    """Head and body as they came."""


class Connection(RequestHandler):
    """aiohttp's protocol of one connection, which looks at a request's bytes before aiohttp does."""

    __slots__ = (
        "_admit", "_answering", "_discardable", "_head", "_held", "_held_bytes", "_is_answering",
        "_is_ending", "_is_new", "_is_rest_discarded", "_last_head", "_later", "_lost", "_next_request", "_observer",
        "_pending", "_responses", "_rest", "_whole", "dialect", "roles",
    )  # fmt: skip

    def __init__(
        self,
        server: Server,
        cache: ResponseCache,
        admit: Admit | None,
        observer: Observer,
        dialect: Dialect,
        roles: ApiRoles,
        **options: Any,
    ) -> None:
        super().__init__(server, **options)
        self.roles = roles
        """What the listener serves that the client has connected to."""
        self.dialect = dialect
        """What the client expects, by the listener that it has connected to."""
        self._responses = cache
        self._observer = observer
        self._admit = admit
        self._is_new = True
        """Whether no byte has come yet."""
        self._rest = 0
        """Bytes still to come of the request that aiohttp is reading; UNKNOWN: only aiohttp knows where that ends."""
        self._pending = 0
        """Requests that aiohttp was given and has not answered."""
        self._head: RequestHead | None = None
        """Of the request that aiohttp is answering, if its response can be cached."""
        self._last_head: tuple[bytes, RequestHead] | None = None
        """Clients send the same head again and again, and comparing it costs less than parsing it."""
        self._held: list[bytes] = []
        """The pieces of a request that the cache knows, until it is whole."""
        self._held_bytes = 0
        self._whole = 0
        """Bytes that this request will have."""
        self._is_answering = False
        """Whether an `answer_body` is at work."""
        self._is_ending = False
        self._next_request: asyncio.Future[_PendingRequest] = self._loop.create_future()
        """What the task below waits for."""
        self._answering: asyncio.Task[None] | None = None
        """Answers one request after the other: a task for each would cost a tenth of producing a record."""
        self._later: list[bytes] = []
        """Bytes that came while a request was being answered."""
        self._is_rest_discarded = False
        """Whether the client still sends a body that is not read."""
        self._lost: asyncio.Future[None] | None = None
        """Done when the connection is lost; None unless the rest of a body is being discarded."""
        self._discardable = 0
        """Bytes that may still be discarded."""

    def data_received(self, data: bytes) -> None:
        """Answer the request that these bytes are, or hand them on to aiohttp."""
        if self._is_answering:
            self._later.append(data)
            self._pause_transport_reading()
        elif self._held:
            self._held.append(data)
            self._held_bytes += len(data)
            if self._held_bytes >= self._whole:
                held, self._held = self._held, []
                self._begin_request(held, self._held_bytes)
        elif self._rest == 0 and data:
            self._begin_request((data,), len(data))
        else:
            if self._rest > 0:
                self._rest = max(self._rest - len(data), UNKNOWN)
            elif self._lost is not None:
                self._discardable -= len(data)
                if self._discardable < 0 and self.transport is not None:
                    self.transport.abort()
            super().data_received(data)
            self._fail_broken_bodies()

    def _fail_broken_bodies(self) -> None:
        """Let reading the request's body fail where its chunks are malformed.

        aiohttp's parser in C passes an error to the next request only: the handler of this one would wait for the rest.
        """
        if not self._messages or isinstance(self._messages[-1][0], RawRequestMessage):
            return
        bodies = [body for _, body in self._messages]
        if self._current_request is not None:
            bodies.append(self._current_request.content)
        for body in bodies:
            if not body.is_eof() and body.exception() is None:
                set_exception(body, web.RequestPayloadError("a chunk is malformed"))

    def _begin_request(self, pieces: Sequence[bytes], size: int) -> None:
        """Read bytes that begin a request, `size` in all; the first piece has the whole head where there are others."""
        self._is_new = False
        head = self._parse_head(pieces[0])
        if head is not None and head.is_small and head.body != UNKNOWN and self._is_idle:
            entry = self._responses.find(head)
            if entry is not None and self._try_cache(entry, head, pieces, size):
                return
        self._leave_to_aiohttp(head, b"".join(pieces))

    def _leave_to_aiohttp(self, head: RequestHead | None, data: bytes) -> None:
        """Have aiohttp read the bytes, which begin a request."""
        is_idle = self._is_idle
        self._head = None
        if head is None or not head.is_plain:
            self._rest = UNKNOWN
        else:
            self._rest = max(head.size + head.body - len(data), UNKNOWN)
            if is_idle and self._rest != UNKNOWN and head.is_small:
                self._head = head
        self._pending += 1
        super().data_received(data)

    def _parse_head(self, data: bytes) -> RequestHead | None:
        if self._last_head is not None and data.startswith(self._last_head[0]):
            return self._last_head[1]
        head = parse_request_head(data)
        self._last_head = (data[: head.size], head) if head is not None and head.is_small else None
        return head

    @property
    def awaited_input(self) -> tuple[str, float] | None:
        """The part of a request that the client still owes; None if it owes nothing.

        The value stays equal while nothing of that part comes; single bytes of a head do not count as progress.
        """
        if self._is_answering:
            return None
        if self._held:
            return "rest", self._held_bytes
        request = self._current_request
        if request is not None:
            content = request.content
            return None if content.is_eof() else ("body", content.total_bytes)
        if self._is_new:
            return "anything", 0.0
        return ("head", self._next_keepalive_close_time) if self._pending and not self._messages else None

    @property
    def _is_idle(self) -> bool:
        """Whether every earlier request is answered, and the client reads its responses."""
        return not (self._pending or self.writing_paused or self._close or self._force_close)

    def _try_cache(self, entry: CacheEntry, head: RequestHead, pieces: Sequence[bytes], size: int) -> bool:
        """Answer the request from the cache, now or once it is whole; False: aiohttp has to."""
        self._whole = head.size + head.body
        if head.body > self._responses.max_body:
            return False
        if size < self._whole:
            self._held, self._held_bytes = list(pieces), size
            return True
        if size != self._whole or not entry.admits(self.transport):
            return False
        body = _cut_body(head, pieces)
        cached = entry.responses.get(body) if entry.responses else None  # a large body takes long to hash
        if cached is not None and cached.validity.is_current():
            request_id = head.request_id.decode() if head.request_id else request_ids.generate()
            self._write(cached.head, request_id, cached.body)
            entry.tally.count(cached.status, head.body, len(cached.body))
            if self._observer.access_log is not None:
                self._observer.log_cached_response(
                    entry.counted, head, self.transport, request_id, cached.status, len(cached.body)
                )
        elif cached is not None and cached.validity.is_unchanged():
            self._start_answering(_PendingRequest(entry, cached, head, body, pieces))
        else:
            if cached is not None:
                self._responses.forget(entry, body)
            if entry.answer_body is None:
                return False
            self._start_answering(_PendingRequest(entry, entry.answer_body, head, body, pieces))
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return True

    def _start_answering(self, request: _PendingRequest) -> None:
        self._is_answering = True
        self._next_request.set_result(request)
        if self._answering is None:
            self._answering = self._loop.create_task(self._answer_requests())
            self._answering.add_done_callback(self._check_answering)

    async def _answer_requests(self) -> None:
        """Answer one request after the other, until the connection ends."""
        while self._is_answering or not (self._is_ending or self.transport is None):
            request = await self._next_request
            if isinstance(request.answer, CachedResponse):
                await self._confirm(request, request.answer)
            else:
                await self._answer(request, request.answer)
            self._next_request = self._loop.create_future()
            later, self._later = self._later, []
            if later:
                self._resume_transport_reading()
            for data in later:
                self.data_received(data)

    async def _answer(self, request: _PendingRequest, answer_body: AnswerBody) -> None:
        entry, _, head, body, pieces = request
        metrics = self._responses.metrics
        begun = perf_counter()
        metrics.in_flight += 1
        request_id = head.request_id.decode() if head.request_id else request_ids.generate()
        token = logs.request_id.set(lambda: request_id)
        try:
            response = await answer_body(body)
            if response is None:
                self._leave_to_aiohttp(head, b"".join(pieces))
                return
            response_head = response.head + entry.extra_headers
            self._respond(entry.counted, head, request_id, response.status, response_head, response.body, begun)
            self._responses.store_answer(entry, body, response)
        finally:
            logs.request_id.reset(token)
            metrics.in_flight -= 1
            self._is_answering = False

    async def _confirm(self, request: _PendingRequest, cached: CachedResponse) -> None:
        """Send the cached response once it is confirmed; leave the request to aiohttp where that is not so soon."""
        metrics = self._responses.metrics
        begun = perf_counter()
        metrics.in_flight += 1
        is_confirmed = False
        try:
            with suppress(ApiError, KafkaFailure, TimeoutError):
                async with asyncio.timeout(_CONFIRM_SECONDS):
                    is_confirmed = await cached.validity.confirm()
        finally:
            metrics.in_flight -= 1
            self._is_answering = False
        if not is_confirmed:
            if self.transport is not None:
                self._leave_to_aiohttp(request.head, b"".join(request.pieces))
            return
        entry, head = request.entry, request.head
        request_id = head.request_id.decode() if head.request_id else request_ids.generate()
        self._respond(entry.counted, head, request_id, cached.status, cached.head, cached.body, begun)

    def _respond(
        self,
        counted: Counted,
        head: RequestHead,
        request_id: str,
        status: int,
        response_head: bytes,
        body: bytes,
        begun: float,
    ) -> None:
        """Send the response to a request that began at that time of `perf_counter`; count and log it."""
        self._write(response_head, request_id, body)
        seconds, size = perf_counter() - begun, len(body)
        counted.count_response(status, seconds, head.body, size)
        if self._observer.access_log is not None:
            self._observer.log_cached_response(counted, head, self.transport, request_id, status, size, seconds)

    def _check_answering(self, ended: asyncio.Task[None]) -> None:
        """Close the connection after an `answer_body` that raised: its client would wait for ever."""
        if not ended.cancelled() and (error := ended.exception()) is not None:
            logger.error("Unexpected failure of a request that the response cache answered", exc_info=error)
            if self.transport is not None:
                self.transport.close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Cancel the task, unless it is answering: a write that a client has sent is done even if it disconnects."""
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(None)
        if self._answering is not None and not self._is_answering:
            self._answering.cancel()
        super().connection_lost(exc)

    def _write(self, head: bytes, request_id: str, body: bytes) -> None:
        if self.transport is not None:
            own = f"Date: {rfc822_formatted_time()}\r\n{request_ids.HEADER}: {request_id}\r\n\r\n".encode()
            self.transport.write(b"".join((head, own, body)))

    async def _handle_request(
        self, request: web.BaseRequest, start_time: float | None, request_handler: Any
    ) -> tuple[web.StreamResponse, bool]:
        """Count the request. Its `Expect` is checked here because aiohttp does that before it calls a middleware."""
        metrics = self._responses.metrics
        begun = perf_counter()
        metrics.in_flight += 1
        if request.headers.get("Expect", _CONTINUE).lower() != _CONTINUE:
            request_handler = _refuse_expectation
        try:
            finished = await super()._handle_request(request, start_time, request_handler)
        except BaseException:
            self._observer.log(request, None, perf_counter() - begun, 0)
            raise
        finally:
            metrics.in_flight -= 1
        response, seconds = finished[0], perf_counter() - begun
        self._observer.count(request, response, seconds)
        if self._is_rest_discarded:
            await self._discard_rest(request.client_max_size)
        return finished

    async def _discard_rest(self, at_most: int) -> None:
        """Discard what still comes of a body, so that its client reads the response; end the connection soon.

        To close a connection with bytes unread resets it, and the client's system drops a response that it has not
        read. aiohttp parses nothing of a connection with `_close`.
        """
        transport = self.transport
        if transport is None or transport.is_closing():
            return
        self._close = True
        self._discardable = at_most
        self._lost = self._loop.create_future()
        if transport.can_write_eof():
            transport.write_eof()
        self._resume_transport_reading()
        await asyncio.wait([self._lost], timeout=_DISCARD_SECONDS)

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the response, and store it in the cache if it belongs there.

        Raises ConnectionError, which ends the connection, where the head of another response was sent before.
        """
        if request.writer.output_size > 0 and not resp.prepared:
            raise ConnectionError("The response has begun, so that no other one can be sent")
        if self._is_last(request):
            resp.force_close()
        finished = await super().finish_response(request, resp, start_time)
        self._pending -= 1
        if not finished[0].keep_alive:
            self._rest = UNKNOWN
        head, self._head = self._head, None
        if head is not None and not finished[1]:
            store_response(self._responses, self._admit, head, request, finished[0], self._observer.count_like)
        return finished

    def _is_last(self, request: web.BaseRequest) -> bool:
        """Whether the connection has to end after this request.

        It ends after each chunked body: aiohttp's parser takes the last field of its trailers for a header of the
        connection's next request, and does not show that there were any. And it ends where a body was not read that is
        longer than any that is accepted, or of unknown length.
        """
        is_last = is_chunked(request)
        if not request.content.is_eof():
            length = request.content_length
            if length is None or length > request.client_max_size:
                self._lingering_time = 0.0
                self._is_rest_discarded = is_last = True
        return is_last

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Reject malformed HTTP with 400, 414 or 431.

        Response and log name the kind of the fault only: the bytes themselves may hold credentials.
        """
        if request.writer.output_size > 0:
            raise ConnectionError("The response has begun, so that its status cannot be changed to an error")
        if status == HTTPStatus.BAD_REQUEST:
            status = find_status(exc, self.max_line_size)
        reason = HTTPStatus(status).phrase
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = name_fault(exc, message)
            reason = f"{reason}: {kind}" if kind else reason
            logger.debug("%s from %s", reason, request.remote)
        else:
            logger.error("Unexpected failure of %s %s", request.method, request.path, exc_info=exc)
        response = build_error_response(request.path, ApiError(status, f"HTTP {status} {reason}"))
        response.force_close()
        return response

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's
        """Wait for the request that is being answered, then close; `timeout` is in seconds."""
        self._is_ending = True
        if self._is_answering and self._answering is not None:
            await asyncio.wait([self._answering], timeout=timeout)
        await super().shutdown(timeout)


def _cut_body(head: RequestHead, pieces: Sequence[bytes]) -> bytes:
    """Return the body of a whole request, copied once."""
    first, *others = pieces
    return b"".join((memoryview(first)[head.size :], *others)) if others else first[head.size :]


async def _refuse_expectation(request: web.BaseRequest) -> web.StreamResponse:
    error = ApiError(417, f"HTTP 417 Expectation Failed: the header Expect has one valid value, {_CONTINUE}.")
    return build_error_response(request.path, error)
