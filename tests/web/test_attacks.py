"""What attackers send, byte by byte: nothing is written, nothing is answered that was not asked, nothing lasts."""

import asyncio
import gzip
import io
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.web.conftest import Api
from tests.web.wire import Wire, statuses

SCHEMA = b'{"schema": "\\"int\\""}'
POST = b"POST /subjects/a/versions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
GET = b"GET /subjects HTTP/1.1\r\nHost: x\r\n"
INNER = b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n"
"""What a proxy in front would take for a body, and a server for a request."""


@pytest.fixture
async def wire(api: Api) -> AsyncIterator[Callable[[], Awaitable[Wire]]]:
    wires = []

    async def connect() -> Wire:
        wires.append(await Wire.to(api.client))
        return wires[-1]

    yield connect
    for each in wires:
        each.close()


SMUGGLING = {
    "both": POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + INNER,
    "both, the other way": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + INNER,
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(INNER) + INNER,
    "two lengths in one": POST + b"Content-Length: 0, 5\r\n\r\n" + INNER,
    "length with a sign": POST + b"Content-Length: +0\r\n\r\n" + INNER,
    "negative length": POST + b"Content-Length: -1\r\n\r\n" + INNER,
    "length in hex": POST + b"Content-Length: 0x0\r\n\r\n" + INNER,
    "length with an underscore": POST + b"Content-Length: 1_0\r\n\r\n" + INNER,
    "space before the colon": POST + b"Content-Length : 5\r\n\r\n" + INNER,
    "obfuscated chunked": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunked twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + INNER,
    "chunk size with a sign": POST + b"Transfer-Encoding: chunked\r\n\r\n+0\r\n\r\n" + INNER,
    "chunk size in words": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n\r\n" + INNER,
    "chunk too long": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n" + INNER,
    "folded header": POST + b"X: a\r\n Content-Length: 5\r\n\r\n" + INNER,
    "null in a header": POST + b"X: a\0b\r\n\r\n" + INNER,
}


@pytest.mark.parametrize("shape", SMUGGLING)
@pytest.mark.parametrize("is_known", [False, True])
async def test_requests_are_not_smuggled(
    api: Api, wire: Callable[[], Awaitable[Wire]], shape: str, *, is_known: bool
) -> None:
    """One refusal, and the connection ends: also where the shortcut knows a request with the same first line."""
    if is_known:
        for _ in range(3):
            assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}))[0] == 200
    count = len(api.log.records)
    answered = await (await wire()).ask(SMUGGLING[shape])
    assert statuses(answered) == [400], answered
    assert len(api.log.records) == count


NO_HTTP = {
    "Invalid method encountered": b"FETCH /subjects?hidden-word HTTP/1.1\r\n\r\n",
    "Bad status line": b"GET /subjects?hidden-word HTTP/9.9\r\n\r\n",
    "Invalid header value char": GET + b"Authorization: Bearer hidden-word\x01\r\n\r\n",
    "Received HTTPS traffic on an HTTP port": b"\x16\x03\x01hidden-word",
}
"""By what is wrong."""


