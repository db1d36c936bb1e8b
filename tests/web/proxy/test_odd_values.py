"""Every route of the REST proxy, asked for with names and numbers that Kafka has no room for.

Each answer is a refusal in the API's shape, or a value: never a 5xx, which would be a broken connection to a broker.
Nothing is made of them in Kafka, and the connections that all callers share still work.
"""

import copy
import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import ClientTimeout
from yarl import URL

from karapace_like.web import files as files_api
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v1 as proxy_v1_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import queues as queues_api
from karapace_like.web import request_reply as request_reply_api
from karapace_like.web import sockets as sockets_api
from karapace_like.web.http.json_schemas import example_of
from karapace_like.web.operations import openapi
from karapace_like.web.proxy.requests import EMBEDDED
from karapace_like.web.routing import Route
from tests.web.proxy.conftest import ProxyApi
from tests.web.proxy_v3.conftest import v3_api

pytestmark = pytest.mark.asyncio(loop_scope="session")

APIS = (proxy_api, proxy_v1_api, proxy_v3_api, queues_api, request_reply_api, files_api, sockets_api)
ROUTES = [route for api in APIS for route in api.ROUTES]
LONG = "x" * 40_000
HALF = "a\ud800"
"""Half of a surrogate pair, which no encoding of a text has."""
NAMES = [LONG, "x" * 250, "a\0b", "..", "a b", "名前/", HALF]
"""None of these can be the name of a topic; nearly all can be that of a group."""
NUMBERS = ["-1", str(2**31), str(2**63), str(2**70), "0" * 5_000, "1_0", "٣"]
ODD: list[Any] = [LONG, "a\0b", HALF, -1, 2**31, 2**70, True, "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", None]
"""For each place of a body."""
USUAL = {
    "partition": "0",
    "key": "odd-values",
    "group": "odd-values",
    "instance": "odd-values",
    "broker": "1",
    "config": "no.such.config",
    "consumer": "odd-values",
    "id": "odd-values",
}
CHANGES_BROKERS = re.compile(r"/(brokers/\{broker\}/configs|broker-configs)(/|:|$)")
"""A broker takes configs that it does not know."""


class Ask(NamedTuple):
    """One request."""

    method: str
    path: str
    body: bytes | None = None


def fill(route: Route, cluster: str, odd: Mapping[str, str] | None = None) -> str:
    """Return the route's path with these values, and usual ones in the other places."""
    topic = "odd-values-missing" if route.method == "GET" else "odd-values-made"
    values = {"cluster": cluster, "topic": topic, **USUAL, **(odd or {})}
    return re.sub(
        r"\{(\w+)\}", lambda match: quote(values[match[1]], safe="", errors="surrogatepass"), openapi.plain(route.path)
    )


def odd_paths(route: Route, cluster: str) -> Iterator[Ask]:
    body = None if route.call.body is None else b"{}"
    for place in re.findall(r"\{(\w+)\}", openapi.plain(route.path)):
        for value in NUMBERS if place in {"partition", "broker"} else NAMES:
            yield Ask(route.method, fill(route, cluster, {place: value}), body)


def odd_queries(route: Route, cluster: str) -> Iterator[Ask]:
    for parameter in route.call.query:
        if parameter.name.startswith("page_") and route.path != "/v3/clusters":
            continue  # all lists are paged by the same code
        for value in (*NUMBERS, LONG):
            required = {each.name: "ANY" for each in route.call.query if each.required}
            query = URL.build(query={**required, parameter.name: value}).raw_query_string
            yield Ask(route.method, f"{fill(route, cluster)}?{query}")


def odd_bodies(route: Route, cluster: str) -> Iterator[Ask]:
    """Return bodies with each odd value in each place of the example."""
    if route.call.body is None or (CHANGES_BROKERS.search(route.path) and route.method == "PUT"):
        return
    example = example_of(route.call.body, openapi._OBJECTS)
    if "validate_only" in route.call.body.get("properties", {}):
        example["validate_only"] = True
    for place in places(example):
        for value in ODD:
            body = copy.deepcopy(example)
            at = body
            for step in place[:-1]:
                at = at[step]
            if place[-1] != "validate_only":
                at[place[-1]] = value
                yield Ask(route.method, fill(route, cluster), json.dumps(body).encode())


def places(value: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*above, step)
        yield from places(inner, *above, step)


class Asker(NamedTuple):
    """Sends requests, and judges what is answered."""

    proxy: ProxyApi
    cluster: str

    async def __call__(self, ask: Ask) -> None:
        url = URL(str(self.proxy.client.make_url("/")).rstrip("/") + ask.path, encoded=True)
        is_v3 = ask.path.startswith("/v3")
        headers = {"Content-Type": "application/json" if is_v3 else next(iter(EMBEDDED))} if ask.body else {}
        async with self.proxy.client.session.request(
            ask.method, url, data=ask.body, headers=headers, timeout=ClientTimeout(total=60)
        ) as answer:
            text = await answer.read()
        told = (ask.method, ask.path[:150], (ask.body or b"")[:150], answer.status, text[:300])
        # A request of records gets 504 where nobody replies.
        assert answer.status < 500 or (answer.status == 504 and ask.path.endswith("/requests")), told
        if answer.status >= 400:
            assert json.loads(text).keys() == {"error_code", "message"}, told
            assert len(text) < 10_000 or "config" in ask.path, told
        for line in text.splitlines() if is_v3 and answer.status < 300 else ():
            code = json.loads(line).get("error_code") or 0
            assert str(code)[0] != "5", told


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def asker(proxy: ProxyApi) -> AsyncIterator[Asker]:
    def look() -> tuple[set[str], set[str]]:
        groups = proxy.admin.list_consumer_groups().result().valid
        return set(proxy.admin.list_topics().topics), {each.group_id for each in groups}

    before = look()
    yield Asker(proxy, (await v3_api(proxy)).cluster)
    topics, groups = (after - earlier for after, earlier in zip(look(), before, strict=True))
    assert {"a", *NAMES}.isdisjoint(topics | groups)


def name_route(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES, ids=name_route)
async def test_odd_names_and_numbers_in_paths(asker: Asker, route: Route) -> None:
    for ask in odd_paths(route, asker.cluster):
        await asker(ask)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.call.query], ids=name_route)
async def test_odd_values_in_queries(asker: Asker, route: Route) -> None:
    for ask in odd_queries(route, asker.cluster):
        await asker(ask)


@pytest.mark.parametrize("route", [route for route in ROUTES if route.call.body is not None], ids=name_route)
async def test_odd_values_in_bodies(asker: Asker, route: Route) -> None:
    for ask in odd_bodies(route, asker.cluster):
        await asker(ask)
