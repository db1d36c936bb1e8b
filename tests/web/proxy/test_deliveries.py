"""`Prefer: respond-async`: produce requests that are carried out after their response."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from tests.kafka.service_in_process import serving
from tests.service_process import ServiceProcess
from tests.waiting import until
from tests.web.access.conftest import basic, written
from tests.web.described import proxy_description
from tests.web.proxy.committed import read_committed

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]

Topics = Callable[[], str]
_HEADERS = {"Content-Type": "application/vnd.kafka.json.v2+json", "Prefer": "respond-async"}


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def session(service: ServiceProcess) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(service.url) as opened:
        yield opened


async def post(session: aiohttp.ClientSession, path: str, *records: object, **headers: str) -> tuple[int, Any, Any]:
    """(status, body, headers)."""
    async with session.post(path, json={"records": records}, headers=_HEADERS | headers) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


async def fetch(session: aiohttp.ClientSession, location: str, **headers: str) -> tuple[int, Any]:
    """Ask until there is a response."""
    found: list[tuple[int, Any]] = []

    async def has_come() -> bool:
        async with session.get(location, headers=headers) as answer:
            found[:] = [(answer.status, await answer.json(content_type=None))]
            assert answer.status != 202 or answer.headers["Retry-After"] == "1"
            return answer.status != 202

    await until(has_come)
    return found[0]


async def test_the_response_can_be_asked_for(session: aiohttp.ClientSession, topic: Topics, kafka: Cluster) -> None:
    name = topic()
    paths = {f"/topics/{name}": {}, f"/topics/{name}/partitions/0": {}, "/records": {"topic": name}}
    for offset, (path, more) in enumerate(paths.items()):
        status, body, headers = await post(session, path, {"value": offset, **more})
        assert (status, body, headers["Preference-Applied"]) == (
            202,
            {"delivery": headers["Location"]},
            "respond-async",
        )
        proxy_description().check("POST", path, status, body)
        status, report = await fetch(session, headers["Location"])
        proxy_description().check("GET", headers["Location"], status, report)
        assert (status, report["offsets"][0]["offset"]) == (200, offset)
        assert await fetch(session, headers["Location"]) == (status, report)
    assert read_committed(kafka.bootstrap_servers, name) == [b"0", b"1", b"2"]


async def test_faults_that_are_seen_at_once_and_later(session: aiohttp.ClientSession, topic: Topics) -> None:
    name = topic()
    status, refusal, _ = await post(session, f"/topics/{name}", {"value": 1, "of": 2})
    assert (status, refusal["error_code"]) == (422, 422)
    _, _, headers = await post(session, f"/topics/{name}?value_format=string", {"value": 1})
    status, refusal = await fetch(session, headers["Location"])
    assert (status, set(refusal)) == (400, {"error_code", "message"})
    # A key is answered once its request is carried out.
    status, _, headers = await post(
        session, f"/topics/{name}", {"value": 1}, **{"Idempotency-Key": secrets.token_hex()}
    )
    assert (status, "Location" in headers) == (200, False)


async def test_clients_that_want_no_response(session: aiohttp.ClientSession, topic: Topics, kafka: Cluster) -> None:
    name = topic()
    status, body, headers = await post(session, f"/topics/{name}", {"value": 1}, Prefer="respond-async, return=minimal")
    assert (status, body, "Location" in headers) == (202, {"delivery": None}, False)

    async def is_written() -> bool:
        return await asyncio.to_thread(read_committed, kafka.bootstrap_servers, name) == [b"1"]

    await until(is_written)


async def test_deliveries_that_are_not_known(session: aiohttp.ClientSession) -> None:
    for delivery in ("some", "0a1b2c3d.0", "x" * 1_000):
        status, refusal = await fetch(session, f"/deliveries/{delivery}")
        assert (status, refusal["error_code"]) == (404, 40408)
    # As after a restart: its process is not there any more.
    status, refusal = await fetch(session, "/deliveries/0a1b2c3d.0-0a1b2c3d4e5f60718293a4b5")
    assert (status, refusal["error_code"]) == (410, 41001)
    assert "unknown" in refusal["message"]


async def test_what_is_under_way_and_kept_is_bounded(kafka: Cluster, topic: Topics) -> None:
    name = topic()
    async with serving(kafka, f"_schemas-{secrets.token_hex(6)}", producer_async_max_bytes=10_000) as node:
        answers = [await post(node.session, f"/topics/{name}", {"value": "x" * 500}) for _ in range(8)]
        refused = [answer for answer in answers if answer[0] != 202]
        assert 0 < len(refused) < 8
        assert {(status, body["error_code"], headers["Retry-After"]) for status, body, headers in refused} == {
            (429, 42901, "1")
        }


async def test_deliveries_belong_to_their_caller(kafka: Cluster, topic: Topics, tmp_path: Path) -> None:
    grants = [{"principals": ["alice", "bob"], "operations": ["write"], "resource": "topic"}]
    authfile = tmp_path / "authfile.json"
    authfile.write_bytes(written({name: f"password of {name}" for name in ("alice", "bob")}, grants))
    alice, bob = (basic(name, f"password of {name}") for name in ("alice", "bob"))
    async with serving(kafka, f"_schemas-{secrets.token_hex(6)}", registry_authfile=str(authfile)) as node:
        _, _, headers = await post(node.session, f"/topics/{topic()}", {"value": 1}, **alice)
        assert (await fetch(node.session, headers["Location"], **bob))[0] == 404
        assert (await fetch(node.session, headers["Location"], **alice))[0] == 200
        assert (await fetch(node.session, headers["Location"]))[0] == 401
