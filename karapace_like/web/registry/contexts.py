"""/contexts: the id spaces of the registry (Confluent API, "Contexts")."""

from functools import partial

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.registry import deletion, names
from karapace_like.replication.planning import without_engines
from karapace_like.web.callers import access
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import array, text
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility, writing
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.registry.permissions import on_named_context
from karapace_like.web.routing import Call, Parameter, Route


async def list_contexts(request: web.Request) -> web.Response:
    """GET /contexts: List the names; the same below each of them, as from Confluent's registry."""
    prefix = request.query.get("contextPrefix", "")
    store = visibility.store(request, Operation.DESCRIBE)
    shown = (
        name
        for name in store.context_names()
        if access.is_allowed(request, Operation.DESCRIBE, ResourceKind.CONTEXT, name)
        or any(True for _ in store.subjects_in(name))
    )
    matching = sorted(name for name in shown if name.startswith(prefix))
    return respond_as_registry(request, requests.page(request).of(matching))


async def delete_context(request: web.Request) -> web.Response:
    """DELETE /contexts/{name}: Delete a context without subjects, with its config and mode."""
    plan = partial(deletion.context, name=names.parse_context(request.match_info["name"]))

    async def render(_: None) -> web.Response:
        return web.Response(status=204)

    return await writing.respond(request, without_engines(plan), render)


_PREFIX = Parameter("contextPrefix", text(".t"), "Only contexts whose name has this prefix.")

ROUTES = (
    *(
        Route(
            "GET",
            path,
            list_contexts,
            ApiRole.REGISTRY,
            Call((_PREFIX, *PAGE), None, array(text("."))),
            permission=AUTHENTICATED,
        )
        for path in ("/contexts", "/contexts/{name}/contexts")
    ),
    Route(
        "DELETE",
        "/contexts/{name}",
        delete_context,
        ApiRole.REGISTRY,
        Call(status=204),
        permission=on_named_context(Operation.DELETE),
    ),
)
