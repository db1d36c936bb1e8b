"""Requests like ones that were answered before, answered in the protocol class: no parser, router or request object.

A handler leaves word on its request (`SHORTCUT`) how others with the same head are answered: with the very same bytes
while what they are based on holds, or by a function of the body. They are recognised by their first line and by those
of their header lines that may matter to an answer.

A shortcut is taken for one whole request with nothing before and after it. Everything else goes aiohttp's way: other
methods than GET and POST, chunked bodies, `Expect`, `Connection: close`, pipelined requests, clients that do not read.
What this needs of aiohttp's internals is here and in `runner.py` only.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, NamedTuple, TypeAlias

from aiohttp import web
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_server import Server

from karapace_like.errors import ApiError
from karapace_like.registry.registry import Basis
from karapace_like.web import origins, request_ids
from karapace_like.web.answers import Answer
from karapace_like.web.errors import error_response
from karapace_like.web.heads import UNKNOWN, Head, head_of
from karapace_like.web.metrics import HttpMetrics, Series

logger = logging.getLogger(__name__)

Answerer: TypeAlias = Callable[[bytes], Awaitable[Answer]]
"""Answers a body. It raises nothing: failures are answers, too."""
Admit: TypeAlias = Callable[[web.BaseRequest, asyncio.Transport], bool]

SHORTCUT: web.RequestKey[Basis | Answerer] = web.RequestKey("shortcut", object)  # type: ignore[arg-type]
"""On a request: how others like it are answered. A Basis: as this one, while it holds."""

_MAX_BODY = 1_048_576
"""Bytes of a body that is waited for and answered as a whole; aiohttp takes larger ones."""
_MAX_KNOWN = 8192
"""Heads, and kinds of header lines."""
_MAX_BYTES = 16 * 1_048_576
"""Of all bodies and answers that are remembered."""
_MAX_ANSWER = _MAX_BYTES // 64

_OWN = frozenset({"date", "content-length", request_ids.HEADER.lower()})
"""Headers that each answer has of its own."""


class _Remembered(NamedTuple):
    """An answer's bytes, without the headers that each has of its own."""

    basis: Basis
    status: int
    head: bytes
    body: bytes


class _Known:
    """How requests with one head are answered."""

    __slots__ = ("answerer", "answers", "extra", "request", "series")

    def __init__(self, request: web.BaseRequest | None, series: Series) -> None:
        self.request = request
        self.series = series
        self.answers: dict[bytes, _Remembered] = {}
        """By body."""
        self.answerer: Answerer | None = None
        self.extra = b""
        """Header lines that every answer of the application has."""