@pytest.mark.parametrize("kind", NO_HTTP)
async def test_what_is_no_http_is_refused_in_the_shape_of_the_api(
    wire: Callable[[], Awaitable[Wire]], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing of it is told to who reads the answer or the log: credentials may be what is wrong."""
    with caplog.at_level(logging.DEBUG):
        answered = await (await wire()).ask(NO_HTTP[kind])
    head, _, body = answered.partition(b"\r\n\r\n")
    assert b"\r\nContent-Type: application/vnd.schemaregistry.v1+json" in head
    assert json.loads(body) == {"error_code": 400, "message": f"HTTP 400 Bad Request: {kind}"}
    assert "hidden-word" not in caplog.text
    assert not [each for each in caplog.records if each.levelno >= logging.WARNING]


LIMITS = {
    "200 headers": (b"X: y\r\n" * 198 + b"Connection: close\r\n\r\n", 200),
    "300 headers": (b"X: y\r\n" * 299 + b"\r\n", 431),
    "a header of 8,000 bytes": (b"X: " + b"y" * 8_000 + b"\r\nConnection: close\r\n\r\n", 200),
    "a header of 11,000 bytes": (b"Authorization: Bearer " + b"hidden-word" * 1_000 + b"\r\n\r\n", 431),
    "a name of 11,000 bytes": (b"hidden-word" * 1_000 + b": x\r\n\r\n", 431),
    "a header of 100,000 bytes without an end": (b"Authorization: " + b"hidden-word" * 10_000, 431),
}
"""By what is sent after a request's first two lines."""


@pytest.mark.parametrize("kind", LIMITS)
async def test_how_large_a_head_may_be(
    wire: Callable[[], Awaitable[Wire]], kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    rest, status = LIMITS[kind]
    with caplog.at_level(logging.DEBUG):
        answered = await (await wire()).ask(GET + rest)
    assert statuses(answered) == [status], answered
    if status != 200:
        body = json.loads(answered.partition(b"\r\n\r\n")[2])
        assert body["error_code"] == status
        assert "the most that this service accepts" in body["message"]
    assert "hidden-word" not in caplog.text
    assert "hidden-word" not in answered.decode()


@pytest.mark.parametrize("path", [b"/subjects", b"/no/such/path", b"/topics"])
async def test_an_unknown_expectation_is_refused(wire: Callable[[], Awaitable[Wire]], path: bytes) -> None:
    answered = await (await wire()).ask(
        b"POST " + path + b" HTTP/1.1\r\nHost: x\r\nExpect: 200-ok\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    )
    assert statuses(answered) == [417]
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["error_code"] == 417


TARGETS = {
    "absolute": b"GET http://x/subjects HTTP/1.1\r\nHost: x\r\n",
    "absolute and no URL": b"GET http://[::1/subjects HTTP/1.1\r\nHost: x\r\n",
    "absolute, a port too large": b"GET http://x:99999/subjects HTTP/1.1\r\nHost: x\r\n",
    "an authority": b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n",
    "an asterisk and more": b"GET *hidden-word HTTP/1.1\r\nHost: x\r\n",
    "an asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n",
    "no path": b"GET ?deleted=true HTTP/1.1\r\nHost: x\r\n",
    "bytes beyond ASCII": b"GET /subjects/\xff/versions HTTP/1.1\r\nHost: x\r\n",
    "half of a surrogate pair": b"GET /subjects/\xed\xa0\x80/versions HTTP/1.1\r\nHost: x\r\n",
    "no Host": b"GET /subjects HTTP/1.1\r\n",
    "two Hosts": b"GET /subjects HTTP/1.1\r\nHost: x\r\nHost: y\r\n",
    "a Host with a backslash": b"GET /subjects HTTP/1.1\r\nHost: a\\b\r\n",
    "a Host with a user": b"GET /subjects HTTP/1.1\r\nHost: a@b\r\n",
    "a Host with a path": b"GET /subjects HTTP/1.1\r\nHost: a/b\r\n",
    "a Host with a port too large": b"GET /subjects HTTP/1.1\r\nHost: a:99999\r\n",
    "a Host with half a bracket": b"GET /subjects HTTP/1.1\r\nHost: [::1\r\n",
    "a Host beyond ASCII": b"GET /subjects HTTP/1.1\r\nHost: \xed\xa0\x80\r\n",
    "a Host of 8,000 bytes": b"GET /subjects HTTP/1.1\r\nHost: " + b"a" * 8_000 + b"\r\n",
}


@pytest.mark.parametrize("kind", TARGETS)
async def test_odd_targets_and_hosts_are_refused(wire: Callable[[], Awaitable[Wire]], kind: str) -> None:
    """Also after a request whose head is remembered."""
    await (await wire()).ask(GET + b"Connection: close\r\n\r\n")
    answered = await (await wire()).ask(TARGETS[kind] + b"Connection: close\r\n\r\n")
    assert statuses(answered) == [400], answered
    assert json.loads(answered.partition(b"\r\n\r\n")[2])["error_code"] == 400
    assert b"hidden-word" not in answered


async def test_a_known_head_with_another_host_is_looked_at(wire: Callable[[], Awaitable[Wire]], api: Api) -> None:
    assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}))[0] == 200
    asked = b"GET /schemas/ids/1 HTTP/1.1\r\nHost: %b\r\nConnection: %b\r\n\r\n"
    known = await wire()
    known.send(asked % (b"x", b"keep-alive") * 3)
    assert statuses(await known.ask(asked % (b"a\\b", b"keep-alive") + asked % (b"x", b"close")))[-2:] == [400, 200]


ODD_HEADERS = [b"X-Request-ID", b"Accept", b"Authorization", b"If-None-Match", b"X-Forwarded-Host", b"X-Forwarded-For"]


