"""/contexts: the id spaces of the registry (Confluent API, "Contexts")."""

from functools import partial

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.registry import deletion, names
from karapace_like.web import access
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import array, text
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.needs import on_named_context
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.routing import Call, Parameter, Route


async def list_contexts(request: web.Request) -> web.Response:
    """GET /contexts: their names."""
    prefix = request.query.get("contextPrefix", "")
    store = visibility.store(request, Operation.DESCRIBE)
    shown = (
        name
        for name, context in store.contexts.items()
        if access.may(request, Operation.DESCRIBE, Kind.CONTEXT, name) or any(map(store.shows, context.subjects))
    )
    found = sorted(each for each in shown if each.startswith(prefix))
    return registry_answer(request, requests.page(request).of(found))


async def delete_context(request: web.Request) -> web.Response:
    """DELETE /contexts/{name}: 204; 42211 if it has subjects."""
    await requests.registry(request).write(
        partial(deletion.context, name=names.context_named(request.match_info["name"]))
    )
    return web.Response(status=204)


_PREFIX = Parameter("contextPrefix", text(".t"), "Of their names.")

ROUTES = (
    Route("GET", "/contexts", list_contexts, Call((_PREFIX, *PAGE), None, array(text("."))), needs=AUTHENTICATED),
    Route("DELETE", "/contexts/{name}", delete_context, Call(status=204), needs=on_named_context(Operation.DELETE)),
)
