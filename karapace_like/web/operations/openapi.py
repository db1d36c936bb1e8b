"""Builds the OpenAPI 3.1 description at `/openapi.json` from the route tables.

The description of a parameter, body or response belongs beside its route (`Call`), and so do the examples, which are
built from the schemas' examples. The groups of operations are in `tags.py`.
"""

import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from karapace_like import __version__
from karapace_like.web.http import media_types
from karapace_like.web.http.errors import media_type_for
from karapace_like.web.http.json_schemas import NUMBER, JsonSchema, example_of, ref, text, whole, with_example
from karapace_like.web.keys import objects as key_objects
from karapace_like.web.operations.tags import TAGS, find_tag
from karapace_like.web.proxy import objects as v2_objects
from karapace_like.web.proxy_v3 import objects as v3_objects
from karapace_like.web.queues import objects as queue_objects
from karapace_like.web.registry import objects as registry_objects
from karapace_like.web.request_reply import objects as request_objects
from karapace_like.web.routing import Parameter, RegisteredRoute, Route

_VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_NO_WORD = re.compile(r"\W+")
_CONTEXT = ".test"
"""Not the default context `.`: clients remove a path segment of a single dot."""
_VARIABLES: Mapping[str, JsonSchema] = {
    "subject": text("lifts-value"),
    "namespace": text("lkc-1"),
    "kek": key_objects.KEK_NAME,
    "resource_name": text("lifts"),
    "resource_id": text("lifts-id"),
    "version": text("latest"),
    "other": text("latest"),
    "id": NUMBER,
    "guid": text("7bf1f6e5-4d0c-6a0e-8a7a-0d3b0e6f9a11"),
    "name": text(_CONTEXT),
    "cluster": v3_objects.CLUSTER,
    "topic": v3_objects.TOPIC,
    "partition": v3_objects.PARTITION,
    "key": text("north"),
    "broker": NUMBER,
    "config": v3_objects.CONFIG,
    "policy": v3_objects.TOPIC,
    "group": v3_objects.GROUP,
    "consumer": v3_objects.CONSUMER,
    "instance": text("reader-1"),
    "delivery": text("1f2e3d4c.0-0a1b2c3d4e5f60718293a4b5"),
    "connector": text("lifts-to-file/config"),
    "plugin": text("FileStreamSinkConnector/config/validate"),
    "logger": text("org.apache.kafka.connect"),
}
"""The variables of paths."""
_OBJECTS: Mapping[str, JsonSchema] = {
    "Error": whole(error_code=with_example(NUMBER, 40401), message=text("Subject 'lifts-value' not found.")),
    **registry_objects.OBJECTS,
    **key_objects.OBJECTS,
    **v2_objects.OBJECTS,
    **v3_objects.OBJECTS,
    **queue_objects.OBJECTS,
    **request_objects.OBJECTS,
}


_SECURITY_SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "User name and password."},
    "bearer": {"type": "http", "scheme": "bearer", "description": "An OpenID Connect access token."},
}


def document(served: Iterable[RegisteredRoute]) -> dict[str, Any]:
    """Return the OpenAPI description of these routes."""
    paths: dict[str, dict[str, Any]] = {}
    used_tags: set[str] = set()
    for route, prefixes in served:
        item = paths.setdefault(plain(route.path), _servers(prefixes))
        operation = item[route.method.lower()] = _operation(route)
        used_tags.update(operation["tags"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Schema registry and Kafka REST proxy",
            "version": __version__,
            "description": (
                "Every error response is a JSON object with `error_code` (the HTTP status, with two more digits where "
                "it names the error) and `message`."
            ),
        },
        "tags": [{"name": tag.name, "description": tag.description} for tag in TAGS if tag.name in used_tags],
        # Credentials are needed only where the service has access control.
        "security": [{}, *({name: []} for name in _SECURITY_SCHEMES)],
        "paths": paths,
        "components": {
            "schemas": {name: _OBJECTS[name] for name in sorted(_collect_references(paths))},
            "securitySchemes": _SECURITY_SCHEMES,
        },
    }


def _collect_references(described: Any) -> set[str]:
    """Return the names of all objects that this refers to, or that those refer to."""
    names: set[str] = set()
    parts = [described]
    while parts:
        part = parts.pop()
        if isinstance(part, list | tuple):
            parts.extend(part)
        elif isinstance(part, Mapping):
            parts.extend(part.values())
            if "$ref" in part and (name := part["$ref"].rpartition("/")[2]) not in names:
                names.add(name)
                parts.append(_OBJECTS[name])
    return names


def _servers(prefixes: tuple[str, ...]) -> dict[str, Any]:
    """Return the field `servers` of a path that is also served below prefixes."""
    if prefixes == ("",):
        return {}
    variables = [_VARIABLE.findall(prefix) for prefix in prefixes]
    return {
        "servers": [
            {"url": prefix or "/", "variables": {name: {"default": _CONTEXT} for name in names}}
            for prefix, names in zip(prefixes, variables, strict=True)
        ]
    }


def plain(path: str) -> str:
    """Return the path without the patterns of its variables."""
    return _VARIABLE.sub(r"{\1}", path)


def _operation(route: Route) -> dict[str, Any]:
    path, call = plain(route.path), route.call
    operation: dict[str, Any] = {
        "operationId": route.method.lower() + _NO_WORD.sub("_", path).rstrip("_"),
        "summary": _summary(route),
        "tags": [find_tag(route.method, path).name],
        "parameters": [*_path_parameters(route.path), *_query_parameters(route), *_header_parameters(route)],
        "responses": {
            str(call.status): _answer(route, call.response, "Success."),
            **({"202": _answer(route, call.accepted, "Under way.")} if call.accepted is not None else {}),
            **({"204": {"description": "Success."}} if call.may_be_empty else {}),
            "default": _failure(path),
        },
    }
    if call.body is not None:
        types = call.request_types or _list_media_types(path)
        operation["requestBody"] = {"required": True, "content": dict.fromkeys(types, _describe_content(call.body))}
    return operation


def _summary(route: Route) -> str:
    """Return the first sentence of the handler's docstring, after the call's name, or else the handler's own name."""
    first_line = (inspect.getdoc(route.handler) or "").partition("\n")[0]
    summary = first_line.partition(": ")[2].rstrip(".") or route.handler.__name__.replace("_", " ")
    return summary[:1].upper() + summary[1:]


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
    for parameter in route.call.query:
        yield _describe_parameter(parameter, "query")


def _header_parameters(route: Route) -> Iterator[dict[str, Any]]:
    for parameter in route.call.headers:
        yield _describe_parameter(parameter, "header")


def _describe_parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "schema": parameter.schema,
        "description": parameter.description,
        "example": example_of(parameter.schema, _OBJECTS),
    }


def _answer(route: Route, body: JsonSchema | None, description: str) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": description}
    if body is not None:
        types = route.call.response_types or _list_media_types(plain(route.path))
        answer["content"] = dict.fromkeys(types, _describe_content(body))
    return answer


def _describe_content(schema: JsonSchema) -> dict[str, Any]:
    return {"schema": schema, "example": example_of(schema, _OBJECTS)}


def _failure(path: str) -> dict[str, Any]:
    return {
        "description": "Error.",
        "content": {media_type_for(path): _describe_content(ref("Error"))},
    }


def _list_media_types(path: str) -> Iterable[str]:
    own = media_type_for(path)
    return (own,) if own == media_types.KAFKA_V2 else dict.fromkeys((own, media_types.JSON))