@pytest.mark.parametrize("name", ODD_HEADERS)
async def test_bytes_beyond_ascii_in_headers_are_no_failure(wire: Callable[[], Awaitable[Wire]], name: bytes) -> None:
    answered = await (await wire()).ask(GET + name + b": \xff\xed\xa0\x80\r\nConnection: close\r\n\r\n")
    assert statuses(answered)[0] in {200, 400, 406}, answered


CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n" % (len(SCHEMA), SCHEMA)


@pytest.mark.parametrize("trailers", [b"", b"X-Request-ID: trailed\r\n", b"A: b\r\nX-Request-ID: trailed\r\n"])
@pytest.mark.parametrize("is_pipelined", [False, True])
async def test_trailers_are_no_headers_of_the_next_request(
    wire: Callable[[], Awaitable[Wire]], trailers: bytes, *, is_pipelined: bool
) -> None:
    """aiohttp's parser takes them for that, so that no request follows a chunked one on its connection."""
    here = await wire()
    here.send(CHUNKED + trailers + b"\r\n" + (INNER if is_pipelined else b""))
    answered = await here.answered()
    assert statuses(answered) == [200]
    assert b"\r\nConnection: close\r\n" in answered
    assert b"trailed" not in answered


async def test_what_follows_a_known_request_is_answered_on_its_own(wire: Callable[[], Awaitable[Wire]]) -> None:
    """Pipelined requests are answered each by itself and in order, known or not."""
    request = POST + b"Content-Length: %d\r\n\r\n" % len(SCHEMA) + SCHEMA
    last = GET + b"Connection: close\r\n\r\n"
    for _ in range(3):
        assert statuses(await (await wire()).ask(request + request + last)) == [200, 200, 200]
    shorter = POST + b"Content-Length: %d\r\n\r\n" % (len(SCHEMA) - 1) + SCHEMA
    assert statuses(await (await wire()).ask(shorter)) in ([400], [400, 400])


@pytest.mark.slow
@pytest.mark.parametrize(
    "beginning",
    [
        b"GET /subj",
        GET + b"X: y\r\n",
        POST + b"Content-Length: 100\r\n\r\n",
        POST + b"Content-Length: 100\r\n\r\n" + SCHEMA,
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
)
async def test_a_client_that_does_not_go_on_is_let_go(start: Callable[..., Awaitable[Api]], beginning: bytes) -> None:
    """Also where the shortcut knows the request and holds its beginning; one between two requests stays."""
    api = await start(patience=0.2)
    for _ in range(3):
        assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}))[0] == 200
    idle_reader, idle = await asyncio.open_connection("127.0.0.1", api.client.port)
    idle.write(GET + b"\r\n")
    await idle_reader.readuntil(b"\r\n\r\n")
    wire = await Wire.to(api.client)
    assert 200 not in statuses(await wire.ask(beginning))
    idle.write(GET + b"\r\n")
    assert b"HTTP/1.1 200 OK" in await idle_reader.readuntil(b"\r\n\r\n")
    idle.close()


