"""Answers that are written piece by piece: large ones, and those that do not end by themselves.

A client that takes nothing for long is disconnected, and one that leaves ends its answer: neither keeps anything.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPMethod
from typing import Protocol

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.reading import Followed

_LOOK_SECONDS = 0.5
"""How often a stream without records looks whether its client is still there."""
_PIECE = 256 * 1024
"""Bytes that are handed over at once."""


def is_connected(request: web.Request) -> bool:
    """Whether the client is still there."""
    return request.transport is not None and not request.transport.is_closing()


class Writing:
    """The body of one answer."""

    def __init__(self, request: web.Request, response: web.StreamResponse, stalled_after: float) -> None:
        self.request = request
        self._response = response
        self._stalled_after = stalled_after

    async def begin(self) -> None:
        """Send the head: from now on the answer is what it is."""
        await self._response.prepare(self.request)

    async def write(self, text: bytes) -> None:
        """Waits while the client does not read; raises TimeoutError if that lasts."""
        for start in range(0, len(text), _PIECE):
            async with asyncio.timeout(self._stalled_after):
                await self._response.write(memoryview(text)[start : start + _PIECE])


@asynccontextmanager
async def writing(request: web.Request, response: web.StreamResponse, stalled_after: float) -> AsyncIterator[Writing]:
    """The answer's body; the block ends early if the client leaves, or takes nothing for so many seconds.

    What the answer holds is let go inside of the block: the client is told of the end after it, and finds it free.
    """
    try:
        yield Writing(request, response, stalled_after)
        if response.prepared:
            await response.write_eof()
    except ConnectionError:
        return  # the client has left
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()


async def in_pieces(request: web.Request, answer: web.Response, stalled_after: float) -> web.StreamResponse:
    """The answer, sent piece by piece if it is large: the transport would hold it for a client that does not read."""
    body = answer.body
    if not isinstance(body, bytes) or len(body) <= _PIECE or request.method == HTTPMethod.HEAD:
        return answer
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(body)
    async with writing(request, response, stalled_after) as out:
        await out.begin()
        await out.write(body)
    return response


class Lines(Protocol):
    """How the records of a stream are written."""

    sign_of_life: bytes

    @property
    def opening(self) -> bytes:
        """What comes before the first record."""
        ...

    def record(self, decoded: DecodedRecord) -> bytes:
        """One record."""
        ...

    def failure(self, code: int, message: str) -> bytes:
        """Why nothing more comes."""
        ...


async def push(out: Writing, followed: Followed, lines: Lines, *, heartbeat: float, count: int = 2**63) -> None:
    """Send records, so many at most, and a sign of life every `heartbeat` seconds, for as long as the client stays.

    A HEAD is told by its answer that there is such a stream, and nothing is sent.
    """
    if out.request.method == HTTPMethod.HEAD:
        return
    await out.begin()
    await out.write(lines.opening)
    loop = asyncio.get_running_loop()
    written = loop.time()
    try:
        while count > 0 and is_connected(out.request):
            records = await followed.more(count, wait=min(_LOOK_SECONDS, heartbeat))
            for each in records:
                await out.write(lines.record(each))
            count -= len(records)
            if records:
                written = loop.time()
            elif loop.time() - written >= heartbeat:
                await out.write(lines.sign_of_life)
                written = loop.time()
    except ApiError as error:
        await out.write(lines.failure(error.code, error.message))
