"""Route tables: what a resource file lists, how the application takes it in, and what is documented of each call."""

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from aiohttp import web

from karapace_like.web.access import ACCESS
from karapace_like.web.json_schemas import JsonSchema
from karapace_like.web.needs import Need


class Parameter(NamedTuple):
    """A parameter of the query."""

    name: str
    schema: JsonSchema
    description: str
    required: bool = False


class Call(NamedTuple):
    """What `/openapi.json` says of a call beyond its path; the summary is the handler's docstring."""

    query: tuple[Parameter, ...] = ()
    body: JsonSchema | None = None
    answer: JsonSchema | None = None
    status: int = 200
    sent_as: tuple[str, ...] = ()
    """The body's media types, where they are not those of the whole API."""
    answered_as: tuple[str, ...] = ()
    """The answer's, likewise."""
    or_nothing: bool = False
    """Whether 204 is answered where there is nothing to tell."""


class Route(NamedTuple):
    """One call of an API."""

    method: str
    path: str
    """An aiohttp path, such as `/subjects/{subject}/versions`."""
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    call: Call = Call()
    needs: Need | None = None
    """What its caller must be allowed; a route that does not say it is refused at start-up."""


class Served(NamedTuple):
    """A route as the application has it."""

    route: Route
    prefixes: tuple[str, ...]


SERVED: web.AppKey[list[Served]] = web.AppKey("served")
"""Every route that was added, in order."""


def add_routes(app: web.Application, routes: Iterable[Route], *, prefixes: tuple[str, ...] = ("",)) -> None:
    """Serve every route under every prefix, with and without a trailing slash.

    GET routes answer HEAD too. A path that begins with a prefix's variable (`/contexts/{context}`) gives it to the
    handler in `match_info`. Raises ValueError for a route that does not say what it needs.
    """
    access = app.get(ACCESS)
    served = app.setdefault(SERVED, [])
    for route in routes:
        if route.needs is None:
            raise ValueError(f"{route.method} {route.path} does not say what its caller must be allowed (Route.needs)")
        served.append(Served(route, prefixes))
        handler = route.handler if access is None else access.guarding(route.handler, route.needs)
        for prefix in prefixes:
            for spelled in {prefix + route.path, prefix + route.path.rstrip("/") + "/"} - {""}:
                app.router.add_route(route.method, spelled, handler)
                if route.method == "GET":
                    app.router.add_route("HEAD", spelled, handler)