async def test_a_client_that_never_sends_anything_is_let_go(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start(patience=0.2)
    assert await (await Wire.to(api.client)).answered() == b""


async def test_a_head_that_drips_is_not_waited_for(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start(patience=0.2)
    wire = await Wire.to(api.client)
    answered = asyncio.create_task(wire.ask(b"GET /subjects HTTP/1.1\r\nX: "))
    while not answered.done():
        wire.send(b"y")
        await asyncio.wait({answered}, timeout=0.01)
    assert 200 not in statuses(answered.result())


@pytest.mark.parametrize(
    "flood",
    [
        b"".join(b"X-%d: y\r\n" % number for number in range(5_000)),
        b"X: " + b"y" * 100_000 + b"\r\n",
        b"y" * 100_000 + b": x\r\n",
    ],
)
async def test_header_floods(wire: Callable[[], Awaitable[Wire]], flood: bytes) -> None:
    assert statuses(await (await wire()).ask(GET + flood + b"\r\n")) in ([400], [431])


async def test_a_long_first_line(wire: Callable[[], Awaitable[Wire]]) -> None:
    assert statuses(await (await wire()).ask(b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")) in (
        [400],
        [414],
    )


@pytest.mark.slow
async def test_a_small_body_that_becomes_a_huge_one(start: Callable[..., Awaitable[Api]]) -> None:
    api = await start(max_body_bytes=1_000_000)
    bomb = gzip.compress(b'{"schema": "' + b"a" * 200_000_000 + b'"}', 9)
    assert len(bomb) < 1_000_000
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await api.client.post("/subjects/a/versions", data=bomb, headers=headers)
    assert answer.status in {400, 413}
    assert (await answer.json())["error_code"] in {400, 413}
    assert api.log.records == []


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"schema":' * 100_000,
        b'{"schema": ' + b"9" * 1_000_000 + b"}",
        b"{" + b",".join(b'"k%d":0' % number for number in range(200_000)) + b"}",
        json.dumps({"schema": '{"type":"array","items":' * 20_000}).encode(),
        json.dumps({"schema": '{"items":' * 20_000 + "1" + "}" * 20_000, "schemaType": "JSON"}).encode(),
        json.dumps({"schema": "message A {" * 20_000, "schemaType": "PROTOBUF"}).encode(),
    ],
    ids=["lists", "objects", "number", "keys", "avro", "json schema", "protobuf"],
)
async def test_huge_and_deep_bodies(api: Api, body: bytes) -> None:
    answer = await api.client.post(
        "/subjects/a/versions", data=io.BytesIO(body), headers={"Content-Type": "application/json"}
    )
    assert answer.status in {400, 413, 422}, await answer.text()
    assert api.log.records == []


@pytest.mark.parametrize("sent_as", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
async def test_a_page_of_another_origin_changes_nothing(api: Api, sent_as: str | None) -> None:
    """A browser says which page sends; what pages may send without asking first is refused."""
    headers = {"Origin": "https://evil.example"} | ({} if sent_as is None else {"Content-Type": sent_as})
    skipped = ["Content-Type"] if sent_as is None else []
    for method, path in (("POST", "/subjects/a/versions"), ("PUT", "/config"), ("DELETE", "/subjects/a")):
        answer = await api.client.request(method, path, data=SCHEMA, headers=headers, skip_auto_headers=skipped)
        assert answer.status == 403
        assert (await answer.json(content_type=None))["error_code"] == 403
        assert "Access-Control-Allow-Origin" not in answer.headers
    assert api.log.records == []


async def test_a_page_of_this_service_may(api: Api) -> None:
    """As the one at /docs does; and through a proxy that says what the browser asked."""
    own = str(api.client.make_url("/")).rstrip("/")
    for headers in ({"Origin": own}, {"Origin": "https://public.example", "X-Forwarded-Host": "public.example"}):
        assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}, headers=headers))[0] == 200


async def test_an_origin_is_looked_at_also_where_the_request_is_known(api: Api) -> None:
    own = str(api.client.make_url("/")).rstrip("/")
    for _ in range(3):
        assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}, headers={"Origin": own}))[0] == 200
    headers = {"Origin": own, "Host": "elsewhere.example"}
    assert (await api("POST", "/subjects/a/versions", {"schema": '"int"'}, headers=headers))[0] == 403


async def test_other_origins_are_not_let_in(api: Api) -> None:
    """No CORS: neither a preflight nor an answer says that a page of another origin may read it."""
    preflight = {"Origin": "https://evil.example", "Access-Control-Request-Method": "DELETE"}
    for method in ("OPTIONS", "GET"):
        answer = await api.client.request(method, "/subjects", headers=preflight)
        assert not [name for name in answer.headers if name.startswith("Access-Control")]


async def test_the_page_is_not_framed_and_loads_nothing(api: Api) -> None:
    headers = (await api.client.get("/docs")).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("kind", "schema"),
    [
        ("JSON", '{{"$ref": "{url}"}}'),
        ("JSON", '{{"$id": "{url}", "$ref": "other.json"}}'),
        ("JSON", '{{"$schema": "{url}", "type": "object"}}'),
        ("PROTOBUF", 'syntax = "proto3"; import "{url}"; message A {{}}'),
        ("AVRO", '{{"type": "record", "name": "A", "fields": [{{"name": "a", "type": "{url}"}}]}}'),
    ],
)
async def test_a_schema_makes_no_requests(api: Api, kind: str, schema: str) -> None:
    asked = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.json_response({"type": "object"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        text = schema.format(url=server.make_url("/schema.json"))
        for path in ("/subjects/a/versions", "/compatibility/subjects/a/versions"):
            await api("POST", path, {"schema": text, "schemaType": kind})
    assert asked == []
