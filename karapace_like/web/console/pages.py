"""Serves the page `/console` and its files, which hold no data: they call the API with the reader's own credentials.

The files are plain ES modules and a style sheet in `static`, with vendored libraries in `static/vendored` (`make
console-libraries` fetches them). Their address names a digest of all of them, so that browsers keep them for ever, and
never mix the files of two versions. They are compressed at start-up.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import blake2b
from importlib import resources
from importlib.resources.abc import Traversable

from aiohttp import web

from karapace_like.web.callers.permissions import PUBLIC
from karapace_like.web.console import caller
from karapace_like.web.console.settings import CONSOLE, ConsoleSettings
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.static_files import PAGE_HEADERS, StaticFile, build_at_start, redirect
from karapace_like.web.routing import Route, add_routes

_MEDIA_TYPES: Mapping[str, str] = {".js": "text/javascript", ".css": "text/css"}
_PAGE = "index.html"
_LAZY = frozenset({"vendored/codemirror.js", "vendored/uplot.js", "vendored/uplot.css"})
"""Files that only some views load."""


def add_pages(app: web.Application) -> None:
    """Serve the page and its files."""
    digest, files = _read_files()
    page = StaticFile(lambda: _write_page(digest, files), "text/html", PAGE_HEADERS)
    assets = {
        name: StaticFile(lambda content=content: content, _MEDIA_TYPES[_ending(name)], PAGE_HEADERS, is_immutable=True)  # type: ignore[misc] # mypy knows no lambda with a default
        for name, content in files.items()
    }
    build_at_start(app, (page, *assets.values()))

    async def get_page(request: web.Request) -> web.Response:
        # The page's relative addresses lead to its files from the path without a slash only.
        return redirect("../console") if request.path.endswith("/") else await page.respond(request)

    handlers = {"/console": get_page, **{f"/console/{digest}/{name}": file.respond for name, file in assets.items()}}
    add_routes(
        app, [Route("GET", path, handler, ApiRole.CONSOLE, permission=PUBLIC) for path, handler in handlers.items()]
    )


def add_console(app: web.Application, settings: ConsoleSettings) -> None:
    """Serve the calls that only the console makes; `add_pages` adds the pages, which are not described."""
    app[CONSOLE] = settings
    add_routes(app, caller.ROUTES)


@cache
def _read_files() -> tuple[str, Mapping[str, bytes]]:
    """Return the digest of all files, and each file's content by its name, such as `views/topics.js`."""
    folder = resources.files(__package__).joinpath("static")
    files = dict(sorted(_walk(folder, "")))
    content = b"\0".join(part for name, body in files.items() for part in (name.encode(), body))
    return blake2b(content + folder.joinpath(_PAGE).read_bytes(), digest_size=8).hexdigest(), files


def _walk(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _walk(entry, f"{prefix}{entry.name}/")
        elif _ending(entry.name) in _MEDIA_TYPES:
            yield prefix + entry.name, entry.read_bytes()


def _write_page(digest: str, files: Mapping[str, bytes]) -> bytes:
    """Return the page, which loads all modules at once instead of one import after the other."""
    preloads = "\n".join(
        f'<link rel="modulepreload" href="console/{digest}/{name}">'
        for name in files
        if name.endswith(".js") and name not in _LAZY
    )
    page = resources.files(__package__).joinpath("static", _PAGE).read_text("utf-8")
    return page.replace("{digest}", digest).replace("{preloads}", preloads).encode()


def _ending(name: str) -> str:
    return name[name.rfind(".") :]
