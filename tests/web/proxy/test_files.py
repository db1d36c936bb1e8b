"""Files of records, up and down: lines of JSON and Avro container files, whole, broken and hostile ones."""

import asyncio
import io
import json
import zlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import fastavro
import pytest

from tests.web.proxy.conftest import ProxyApi

Topics = Callable[..., str]
NDJSON, AVRO = "application/x-ndjson", "application/avro"
LIFT = {
    "type": "record",
    "name": "Lift",
    "fields": [{"name": "floor", "type": "int"}, {"name": "note", "type": ["null", "string"], "default": None}],
}

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


async def send(
    proxy: ProxyApi, topic: str, body: bytes | AsyncIterator[bytes], sent_as: str = NDJSON, query: str = ""
) -> tuple[int, list[Any]]:
    """(status, lines) of an upload; an iterator is sent in chunks."""
    data = io.BytesIO(body) if isinstance(body, bytes) else body
    headers = {"Content-Type": sent_as}
    async with proxy.client.post(f"/topics/{topic}/files{query}", data=data, headers=headers) as answer:
        return answer.status, [json.loads(line) for line in (await answer.read()).splitlines()]


async def download(proxy: ProxyApi, topic: str, query: str = "") -> list[Any]:
    async with proxy.client.get(f"/topics/{topic}/files{query}") as answer:
        assert answer.status == 200
        return [json.loads(line) for line in (await answer.read()).splitlines()]


def as_lines(*records: Any) -> bytes:
    return b"".join(json.dumps(record).encode() + b"\n" for record in records)


def as_container(*values: Any, schema: Any = LIFT, codec: str = "null", **options: Any) -> bytes:
    file = io.BytesIO()
    fastavro.writer(file, schema, values, codec=codec, **options)
    return file.getvalue()


async def in_chunks(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]
        await asyncio.sleep(0)


async def test_lines_are_written_in_order_and_come_back(proxy: ProxyApi, topic_of: Topics) -> None:
    """A file that was downloaded can be uploaded; the numbers are those of more than one batch."""
    first, second = topic_of(), topic_of()
    records = [{"key": f"k{number}", "value": {"n": number}} for number in range(1_203)]
    status, lines = await send(
        proxy, first, in_chunks(as_lines(*records), 7_000), query="?key_format=string&value_format=json"
    )
    assert status == 200
    assert lines[-1] == {"records": 1_203, "written": 1_203, "done": True}
    assert all("progress" in line for line in lines[:-1])
    file = await download(proxy, first, "?key_format=string")
    assert file[-1] == {"done": True, "records": 1_203}
    shown = [line for line in file[:-1] if "progress" not in line]
    assert [{"key": line["key"], "value": line["value"]} for line in shown] == records
    assert [line["offset"] for line in shown] == list(range(1_203))
    again = as_lines(*shown[:10], {"progress": {"records": 10, "of": 20}}, *shown[10:20], {"done": True, "records": 20})
    assert (await send(proxy, second, again, query="?key_format=string&skip=5"))[1][-1]["written"] == 15
    assert [line.get("value") for line in await download(proxy, second)] == [*({"n": n} for n in range(5, 20)), None]


