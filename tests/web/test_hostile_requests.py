"""Every route, asked for with what clients get wrong: an answer in the error shape, never a 500, nothing written."""

import itertools
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from karapace_like.web.operations import openapi
from karapace_like.web.registry import ROUTES, TOP_ROUTES
from karapace_like.web.routing import Route
from tests.web.conftest import Api

SUBJECTS = [
    quote(each, safe="")
    for each in (
        "a/b",
        " ",
        "with space",
        "名前-ü",
        "x" * 10_000,
        "a?b#c",
        "..",
        ":.ctx:",
        ":.:",
        ":*:",
        "__GLOBAL",
        "🦉",
    )
]
VALUES = {
    "subject": SUBJECTS,
    "name": SUBJECTS,
    "guid": [*SUBJECTS[:5], "00000000-0000-0000-0000-000000000000"],
    "id": ["0", "-1", str(2**31), str(2**63), "9" * 4000, "x", "1.5"],
    "version": ["0", "-1", "-2", "latest", "LATEST", str(2**31), str(2**63), "x", "1.5", "%20"],
}
QUERIES = ["", "?deleted=x&offset=x", "?limit=-1&offset=-5", "?subject=%00&format=%F0%9F%A6%89&findTags=*", "?key=a"]
WRONG: list[Any] = [None, True, 1, -1, 2**40, 1.5, "x", "a\ud800", "", [], [[]], {}, {"a": {"b": []}}]
"""Values of every JSON type; each is wrong for most fields."""
FIELDS = [
    *("schema", "schemaType", "references", "metadata", "ruleSet", "id", "version", "schemaTagsToAdd", "tagsToAdd"),
    *("compatibility", "normalize", "defaultMetadata", "overrideRuleSet", "mode", "rulesToRemove", "newVersion"),
]
TEXTS = [None, b"", b" ", b"null", b"[]", b'"x"', b"1", b"{", b"\xff", b'{"a":1}{', b"[" * 5_000]
BODIES = [*TEXTS, *(json.dumps({field: value}).encode() for field in FIELDS for value in WRONG)]


def paths(route: Route) -> Iterator[str]:
    """The route's path with each odd value in each place, the other places filled as usual."""
    usual = {"subject": "a", "name": ".none", "guid": "x", "id": "1", "version": "1"}
    path = openapi.plain(route.path)
    names = [name for name in usual if f"{{{name}}}" in path]
    for odd in names or [""]:
        for value in VALUES.get(odd, [""]):
            filled = path
            for name in names:
                filled = filled.replace(f"{{{name}}}", value if name == odd else usual[name])
            yield filled


async def check(api: Api, method: str, path: str, body: bytes | None) -> None:
    """Send it, and look at the answer and at the topic."""
    written = len(api.log.records)
    url = URL(str(api.client.make_url("/")).rstrip("/") + path, encoded=True)
    async with api.client.session.request(method, url, data=body) as answer:
        text = await answer.read()
    told = (method, path[:100], body, answer.status, text[:200])
    assert answer.status < 500, told
    if answer.status >= 400:
        error = json.loads(text)
        assert error.keys() == {"error_code", "message"}, told
        assert type(error["error_code"]) is int, told
        assert type(error["message"]) is str, told
        assert error["error_code"] in {answer.status, *range(answer.status * 100, answer.status * 100 + 100)}, told
        assert len(api.log.records) == written, told


@pytest.mark.parametrize("route", [*TOP_ROUTES, *ROUTES], ids=lambda each: f"{each.method} {each.path}")
async def test_odd_paths_and_queries(api: Api, route: Route) -> None:
    """Names with slashes, spaces, other scripts and 10,000 characters; numbers that are too small or too large."""
    for prefix, path in itertools.product(("", "/contexts/.c", "/contexts/%2F"), paths(route)):
        await check(api, route.method, prefix + path, b"{}" if route.call.body else None)
    for path in itertools.islice(paths(route), 1):
        for query in QUERIES:
            await check(api, route.method, path + query, None)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "route", [each for each in ROUTES if each.call.body], ids=lambda each: f"{each.method} {each.path}"
)
async def test_odd_bodies(api: Api, route: Route) -> None:
    """None, an empty one, no JSON, and every JSON type in every field."""
    await api("POST", "/subjects/a/versions", {"schema": '"int"'})
    path = openapi.plain(route.path).replace("{subject}", "a").replace("{version}", "1")
    for body in BODIES:
        await check(api, route.method, path, body)
        await check(api, "PUT", "/mode?force=true", b'{"mode":"READWRITE"}')
        await check(api, "PUT", "/mode/a?force=true", b'{"mode":"READWRITE"}')
