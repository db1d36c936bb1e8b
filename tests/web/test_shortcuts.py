"""Shortcuts must not be seen: an equal request is answered as the first one was, unless something has changed."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

import pytest
from aiohttp.test_utils import TestClient

from karapace_like.web.server import connection
from karapace_like.web.server.response_cache import ResponseCache
from karapace_like.web.server.runner import _OPEN_DOOR, Runner
from tests.web.conftest import Api

V1 = "application/vnd.schemaregistry.v1+json"
SCHEMA = {"schema": '{"type":"record","name":"R","fields":[{"name":"a","type":"int"}]}'}
OTHER = {
    "schema": '{"type":"record","name":"R","fields":[{"name":"a","type":"int"},{"name":"b","type":"int","default":0}]}'
}


class Answered(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Line:
    """One connection on which bytes are sent as they are."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def answer(self, *, has_body: bool = True) -> Answered:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        first, *lines = head.strip().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
        size = int(headers.get("content-length", "0")) if has_body else 0
        return Answered(int(first.split()[1]), headers, await self.reader.readexactly(size))

    async def send(self, *pieces: bytes) -> None:
        """Each piece arrives by itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            for _ in range(5):
                await asyncio.sleep(0)

    async def ask(self, *pieces: bytes, has_body: bool = True) -> Answered:
        await self.send(*pieces)
        return await self.answer(has_body=has_body)


class _HasClient(Protocol):
    client: TestClient[Any, Any]


def cache_of(api: _HasClient) -> ResponseCache:
    runner = api.client.server.runner
    assert isinstance(runner, Runner)
    return runner._caches[_OPEN_DOOR]


@asynccontextmanager
async def line(api: _HasClient) -> AsyncIterator[Line]:
    reader, writer = await asyncio.open_connection("127.0.0.1", api.client.port)
    try:
        yield Line(reader, writer)
    finally:
        writer.close()


def request(method: str, path: str, body: object = None, **headers: str) -> bytes:
    text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: test",
        *(f"{name.replace('_', '-')}: {headers[name]}" for name in headers),
    ]
    if body is not None and "Transfer_Encoding" not in headers:
        lines.append(f"Content-Length: {len(text)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + text


@pytest.fixture
async def api(start: Callable[..., Awaitable[Api]]) -> Api:
    api = await start()
    assert (await api("POST", "/subjects/s/versions", SCHEMA))[0] == 200
    return api


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each request that has taken a shortcut."""
    found: list[int] = []
    write = connection.Connection._write

    def counted(self: connection.Connection, head: bytes, request_id: str, body: bytes) -> None:
        found.append(1)
        write(self, head, request_id, body)

    monkeypatch.setattr(connection.Connection, "_write", counted)
    return found


GETS = ["/schemas/ids/1", "/schemas/ids/1/schema", "/subjects/s/versions/1", "/subjects/s/versions/latest",
        "/subjects/s/versions/latest/schema", "/subjects/s/versions/-1?deleted=true"]  # fmt: skip
POSTS = ["/subjects/s", "/subjects/s/versions", "/subjects/s?normalize=true",
         "/compatibility/subjects/s/versions/latest", "/compatibility/subjects/s/versions?verbose=true"]  # fmt: skip


@pytest.mark.parametrize("path", GETS + POSTS)
async def test_the_second_request_takes_a_shortcut_and_is_answered_alike(api: Api, taken: list[int], path: str) -> None:
    asked = request("POST", path, SCHEMA, Content_Type=V1) if path in POSTS else request("GET", path)
    async with line(api) as here:
        answers = [await here.ask(asked) for _ in range(3)]
    async with line(api) as other:
        answers.append(await other.ask(asked))
    assert len(taken) == 3
    assert len({each.body for each in answers}) == 1
    assert {each.status for each in answers} == {200}
    assert len({each.headers.pop("x-request-id") for each in answers}) == 4
    for each in answers:
        each.headers.pop("date")
    assert all(each.headers == answers[0].headers for each in answers)


