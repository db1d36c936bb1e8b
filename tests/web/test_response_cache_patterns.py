"""Schemas that were never read are answered below aiohttp as well, and exactly as aiohttp answers them."""

import json
import secrets
from collections.abc import Awaitable, Callable

import pytest

from karapace_like.access.authfile import parse
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.http.app_keys import REGISTRY
from karapace_like.web.server import response_cache
from tests.web.access.conftest import basic, written
from tests.web.conftest import Api
from tests.web.dialect.conftest import serving
from tests.web.test_shortcuts import Answered, Line, cache_of, line, request, taken

__all__ = ["taken"]
COUNT = 8


def make_schema(number: int) -> dict[str, str]:
    return {"schema": json.dumps({"type": "record", "name": f"R{number}", "fields": []})}


async def read_through_aiohttp(here: Line, path: str, **headers: str) -> Answered:
    """A header that is unlike every other request's makes the cache leave it to aiohttp."""
    return await here.ask(request("GET", path, X_Other=secrets.token_hex(8), **headers))


def drop_varying(answer: Answered) -> tuple[int, dict[str, str], bytes]:
    return answer.status, {k: v for k, v in answer.headers.items() if k not in {"date", "x-request-id"}}, answer.body


@pytest.fixture
async def api(start: Callable[..., Awaitable[Api]]) -> Api:
    api = await start()
    for number in range(COUNT):
        assert (await api("POST", f"/subjects/s{number}/versions", make_schema(number)))[0] == 200
    return api


@pytest.mark.parametrize("accept", ["*/*", "application/vnd.schemaregistry+json"])
async def test_schemas_that_were_never_read_are_answered_as_by_aiohttp(api: Api, taken: list[int], accept: str) -> None:
    async with line(api) as here:
        for schema_id in range(1, COUNT + 1):
            shown = await here.ask(request("GET", f"/schemas/ids/{schema_id}", Accept=accept))
            expected = await read_through_aiohttp(here, f"/schemas/ids/{schema_id}", Accept=accept)
            assert drop_varying(shown) == drop_varying(expected)
        assert len(taken) == COUNT - 1, "all but the first"
        tag = shown.headers["etag"]
        known = await here.ask(request("GET", f"/schemas/ids/{COUNT}", Accept=accept, If_None_Match=tag))
        assert (known.status, known.body) == (304, b"")
    usage = cache_of(api).metrics.response_cache_usage
    assert usage.hits == 0, "a response that had to be computed is no hit"


@pytest.mark.parametrize("segment", ["77", "-1", "x", "1?deleted=true", "1%20", "99999999999", "", "1/schema", "1/"])
async def test_other_paths_are_left_to_aiohttp(api: Api, segment: str) -> None:
    async with line(api) as here:
        await here.ask(request("GET", "/schemas/ids/2"))
        shown = await here.ask(request("GET", f"/schemas/ids/{segment}"))
        assert drop_varying(shown) == drop_varying(await read_through_aiohttp(here, f"/schemas/ids/{segment}"))


async def test_deletions_are_seen_in_schemas_that_were_never_read(api: Api) -> None:
    async with line(api) as here:
        await here.ask(request("GET", "/schemas/ids/1"))
        assert (await here.ask(request("GET", "/schemas/ids/2"))).json["deleted"] is False
        for subject in ("s1", "s2", "s3"):
            assert (await api("DELETE", f"/subjects/{subject}"))[0] == 200
        assert (await api("DELETE", "/subjects/s3?permanent=true"))[0] == 200
        assert (await here.ask(request("GET", "/schemas/ids/2"))).json["deleted"] is True
        assert (await here.ask(request("GET", "/schemas/ids/3"))).json["deleted"] is True
        assert (await here.ask(request("GET", "/schemas/ids/4"))).json["error_code"] == 40403


