"""An application with everything in it, and access control: both halves, over a real broker."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from karapace_like.access import authfile
from karapace_like.access.tokens import TokenRules
from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web.access import Access
from karapace_like.web.app import MAX_LINE_BYTES, make_app
from karapace_like.web.authentication import Authentication
from karapace_like.web.health import Health
from karapace_like.web.routing import SERVED, Route
from karapace_like.web.tokens import Tokens
from tests.web.access.conftest import AUDIENCE, ISSUER, Issuer
from tests.web.halves import both_halves

OPEN = "/health/live"
VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_VALUES = {"id": "1", "version": "1", "partition": "0", "broker": "1", "context": ".c", "guid": "0" * 32}


class _Election(NamedTuple):
    """A registry without other nodes."""

    generation: int | None = None
    problem: str | None = None
    is_eligible: bool = True
    url: str | None = None


class Guarded(NamedTuple):
    """An application with everything in it, and access control."""

    app: web.Application
    client: TestClient[Any, Any]
    issuer: Issuer

    def calls(self) -> Iterator[tuple[Route, str, str]]:
        """(route, method, path) of every route under every prefix, with values in the path."""
        for route, prefixes in self.app[SERVED]:
            for prefix in prefixes:
                path = VARIABLE.sub(lambda found: _VALUES.get(found[1], "some"), prefix + route.path)
                yield route, route.method, path
                if route.method == "GET":
                    yield route, "HEAD", path

    async def statuses(self, headers: dict[str, str]) -> dict[tuple[str, str], int]:
        """What every call is answered with."""
        found = {}
        for _, method, path in self.calls():
            # Whatever is followed ends with the connection.
            async with self.client.request(method, path, headers=headers) as answer:
                found[method, path] = answer.status
        return found


@asynccontextmanager
async def serving(kafka: Cluster, text: bytes) -> AsyncIterator[Guarded]:
    """Both halves, with this authfile."""
    async with Issuer().serving() as issuer, both_halves(kafka, ProxySettings()) as (registry, proxy):
        rules = TokenRules(issuer=ISSUER, audiences=frozenset({AUDIENCE}))
        access = Access(Authentication(tokens=Tokens(issuer.url, rules)), open_paths=[OPEN])
        access.use(authfile.parse(text))
        app = make_app(
            registry, proxy, health=Health(registry, _Election()), access=access, connect_urls=["http://127.0.0.1:1"]
        )
        server = TestServer(app)
        await server.start_server(max_line_size=MAX_LINE_BYTES)
        async with TestClient(server) as client:
            yield Guarded(app, client, issuer)
