"""Compressed bodies: inflated within bounds, only for callers that are known, and only if they are whole."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Awaitable, Callable, Iterator

import pytest

from karapace_like.access.authfile import parse
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.http import request_bodies
from karapace_like.web.server.runner import _OPEN_DOOR, Runner
from tests.web.conftest import Api
from tests.web.wire import Wire, statuses

SCHEMA = json.dumps({"schema": '"int"'}).encode()
HEADERS = {"Content-Type": "application/json"}


def deflate_raw(text: bytes) -> bytes:
    compress = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compress.compress(text) + compress.flush()


async def send(api: Api, body: bytes, encoding: str, path: str = "/subjects/a/versions") -> tuple[int, str]:
    answer = await api.client.post(path, data=body, headers=HEADERS | {"Content-Encoding": encoding})
    told = await answer.json(content_type=None)
    return answer.status, told.get("message", "")


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(SCHEMA, mtime=0)),
        ("GZIP", gzip.compress(SCHEMA, mtime=0)),
        ("x-gzip", gzip.compress(SCHEMA, mtime=0)),
        ("deflate", zlib.compress(SCHEMA)),
        ("deflate", deflate_raw(SCHEMA)),
        ("identity", SCHEMA),
    ],
)
async def test_a_compressed_body_is_read(api: Api, encoding: str, body: bytes) -> None:
    for _ in range(3):
        assert await send(api, body, encoding) == (200, "")
    assert len(api.log.records) == 1


@pytest.mark.parametrize("size", [request_bodies._SLICE - 1, request_bodies._SLICE, 3 * request_bodies._SLICE])
async def test_a_body_of_several_slices_is_whole(api: Api, size: int) -> None:
    body = SCHEMA + b" " * (size - len(SCHEMA))
    assert await send(api, gzip.compress(body, mtime=0), "gzip") == (200, "")


WHOLE = gzip.compress(SCHEMA, mtime=0)


@pytest.mark.parametrize(
    ("encoding", "body", "reason"),
    [
        ("gzip", WHOLE[:-1], "is truncated"),
        ("gzip", WHOLE[:-8], "is truncated"),
        ("gzip", WHOLE[:15], "is truncated"),
        ("gzip", WHOLE[:-4] + b"\0\0\0\1", "cannot be inflated"),
        ("gzip", WHOLE + b"x", "has bytes after its end"),
        ("gzip", WHOLE + WHOLE, "has bytes after its end"),
        ("gzip", SCHEMA, "cannot be inflated"),
        ("deflate", zlib.compress(SCHEMA)[:-1], "is truncated"),
        ("deflate", deflate_raw(SCHEMA)[:-1], "is truncated"),
        ("deflate", zlib.compress(SCHEMA) + b"x", "has bytes after its end"),
    ],
)
async def test_a_body_that_is_not_whole_is_refused(api: Api, encoding: str, body: bytes, reason: str) -> None:
    status, message = await send(api, body, encoding)
    assert (status, reason in message) == (400, True), message
    assert api.log.records == []


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x", "gzip;q=1"])
async def test_another_encoding_is_refused(api: Api, encoding: str) -> None:
    status, message = await send(api, WHOLE, encoding)
    assert status == 415
    assert message.startswith(f"HTTP 415 Unsupported Media Type: the body's Content-Encoding is '{encoding}'")
    assert api.log.records == []


@pytest.fixture
def inflated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The size of each slice that was inflated."""
    sizes: list[int] = []
    inflate = request_bodies._Inflater.inflate

    def counted(self: request_bodies._Inflater, chunk: bytes) -> Iterator[bytes]:
        for piece in inflate(self, chunk):
            sizes.append(len(piece))
            yield piece

    monkeypatch.setattr(request_bodies._Inflater, "inflate", counted)
    return sizes


BOMB = gzip.compress(b" " * 200_000_000, mtime=0)


async def test_a_bomb_is_inflated_up_to_the_bound_and_no_slice_is_long(
    start: Callable[..., Awaitable[Api]], inflated: list[int]
) -> None:
    api = await start(max_body_bytes=1_000_000)
    status, message = await send(api, BOMB, "gzip")
    assert (status, "http_request_max_size" in message) == (413, True)
    assert sum(inflated) <= 1_000_000 + request_bodies._SLICE
    assert max(inflated) <= request_bodies._SLICE


async def test_nothing_is_inflated_before_the_caller_is_known(
    start: Callable[..., Awaitable[Api]], inflated: list[int]
) -> None:
    access = Access(Authentication())
    access.use(parse(b'{"users": [], "permissions": []}'))
    api = await start(access=access)
    assert (await send(api, BOMB, "gzip"))[0] == 401
    assert (await send(api, BOMB, "gzip", "/no/such/call"))[0] == 404
    assert inflated == []


async def test_a_declared_size_beyond_the_bound_is_refused_at_once(api: Api) -> None:
    """And the connection ends, whatever still comes."""
    wire = await Wire.to(api.client)
    head = (
        b"POST /subjects/a/versions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    )
    answered = await wire.ask(head % 2**40 + b"{")
    assert statuses(answered) == [413]
    assert b"\r\nConnection: close\r\n" in answered


async def test_a_client_that_aborts_its_body_is_no_failure_of_the_service(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    runner = api.client.server.runner
    assert isinstance(runner, Runner)
    metrics = runner._caches[_OPEN_DOOR].metrics
    wire = await Wire.to(api.client)
    wire.send(b"POST /subjects/a/versions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
    wire.send(b"Content-Length: 100\r\n\r\n{")
    while metrics.in_flight == 0:
        await asyncio.sleep(0)
    wire.close()
    while metrics.in_flight:
        await asyncio.sleep(0)
    assert [each.getMessage() for each in caplog.records if each.levelname in {"WARNING", "ERROR"}] == []


async def test_a_client_that_sends_all_of_a_large_body_reads_the_refusal(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start(max_body_bytes=1_000_000)
    wire = await Wire.to(api.client)
    head = b"POST /subjects/a/versions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    answered = await wire.ask(head + b"Connection: close\r\nContent-Length: 1900000\r\n\r\n" + b" " * 1_900_000)
    assert statuses(answered) == [413]
