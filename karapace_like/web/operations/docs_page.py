"""Serves the page `/docs`, its files, and the description at `/openapi.json` that the page shows.

The page is Swagger UI, vendored in `docs/swagger-ui` (`make viewer` fetches it); its search and its settings are in
`docs/docs.js`. It requests nothing from other hosts, and its Content-Security-Policy forbids that.
"""

from collections.abc import Mapping
from importlib import resources

import msgspec
from aiohttp import web

from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http import media_types
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.static_files import PAGE_HEADERS, StaticFile, redirect
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


def add_docs(app: web.Application) -> None:
    """Serve the description of all routes that the application has by now, and the page that shows it."""
    registered = app[REGISTERED_ROUTES]
    served = tuple(registered)
    page = _page_file("index.html", "text/html")

    async def get_page(request: web.Request) -> web.Response:
        # The page's relative addresses lead to its files from the path without a slash only.
        return redirect("../docs") if request.path.endswith("/") else await page.respond(request)

    handlers = {
        "/openapi.json": StaticFile(lambda: msgspec.json.encode(document(served)), media_types.JSON).respond,
        "/docs": get_page,
        **{f"/docs/{name.rpartition('/')[2]}": _page_file(name, kind).respond for name, kind in _ASSETS.items()},
    }
    add_routes(
        app,
        [Route("GET", path, handler, ApiRole.CONSOLE, permission=AUTHENTICATED) for path, handler in handlers.items()],
    )


def _page_file(name: str, content_type: str) -> StaticFile:
    return StaticFile(_FILES.joinpath(name).read_bytes, content_type, PAGE_HEADERS)