class Shortcuts:
    """What is known of requests; all tables are bounded, and begun anew when they are full.

    `admit` is asked for each request whether it may be answered. It is given the earlier one, which equals it in all
    that matters, credentials included, and the connection; where it says no, the request goes aiohttp's way and is
    refused there. Without it everybody may.
    """

    def __init__(self, admit: Admit | None, max_body: int, metrics: HttpMetrics) -> None:
        self.admit = admit
        self.metrics = metrics
        self.max_body = min(max_body, _MAX_BODY)
        self._material: dict[bytes, bytes] = {}
        """Header lines -> those that matter."""
        self._known: dict[tuple[bytes, bytes], _Known] = {}
        self._bytes = 0

    def known(self, head: Head) -> _Known | None:
        """How requests with this head are answered."""
        material = self._material.get(head.block)
        return None if material is None else self._known.get((head.line, material))

    def learn(self, head: Head, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Take what the handler left word of, if others can be like this request."""
        shortcut, asked = request.get(SHORTCUT), getattr(request, "_read_bytes", None) or b""
        if (
            shortcut is None
            or request.method not in {"GET", "POST"}
            or request.version != (1, 1)
            or not answer.keep_alive
            or type(answer) is not web.Response
            or not isinstance(answer.body or b"", bytes)
            or len(asked) != head.body
            or origins.HEADER in request.headers
            or not answer.headers.keys().isdisjoint({"Transfer-Encoding", "Content-Encoding", "Set-Cookie"})
        ):
            return
        if len(self._material) >= _MAX_KNOWN or len(self._known) >= _MAX_KNOWN or self._bytes > _MAX_BYTES:
            self._material, self._known, self._bytes = {}, {}, 0
        material = self._material[head.block] = head.material
        known = self._known.get((head.line, material))
        if known is None or not self._is_of(known, request):
            known = self._known[head.line, material] = _Known(
                request if self.admit is not None else None, self.metrics.of(request)
            )
        if isinstance(shortcut, Basis):
            self._remember(known, shortcut, asked, answer)
        else:
            known.answerer = shortcut
            known.extra = _lines(answer, _OWN | {"content-type", "retry-after"})
        self.metrics.learned += 1
        self.metrics.known = len(self._known)

    def _is_of(self, known: _Known, request: web.BaseRequest) -> bool:
        """Whether what is known may be told to who asks now: else it is begun anew for him."""
        if self.admit is None:
            return True
        transport = request.transport
        return known.request is not None and transport is not None and self.admit(known.request, transport)

    def _remember(self, known: _Known, basis: Basis, asked: bytes, answer: web.Response) -> None:
        body = answer.body or b""
        assert isinstance(body, bytes)
        if answer.status not in {200, 304} or len(asked) + len(body) > _MAX_ANSWER:
            return
        own = b"" if answer.status == HTTPStatus.NOT_MODIFIED else b"Content-Length: %d\r\n" % len(body)
        known.answers[asked] = _Remembered(
            basis, answer.status, _status(answer.status) + _lines(answer, _OWN) + own, body
        )
        self._bytes += len(asked) + len(body) + 1000


def _status(status: int) -> bytes:
    return f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode()


def _lines(answer: web.StreamResponse, without: frozenset[str]) -> bytes:
    return "".join(
        f"{name}: {value}\r\n" for name, value in answer.headers.items() if name.lower() not in without
    ).encode()


class _Asked(NamedTuple):
    """One request that an answerer answers."""

    known: _Known
    answerer: Answerer
    request_id: bytes
    body: bytes


class Connection(RequestHandler):
    """aiohttp's protocol of one connection, which looks at a request's bytes before aiohttp does."""

    __slots__ = (
        "_answering", "_asked", "_earlier", "_had", "_head", "_held", "_is_answering", "_is_ending",
        "_is_new", "_later", "_pending", "_rest", "_shortcuts", "_whole",
    )  # fmt: skip

    def __init__(self, server: Server, shortcuts: Shortcuts, **options: Any) -> None:
        super().__init__(server, **options)
        self._shortcuts = shortcuts
        self._is_new = True
        """Whether nothing has ever come."""
        self._rest = 0
        """Bytes still to come of the request that aiohttp is reading; -1: it alone knows where that ends."""
        self._pending = 0
        """Requests that aiohttp was given and has not answered."""
        self._head: Head | None = None
        """Of the request that aiohttp is answering, if it can teach something."""
        self._earlier: tuple[bytes, Head] | None = None
        """The last head: clients send the same again and again, and comparing costs less than taking apart."""
        self._held: list[bytes] = []
        """The pieces of a request that is known and not whole yet."""
        self._had = 0
        """Bytes of them."""
        self._whole = 0
        """Bytes that this request will have."""
        self._is_answering = False
        """Whether an answerer is at work."""
        self._is_ending = False
        self._asked: asyncio.Future[_Asked] = self._loop.create_future()
        """What the task below waits for."""
        self._answering: asyncio.Task[None] | None = None
        """Has the answerers answer, one request after the other: a task for each would cost a tenth of a record's."""
        self._later: list[bytes] = []
        """What came while a request was being answered."""

    def data_received(self, data: bytes) -> None:
        """Answer the request that these bytes are, or hand them on."""
        if self._is_answering:
            self._later.append(data)
            self._pause_transport_reading()
        elif self._held:
            self._held.append(data)
            self._had += len(data)
            if self._had >= self._whole:
                held, self._held = self._held, []
                self._begin(b"".join(held))
        elif self._rest == 0 and data:
            self._begin(data)
        else:
            if self._rest > 0:
                self._rest = max(self._rest - len(data), UNKNOWN)
            super().data_received(data)

    def _begin(self, data: bytes) -> None:
        """Take what begins a request."""
        self._is_new = False
        head = self._head_of(data)
        is_idle = self._is_idle
        if head is not None and head.body != UNKNOWN and is_idle:
            known = self._shortcuts.known(head)
            if known is not None and self._taken(known, head, data):
                return
        self._head = None
        if head is None or not head.is_plain:
            self._rest = UNKNOWN
        else:
            self._rest = max(head.size + head.body - len(data), UNKNOWN)
            if is_idle and self._rest != UNKNOWN:
                self._head = head
        self._pending += 1
        super().data_received(data)

    def _head_of(self, data: bytes) -> Head | None:
        if self._earlier is not None and data.startswith(self._earlier[0]):
            return self._earlier[1]
        head = head_of(data)
        self._earlier = None if head is None else (data[: head.size], head)
        return head

    @property
    def waits_for(self) -> tuple[str, float] | None:
        """What the client owes: the same while it does not come, a head's single bytes not counted. None: nothing."""
        if self._is_answering:
            return None
        if self._held:
            return "rest", self._had
        request = self._current_request
        if request is not None:
            content = request.content
            return None if content.is_eof() else ("body", content.total_bytes)
        if self._is_new:
            return "anything", 0.0
        return ("head", self._next_keepalive_close_time) if self._pending and not self._messages else None

    @property
    def _is_idle(self) -> bool:
        """Whether every earlier request is answered, and the client reads its answers."""
        return not (self._pending or self.writing_paused or self._close or self._force_close)

    def _taken(self, known: _Known, head: Head, data: bytes) -> bool:
        """Whether the request is answered, or will be."""
        self._whole = head.size + head.body
        if head.body > self._shortcuts.max_body:
            return False
        if len(data) < self._whole:
            self._held, self._had = [data], len(data)
            return True
        if len(data) != self._whole or not self._is_admitted(known):
            return False
        body = data[head.size :]
        remembered = known.answers.get(body) if known.answers else None  # a large body takes long to hash
        if remembered is not None:
            if not remembered.basis.holds():
                del known.answers[body]
                return False
            self._write(remembered.head, head.request_id, remembered.body)
            known.series.count_remembered(remembered.status, head.body, len(remembered.body))
        elif known.answerer is not None:
            self._ask(_Asked(known, known.answerer, head.request_id, body))
        else:
            return False
        self._next_keepalive_close_time = self._loop.time() + self._keepalive_timeout
        return True

    def _is_admitted(self, known: _Known) -> bool:
        admit = self._shortcuts.admit
        if admit is None:
            return True
        return known.request is not None and self.transport is not None and admit(known.request, self.transport)

    def _ask(self, asked: _Asked) -> None:
        self._is_answering = True
        self._asked.set_result(asked)
        if self._answering is None:
            self._answering = self._loop.create_task(self._answer_on())

    async def _answer_on(self) -> None:
        """Answer what is asked, until the connection ends."""
        while self._is_answering or not (self._is_ending or self.transport is None):
            await self._answer(*await self._asked)
            self._asked = self._loop.create_future()
            later, self._later = self._later, []
            if later:
                self._resume_transport_reading()
            for data in later:
                self.data_received(data)

    async def _answer(self, known: _Known, answerer: Answerer, request_id: bytes, body: bytes) -> None:
        metrics = self._shortcuts.metrics
        begun = self._loop.time()
        metrics.in_flight += 1
        try:
            answer = await answerer(body)
            self._write(answer.head + known.extra, request_id, answer.body)
            known.series.count(answer.status, self._loop.time() - begun, len(body), len(answer.body))
        finally:
            metrics.in_flight -= 1
            self._is_answering = False

    def connection_lost(self, exc: BaseException | None) -> None:
        """Let the task go, unless it is answering: a client that leaves does not undo what it asked for."""
        if self._answering is not None and not self._is_answering:
            self._answering.cancel()
        super().connection_lost(exc)

    def _write(self, head: bytes, request_id: bytes, body: bytes) -> None:
        if self.transport is not None:
            named = request_id.decode() if request_id else request_ids.new()
            own = f"Date: {rfc822_formatted_time()}\r\n{request_ids.HEADER}: {named}\r\n\r\n".encode()
            self.transport.write(b"".join((head, own, body)))

    async def _handle_request(
        self, request: web.BaseRequest, start_time: float | None, request_handler: Any
    ) -> tuple[web.StreamResponse, bool]:
        """Count the request."""
        metrics = self._shortcuts.metrics
        begun = self._loop.time()
        metrics.in_flight += 1
        try:
            finished = await super()._handle_request(request, start_time, request_handler)
        finally:
            metrics.in_flight -= 1
        answer, seconds = finished[0], self._loop.time() - begun
        metrics.of(request).count(answer.status, seconds, request.content_length or 0, answer.body_length or 0)
        return finished

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Write the answer, and learn from it."""
        finished = await super().finish_response(request, resp, start_time)
        self._pending -= 1
        if not finished[0].keep_alive:
            self._rest = UNKNOWN
        head, self._head = self._head, None
        if head is not None and not finished[1]:
            self._shortcuts.learn(head, request, finished[0])
        return finished

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Refuse what is no HTTP. Neither client nor log is told more of it than the kind: it may hold credentials."""
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        reason = HTTPStatus(status).phrase
        if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            kind = (message or "").strip().partition(":")[0]
            reason = f"{reason}: {kind}" if kind else reason
            logger.debug("%s from %s", reason, request.remote)
        else:
            logger.error("Unexpected failure of %s %s", request.method, request.path, exc_info=exc)
        answer = error_response(request.path, ApiError(status, f"HTTP {status} {reason}"))
        answer.force_close()
        return answer

    async def shutdown(self, timeout: float | None = 15.0) -> None:  # noqa: ASYNC109 - aiohttp's
        """Let what is being answered end, then close."""
        self._is_ending = True
        if self._is_answering and self._answering is not None:
            await asyncio.wait([self._answering], timeout=timeout)
        await super().shutdown(timeout)
