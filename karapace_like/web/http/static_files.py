"""Files that are sent from memory: each is loaded and compressed once, in a thread."""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web

from karapace_like.web.http import media_types

PAGE_HEADERS: Mapping[str, str] = {
    # The viewers' icons are data: addresses in their style sheets.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Of the pages for people and their files: nothing is loaded from elsewhere, and no other page shows them."""
_REVALIDATED = "no-cache"
_IMMUTABLE = "public, max-age=31536000, immutable"
_GZIP = "gzip"
_IDENTITY = "identity"


class _Variant(NamedTuple):
    """A file's bytes in one content coding."""

    body: bytes
    tag: str


class StaticFile:
    """A file that is loaded and compressed once, in a thread, and then sent from memory.

    Browsers keep it and revalidate it by its `ETag`: 304 if it is unchanged. An immutable one, whose address names its
    content, they never request again.
    """

    def __init__(
        self,
        read: Callable[[], bytes],
        content_type: str,
        headers: Mapping[str, str] | None = None,
        *,
        is_immutable: bool = False,
    ) -> None:
        self._read = read
        self._content_type = content_type
        self._headers = {"Cache-Control": _IMMUTABLE if is_immutable else _REVALIDATED, **(headers or {})}
        self._variants: dict[str, _Variant] = {}
        """By content coding."""

    async def respond(self, request: web.Request) -> web.Response:
        """Return the file in the content coding that the client accepts, or 304."""
        coding = _GZIP if _GZIP in request.headers.get("Accept-Encoding", "") else _IDENTITY
        if coding not in self._variants:
            self._variants[coding] = await asyncio.to_thread(self._load, coding)
        body, tag = self._variants[coding]
        headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding", **self._headers}
        known_tags = (request.if_none_match if "If-None-Match" in request.headers else None) or ()
        if any(known.value in {tag, "*"} for known in known_tags):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if coding != _IDENTITY:
            headers["Content-Encoding"] = coding
        charset = None if self._content_type == media_types.JSON else "utf-8"
        return web.Response(body=body, content_type=self._content_type, charset=charset, headers=headers)

    def _load(self, coding: str) -> _Variant:
        content = self._read()
        body = gzip.compress(content) if coding == _GZIP else content
        return _Variant(body, blake2b(content, digest_size=12, person=coding.encode()).hexdigest())


def redirect(location: str) -> web.Response:
    """Return 302 with the location, which is relative: the service may be served below a path of a reverse proxy."""
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})
