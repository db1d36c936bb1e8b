"""Responses that are written piece by piece: large ones, and streams without an end.

A client that reads nothing for long is disconnected, and a client that disconnects ends its response; either frees
what the response holds.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPMethod
from typing import Protocol

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.reading import FollowedRecords

_LOOK_SECONDS = 0.5
"""How often a stream without records checks that its client is still connected."""
_PIECE = 256 * 1024
"""Bytes that are handed to the transport at once."""
STOPPING = web.AppKey("stopping", asyncio.Event)
"""Set once the server accepts no further connection."""


def is_connected(request: web.Request) -> bool:
    """Whether the client is still connected."""
    return request.transport is not None and not request.transport.is_closing()


def may_wait(request: web.Request) -> bool:
    """Whether the client may be kept waiting for records: it is connected, and the server does not stop."""
    stopping = request.config_dict.get(STOPPING)
    return is_connected(request) and (stopping is None or not stopping.is_set())


class BodyWriter:
    """Writes the body of one response."""

    def __init__(self, request: web.Request, response: web.StreamResponse, stalled_after: float) -> None:
        self.request = request
        self._response = response
        self._stalled_after = stalled_after

    async def begin(self) -> None:
        """Send the head; the status cannot change any more."""
        await self._response.prepare(self.request)

    async def write(self, text: bytes) -> None:
        """Write bytes; raises TimeoutError if the client reads nothing for `stalled_after` seconds."""
        for start in range(0, len(text), _PIECE):
            async with asyncio.timeout(self._stalled_after):
                await self._response.write(memoryview(text)[start : start + _PIECE])


@asynccontextmanager
async def open_body(
    request: web.Request, response: web.StreamResponse, stalled_after: float
) -> AsyncIterator[BodyWriter]:
    """Yield a writer of the response's body; the block ends early if the client disconnects or stalls.

    Free what the response holds inside the block: the client reads the end of the response only after it, and may use
    the same things again at once.
    """
    try:
        yield BodyWriter(request, response, stalled_after)
        if response.prepared:
            await response.write_eof()
    except ConnectionError:
        return  # the client has left
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


async def send_in_pieces(request: web.Request, answer: web.Response, stalled_after: float) -> web.StreamResponse:
    """Return the response, sent in pieces if it is large: the transport would buffer all of it for a slow client."""
    body = answer.body
    if not isinstance(body, bytes) or len(body) <= _PIECE or request.method == HTTPMethod.HEAD:
        return answer
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(body)
    async with open_body(request, response, stalled_after) as out:
        await out.begin()
        await out.write(body)
    return response


class Lines(Protocol):
    """The text form of a stream of records."""

    sign_of_life: bytes

    @property
    def opening(self) -> bytes:
        """The text before the first record."""
        ...

    def record(self, decoded: DecodedRecord) -> bytes:
        """Return the text of one record."""
        ...

    def failure(self, code: int, message: str) -> bytes:
        """Return the text of the error that ends the stream."""
        ...


async def push(
    out: BodyWriter,
    followed: FollowedRecords,
    lines: Lines,
    *,
    renew: Callable[[], Awaitable[None]],
    heartbeat: float,
    count: int = 2**63,
) -> None:
    """Send up to `count` records, and a sign of life every `heartbeat` seconds, until the client or the server leaves.

    `renew` is called before each reading, and raises ApiError when the caller may not read any more. A HEAD request
    gets the head of the response only.
    """
    if out.request.method == HTTPMethod.HEAD:
        return
    await out.begin()
    await out.write(lines.opening)
    loop = asyncio.get_running_loop()
    written = loop.time()
    try:
        while count > 0 and may_wait(out.request):
            await renew()
            records = await followed.next_records(count, wait=min(_LOOK_SECONDS, heartbeat))
            for record in records:
                await out.write(lines.record(record))
            count -= len(records)
            if records:
                written = loop.time()
            elif loop.time() - written >= heartbeat:
                await out.write(lines.sign_of_life)
                written = loop.time()
    except ApiError as error:
        await out.write(lines.failure(error.code, error.message))