async def test_a_caller_is_shown_the_schemas_of_permitted_subjects_only(
    start: Callable[..., Awaitable[Api]], taken: list[int]
) -> None:
    """And a caller whose permissions have changed goes through aiohttp."""
    access = Access(Authentication())
    users = {"root": "root-password", "reader": "reader-password"}

    def permit(prefix: str) -> None:
        grants = [
            {"principals": ["root"], "operations": ["read", "write"], "resource": "subject"},
            {
                "principals": ["reader"],
                "operations": ["read"],
                "resource": "subject",
                "name": prefix,
                "match": "prefix",
            },
        ]
        access.use(parse(written(users, grants)))

    permit("low")
    api = await start(access=access, admit=access.recognise)
    root, reader = (basic(name, password) for name, password in users.items())
    for number in range(COUNT):
        subject = f"{'low' if number < COUNT // 2 else 'high'}{number}"
        assert (await api("POST", f"/subjects/{subject}/versions", make_schema(number), headers=root))[0] == 200

    async def read(here: Line, *schema_ids: int, headers: dict[str, str] = reader) -> list[int]:
        return [(await here.ask(request("GET", f"/schemas/ids/{number}", **headers))).status for number in schema_ids]

    async with line(api) as here:
        assert await read(here, 1, 2, 3, 4, 5, 6) == [200, 200, 200, 200, 404, 404]
        assert len(taken) == 3
        assert await read(here, 6, headers=root) == [200]
        permit("high")
        assert await read(here, 1, 2, 6, 7) == [404, 404, 200, 200]


async def test_the_table_stays_bounded_and_the_pattern_outlives_its_emptying(
    api: Api, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_cache, "_MAX_ENTRIES", 3)
    async with line(api) as here:
        for _ in range(3):
            for schema_id in range(1, COUNT + 1):
                assert (await here.ask(request("GET", f"/schemas/ids/{schema_id}"))).status == 200
    assert len(taken) == 3 * COUNT - 1
    assert len(cache_of(api)._entries) <= 3


def make_successor(number: int) -> dict[str, str]:
    field = {"name": "added", "type": "int", "default": 0}
    return {"schema": json.dumps({"type": "record", "name": f"R{number}", "fields": [field]})}


CALLS = {
    "/subjects/{}": make_schema,
    "/compatibility/subjects/{}/versions/latest": make_successor,
    "/compatibility/subjects/{}/versions/1": make_successor,
    "/compatibility/subjects/{}/versions": make_successor,
    "/subjects/{}/versions": make_schema,
}
"""Calls with a schema, and what they are sent."""


async def post_through_aiohttp(here: Line, path: str, body: object) -> Answered:
    return await here.ask(request("POST", path, body, X_Other=secrets.token_hex(8)))


@pytest.mark.parametrize("call", CALLS)
async def test_schemas_that_were_never_sent_are_answered_as_by_aiohttp(api: Api, taken: list[int], call: str) -> None:
    async with line(api) as here:
        for number in range(COUNT):
            path, body = call.format(f"s{number}"), CALLS[call](number)
            shown = await here.ask(request("POST", path, body))
            assert shown.status == 200
            assert drop_varying(shown) == drop_varying(await post_through_aiohttp(here, path, body))
        assert len(taken) == COUNT - 1, "all but the first"
        assert cache_of(api).metrics.response_cache_usage.hits == 0
        again = await here.ask(request("POST", path, body))
        assert (again.status, again.body) == (shown.status, shown.body)
        assert cache_of(api).metrics.response_cache_usage.hits == 1, "what was computed is kept"


async def test_new_versions_are_registered_below_aiohttp(api: Api, taken: list[int]) -> None:
    async with line(api) as here:
        for number in range(COUNT):
            path = f"/subjects/s{number}/versions"
            shown = await here.ask(request("POST", path, make_successor(number)))
            assert (shown.status, shown.json["version"]) == (200, 2)
            assert (await here.ask(request("POST", path, make_successor(number)))).json == shown.json
            assert (await here.ask(request("POST", path, make_schema(number)))).json["version"] == 1
        assert len(taken) >= 3 * (COUNT - 1)
    for number in range(COUNT):
        assert (await api("GET", f"/subjects/s{number}/versions"))[1] == [1, 2]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        {},
        {"schema": ""},
        {"schema": "no JSON"},
        {"schema": {"type": "int"}},
        {"schema": '"int"'},
        {"schema": '"int"', "schemaType": "XML"},
        {"schema": '"nothing"', "reference": [{"name": "nothing", "subject": "s1", "version": 1}]},
        {"schema": '"int"', "references": [{"name": "R", "subject": "nobody", "version": 1}]},
        {"schema": '"int"', "id": 7},
    ],
    ids=str,
)
async def test_refusals_are_written_by_aiohttp(api: Api, taken: list[int], call: str, body: object) -> None:
    async with line(api) as here:
        assert (await here.ask(request("POST", call.format("s0"), CALLS[call](0)))).status == 200
        shown = await here.ask(request("POST", call.format("s1"), body))
        expected = await post_through_aiohttp(here, call.format("s1"), body)
        assert drop_varying(shown) == drop_varying(expected)
        assert len(taken) == (1 if shown.status == 200 else 0)
        assert (await here.ask(request("POST", call.format("s2"), CALLS[call](2)))).status == 200


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    "spelled", ["nobody", "s%31", ":.:s1", ":.other:s1", "s1?deleted=true", "s1%2F", "", "..", "-s1", "s1/"]
)
async def test_other_subjects_are_left_to_aiohttp(api: Api, call: str, spelled: str) -> None:
    async with line(api) as here:
        assert (await here.ask(request("POST", call.format("s0"), CALLS[call](0)))).status == 200
        path, body = call.format(spelled), CALLS[call](1)
        shown = await here.ask(request("POST", path, body))
        expected = await post_through_aiohttp(here, path, body)
        assert (shown.status, shown.body) == (expected.status, expected.body)


