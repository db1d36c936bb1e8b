"""/contexts: the id spaces of the registry (Confluent API, "Contexts")."""

from functools import partial

from aiohttp import web

from karapace_like.registry import deletion, names
from karapace_like.web.answers import registry_answer
from karapace_like.web.json_schemas import array, text
from karapace_like.web.registry import requests
from karapace_like.web.registry.objects import PAGE
from karapace_like.web.routing import Call, Parameter, Route


async def list_contexts(request: web.Request) -> web.Response:
    """GET /contexts: their names."""
    prefix = request.query.get("contextPrefix", "")
    found = sorted(each for each in requests.registry(request).read().contexts if each.startswith(prefix))
    return registry_answer(request, requests.page(request).of(found))


async def delete_context(request: web.Request) -> web.Response:
    """DELETE /contexts/{name}: 204; 42211 if it has subjects."""
    await requests.registry(request).write(
        partial(deletion.context, name=names.context_named(request.match_info["name"]))
    )
    return web.Response(status=204)


_PREFIX = Parameter("contextPrefix", text(".t"), "Of their names.")

ROUTES = (
    Route("GET", "/contexts", list_contexts, Call((_PREFIX, *PAGE), None, array(text(".")))),
    Route("DELETE", "/contexts/{name}", delete_context, Call(status=204)),
)
