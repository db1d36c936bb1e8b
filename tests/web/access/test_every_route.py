"""Every route that there is, asked with every kind of credentials: what is added later is asked, too."""

import importlib
import pkgutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

import karapace_like.web
from karapace_like.kafka.cluster import Cluster
from karapace_like.web.callers.permissions import AUTHENTICATED, PUBLIC
from karapace_like.web.cluster import sibling_workers
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.operations import exposition, usage_export
from karapace_like.web.proxy_v3 import policy_verdicts
from karapace_like.web.routing import REGISTERED_ROUTES, Route, add_routes
from tests.web.access.conftest import Issuer, basic, bearer, written
from tests.web.access.guarded import OPEN, VARIABLE, Guarded, serving

RIGHTS = ["describe", "read", "write", "register_existing", "delete", "config", "read_secrets"]
KINDS = ["subject", "context", "config", "topic", "group", "cluster", "connect", "kek"]
AUTHFILE = written(
    {"root": "root-password", "nobody": "nobody-password"},
    [{"principals": ["root", "token:root"], "operations": RIGHTS, "resource": kind, "name": "*"} for kind in KINDS],
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    async with serving(kafka, AUTHFILE) as application:
        yield application


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
    hidden = {(method, path) for route, method, path in guarded.calls() if route.hides_refusals}
    files = {(method, path) for route, method, path in guarded.calls() if route.permission == PUBLIC}
    assert {path.partition("/console")[0] for _, path in files} == {""}
    assert {found[call] for call in files} == {200}
    assert {found[call] for call in hidden} == {404}
    assert {call for call, status in found.items() if status != 401} - hidden - files == {("GET", OPEN), ("HEAD", OPEN)}
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
    named = {
        (method, path) for route, method, path in guarded.calls() if route.permission not in (AUTHENTICATED, PUBLIC)
    }
    in_body = {("POST", "/records"), ("POST", "/v3/clusters/some/topics")}
    in_body |= {call for call in named if "/associations" in call[1]}
    in_body |= {("POST", f"{prefix}/dek-registry/v1/keks") for prefix in ("", "/contexts/.c")}
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


BETWEEN_WORKERS = (exposition.WORKER_PATH, usage_export.WORKER_PATH, sibling_workers.PATH, policy_verdicts.WORKER_PATH)
"""Routes without a permission: workers of one node call each other over sockets that nobody else can open."""


@pytest.mark.asyncio(loop_scope="module")
async def test_no_route_is_forgotten_here(guarded: Guarded) -> None:
    """What the application's router has is what was asked above, each also with a slash at its end."""
    served = {
        (method, VARIABLE.sub(r"{\1}", prefix + path).rstrip("/"))
        for route, prefixes in guarded.app[REGISTERED_ROUTES]
        for prefix in prefixes
        for path in route.paths
        for method in ({"GET", "HEAD"} if route.method == "GET" else {route.method})
    }
    routed = {
        (each.method, each.resource.canonical.rstrip("/"))
        for each in guarded.app.router.routes()
        if each.resource is not None and each.resource.canonical not in BETWEEN_WORKERS
    }
    assert routed == served


@pytest.mark.asyncio(loop_scope="module")
async def test_every_table_of_routes_is_asked_here(guarded: Guarded) -> None:
    """Whichever module has it, and whichever setting adds it to a service."""
    served = {(route.method, route.path) for route, _ in guarded.app[REGISTERED_ROUTES]}
    tables = [
        table
        for module in pkgutil.walk_packages(karapace_like.web.__path__, "karapace_like.web.")
        for name, table in vars(importlib.import_module(module.name)).items()
        if name.endswith("ROUTES") and isinstance(table, tuple) and isinstance(table[0], Route)
    ]
    assert len(tables) > 20
    assert {(route.method, route.path) for table in tables for route in table} <= served


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("path", BETWEEN_WORKERS)
async def test_no_client_calls_what_is_between_workers(guarded: Guarded, path: str) -> None:
    async with guarded.client.get(path.replace("{offset}", "1"), headers=basic("root", "root-password")) as answer:
        assert answer.status == 404


def test_a_route_that_does_not_say_what_it_needs_is_refused_at_start_up() -> None:
    async def handler(_: web.Request) -> web.Response:
        return web.Response()

    with pytest.raises(ValueError, match="GET /new must name the permission that it requires"):
        add_routes(web.Application(), [Route("GET", "/new", handler, ApiRole.REGISTRY)])