async def test_a_request_is_recognised_by_what_matters_of_it_only(api: Api, taken: list[int]) -> None:
    async with line(api) as here:
        await here.ask(request("GET", "/schemas/ids/1", User_Agent="a", X_Request_ID="one", Accept="*/*"))
        await here.ask(request("GET", "/schemas/ids/1", User_Agent="b", X_Request_ID="two", Accept="*/*"))
        answer = await here.ask(request("GET", "/schemas/ids/1", User_Agent="b", X_Request_ID="three", Accept="*/*"))
        assert len(taken) == 1
        assert answer.headers["x-request-id"] == "three"
        answer = await here.ask(request("GET", "/schemas/ids/1", Accept="application/json"))
        assert answer.headers["content-type"] == "application/json"
        assert (await here.ask(request("GET", "/schemas/ids/1", Accept="text/html"))).status == 406
        assert (await here.ask(request("GET", "/schemas/ids/2", Accept="*/*"))).status == 404
        assert (await here.ask(request("GET", "/schemas/ids/1?subject=:.other:s", Accept="*/*"))).status == 404
        assert len(taken) == 1


async def test_the_query_is_part_of_the_question(api: Api) -> None:
    await api("DELETE", "/subjects/s/versions/1")
    async with line(api) as here:
        for _ in range(2):
            assert (await here.ask(request("GET", "/subjects/s/versions/1?deleted=true"))).status == 200
            assert (await here.ask(request("GET", "/subjects/s/versions/1"))).status == 404
            assert (await here.ask(request("POST", "/subjects/s?deleted=true", SCHEMA))).status == 200
            assert (await here.ask(request("POST", "/subjects/s", SCHEMA))).status == 404


async def test_what_changes_is_seen_at_once(api: Api) -> None:
    latest = request("GET", "/subjects/s/versions/latest")
    known = request("POST", "/subjects/s/versions", SCHEMA, Content_Type=V1)
    look_up = request("POST", "/subjects/s", SCHEMA, Content_Type=V1)
    by_id = request("GET", "/schemas/ids/1")
    check = request("POST", "/compatibility/subjects/s/versions/latest", {"schema": '"int"'}, Content_Type=V1)
    async with line(api) as here:
        for each in (latest, known, look_up, by_id, check) * 2:
            assert (await here.ask(each)).status == 200
        assert not (await here.ask(check)).json["is_compatible"]
        await api("POST", "/subjects/s/versions", OTHER)
        assert (await here.ask(latest)).json["version"] == 2
        await api("PUT", "/config/s", {"compatibility": "NONE"})
        assert (await here.ask(check)).json["is_compatible"]
        await api("PUT", "/mode/s", {"mode": "READONLY"})
        assert (await here.ask(known)).json["version"] == 1
        await api("PUT", "/mode/s", {"mode": "READWRITE"})
        assert (await here.ask(known)).json["version"] == 1
        await api("DELETE", "/subjects/s/versions/1")
        assert (await here.ask(look_up)).status == 404
        assert (await here.ask(by_id)).json["deleted"] is True
        assert (await here.ask(known)).json["version"] == 3
        await api("PUT", "/config/s", {"alias": "t"})
        assert (await here.ask(latest)).status == 404


