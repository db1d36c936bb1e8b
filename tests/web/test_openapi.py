"""The description of the API agrees with what is served, and the service agrees with its description."""

import asyncio
import enum
from typing import Annotated, Any

import jsonschema
import msgspec
import pytest
import schemathesis
from hypothesis import given, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from karapace_like.web import connect, files, keys, sockets
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v1 as proxy_v1_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import queues as queues_api
from karapace_like.web import registry as registry_api
from karapace_like.web import request_reply as request_reply_api
from karapace_like.web.console import caller
from karapace_like.web.http import json_schemas
from karapace_like.web.operations import health, openapi
from karapace_like.web.operations import service as service_api
from karapace_like.web.proxy_v3 import policies
from tests.web.conftest import Api
from tests.web.described import document, operations_of, validate, without_other_fields

_EXAMPLES = 12
"""Requests for each call: a few seconds for all of them."""
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


EVERY_ROUTE = (
    *service_api.ROUTES,
    *health.ROUTES,
    *registry_api.TOP_ROUTES,
    *registry_api.ROUTES,
    *proxy_api.ROUTES,
    *proxy_v1_api.ROUTES,
    *proxy_v3_api.ROUTES,
    *queues_api.ROUTES,
    *request_reply_api.ROUTES,
    *files.ROUTES,
    *sockets.ROUTES,
    *policies.ROUTES,
    *connect.ROUTES,
    *keys.ROUTES,
    *caller.ROUTES,
)
_ACLS = "/v3/clusters/{cluster}/acls"
WITHOUT_ANSWER = {("post", _ACLS), ("post", f"{_ACLS}:batch")}
"""They answer 201 with nothing, as in the reference."""


def references(value: Any) -> set[str]:
    """Every object that a part of the description refers to."""
    if isinstance(value, dict):
        found = {str(value["$ref"]).rpartition("/")[2]} if "$ref" in value else set[str]()
        return found.union(*map(references, value.values()))
    return set[str]().union(*map(references, value)) if isinstance(value, list) else set()


async def test_every_route_is_described_and_nothing_else(api: Api) -> None:
    """What the router serves and what the description lists are the same calls."""
    status, description = await api("GET", "/openapi.json")
    assert (status, description["openapi"]) == (200, "3.1.0")
    described = {
        (method.upper(), prefix + path)
        for path, item in description["paths"].items()
        for prefix in [each["url"].rstrip("/") for each in item.get("servers", [{"url": ""}])]
        for method in item
        if method != "servers"
    }
    assert api.client.app is not None
    served = {
        (route.method, openapi.plain(route.resource.canonical).rstrip("/") or "/")
        for route in api.client.app.router.routes()
        if route.method != "HEAD" and route.resource is not None
    }
    pages = {"/openapi.json", "/docs"}
    assert {(method, path) for method, path in served - described if not path.startswith("/docs/")} == {
        ("GET", path) for path in pages
    }
    assert described - served == set()


async def test_the_description_is_whole(api: Api) -> None:
    """Every object that is referred to is there and none besides, every call has a sentence and a name of its own."""
    _, description = await api("GET", "/openapi.json")
    schemas = description["components"]["schemas"]
    assert references(description) == schemas.keys()
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    operations = [each for item in description["paths"].values() for name, each in item.items() if name != "servers"]
    assert len({each["operationId"] for each in operations}) == len(operations)
    assert [each["operationId"] for each in operations if not each["summary"]] == []


def test_the_proxys_routes_are_described_too() -> None:
    """By the same tables; whatever writes says what its body holds."""
    routes = [*proxy_api.ROUTES, *proxy_v1_api.ROUTES, *proxy_v3_api.ROUTES, *policies.ROUTES]
    operations = operations_of(document(routes))
    assert {(route.method.lower(), openapi.plain(route.path)) for route in routes} == operations.keys()
    writing = [call for call in operations if call[0] in {"post", "put", "patch"}]
    assert [call for call in writing if "requestBody" not in operations[call]] == []
    assert [call for call, each in operations.items() if not each["summary"]] == []


