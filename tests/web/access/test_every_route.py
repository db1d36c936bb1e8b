"""Every route that there is, asked with every kind of credentials: what is added later is asked, too."""

import re
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from karapace_like.access import authfile
from karapace_like.access.tokens import TokenRules
from karapace_like.in_process import RegistrySchemas
from karapace_like.kafka.admin import Admin
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumers import Consumers
from karapace_like.kafka.producer import ProducerSettings
from karapace_like.kafka.producers import Producers
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.ownership import Owner
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import ProxySettings
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.web.access import Access
from karapace_like.web.app import MAX_LINE_BYTES, make_app
from karapace_like.web.authentication import Authentication
from karapace_like.web.health import Health
from karapace_like.web.needs import AUTHENTICATED
from karapace_like.web.routing import SERVED, Route, add_routes
from karapace_like.web.tokens import Tokens
from tests.web.access.conftest import AUDIENCE, ISSUER, Issuer, basic, bearer, written
from tests.web.conftest import MemoryLog, leading

OPEN = "/health/live"
RIGHTS = ["describe", "read", "write", "register_existing", "delete", "config"]
KINDS = ["subject", "context", "config", "topic", "group", "cluster", "connect"]
AUTHFILE = written(
    {"root": "root-password", "nobody": "nobody-password"},
    [{"principals": ["root"], "operations": RIGHTS, "resource": kind, "name": "*"} for kind in KINDS],
)
_VARIABLE = re.compile(r"\{(\w+)(?::[^}]*)?\}")
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
                path = _VARIABLE.sub(lambda found: _VALUES.get(found[1], "some"), prefix + route.path)
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


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    log = MemoryLog()
    registry = Registry(log, Rules())
    log.registry = registry
    registry.begin_replay(0)
    cluster = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    proxy = Proxy.over(
        owner=Owner.drawn(),
        schemas=RegistrySchemas(registry),
        admin=Admin(cluster),
        producer=Producers(cluster, ProducerSettings()),
        members=Consumers(cluster, ConsumerSettings()),
        settings=ProxySettings(),
    )
    proxy.start()
    async with Issuer().serving() as issuer, leading(registry):
        rules = TokenRules(issuer=ISSUER, audiences=frozenset({AUDIENCE}))
        access = Access(Authentication(tokens=Tokens(issuer.url, rules)), open_paths=[OPEN])
        access.use(authfile.parse(AUTHFILE))
        app = make_app(
            registry, proxy, health=Health(registry, _Election()), access=access, connect_urls=["http://127.0.0.1:1"]
        )
        server = TestServer(app)
        await server.start_server(max_line_size=MAX_LINE_BYTES)
        async with TestClient(server) as client:
            yield Guarded(app, client, issuer)
    await proxy.close()


def _wrong(issuer: Issuer) -> dict[str, dict[str, str]]:
    """Headers that must not let anybody in, by what is wrong."""
    return {
        "no credentials": {},
        "wrong password": basic("root", "nobody-password"),
        "unknown user": basic("ghost", "root-password"),
        "no password": basic("root", ""),
        "expired token": bearer(issuer.token("root", exp=1_000_000_000)),
        "another audience": bearer(issuer.token("root", aud="elsewhere")),
        "not a token": bearer("root"),
        "an unknown scheme": {"Authorization": "Digest username=root"},
        "not base64": {"Authorization": "Basic %%%"},
    }


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("kind", _wrong(Issuer()))
async def test_no_route_is_answered_without_right_credentials(guarded: Guarded, kind: str) -> None:
    """Nothing but what is open by configuration, and each answer says how to come in."""
    headers = _wrong(guarded.issuer)[kind]
    found = await guarded.statuses(headers)
    assert {call for call, status in found.items() if status != 401} == {("GET", OPEN), ("HEAD", OPEN)}
    answer = await guarded.client.get("/subjects", headers=headers)
    assert [each.split(" ")[0] for each in answer.headers.getall("WWW-Authenticate")] == ["Basic", "Bearer"]
    assert (await answer.json(content_type=None))["error_code"] == 401


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("proof", ["password", "token"])
async def test_without_rights_only_empty_lists_are_answered(guarded: Guarded, proof: str) -> None:
    """What is about a resource is refused before anybody looks whether that is there."""
    headers = basic("nobody", "nobody-password") if proof == "password" else bearer(guarded.issuer.token("nobody"))
    refused = {call for call, status in (await guarded.statuses(headers)).items() if status == 403}
    # A route whose resources are in its body decides when it has read that.
    in_body = {("POST", "/records"), ("POST", "/v3/clusters/some/topics")}
    named = {(method, path) for route, method, path in guarded.calls() if route.needs != AUTHENTICATED}
    assert refused == named - in_body
    for listed in ("/subjects", "/schemas", "/contexts", "/topics"):
        answer = await guarded.client.get(listed, headers=headers)
        assert await answer.json(content_type=None) == []


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("proof", ["password", "token"])
async def test_with_rights_every_route_is_answered_by_its_handler(guarded: Guarded, proof: str) -> None:
    headers = basic("root", "root-password") if proof == "password" else bearer(guarded.issuer.token("root"))
    found = await guarded.statuses(headers)
    assert {call: status for call, status in found.items() if status in {401, 403}} == {}


def test_a_route_that_does_not_say_what_it_needs_is_refused_at_start_up() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(ValueError, match="GET /new does not say what its caller must be allowed"):
        add_routes(web.Application(), [Route("GET", "/new", handler)])
