"""Reading request bodies, compressed ones included; the one place that inflates anything.

The server hands bodies on as they came (`auto_decompress` is off), so that nothing is inflated before the caller is
known and the route reads. Inflating goes slice by slice, of a bounded size, and other requests run in between.
"""

import asyncio
import zlib
from collections.abc import Iterator

from aiohttp import web

from karapace_like.errors import ApiError

_HEADER = "Content-Encoding"
_ENCODINGS = {"": None, "identity": None, "gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
"""Spelling -> how the body is compressed; None: not at all."""
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
"""Encoding -> the `wbits` of zlib."""
_ZLIB_METHOD = 8
"""The low four bits of a zlib stream's first byte (RFC 1950). Some clients send `deflate` without that wrapper."""
_SLICE = 256 * 1024
"""Bytes that are inflated at once, in about a millisecond."""
_SHOWN = 100
"""Characters of a header that an error message quotes at most."""


def is_chunked(request: web.BaseRequest) -> bool:
    """Whether the body is chunked. The request is the last of its connection then: see `server/connection.py`."""
    return "Transfer-Encoding" in request.headers


async def read_body(request: web.Request) -> bytes:
    """Return the whole body. `request.read()` returns it as it came.

    Raises ApiError 415 for an unknown Content-Encoding, 400 for a body that is not whole or no data of its encoding;
    HTTPRequestEntityTooLarge if it is too large, as it came or inflated.
    """
    if (request.content_length or 0) > request.client_max_size:
        raise web.HTTPRequestEntityTooLarge(request.client_max_size)
    if _HEADER not in request.headers:
        return await request.read()
    inflater = _make_inflater(request)
    body = await request.read()
    if inflater is None:
        return body
    inflated = bytearray()
    for piece in inflater.inflate(body):
        inflated += piece
        if len(inflated) > request.client_max_size:
            raise web.HTTPRequestEntityTooLarge(request.client_max_size)
        await asyncio.sleep(0)
    inflater.end()
    return bytes(inflated)


class BodyPieces:
    """The body piece by piece, as it comes; a piece has 256 kB at most where the body is compressed."""

    def __init__(self, request: web.Request) -> None:
        """Raises ApiError 415 for an unknown Content-Encoding."""
        self._content = request.content
        self._inflater = _make_inflater(request)
        self._inflating: Iterator[bytes] = iter(())

    async def read(self) -> bytes:
        """Return the next piece, empty at the end; raises ApiError 400 where `read_body` does."""
        if self._inflater is None:
            return await self._content.readany()
        while True:
            await asyncio.sleep(0)
            piece = next(self._inflating, b"")
            if piece:
                return piece
            chunk = await self._content.readany()
            if not chunk:
                self._inflater.end()
                return b""
            self._inflating = self._inflater.inflate(chunk)


class _Inflater:
    """Inflates one body; raises ApiError 400 for what is no data of its encoding."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._zlib = zlib.decompressobj(_WINDOWS[encoding])
        self._has_begun = False

    def inflate(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the chunk inflates to, in slices."""
        if chunk and not self._has_begun:
            self._has_begun = True
            if self._encoding == "deflate" and chunk[0] & 0x0F != _ZLIB_METHOD:
                self._zlib = zlib.decompressobj(-zlib.MAX_WBITS)
        rest, is_full = chunk, False
        while rest or is_full:
            if self._zlib.eof:
                if not rest:
                    return
                raise self._fault("has bytes after its end; send one compressed member and nothing else")
            try:
                piece = self._zlib.decompress(rest, _SLICE)
            except zlib.error as error:
                raise self._fault(f"cannot be inflated ({error})") from error
            yield piece
            is_full = len(piece) == _SLICE
            rest = self._zlib.unconsumed_tail or self._zlib.unused_data

    def end(self) -> None:
        """Check that the body is whole."""
        if self._has_begun and not self._zlib.eof:
            raise self._fault("is truncated")

    def _fault(self, reason: str) -> ApiError:
        return ApiError(400, f"HTTP 400 Bad Request: the body, whose Content-Encoding is {self._encoding}, {reason}.")


def _make_inflater(request: web.Request) -> _Inflater | None:
    """Return the inflater of the request's body, None if it is not compressed; raises ApiError 415."""
    header = ", ".join(request.headers.getall(_HEADER, ()))
    spelled = header.strip().lower()
    if spelled not in _ENCODINGS:
        shown = header.encode("ascii", "backslashreplace").decode()[:_SHOWN]
        raise ApiError(
            415,
            f"HTTP 415 Unsupported Media Type: the body's Content-Encoding is '{shown}'; expected gzip, deflate, or a "
            "body that is not compressed.",
        )
    encoding = _ENCODINGS[spelled]
    return None if encoding is None else _Inflater(encoding)
