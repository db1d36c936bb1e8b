"""Route tables: the routes of each resource, with permission and description, added to the application."""

import re
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from itertools import product
from typing import NamedTuple

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.callers.access import ACCESS
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.http.api_roles import ALL_ROLES, ApiRole, ApiRoles
from karapace_like.web.http.errors import Handler, no_route_error
from karapace_like.web.http.json_schemas import JsonSchema


class Parameter(NamedTuple):
    """A parameter of the query, or a header."""

    name: str
    schema: JsonSchema
    description: str
    required: bool = False


class Call(NamedTuple):
    """The documentation of a call in `/openapi.json`, beyond its path; the summary is the handler's docstring."""

    query: tuple[Parameter, ...] = ()
    body: JsonSchema | None = None
    response: JsonSchema | None = None
    status: int = 200
    request_types: tuple[str, ...] = ()
    """Media types of the request body; empty: those of the whole API."""
    response_types: tuple[str, ...] = ()
    """Media types of the response; empty: those of the whole API."""
    headers: tuple[Parameter, ...] = ()
    accepted: JsonSchema | None = None
    """The body of 202, where the call may respond before it is carried out."""
    may_be_empty: bool = False
    """Whether the call responds with 204 where it has no result."""


class Route(NamedTuple):
    """One call of an API."""

    method: str
    path: str
    """An aiohttp path, such as `/subjects/{subject}/versions`."""
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    role: ApiRole
    """What the call is for: a listener serves the calls of its roles only."""
    call: Call = Call()
    permission: RequiredPermission | None = None
    """The caller's permission that the call requires; an application with a route without one does not start."""
    spellings: tuple[str, ...] = ()
    """Other paths under which the call is served, without being described."""
    hides_refusals: bool = False
    """Whether callers without credentials or permission get 404, because clients fail on 401 and 403."""

    @property
    def paths(self) -> tuple[str, ...]:
        """The path and its other spellings."""
        return self.path, *self.spellings


class RegisteredRoute(NamedTuple):
    """A route as it was added to an application."""

    route: Route
    prefixes: tuple[str, ...]


ROUTE_ROLES: web.AppKey[dict[web.AbstractRoute, ApiRole]] = web.AppKey("route roles")
"""The role of each route of the application's router."""
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_VARIABLE = re.compile(r"\{(\w+)\}")
"""A variable of a path without a pattern of its own."""

REGISTERED_ROUTES: web.AppKey[list[RegisteredRoute]] = web.AppKey("served")
"""Every route of the application, in order."""


def add_routes(app: web.Application, routes: Iterable[Route], *, prefixes: tuple[str, ...] = ("",)) -> None:
    """Serve every route under every prefix, with and without a trailing slash, and under its other spellings.

    GET routes answer HEAD too. A variable takes everything but a slash: aiohttp's own pattern leaves out braces, which
    subjects, groups and instances may have. The handler finds a prefix's variable (`/contexts/{context}`) in
    `match_info`. Raises ValueError for a route without a permission.
    """
    served, roles = app.setdefault(REGISTERED_ROUTES, []), app.setdefault(ROUTE_ROLES, {})
    handlers: list[tuple[Route, Handler]] = []
    for route in routes:
        if route.permission is None:
            raise ValueError(
                f"{route.method} {route.path} must name the permission that it requires (Route.permission)"
            )
        served.append(RegisteredRoute(route, prefixes))
        parameters = frozenset(parameter.name for parameter in route.call.query)
        handler = app[ACCESS].guard(route.handler, route.permission, parameters)
        handlers.append((route, _hide_refusals(handler) if route.hides_refusals else handler))
    # aiohttp tries one resource after the other, and only methods that are added in a row share that of their path.
    for prefix, ending in product(prefixes, ("", "/")):
        for route, handler in handlers:
            for spelling in route.paths:
                path = _VARIABLE.sub(r"{\1:[^/]+}", prefix + spelling).rstrip("/") + ending
                for method in (route.method, "HEAD") if route.method == "GET" else (route.method,):
                    if path:
                        roles[app.router.add_route(method, path, handler)] = route.role


def _hide_refusals(handler: Handler) -> Handler:
    """Return the handler with 404 instead of 401 and 403."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except ApiError as error:
            if error.status not in _REFUSED:
                raise
            raise ApiError(HTTPStatus.NOT_FOUND, "HTTP 404 Not Found") from error

    return handle


@web.middleware
async def hide_other_roles(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer calls of roles that the listener does not serve like calls that do not exist."""
    roles: ApiRoles = request.protocol.roles  # type: ignore[attr-defined] # of web/server/connection.py
    if roles == ALL_ROLES:
        return await handler(request)
    match = request.match_info
    if isinstance(refusal := match.http_exception, web.HTTPMethodNotAllowed):
        served = [method for method in refusal.allowed_methods if await _find_role(request, method) in roles]
        if not served:
            raise no_route_error(request)
        raise web.HTTPMethodNotAllowed(request.method, served)
    if match.http_exception is None and request.app[ROUTE_ROLES].get(match.route) not in roles:
        raise no_route_error(request)
    return await handler(request)


@web.middleware
async def serve_only_operations(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer calls of the operations role only; others get 503, since this process ends when it has read the topic."""
    match = request.match_info
    if match.http_exception is None and request.app[ROUTE_ROLES].get(match.route) is not ApiRole.OPERATIONS:
        raise ApiError(503, "This node is starting: it still reads its schemas from Kafka. Retry later.", retry_after=1)
    return await handler(request)


async def _find_role(request: web.Request, method: str) -> ApiRole | None:
    """Return the role of the call with another method."""
    match = await request.app.router.resolve(request.clone(method=method))
    return request.app[ROUTE_ROLES].get(match.route)