def test_every_operation_has_examples_that_are_as_they_are_described() -> None:
    """Of each parameter, body and answer; only what is answered without a body has no answer to show."""
    described = document(EVERY_ROUTE)
    for call, operation in operations_of(described).items():
        for parameter in operation["parameters"]:
            validate(described, parameter["schema"], parameter["example"])
        answer, *_, failure = operation["responses"].values()
        assert answer["description"] == "Success."
        for part in (operation.get("requestBody", {}), answer, failure):
            for shown in part.get("content", {}).values():
                validate(described, shown["schema"], shown["example"])
        has_none = call in WITHOUT_ANSWER or next(iter(operation["responses"])) == "204"
        assert ("content" in answer) != has_none, call


def test_every_field_of_the_examples_is_described() -> None:
    """No example has more than its schema knows of."""
    described = document(EVERY_ROUTE)
    closed = {**described, "components": without_other_fields(described["components"])}
    for operation in operations_of(described).values():
        for part in (operation.get("requestBody", {}), *operation["responses"].values()):
            for shown in part.get("content", {}).values():
                validate(closed, without_other_fields(shown["schema"]), shown["example"])


def test_a_body_that_has_several_media_types_is_an_object_with_a_name() -> None:
    """Of a body without a name, generators make one type for each media type, or one for the first only."""
    for call, operation in operations_of(document(EVERY_ROUTE)).items():
        content = operation.get("requestBody", {}).get("content", {})
        for shown in content.values() if len(content) > 1 else ():
            schema = shown["schema"]
            assert "properties" not in schema.get("items", schema), call


@pytest.mark.long
@pytest.mark.slow
async def test_the_service_answers_as_described(api: Api) -> None:
    """To requests drawn from the description, and to ones that break it: no server error, and the described shape."""
    _, description = await api("GET", "/openapi.json")
    description["paths"] = {
        path: {name: each for name, each in item.items() if name != "servers"}
        for path, item in description["paths"].items()
    }
    await api("POST", "/subjects/a/versions", {"schema": '"int"'})
    base_url = str(api.client.make_url("")).rstrip("/")
    await asyncio.to_thread(_send_drawn_requests, description, base_url)


def _send_drawn_requests(description: dict[str, Any], base_url: str) -> None:
    schema = schemathesis.openapi.from_dict(description)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(max_examples=_EXAMPLES, derandomize=True, deadline=None, database=None)
        @given(case=operation.as_strategy())
        def send(case: Case[Any]) -> None:
            answer = case.call(base_url=base_url)
            case.validate_response(answer, checks=_CHECKS)

        send()


class _Colour(enum.StrEnum):
    RED = "red"


class _Part(msgspec.Struct):
    name: str
    size: int | None = None


class _Whole(msgspec.Struct, omit_defaults=True, rename="camel"):
    all_parts: tuple[_Part, ...]
    colour: _Colour | None = None
    number: Annotated[int, msgspec.Meta(ge=0, le=9)] = 3
    key: msgspec.Raw = msgspec.Raw(b"")


def test_a_schema_is_derived_from_the_struct_of_a_body() -> None:
    """Of a request, a field with a default may be left out; of a response, only where the struct leaves it out."""
    annotations = {"allParts.name": json_schemas.text("lift"), "colour": json_schemas.ref("Colour")}
    name, size = {"type": "string", "examples": ["lift"]}, {"type": "integer", "examples": [1]}
    others = {
        "colour": {"$ref": "#/components/schemas/Colour"},
        "number": {"type": "integer", "minimum": 0, "maximum": 9, "examples": [1]},
        "key": json_schemas.ANYTHING,
    }
    request_part = {"type": "object", "properties": {"name": name, "size": size}, "required": ["name"]}
    part = {
        "type": "object",
        "properties": {"name": name, "size": {"anyOf": [size, {"type": "null"}]}},
        "required": ["name", "size"],
    }
    for derive, derived_part in [(json_schemas.derive_request, request_part), (json_schemas.derive, part)]:
        assert derive(_Whole, annotations) == {
            "type": "object",
            "properties": {"allParts": {"type": "array", "items": derived_part}, **others},
            "required": ["allParts"],
        }
