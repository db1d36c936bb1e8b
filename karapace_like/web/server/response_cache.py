"""Responses to earlier requests, for requests with the same head: bytes in bounded tables, independent of aiohttp.

A request is recognised by its first line and by those of its header lines that can change a response. An entry answers
it in one of two ways: with the bytes of an earlier response while `CacheValidity` says that they are current, or by a
function of the request's body. A *pattern* answers requests that differ from an earlier one in one segment of their
path, such as an id or a subject, and opens an entry for each. `caching.py` decides which of aiohttp's responses are
stored; `connection.py` looks requests up.

The tables are bounded by the bytes that they keep, of which `ResponseCache.bytes` is the sum: nothing of a request is
kept but its head, its body, and what names its caller.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple, TypeAlias

from karapace_like.access.principals import Principal
from karapace_like.registry.registry import CacheValidity
from karapace_like.web.callers.usage import PrincipalUsage
from karapace_like.web.http.http_metrics import HttpMetrics, Series
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.server.request_heads import RequestHead

AnswerBody: TypeAlias = Callable[[bytes], Awaitable[EncodedResponse | None]]
"""Answers a request by its body; None leaves the request to aiohttp. It never raises: failures are responses, too."""
AnswerSegment: TypeAlias = Callable[[bytes], "CachedResponse | AnswerBody | None"]
"""Answers requests by one segment of their path, as it is written there: with a response to requests without a body, or
by a function of their bodies; None leaves them to aiohttp."""
IsAdmitted: TypeAlias = Callable[[asyncio.BaseTransport], bool]
"""Whether the caller on this connection is the one that the entry was made for, with the same permissions."""

_MAX_BODY = 1_048_576
"""Bytes of the largest request body that the cache answers; aiohttp reads larger ones."""
_MAX_ENTRIES = 8192
"""Request heads, and kinds of header lines."""
_MAX_BYTES = 16 * 1_048_576
"""Of everything that is kept."""
_HTTP = b" HTTP/1.1"
"""The end of a request's first line."""
_SUBJECTS = b"/subjects/"
"""Paths with it differ in the segment that follows."""
_MAX_RESPONSE = _MAX_BYTES // 64
_HEAD_BYTES = 250
"""What one kind of header lines takes beside its text: two objects and a place in a table."""
_ENTRY_BYTES = 2500
"""What an entry takes beside texts: tables, the function of the body, the caller."""
_RESPONSE_BYTES = 500
"""What a cached response takes beside its texts."""


class CachedResponse(NamedTuple):
    """A response's bytes, without the headers that differ from one response to the next."""

    validity: CacheValidity
    status: int
    head: bytes
    """Status line and header lines, each with its line end."""
    body: bytes

    @property
    def bytes(self) -> int:
        """What the response takes."""
        return _RESPONSE_BYTES + len(self.head) + len(self.body)


class Counted(NamedTuple):
    """What the requests of an entry are counted as, and logged as."""

    series: Series
    usage: PrincipalUsage
    principal: Principal | None

    def count_response(self, status: int, seconds: float, request_bytes: int, response_bytes: int) -> None:
        """Count one response, which took so many seconds; bytes are those of bodies."""
        self.series.count(status, seconds, request_bytes, response_bytes)
        self.usage.count(status, request_bytes, response_bytes)


class _Pattern(NamedTuple):
    """How requests are answered that differ only in one segment of their path."""

    answer_segment: AnswerSegment
    extra_headers: bytes
    """Header lines that the application adds to every response of a function of the body."""
    counted: Counted
    is_admitted: IsAdmitted | None
    bytes: int
    """What the pattern takes."""


class CacheEntry:
    """How requests with one head are answered."""

    __slots__ = ("_is_admitted", "answer_body", "bytes", "counted", "extra_headers", "responses", "tally")

    def __init__(self, counted: Counted, is_admitted: IsAdmitted | None, size: int) -> None:
        """`is_admitted` is None where every caller gets the same response; `size`: what the entry takes by itself."""
        self._is_admitted = is_admitted
        self.counted = counted
        self.tally = counted.usage.find_tally(counted.series)
        """Where responses with cached bytes are counted."""
        self.bytes = size
        """What the entry takes with all that it holds."""
        self.responses: dict[bytes, CachedResponse] = {}
        """By the request's body."""
        self.answer_body: AnswerBody | None = None
        self.extra_headers = b""
        """Header lines that the application adds to every response of `answer_body`."""

    def admits(self, transport: asyncio.BaseTransport | None) -> bool:
        """Whether a request on this connection may be answered from the entry."""
        return self._is_admitted is None or (transport is not None and self._is_admitted(transport))


