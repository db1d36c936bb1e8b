"""An application with everything in it, and access control: both halves, over a real broker."""

import itertools
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from aiohttp import web
from aiohttp.test_utils import TestClient
from prometheus_client import CollectorRegistry

from karapace_like.access import authfile
from karapace_like.access.tokens import TokenRules
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web.app import make_app
from karapace_like.web.callers.access import Access, OpenAccess
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.callers.tokens import TokenVerifier
from karapace_like.web.console.settings import ConsoleSettings
from karapace_like.web.operations.exposition import Exposition
from karapace_like.web.operations.health import Health
from karapace_like.web.operations.nodes import ServiceNodes
from karapace_like.web.routing import REGISTERED_ROUTES, Route
from tests.web.access.conftest import AUDIENCE, ISSUER, Issuer
from tests.web.conftest import Server, keys_in_memory, policies_in_memory
from tests.web.halves import both_halves

OPEN = "/health/live"
VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_VALUES = {"id": "1", "version": "1", "other": "1", "partition": "0", "broker": "1", "context": ".c", "guid": "0" * 32}


class _Election(NamedTuple):
    """A registry without other nodes."""

    generation: int | None = None
    problem: str | None = None
    is_eligible: bool = True
    url: str | None = None


class Guarded(NamedTuple):
    """An application with everything in it, and with access control or without."""

    app: web.Application
    client: TestClient[Any, Any]
    issuer: Issuer

    def calls(self, values: Mapping[str, str] | None = None) -> Iterator[tuple[Route, str, str]]:
        """(route, method, path) of every route under every prefix, with values in the path: these, or any."""
        known = {**_VALUES, **(values or {})}
        for route, prefixes in self.app[REGISTERED_ROUTES]:
            for prefix, spelling in itertools.product(prefixes, route.paths):
                path = VARIABLE.sub(lambda found: known.get(found[1], "some"), prefix + spelling)
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
async def serving(kafka: Cluster, text: bytes | None) -> AsyncIterator[Guarded]:
    """Both halves, with this authfile, or without access control."""
    async with Issuer().serving() as issuer, both_halves(kafka, ProxySettings()) as (registry, proxy):
        rules = TokenRules(issuer=ISSUER, audiences=frozenset({AUDIENCE}))
        access: Access | OpenAccess = OpenAccess()
        if text is not None:
            access = Access(Authentication(tokens=TokenVerifier(issuer.url, rules)), open_paths=[OPEN])
            access.use(authfile.parse(text))
        nodes = Nodes(Group(KafkaSettings(bootstrap_servers=kafka.bootstrap_servers), GroupSettings(id="nobody")))
        app = make_app(
            registry,
            proxy,
            health=Health(registry, _Election()),
            nodes=ServiceNodes(nodes, "here"),
            access=access,
            connect_urls=["http://127.0.0.1:1"],
            exposition=Exposition(CollectorRegistry()),
            has_siblings=True,
            policies=policies_in_memory(registry),
            keys=keys_in_memory()[0],
            console=ConsoleSettings(),
        )
        server = Server(app)
        await server.start_server()
        async with TestClient(server) as client:
            yield Guarded(app, client, issuer)
        await nodes.close()
