"""What the response cache keeps: it counts every byte of it, and nothing of a request stays that is not needed."""

import gc
import json
import sys
from collections.abc import Awaitable, Callable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

import pytest
from aiohttp import web

from karapace_like.access.authfile import parse
from karapace_like.access.policy import Policy
from karapace_like.registry.registry import Registry
from karapace_like.web.app import OPEN
from karapace_like.web.callers.access import Access, OpenAccess
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.http.http_metrics import Series
from karapace_like.web.server import response_cache
from karapace_like.web.server.request_heads import MAX_CACHED
from karapace_like.web.server.response_cache import ResponseCache
from tests.web.conftest import Api
from tests.web.test_shortcuts import Line, cache_of, line, request

SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, Registry, Series, Policy, Access, Authentication)
"""What exists without the cache; its size is not the cache's."""


def reach(cache: ResponseCache) -> list[Any]:
    """Every object that the tables lead to, the tables included."""
    found: dict[int, Any] = {}
    waiting: list[Any] = [cache._material, cache._entries, cache._patterns]
    while waiting:
        here = waiting.pop()
        if id(here) not in found and not isinstance(here, SHARED):
            found[id(here)] = here
            waiting += gc.get_referents(here)
    return list(found.values())


async def fill(here: Line, count: int, head_bytes: int = 3000, body_bytes: int = 3000) -> None:
    """Each request has a head and a body of its own."""
    for number in range(count):
        body = b'{"schema": "\\"int\\""%b}' % (b" " * (body_bytes + number))
        padded = {"X_Padding": f"{number:05}" + "y" * head_bytes}
        assert (await here.ask(request("POST", f"/subjects/s?normalize=true&n={number}", body, **padded))).status == 200
        assert (await here.ask(request("GET", f"/subjects/s/versions/1?n={number}", **padded))).status == 200


@pytest.fixture(params=["open", "guarded"])
async def api(start: Callable[..., Awaitable[Api]], request: pytest.FixtureRequest) -> Api:
    access: Access | OpenAccess = OPEN
    if request.param == "guarded":
        access = Access(Authentication(), open_paths=["/subjects/s", "/subjects/s/versions/1", "/subjects/s/versions"])
        access.use(parse(b'{"users": [], "permissions": []}'))
    api = await start(access=access)
    assert (await api("POST", "/subjects/s/versions", {"schema": '"int"'}))[0] == 200
    return api


async def test_every_byte_that_is_kept_is_counted(api: Api) -> None:
    cache = cache_of(api)
    async with line(api) as here:
        await fill(here, 60)
    kept = reach(cache)
    assert cache.metrics.entries >= 120
    assert [each for each in kept if isinstance(each, web.BaseRequest)] == []
    assert sum(map(sys.getsizeof, kept)) <= cache.bytes


async def test_the_count_is_not_far_beyond_what_is_kept(api: Api) -> None:
    cache = cache_of(api)
    async with line(api) as here:
        await fill(here, 30)
    assert cache.bytes <= 3 * sum(map(sys.getsizeof, reach(cache)))


async def test_the_count_bounds_what_is_kept(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(response_cache, "_MAX_BYTES", 300_000)
    cache = cache_of(api)
    async with line(api) as here:
        for _ in range(3):
            await fill(here, 40)
            assert sum(map(sys.getsizeof, reach(cache))) < 320_000


async def test_a_large_head_is_not_kept(api: Api) -> None:
    cache = cache_of(api)
    before = cache.metrics.entries
    async with line(api) as here:
        await fill(here, 3, head_bytes=MAX_CACHED)
        assert cache.metrics.entries == before
        await fill(here, 3, head_bytes=100)  # the connection is none the worse for it
        assert cache.metrics.entries == before + 6


async def test_a_large_body_opens_no_entry(api: Api) -> None:
    cache = cache_of(api)
    before = cache.bytes
    body = b'{"schema": "\\"int\\""%b}' % (b" " * 400_000)
    async with line(api) as here:
        assert (await here.ask(request("POST", "/subjects/s", body))).status == 200
    assert cache.bytes == before
    assert all(len(each) < 400_000 for each in reach(cache) if isinstance(each, bytes))


async def test_the_count_falls_with_what_is_forgotten(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start()
    cache = cache_of(api)
    sizes = []
    async with line(api) as here:
        for count in range(4):
            fields = [{"name": f"f{number}", "type": "int", "default": 0} for number in range(count)]
            schema = json.dumps({"type": "record", "name": "R", "fields": fields})
            assert (await api("POST", "/subjects/t/versions", {"schema": schema}))[0] == 200
            for _ in range(2):
                assert (await here.ask(request("GET", "/subjects/t/versions/latest"))).status == 200
            sizes.append(cache.bytes)
    entry = next(each for (first, _), each in cache._entries.items() if b"latest" in first)
    assert len(entry.responses) == 1
    for body in tuple(entry.responses):
        cache.forget(entry, body)
    assert entry.bytes < 3000 < sizes[-1]
    assert sum(each.bytes for each in cache._entries.values()) <= cache.bytes