class ResponseCache:
    """The entries of one process, by request head; a table that is full is emptied."""

    def __init__(self, metrics: HttpMetrics, max_body: int, *, is_open: bool = True) -> None:
        """`max_body`: bytes of the largest request body that the application accepts."""
        self.metrics = metrics
        self.bytes = 0
        """What all entries take."""
        self.max_body = min(max_body, _MAX_BODY)
        self.is_open = is_open
        """Whether anything is stored; where it is False, every request is left to aiohttp."""
        self._clear()

    @staticmethod
    def takes(request_body: bytes, response_body: bytes) -> bool:
        """Whether the bodies are small enough to be kept."""
        return len(request_body) + len(response_body) <= _MAX_RESPONSE

    def find(self, head: RequestHead) -> CacheEntry | None:
        """Return the entry for requests with this head: an earlier one, or one that a pattern opens."""
        material = self._material.get(head.block)
        if material is None:
            return None
        entry = self._entries.get((head.line, material))
        return self._open_by_pattern(head, material) if entry is None else entry

    def open_entry(
        self,
        head: RequestHead,
        counted: Counted,
        is_admitted: IsAdmitted | None,
        transport: asyncio.BaseTransport | None,
    ) -> CacheEntry:
        """Return the entry for requests with this head, for the caller on the connection to add to.

        An entry of another caller, or of one whose permissions have changed, is replaced.
        """
        if self._is_full:
            self._clear()
        material = self._material.get(head.block)
        if material is None:
            material = self._material[head.block] = head.material
            self.bytes += _HEAD_BYTES + len(head.block) + len(material)
        entry = self._entries.get((head.line, material))
        if entry is None or not entry.admits(transport):
            if entry is not None:
                self.bytes -= entry.bytes
            entry = self._add_entry(head, material, counted, is_admitted)
        self.metrics.entries = len(self._entries)
        return entry

    @property
    def _is_full(self) -> bool:
        return max(len(self._material), len(self._entries)) >= _MAX_ENTRIES or self.bytes > _MAX_BYTES

    def _add_entry(
        self, head: RequestHead, material: bytes, counted: Counted, is_admitted: IsAdmitted | None
    ) -> CacheEntry:
        credentials = 0 if is_admitted is None else len(material)  # one of the headers
        # The function of the body holds the path, and the topic of it.
        entry = CacheEntry(counted, is_admitted, _ENTRY_BYTES + credentials + 3 * len(head.line))
        self._entries[head.line, material] = entry
        self.bytes += entry.bytes
        return entry

    def add_pattern(
        self,
        head: RequestHead,
        answer_segment: AnswerSegment,
        counted: Counted,
        is_admitted: IsAdmitted | None,
        extra_headers: bytes,
    ) -> None:
        """Answer requests that differ from this one, which has an entry, in one segment of their path only."""
        material = self._material[head.block]
        start, segment = _cut_segment(head.line)
        replaced = self._patterns.get((start, material))
        size = _ENTRY_BYTES + len(head.line) + (0 if is_admitted is None else len(material))
        self.bytes += size - (0 if replaced is None else replaced.bytes)
        self._patterns[start, material] = _Pattern(answer_segment, extra_headers, counted, is_admitted, size)
        answer = answer_segment(segment)
        if answer is not None and not isinstance(answer, CachedResponse):
            self.set_function(self._entries[head.line, material], answer, extra_headers)

    def _open_by_pattern(self, head: RequestHead, material: bytes) -> CacheEntry | None:
        """Return a new entry with the answer of a pattern; None where none answers such requests."""
        start, segment = _cut_segment(head.line)
        pattern = self._patterns.get((start, material))
        if pattern is None or not head.is_small:
            return None
        answer = pattern.answer_segment(segment)
        if answer is None:
            return None
        if isinstance(answer, CachedResponse) and (head.body or not self.takes(b"", answer.body)):
            return None
        if self._is_full:
            self._clear()
            self._material[head.block] = material
            self._patterns[start, material] = pattern
            self.bytes += _HEAD_BYTES + len(head.block) + len(material) + pattern.bytes
        entry = self._add_entry(head, material, pattern.counted, pattern.is_admitted)
        if isinstance(answer, CachedResponse):
            self.store(entry, b"", answer)
            self.metrics.computed += 1
        else:
            self.set_function(entry, answer, pattern.extra_headers)
        self.metrics.entries = len(self._entries)
        return entry

    def store_answer(self, entry: CacheEntry, request_body: bytes, response: EncodedResponse) -> None:
        """Keep the response of a function of the body, if it says how long it is valid and that is not over yet."""
        validity = response.validity
        if validity is None or not self.takes(request_body, response.body) or not validity.is_current():
            return
        if self.is_open and not self._is_full:
            head = response.head + entry.extra_headers
            self.store(entry, request_body, CachedResponse(validity, response.status, head, response.body))

    def set_function(self, entry: CacheEntry, answer_body: AnswerBody, extra_headers: bytes) -> None:
        """Answer requests with this head by a function of the body."""
        self._count(entry, len(extra_headers) - len(entry.extra_headers))
        entry.answer_body, entry.extra_headers = answer_body, extra_headers

    def store(self, entry: CacheEntry, request_body: bytes, response: CachedResponse) -> None:
        """Answer requests with this head and body so."""
        self.forget(entry, request_body)
        self.metrics.stored += 1
        entry.responses[request_body] = response
        self._count(entry, len(request_body) + response.bytes)

    def forget(self, entry: CacheEntry, request_body: bytes) -> None:
        """Leave further requests with this head and body to aiohttp."""
        response = entry.responses.pop(request_body, None)
        if response is not None:
            self._count(entry, -len(request_body) - response.bytes)

    def _count(self, entry: CacheEntry, more: int) -> None:
        entry.bytes += more
        self.bytes += more

    def close(self) -> None:
        """Leave every further request to aiohttp."""
        self.is_open = False
        self._clear()

    def _clear(self) -> None:
        self._material: dict[bytes, bytes] = {}
        """Header lines -> those of them that can change a response."""
        self._entries: dict[tuple[bytes, bytes], CacheEntry] = {}
        """By first line and the header lines that matter."""
        self._patterns: dict[tuple[bytes, bytes], _Pattern] = {}
        """By first line without the segment that varies, and the header lines that matter."""
        self.bytes = 0
        self.metrics.entries = 0


def _cut_segment(line: bytes) -> tuple[bytes, bytes]:
    """Return a request's first line without one segment of its path, and that segment: a subject, else the last one.

    The last segment has the query, too.
    """
    path = line.removesuffix(_HTTP)
    start, is_subject, rest = path.partition(_SUBJECTS)
    if is_subject:
        segment, slash, end = rest.partition(b"/")
        return start + is_subject + slash + end, segment
    start, slash, segment = path.rpartition(b"/")
    return start + slash, segment
