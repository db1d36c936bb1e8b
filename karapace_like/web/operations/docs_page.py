"""Serves the page `/docs`, its files, and the description at `/openapi.json` that the page shows.

The page is Swagger UI, vendored in `docs/swagger-ui` (`make viewer` fetches it); its search and its settings are in
`docs/docs.js`. It requests nothing from other hosts, and its Content-Security-Policy forbids that.
"""

import asyncio
import gzip
from collections.abc import Callable, Mapping
from hashlib import blake2b
from http import HTTPStatus
from importlib import resources
from typing import NamedTuple

import msgspec
from aiohttp import web

from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http import media_types
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.operations.openapi import document
from karapace_like.web.routing import REGISTERED_ROUTES, Route, add_routes

_FILES = resources.files(__package__).joinpath("docs")
_ASSETS: Mapping[str, str] = {
    "docs.js": "text/javascript",
    "docs.css": "text/css",
    "swagger-ui/swagger-ui-bundle.js": "text/javascript",
    "swagger-ui/swagger-ui.css": "text/css",
}
"""The files that the page loads, with their media types; each is served as `/docs/<name>`."""
_SECURITY_HEADERS = {
    # The viewer's icons are data: addresses in its style sheet.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
_GZIP = "gzip"
_IDENTITY = "identity"


class _Variant(NamedTuple):
    """A file's bytes in one content coding."""

    body: bytes
    tag: str


class StaticFile:
    """A file that is loaded and compressed once, in a thread, and then sent from memory.

    Browsers keep it and revalidate it by its `ETag`: 304 if it is unchanged.
    """

    def __init__(self, read: Callable[[], bytes], content_type: str, headers: Mapping[str, str] | None = None) -> None:
        self._read = read
        self._content_type = content_type
        self._headers = headers or {}
        self._variants: dict[str, _Variant] = {}
        """By content coding."""

    async def respond(self, request: web.Request) -> web.Response:
        """Return the file in the content coding that the client accepts, or 304."""
        coding = _GZIP if _GZIP in request.headers.get("Accept-Encoding", "") else _IDENTITY
        if coding not in self._variants:
            self._variants[coding] = await asyncio.to_thread(self._load, coding)
        body, tag = self._variants[coding]
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache", "Vary": "Accept-Encoding", **self._headers}
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


def add_docs(app: web.Application) -> None:
    """Serve the description of all routes that the application has by now, and the page that shows it."""
    served = app[REGISTERED_ROUTES]
    description = msgspec.json.encode(document(served))
    page = _page_file("index.html", "text/html")

    async def get_page(request: web.Request) -> web.Response:
        # The page's relative addresses lead to its files from the path without a slash only.
        return redirect("../docs") if request.path.endswith("/") else await page.respond(request)

    handlers = {
        "/openapi.json": StaticFile(lambda: description, media_types.JSON).respond,
        "/docs": get_page,
        **{f"/docs/{name.rpartition('/')[2]}": _page_file(name, kind).respond for name, kind in _ASSETS.items()},
    }
    add_routes(
        app,
        [Route("GET", path, handler, ApiRole.CONSOLE, permission=AUTHENTICATED) for path, handler in handlers.items()],
    )


def redirect(location: str) -> web.Response:
    """Return 302 with the location, which is relative: the service may be served below a path of a reverse proxy."""
    return web.Response(status=HTTPStatus.FOUND, headers={"Location": location})


def _page_file(name: str, content_type: str) -> StaticFile:
    return StaticFile(_FILES.joinpath(name).read_bytes, content_type, _SECURITY_HEADERS)
