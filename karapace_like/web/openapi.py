"""The OpenAPI 3.1 description at `/openapi.json`, made from the route tables, and the page at `/docs` that shows it.

What a route table does not say is not here: an undocumented parameter or object belongs beside its route (`Call`), and
so do the examples, which are made of their schemas'.
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
from karapace_like.web.json_schemas import NUMBER, JsonSchema, example_of, ref, shown, text, whole
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.proxy_v3 import objects as v3_objects
from karapace_like.web.registry import objects as registry_objects
from karapace_like.web.routing import SERVED, Route, Served, add_routes

_VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_NO_WORD = re.compile(r"\W+")
_VARIABLES: Mapping[str, JsonSchema] = {
    "subject": text("lifts-value"),
    "version": text("latest"),
    "id": NUMBER,
    "guid": text("7bf1f6e5-4d0c-6a0e-8a7a-0d3b0e6f9a11"),
    "name": text(".test"),
    "cluster": v3_objects.CLUSTER,
    "topic": v3_objects.TOPIC,
    "partition": v3_objects.PARTITION,
    "broker": NUMBER,
    "config": v3_objects.CONFIG,
    "group": v3_objects.GROUP,
    "consumer": v3_objects.CONSUMER,
    "instance": text("reader-1"),
    "connector": text("lifts-to-file/config"),
    "plugin": text("FileStreamSinkConnector/config/validate"),
    "logger": text("org.apache.kafka.connect"),
}
"""The variables of paths."""
_OBJECTS: Mapping[str, JsonSchema] = {
    "Error": whole(error_code=shown(NUMBER, 40401), message=text("Subject 'lifts-value' not found.")),
    **registry_objects.OBJECTS,
    **v3_objects.OBJECTS,
}


def document(served: Iterable[Served]) -> dict[str, Any]:
    """The whole description of these routes."""
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
        "components": {"schemas": {name: _OBJECTS[name] for name in sorted(_referred_to(paths))}},
    }


def _referred_to(described: Any) -> set[str]:
    """The names of all objects that this refers to, or that those refer to."""
    if isinstance(described, list | tuple):
        return set[str]().union(*map(_referred_to, described))
    if not isinstance(described, Mapping):
        return set()
    found = set[str]().union(*map(_referred_to, described.values()))
    if "$ref" in described:
        name = described["$ref"].rpartition("/")[2]
        found |= {name} | _referred_to(_OBJECTS[name])
    return found


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
        "responses": {
            str(call.status): _answer(route),
            **({"204": {"description": "Done."}} if call.or_nothing else {}),
            "default": _failure(path),
        },
    }
    if call.body is not None:
        types = call.sent_as or _media_types(path)
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(types, _content(call.body))}
    return operation


def _summary(route: Route) -> str:
    """What the handler's docstring says after the call's name, or else the handler's own name."""
    first = (inspect.getdoc(route.handler) or "").partition("\n")[0]
    _, _, told = first.partition(": ")
    return told.rstrip(".") or route.handler.__name__.replace("_", " ")


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for name in _VARIABLE.findall(path):
        schema = _VARIABLES[name]
        least = {"minLength": 1} if schema["type"] == "string" else {}
        yield {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {**schema, **least},
            "example": example_of(schema, _OBJECTS),
        }


def _query_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for each in route.call.query:
        yield {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "schema": each.schema,
            "description": each.description,
            "example": example_of(each.schema, _OBJECTS),
        }


def _answer(route: Route) -> dict[str, Any]:
    call = route.call
    answer: dict[str, Any] = {"description": "Done."}
    if call.answer is not None:
        types = call.answered_as or _media_types(plain(route.path))
        answer["content"] = dict.fromkeys(types, _content(call.answer))
    return answer


def _content(schema: JsonSchema) -> dict[str, Any]:
    return {"schema": schema, "example": example_of(schema, _OBJECTS)}


def _failure(path: str) -> dict[str, Any]:
    return {
        "description": "Not done.",
        "content": {media_type_for(path): _content(ref("Error"))},
    }


def _media_types(path: str) -> Iterable[str]:
    own = media_type_for(path)
    return (own,) if own == media_types.KAFKA_V2 else dict.fromkeys((own, media_types.JSON))


_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""The page has its script and style in itself, and asks this service only."""


def describe(app: web.Application) -> None:
    """Serve the description of all routes that the application has by now, and the page."""
    served = app[SERVED]
    description = msgspec.json.encode(document(served))
    page = resources.files(__package__).joinpath("docs.html").read_bytes()

    async def get_description(_: web.Request) -> web.Response:
        return web.Response(body=description, content_type=media_types.JSON)

    async def get_page(_: web.Request) -> web.Response:
        return web.Response(body=page, content_type="text/html", charset="utf-8", headers=_PAGE_HEADERS)

    routes = (("/openapi.json", get_description), ("/docs", get_page))
    add_routes(app, [Route("GET", path, handler, needs=AUTHENTICATED) for path, handler in routes])
