"""Files that are sent from memory: each is loaded and compressed once, in a thread."""

import asyncio
import gzip
from collections.abc import Callable, Iterable, Mapping
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
_CODINGS = (_GZIP, _IDENTITY)
_LEVEL = 9
_NO_TIME = 0
"""In gzip's header, so that the same file has the same bytes, and a tag names one body, on every node."""


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
        coding = _GZIP if media_types.accepts_coding(request.headers.get("Accept-Encoding", ""), _GZIP) else _IDENTITY
        if coding not in self._variants:
            await asyncio.to_thread(self.build, coding)
        body, tag = self._variants[coding]
        headers = {"ETag": f'"{tag}"', "Vary": "Accept-Encoding", **self._headers}
        known_tags = (request.if_none_match if "If-None-Match" in request.headers else None) or ()
        if any(known.value in {tag, "*"} for known in known_tags):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        if coding != _IDENTITY:
            headers["Content-Encoding"] = coding
        charset = None if self._content_type == media_types.JSON else "utf-8"
        return web.Response(body=body, content_type=self._content_type, charset=charset, headers=headers)

    def build(self, *codings: str) -> None:
        """Load the file and compress it, for these content codings or all; not for the event loop."""
        content = self._read()
        for coding in codings or _CODINGS:
            body = gzip.compress(content, _LEVEL, mtime=_NO_TIME) if coding == _GZIP else content
            self._variants[coding] = _Variant(body, blake2b(body, digest_size=12).hexdigest())


def build_at_start(app: web.Application, files: Iterable[StaticFile]) -> None:
    """Build the files before the application answers its first request."""

    def build_files() -> None:
        for file in files:
            file.build()

    async def build(_: web.Application) -> None:
        await asyncio.to_thread(build_files)

    app.on_startup.append(build)


def redirect(location: str) -> web.Response:
    """Return 302 with the location, which is relative: the service may be served below a path of a reverse proxy."""
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})
