"""Reject requests that name internal topics and groups (`proxy/internal.py`) before their handler runs.

The proxy itself rejects every use of them. That is too late for what a handler does first: it may register a schema,
begin a response, or respond that the group does not exist.
"""

import functools
from collections.abc import Iterable

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.proxy import bounds
from karapace_like.web.callers.access import require
from karapace_like.web.proxy.requests import proxy
from karapace_like.web.routing import Route

_NAMES = ("topic", "group")
"""The variables of paths that are checked."""


def use_topics(request: web.Request, operation: Operation, names: Iterable[str]) -> None:
    """Raise ApiError unless the caller may perform the operation on all of these topics, which a body names."""
    named = set(names)
    proxy(request).internal.check_topics(named)
    require(request, operation, ResourceKind.TOPIC, named)


def check_path_names(route: Route) -> Route:
    """Return the route with a check of its path: ApiError for a name that no topic or group can have.

    The same for an internal one, except to describe it.
    """
    if not any(f"{{{name}}}" in route.path for name in _NAMES):
        return route
    is_description = route.permission is not None and route.permission.is_description
    handler = route.handler

    @functools.wraps(handler)
    async def check(request: web.Request) -> web.StreamResponse:
        topic, group = request.match_info.get("topic"), request.match_info.get("group")
        if is_description:
            if topic is not None:
                bounds.check_topic(topic)
            if group is not None:
                bounds.check_group(group)
            return await handler(request)
        internal = proxy(request).internal
        if topic is not None:
            internal.check_topics((topic,))
        if group is not None:
            internal.check_group(group)
        return await handler(request)

    return route._replace(handler=check)