async def test_a_download_is_of_the_times_that_are_asked_for(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of(2)
    await send(proxy, topic, as_lines(*({"value": number, "partition": number % 2} for number in range(4))))
    times = [line["timestamp"] for line in (await download(proxy, topic))[:-1]]
    assert (await download(proxy, topic, f"?from={max(times) + 1}")) == [{"done": True, "records": 0}]
    assert (await download(proxy, topic, f"?to={min(times)}")) == [{"done": True, "records": 0}]
    between = await download(proxy, topic, f"?from={min(times)}&to={max(times) + 1}")
    assert sorted(line["value"] for line in between[:-1]) == [0, 1, 2, 3]


@pytest.mark.parametrize("codec", ["null", "deflate"])
async def test_an_avro_file_is_written_with_its_schema(proxy: ProxyApi, topic_of: Topics, codec: str) -> None:
    topic = topic_of()
    values = [{"floor": number, "note": None if number % 2 else "up"} for number in range(700)]
    body = as_container(*values, codec=codec, sync_interval=500)
    status, lines = await send(proxy, topic, in_chunks(body, 1_000), AVRO)
    assert (status, lines[-1]) == (200, {"records": 700, "written": 700, "done": True})
    file = await download(proxy, topic)
    shown = [line["value"] for line in file if "value" in line]
    assert shown == [value | {"note": value["note"] and {"string": value["note"]}} for value in values]
    status, _ = await send(proxy, topic, as_container({"floor": 7}), AVRO, "?schema=latest")
    assert status == 200
    fields = [{"name": "room", "type": "int"}]
    other = as_container({"room": 1}, schema={"type": "record", "name": "R", "fields": fields})
    status, (refusal,) = await send(proxy, topic, other, AVRO, "?schema=latest")
    assert (status, refusal["error_code"]) == (400, 400)


async def test_values_are_downloaded_as_an_avro_file(proxy: ProxyApi, topic_of: Topics) -> None:
    """Each as the latest version of the subject; what is no Avro ends it, with its status before the first record."""
    topic = topic_of()
    first = {**LIFT, "fields": LIFT["fields"][:1]}
    for schema, values in ((first, [{"floor": 1}]), (LIFT, [{"floor": 2, "note": "up"}])):
        assert (await send(proxy, topic, as_container(*values, schema=schema), AVRO))[0] == 200
    async with proxy.client.get(f"/topics/{topic}/files", headers={"Accept": AVRO}) as answer:
        assert (answer.status, answer.content_type) == (200, AVRO)
        file = fastavro.reader(io.BytesIO(await answer.read()))
    assert list(file) == [{"floor": 1, "note": None}, {"floor": 2, "note": "up"}]
    await send(proxy, topic, as_lines({"value": 1}))
    for path, status in (
        (f"{topic}/files?format=json", 422),
        (f"{topic}/files?reader_version=7", 404),
        (f"{topic_of()}/files", 404),
        (f"{topic}/files", 408),
    ):
        async with proxy.client.get(f"/topics/{path}", headers={"Accept": AVRO}) as answer:
            assert (answer.status, "error_code" in await answer.json(content_type=None)) == (status, True)


async def test_an_upload_ends_at_the_first_record_that_cannot_be_written(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    good = [{"value": number} for number in range(620)]
    status, lines = await send(proxy, topic, as_lines(*good, {"value": 0, "partition": 99}, {"value": 1}))
    assert (status, lines[-1]["record"], lines[-1]["error_code"]) == (200, 620, 50003)
    topic = topic_of()
    status, lines = await send(proxy, topic, as_lines(*good) + b'{"value": 1, "room": 2}\n')
    assert (status, lines[-1]["record"], lines[-1]["written"], lines[-1]["error_code"]) == (200, 620, 620, 400)
    status, lines = await send(
        proxy, topic, as_lines({"value": "eA=="}, {"value": "eA=="}, {"value": "%"}), query="?value_format=binary"
    )
    assert (status, lines[-1]["record"], lines[-1]["written"], lines[-1]["error_code"]) == (200, 2, 2, 400)


def deflated_bomb() -> bytes:
    """A container file whose block inflates to 100 MB."""
    body = as_container({"floor": 1})
    sync = body[-16:]
    deflater = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    data = deflater.compress(bytes(100_000_000)) + deflater.flush()
    header = as_container(codec="deflate")[:-16] + sync
    return header + as_long(50_000_000) + as_long(len(data)) + data + sync


def as_long(number: int) -> bytes:
    zigzag, out = number << 1, bytearray()
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    return bytes((*out, zigzag))


NULLS = as_container(schema="null")
WHOLE = as_container({"floor": 1}, {"floor": 2})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "ends inside of its header"),
        (b"no file", "does not begin as"),
        (WHOLE[:40], "ends inside of its header"),
        (WHOLE[:-3], "ends inside of its header or of a block"),
        (WHOLE[:-16] + bytes(16), "marker of the file"),
        (b"Obj\x01" + as_long(1) + as_long(2**40), "an entry of"),
        (b"Obj\x01" + as_long(2**60) + b"\x02a\x02b" * 300_000, "header has more than"),
        (b"Obj\x01" + b"\xff" * 11, "more than ten bytes"),
        (NULLS + as_long(2**50) + as_long(0) + NULLS[-16:], "values in 0 bytes"),
        (WHOLE[:-22] + as_long(2) + as_long(2**40), "more than 16777216"),
        (deflated_bomb(), "more than 16777216 bytes"),
        (as_container({"floor": 1}, codec="deflate").replace(b"deflate", b"snapyyy"), "its codec is snapyyy"),
        (WHOLE.replace(b'"int"', b'"lnt"'), "its schema cannot be used"),
        (WHOLE.replace(b"avro.schema", b"avro.scheme"), "no schema"),
    ],
    ids=range(14),
)
async def test_what_is_no_container_file_is_refused(
    proxy: ProxyApi, topic_of: Topics, body: bytes, reason: str
) -> None:
    status, (refusal,) = await send(proxy, topic_of(), body, AVRO)
    assert (status, refusal["error_code"], reason in refusal["message"]) == (422, 422, True), refusal


@pytest.mark.parametrize(
    ("body", "sent_as", "query", "status"),
    [
        (b"{", NDJSON, "", 400),
        (b"1\n", NDJSON, "", 400),
        (b'{"value": 1, "more": 1}\n', NDJSON, "", 400),
        (b'{"value": 1, "partition": -1}\n', NDJSON, "", 422),
        (b"[" * 10_000, NDJSON, "", 400),
        (b'{"value": 1}\n', "text/csv", "", 415),
        (b'{"value": 1}\n', NDJSON, "?value_format=xml", 422),
        (b'{"value": 1}\n', NDJSON, "?value_format=avro", 422),
        (b'{"value": 1}\n', NDJSON, "?skip=-1", 422),
        (b'{"value": 1}\n', NDJSON, "?schema=any", 422),
        (WHOLE, AVRO, "?value_format=json", 422),
        (b"\xff\xff", NDJSON, "", 400),
    ],
)
async def test_bad_uploads_are_refused(
    proxy: ProxyApi, topic_of: Topics, body: bytes, sent_as: str, query: str, status: int
) -> None:
    answered, (refusal,) = await send(proxy, topic_of(), body, sent_as, query)
    assert (answered, refusal["error_code"] // 10 ** (len(str(refusal["error_code"])) - 3)) == (status, status), refusal


async def test_bad_downloads_are_refused(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    for path, status in ((f"{topic}/files?from=-1", 422), (f"{topic}/files?format=xml", 422), ("none-such/files", 404)):
        async with proxy.client.get(f"/topics/{path}") as answer:
            assert (answer.status, "error_code" in await answer.json(content_type=None)) == (status, True)
    async with proxy.client.get(f"/topics/{topic}/files", headers={"Accept": "text/csv"}) as answer:
        assert answer.status == 406


async def test_an_empty_file_is_no_error(proxy: ProxyApi, topic_of: Topics) -> None:
    topic = topic_of()
    assert await send(proxy, topic, b"") == (200, [{"records": 0, "written": 0, "done": True}])
    assert await download(proxy, topic) == [{"done": True, "records": 0}]