async def test_aliases_are_followed_below_aiohttp(api: Api, taken: list[int]) -> None:
    async with line(api) as here:
        assert (await here.ask(request("POST", "/subjects/s0", make_schema(0)))).status == 200
        assert (await api("PUT", "/config/other", {"alias": "s1"}))[0] == 200
        shown = await here.ask(request("POST", "/subjects/other", make_schema(1)))
        assert (shown.status, shown.json["subject"]) == (200, "s1")
        assert (await api("DELETE", "/config/other"))[0] == 200
        assert (await here.ask(request("POST", "/subjects/other", make_schema(1)))).status != 200
    assert len(taken) == 1


async def test_callers_whose_permissions_decide_go_through_aiohttp(
    start: Callable[..., Awaitable[Api]], taken: list[int]
) -> None:
    """Where credentials are asked for, each write has its line in the audit log; a path may be exempt, others not."""
    access = Access(Authentication(), open_paths=["/subjects/s0"])
    grants = [{"principals": ["root"], "operations": ["read", "write"], "resource": "subject"}]
    access.use(parse(written({"root": "root-password"}, grants)))
    api, root = await start(access=access, admit=access.recognise), basic("root", "root-password")
    for number in range(3):
        status, _ = await api("POST", f"/subjects/s{number}/versions", make_schema(number), headers=root)
        assert status == 200
    async with line(api) as here:
        for number, headers in ((0, {}), (1, root), (2, root)):
            shown = await here.ask(request("POST", f"/subjects/s{number}", make_schema(number), **headers))
            assert shown.status == 200
        assert (await here.ask(request("POST", "/subjects/s1", make_schema(1)))).status == 401
    assert not taken


async def test_an_open_path_opens_no_other_one(start: Callable[..., Awaitable[Api]], taken: list[int]) -> None:
    """The response of the one path is cached, without a pattern for others."""
    access = Access(Authentication(), open_paths=["/schemas/ids/1"])
    grants = [{"principals": ["root"], "operations": ["read", "write"], "resource": "subject"}]
    access.use(parse(written({"root": "root-password"}, grants)))
    api, root = await start(access=access, admit=access.recognise), basic("root", "root-password")
    for number in range(2):
        assert (await api("POST", f"/subjects/s{number}/versions", make_schema(number), headers=root))[0] == 200
    async with line(api) as here:
        for _ in range(2):
            assert (await here.ask(request("GET", "/schemas/ids/1"))).status == 200
        assert len(taken) == 1
        assert (await here.ask(request("GET", "/schemas/ids/2"))).status == 401
        assert (await here.ask(request("GET", "/schemas/ids/2", **root))).status == 200


async def test_a_registration_that_another_node_has_to_make_is_left_to_aiohttp(api: Api, taken: list[int]) -> None:
    async with line(api) as here:
        assert (await here.ask(request("POST", "/subjects/s0/versions", make_schema(0)))).status == 200
        registry = api.client.app[REGISTRY]
        registry.term = None
        registry.leave()
        shown = await here.ask(request("POST", "/subjects/s1/versions", make_successor(1)))
        assert (shown.status, shown.json["error_code"]) == (503, 50004)
    assert not taken


async def test_clients_of_karapace_get_its_dialect_for_every_schema() -> None:
    async with serving() as both:
        for number in range(3):
            assert (await both.confluent("POST", f"/subjects/s{number}/versions", make_schema(number)))[0] == 200
        for client, extra in ((both.confluent, {"guid"}), (both.karapace, set[str]())):
            answers = [(await client("GET", f"/schemas/ids/{number}"))[1] for number in (1, 2, 3, 2)]
            assert all(extra <= answer.keys() and ("guid" in answer) == bool(extra) for answer in answers)
            assert ["R0" in answers[0]["schema"], "R1" in answers[1]["schema"], answers[1] == answers[3]] == [True] * 3