async def test_who_is_deposed_asks_for_the_end_first_and_who_has_lost_its_topic_remembers_nothing(
    api: Api, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    find_end, ends = api.log.end, []

    async def note_end() -> int:
        ends.append(await find_end())
        return ends[-1]

    monkeypatch.setattr(api.log, "end", note_end)
    known, by_id = request("POST", "/subjects/s/versions", SCHEMA), request("GET", "/schemas/ids/1")
    async with line(api) as here:
        for each in (known, by_id) * 2:
            await here.ask(each)
        assert (len(taken), ends) == (2, [])
        assert api.registry.term is not None
        api.registry.term = None
        assert (await here.ask(known)).status == 200
        assert (len(taken), ends) == (3, [api.registry.position])
        api.registry.give_up("it is another one")
        assert (await here.ask(by_id)).status == 503


async def test_a_version_is_not_remembered_by_a_registration_that_made_it(api: Api) -> None:
    asked = request("POST", "/subjects/new/versions", OTHER, Content_Type=V1)
    async with line(api) as here:
        answers = [(await here.ask(asked)).json["version"] for _ in range(3)]
        assert answers == [1, 1, 1]
        assert len((await api("GET", "/subjects/new/versions"))[1]) == 1


async def test_references_to_the_latest_version_are_looked_up_each_time(api: Api) -> None:
    body = {"schema": '{"type":"record","name":"U","fields":[{"name":"r","type":"R"}]}',
            "references": [{"name": "R", "subject": "s", "version": -1}]}  # fmt: skip
    assert (await api("POST", "/subjects/u/versions", body))[0] == 200
    async with line(api) as here:
        for _ in range(3):
            assert (await here.ask(request("POST", "/subjects/u", body))).status == 200
        assert cache_of(api).metrics.response_cache_usage.hits == 0
        await api("POST", "/subjects/s/versions", OTHER)
        assert (await here.ask(request("POST", "/subjects/u", body))).status == 404


async def test_clients_ask_whether_what_they_have_is_still_the_same(api: Api, taken: list[int]) -> None:
    async with line(api) as here:
        found = await here.ask(request("GET", "/schemas/ids/1"))
        assert found.headers["cache-control"] == "max-age=3600"
        assert found.headers["vary"] == "Accept"
        for _ in range(2):
            same = await here.ask(request("GET", "/schemas/ids/1", If_None_Match=found.headers["etag"]))
            assert (same.status, same.body, same.headers["etag"]) == (304, b"", found.headers["etag"])
            assert (await here.ask(request("GET", "/schemas/ids/1", If_None_Match='"other"'))).status == 200
        assert len(taken) == 2
        latest = await here.ask(request("GET", "/subjects/s/versions/latest"))
        assert latest.headers["cache-control"] == "no-cache"
        await api("POST", "/subjects/s/versions", OTHER)
        changed = request("GET", "/subjects/s/versions/latest", If_None_Match=latest.headers["etag"])
        assert (await here.ask(changed)).status == 200


async def test_head_has_the_headers_only(api: Api) -> None:
    async with line(api) as here:
        for _ in range(2):
            found = await here.ask(request("GET", "/schemas/ids/1"))
            head = await here.ask(request("HEAD", "/schemas/ids/1"), has_body=False)
            assert (head.status, head.headers["etag"]) == (200, found.headers["etag"])
            assert head.headers["content-length"] == found.headers["content-length"]


async def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    by_id, look_up = request("GET", "/schemas/ids/1"), request("POST", "/subjects/s", SCHEMA)
    missing = request("GET", "/schemas/ids/9")
    async with line(api) as here:
        for each in (by_id, look_up) * 2:
            await here.ask(each)
        await here.send(by_id + missing + look_up + by_id)
        assert [(await here.answer()).status for _ in range(4)] == [200, 404, 200, 200]
        assert (await here.ask(by_id)).status == 200


async def test_a_request_in_pieces_is_one(api: Api, taken: list[int]) -> None:
    whole = request("POST", "/subjects/s", SCHEMA, Content_Type=V1)
    end = whole.index(b"\r\n\r\n") + 4
    async with line(api) as here:
        expected = (await here.ask(whole[:end], whole[end:])).body
        for cut in (end, end + 1, len(whole) - 1):
            assert (await here.ask(whole[:cut], whole[cut:])).body == expected
        assert (await here.ask(whole[:end], whole[end : end + 9], whole[end + 9 :])).body == expected
        assert len(taken) == 4
        await here.send(whole[:end], whole[end:] + whole)  # with another one behind it
        assert [(await here.answer()).body for _ in range(2)] == [expected, expected]
        for cut in (1, 20, end - 2, end - 1):
            assert (await here.ask(whole[:cut], whole[cut:])).body == expected


async def test_a_chunked_body_is_read_to_its_end(api: Api, taken: list[int]) -> None:
    text = json.dumps(SCHEMA).encode()
    chunked = request("POST", "/subjects/s", b"%x\r\n%b\r\n0\r\n\r\n" % (len(text), text), Transfer_Encoding="chunked")
    for _ in range(3):
        async with line(api) as here:
            assert (await here.ask(request("GET", "/config"))).status == 200
            answered = await here.ask(chunked)
            assert (answered.status, answered.headers["connection"]) == (200, "close")
            assert await here.reader.read() == b""
    assert not taken


async def test_a_client_that_expects_to_be_asked_for_the_body_is_asked(api: Api) -> None:
    whole = request("POST", "/subjects/s", SCHEMA, Expect="100-continue")
    end = whole.index(b"\r\n\r\n") + 4
    async with line(api) as here:
        for _ in range(3):
            assert (await here.ask(whole[:end])).status == 100
            assert (await here.ask(whole[end:])).status == 200


async def test_a_connection_that_is_to_be_closed_is(api: Api) -> None:
    async with line(api) as here:
        await here.ask(request("GET", "/schemas/ids/1"))
    for _ in range(2):
        async with line(api) as here:
            assert (await here.ask(request("GET", "/schemas/ids/1", Connection="close"))).status == 200
            assert await here.reader.read() == b""
    async with line(api) as here:
        await here.send(request("GET", "/schemas/ids/1").replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert (await here.reader.read()).startswith(b"HTTP/1.0 200")


@pytest.mark.parametrize(
    "extra",
    [b"Content-Length: 1\r\n", b"Transfer-Encoding: chunked\r\n", b"X-Request-ID: a\r\nX-Request-ID: b\r\n", b"Bad\r\n",
     b"content-length : 5\r\n", b"X-Request-ID: a\x01b\r\n"],
)  # fmt: skip
async def test_a_head_that_is_no_good_is_not_taken_for_a_known_one(api: Api, taken: list[int], extra: bytes) -> None:
    whole = request("POST", "/subjects/s", SCHEMA, Content_Type=V1)
    async with line(api) as here:
        for _ in range(2):
            assert (await here.ask(whole)).status == 200
        assert len(taken) == 1
        await here.send(whole.replace(b"Host: test\r\n", b"Host: test\r\n" + extra))
        await here.answer()
        assert len(taken) == 1


async def test_bad_media_types_and_bodies_stay_bad(api: Api) -> None:
    async with line(api) as here:
        for _ in range(2):
            assert (await here.ask(request("POST", "/subjects/s", SCHEMA, Content_Type=V1))).status == 200
            assert (await here.ask(request("POST", "/subjects/s", SCHEMA, Content_Type="text/plain"))).status == 415
            assert (await here.ask(request("POST", "/subjects/s", b"{", Content_Type=V1))).status == 400
            assert (await here.ask(request("POST", "/subjects/s", b"", Content_Type=V1))).status == 422
        not_gzip = request("POST", "/subjects/s", SCHEMA, Content_Type=V1, Content_Encoding="gzip")
        assert (await here.ask(not_gzip)).status == 400


async def test_a_client_that_does_not_read_is_not_written_to_for_ever(api: Api, taken: list[int]) -> None:
    big = {"schema": json.dumps({"type": "enum", "name": "E", "symbols": [f"s{n}" for n in range(20_000)]})}
    assert (await api("POST", "/subjects/big/versions", big))[0] == 200
    by_id = request("GET", "/schemas/ids/2/schema")
    async with line(api) as here:
        size = len((await here.ask(by_id)).body)
        for _ in range(200):
            here.writer.write(by_id)
            for _ in range(3):
                await asyncio.sleep(0)
        assert len(taken) * size < 200 * size / 2
        for _ in range(200):
            assert len((await here.answer()).body) == size


async def test_others_who_are_not_admitted_are_refused_by_the_application(start: Callable[..., Awaitable[Api]]) -> None:
    admitted: list[bool] = []
    api = await start(admit=lambda _: lambda __: admitted[-1])
    assert (await api("POST", "/subjects/s/versions", SCHEMA))[0] == 200
    async with line(api) as here:
        await here.ask(request("GET", "/schemas/ids/1"))
        for each in (True, False):
            admitted.append(each)
            assert (await here.ask(request("GET", "/schemas/ids/1"))).status == 200
    assert len(admitted) == 2


async def test_a_cache_that_is_turned_off_leaves_every_request_to_aiohttp(
    start: Callable[..., Awaitable[Api]], taken: list[int]
) -> None:
    api = await start(caches_responses=False)
    assert (await api("POST", "/subjects/s/versions", SCHEMA))[0] == 200
    async with line(api) as here:
        answers = [await here.ask(request("GET", "/schemas/ids/1")) for _ in range(3)]
        answers += [await here.ask(request("POST", "/subjects/s", SCHEMA, Content_Type=V1)) for _ in range(2)]
    assert [each.status for each in answers] == [200] * 5
    assert taken == []
