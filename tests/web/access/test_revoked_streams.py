"""A stream lasts as long as its caller is let in: of records that are read, and of records that are produced."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import WSMsgType

from karapace_like.access import authfile
from karapace_like.kafka.cluster import Cluster
from karapace_like.web.callers.access import ACCESS, Access
from karapace_like.web.proxy import admission
from tests.web.access.conftest import basic, bearer, written
from tests.web.access.guarded import Guarded, serving

pytestmark = pytest.mark.asyncio(loop_scope="module")

USERS = {"root": "r", "reader": "of-reader"}
ROOT, READER = basic("root", "r"), basic("reader", "of-reader")
ALL: list[dict[str, Any]] = [
    {"principals": ["root"], "operations": ["read", "write"], "resource": kind} for kind in ("topic", "cluster")
]
GRANTED: list[dict[str, Any]] = [*ALL, {"principals": ["reader"], "operations": ["read", "write"], "resource": "topic"}]
BINARY = {"Content-Type": "application/vnd.kafka.binary.v2+json"}
_SECONDS = 60


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    async with serving(kafka, written(USERS, GRANTED)) as application:
        yield application


@pytest_asyncio.fixture(loop_scope="module")
async def use(guarded: Guarded, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Callable[..., None]]:
    """Change the users and grants; streams are checked at each turn."""
    monkeypatch.setattr(admission, "_INTERVAL", 0)
    access = guarded.app[ACCESS]
    assert isinstance(access, Access)

    def replace(users: dict[str, str], grants: list[dict[str, Any]]) -> None:
        access.use(authfile.parse(written(users, grants)))

    yield replace
    replace(USERS, GRANTED)


async def prepare(guarded: Guarded, topic: str) -> str:
    """Make the topic, and return its path in v3."""
    record = {"records": [{"value": "eA=="}]}
    async with guarded.client.post(f"/topics/{topic}", json=record, headers={**ROOT, **BINARY}) as answer:
        assert answer.status == 200
    async with guarded.client.get("/v3/clusters", headers=ROOT) as answer:
        cluster = (await answer.json())["data"][0]["cluster_id"]
    return f"/v3/clusters/{cluster}/topics/{topic}"


CHANGES = [({"root": "r"}, GRANTED, 401), (USERS, ALL, 403), ({**USERS, "reader": "changed"}, GRANTED, 401)]


@pytest.mark.parametrize("change", CHANGES, ids=["no user", "no grant", "another password"])
@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_a_followed_topic_ends(
    guarded: Guarded, use: Callable[..., None], topic: Callable[[], str], change: Any, version: str
) -> None:
    name = topic()
    v3 = await prepare(guarded, name)
    users, grants, code = change
    path = f"/topics/{name}/records?from=earliest" if version == "v2" else f"{v3}/records?stream=true&offset=earliest"
    accept = {"Accept": "application/x-ndjson" if version == "v2" else "application/json"}
    async with asyncio.timeout(_SECONDS), guarded.client.get(path, headers={**READER, **accept}) as stream:
        assert b"eA==" in await stream.content.readline()
        use(USERS, [*GRANTED, {"principals": ["root"], "operations": ["read"], "resource": "group"}])
        await prepare(guarded, name)
        while not (line := await stream.content.readline()).strip():
            pass
        assert b"eA==" in line, "a change that leaves the permission ends nothing"
        use(users, grants)
        lines = [line for line in (await stream.read()).splitlines() if line.strip()]
        assert json.loads(lines[-1])["error_code"] == code


async def test_a_websocket_ends(guarded: Guarded, use: Callable[..., None], topic: Callable[[], str]) -> None:
    """Also one that waits for records; what its caller may do is checked for each message."""
    name = topic()
    await prepare(guarded, name)
    path = f"/topics/{name}/socket"
    async with guarded.client.ws_connect(path, headers=READER) as socket:
        await socket.send_json({"subscribe": {"credit": 10, "group": "any"}})
        assert (await socket.receive_json())["error"]["error_code"] == 403
        await socket.send_json({"subscribe": {"credit": 10}})
        assert "subscribed" in await socket.receive_json()
        use(USERS, [*ALL, {"principals": ["reader"], "operations": ["write"], "resource": "topic"}])
        await prepare(guarded, name)
        assert (await socket.receive_json())["error"]["error_code"] == 403
        assert (await socket.receive()).type is WSMsgType.CLOSE
    async with guarded.client.ws_connect(path, headers=READER) as socket:
        await socket.send_json({"subscribe": {}})
        assert (await socket.receive_json())["error"]["error_code"] == 403
        await socket.send_json({"produce": {"records": [{"value": 1}]}})
        assert "produced" in await socket.receive_json()
        use({"root": "r"}, ALL)
        await socket.send_json({"produce": {"records": [{"value": 1}]}})
        assert (await socket.receive_json())["error"]["error_code"] == 401
        assert (await socket.receive()).type is WSMsgType.CLOSE


async def test_a_stream_of_produced_records_ends(
    guarded: Guarded, use: Callable[..., None], topic: Callable[[], str]
) -> None:
    name = topic()
    path = f"{await prepare(guarded, name)}/records"
    answered, ended = asyncio.Event(), asyncio.Event()
    record = json.dumps({"value": {"type": "BINARY", "data": "eA=="}}).encode()

    async def produce() -> AsyncIterator[bytes]:
        yield record
        await answered.wait()
        yield record
        await ended.wait()

    headers = {**READER, "Content-Type": "application/json"}
    async with asyncio.timeout(_SECONDS), guarded.client.post(path, data=produce(), headers=headers) as stream:
        assert json.loads(await stream.content.readline())["error_code"] == 200
        use({"root": "r"}, GRANTED)
        answered.set()
        assert json.loads(await stream.content.readline())["error_code"] == 401
        ended.set()
    async with guarded.client.get(f"/topics/{name}/partitions/0/offsets", headers=ROOT) as answer:
        assert (await answer.json(content_type=None))["end_offset"] == 2


async def test_a_stream_ends_with_its_token(
    guarded: Guarded, use: Callable[..., None], topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = topic()
    await prepare(guarded, name)
    use(USERS, [*ALL, {"principals": ["robot"], "operations": ["read"], "resource": "topic"}])
    token = bearer(guarded.issuer.token("robot", exp=int(time.time()) + 3600))
    path, now = f"/topics/{name}/records?from=earliest", time.time
    headers = {**token, "Accept": "application/x-ndjson"}
    async with asyncio.timeout(_SECONDS), guarded.client.get(path, headers=headers) as stream:
        assert b"eA==" in await stream.content.readline()
        monkeypatch.setattr(time, "time", lambda: now() + 7200)
        lines = [line for line in (await stream.read()).splitlines() if line.strip()]
    assert json.loads(lines[-1])["error_code"] == 401
