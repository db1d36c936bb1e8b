"""Holds answers against `/openapi.json`'s words: what it does not describe is not to be answered."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import jsonschema
import msgspec
import pytest

from karapace_like.web import files, proxy, proxy_v1, proxy_v3, queues, request_reply, sockets
from karapace_like.web.operations import openapi
from karapace_like.web.routing import RegisteredRoute, Route


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The description of these routes, as clients read it."""
    described = openapi.document([RegisteredRoute(each, ("",)) for each in routes])
    return dict(msgspec.json.decode(msgspec.json.encode(described)))


def operations_of(described: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """(method, path) -> what is described of it."""
    return {(name, path): each for path, item in described["paths"].items() for name, each in item.items()}


def validate(described: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> None:
    """Fail if the value is not as the schema says, which is a part of the description."""
    jsonschema.Draft202012Validator({**schema, "components": described["components"]}).validate(value)


def without_other_fields(schema: Any) -> Any:
    """The same, where objects have no other fields than those that are described."""
    if isinstance(schema, list):
        return [without_other_fields(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: without_other_fields(each) for name, each in schema.items() if name != "examples"}
    if schema.get("type") == "object" and "additionalProperties" not in schema:
        closed["additionalProperties"] = False
    return closed


class Description:
    """What is described of some routes."""

    def __init__(self, routes: Iterable[Route]) -> None:
        described = document(routes)
        self._described = {**described, "components": without_other_fields(described["components"])}
        self._operations = [
            (method.upper(), re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path)) + "/?"), operation)
            for (method, path), operation in operations_of(described).items()
        ]

    def check(self, method: str, path: str, status: int, answer: Any) -> None:
        """Fail if the call's answer is not as it is described; a call that is not described may be refused only."""
        if method == "HEAD":
            return
        operation = next((each for name, url, each in self._operations if name == method and url.fullmatch(path)), None)
        if operation is None:
            assert status in {404, 405}, (method, path, status)
        elif status >= 400:
            self._check(operation["responses"]["default"], answer)
        elif str(status) in operation["responses"]:
            self._check(operation["responses"][str(status)], answer)
        elif status in {200, 201, 207}:
            self._check(next(iter(operation["responses"].values())), answer)
        else:
            pytest.fail(f"{method} {path} is not described to respond with {status}")

    def _check(self, response: Mapping[str, Any], answer: Any) -> None:
        if "content" not in response:
            assert answer is None
            return
        schema = next(iter(response["content"].values()))["schema"]
        validate(self._described, without_other_fields(schema), answer)


@cache
def proxy_description() -> Description:
    """Of REST v1, v2, v3, queues, files, and request and reply."""
    apis = (proxy, proxy_v1, proxy_v3, queues, request_reply, files, sockets)
    return Description([route for api in apis for route in api.ROUTES])
