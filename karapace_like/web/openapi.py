"""The OpenAPI 3.1 description at `/openapi.json`, made from the route tables, and the page at `/docs` that shows it.

What a route table does not say is not here: an undocumented parameter or object belongs beside its route (`Call`).
The page is one file without anything from elsewhere, so that it works where there is no network.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any

import msgspec
from aiohttp import web

from karapace_like import __version__
from karapace_like.web import media_types
from karapace_like.web.errors import media_type_for
from karapace_like.web.json_schemas import JsonSchema
from karapace_like.web.registry.objects import OBJECTS
from karapace_like.web.routing import SERVED, Route, Served

_VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_NO_WORD = re.compile(r"\W+")
_NUMBERS = {"id", "partition"}
"""Variables of paths that are numbers."""
_ERROR: JsonSchema = {
    "type": "object",
    "properties": {"error_code": {"type": "integer"}, "message": {"type": "string"}},
    "required": ["error_code", "message"],
}


def document(served: Iterable[Served], objects: Mapping[str, JsonSchema]) -> dict[str, Any]:
    """The whole description of these routes; `objects` are the schemas that they refer to by name."""
    paths: dict[str, dict[str, Any]] = {}
    for route, prefixes in served:
        item = paths.setdefault(plain(route.path), _servers(prefixes))
        item[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Schema registry and Kafka REST proxy",
            "version": __version__,
            "description": (
                "Every error is an object with `error_code` (an HTTP status, maybe with two digits more) and `message`."
            ),
        },
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR, **objects}},
    }


def _servers(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """The field `servers`, for a path that is also served below prefixes."""
    if prefixes == ("",):
        return {}
    variables = [_VARIABLE.findall(prefix) for prefix in prefixes]
    return {
        "servers": [
            {"url": prefix or "/", "variables": {name: {"default": "."} for name in names}}
            for prefix, names in zip(prefixes, variables, strict=True)
        ]
    }


def plain(path: str) -> str:
    """The path without the patterns of its variables."""
    return _VARIABLE.sub(r"{\1}", path)


def _operation(route: Route) -> dict[str, Any]:
    path, call = plain(route.path), route.call
    operation: dict[str, Any] = {
        "operationId": route.method.lower() + _NO_WORD.sub("_", path).rstrip("_"),
        "summary": _summary(route),
        "tags": [path.split("/")[1] or "service"],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route)],
        "responses": {str(call.status): _answer(route), "default": _failure(path)},
    }
    if call.body is not None:
        types = call.sent_as or _media_types(path)
        operation["requestBody"] = {"required": True, "content": {each: {"schema": call.body} for each in types}}
    return operation


def _summary(route: Route) -> str:
    """What the handler's docstring says after the call's name, or else the handler's own name."""
    first = (inspect.getdoc(route.handler) or "").partition("\n")[0]
    _, _, told = first.partition(": ")
    return told.rstrip(".") or route.handler.__name__.replace("_", " ")


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _VARIABLE.findall(path):
        schema = {"type": "integer"} if name in _NUMBERS else {"type": "string", "minLength": 1}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name, schema, description in route.call.query:
        yield {"name": name, "in": "query", "schema": schema, "description": description}


def _answer(route: Route) -> dict[str, Any]:
    schema = route.call.answer
    answer: dict[str, Any] = {"description": "Done."}
    if schema is not None:
        answer["content"] = {each: {"schema": schema} for each in _media_types(plain(route.path))}
    return answer


def _failure(path: str) -> dict[str, Any]:
    return {
        "description": "Not done.",
        "content": {media_type_for(path): {"schema": {"$ref": "#/components/schemas/Error"}}},
    }


def _media_types(path: str) -> Iterable[str]:
    return dict.fromkeys((media_type_for(path), media_types.JSON))


def describe(app: web.Application) -> None:
    """Serve the description of all routes that the application has by now, and the page."""
    served = app[SERVED]
    description = msgspec.json.encode(document(served, OBJECTS))
    page = resources.files(__package__).joinpath("docs.html").read_bytes()

    async def get_description(_: web.Request) -> web.Response:
        return web.Response(body=description, content_type=media_types.JSON)

    async def get_page(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/html", charset="utf-8")

    app.router.add_get("/openapi.json", get_description)
    app.router.add_get("/docs", get_page)
