"""A schema that takes long to understand holds up nobody else, and what waits for it is neither lost nor repeated."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from karapace_like.process import job_process
from karapace_like.registry import content, records
from karapace_like.registry.content import Content
from karapace_like.registry.engine_jobs import Canonicalise, Compare, Job
from karapace_like.registry.records import SchemaRecord, SchemaVersion
from karapace_like.registry.registration import Rules
from karapace_like.replication.planning import Plan
from karapace_like.replication.writes import WriteOutcome, WriteRequest, Written
from karapace_like.schema import spelling
from karapace_like.schema.model import SchemaType
from karapace_like.web.http import bodies, request_bodies, responses
from tests.kafka.fenced_nodes import Unforwardable
from tests.web.conftest import Api, in_memory, leading


def _schema(number: int, fields: int = 4_000) -> str:
    """Compatible with every other of them."""
    fields_ = [{"name": f"f{each}", "type": ["null", "string"], "default": None} for each in range(fields)]
    fields_[0]["doc"] = str(number)
    return json.dumps({"type": "record", "name": "R", "fields": fields_})


@pytest.mark.slow
async def test_heavy_schemas_are_compared_in_another_process(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine runs in this process, on the event loop or in a thread."""
    jobs_run_here: list[Job[Any]] = []
    for kind in (Canonicalise, Compare):
        monkeypatch.setattr(kind, "run", _record_calls(kind.run, jobs_run_here))
    for number in range(2):
        assert (await api("POST", "/subjects/a/versions", {"schema": _schema(number)}))[0] == 200
    assert jobs_run_here == []
    assert (await api("POST", "/subjects/b/versions", {"schema": '{"type": "string"}'}))[0] == 200
    assert jobs_run_here != []  # a light schema's: the record is real


def _record_calls(run: Callable[[Any], Any], jobs: list[Job[Any]]) -> Callable[[Any], Any]:
    def record_and_run(job: Job[Any]) -> Any:
        jobs.append(job)
        return run(job)

    return record_and_run


@pytest.mark.slow
async def test_heavy_schemas_at_one_subject_are_all_registered(api: Api) -> None:
    """Each is compared with the one that comes before it, whichever that is; each gets a version of its own.

    Few enough that a slow machine does it within a write's 60 s: n registrations take up to n²/2 comparisons.
    """
    await api("POST", "/subjects/a/versions", {"schema": _schema(0, 2_000)})
    answers = await asyncio.gather(
        *(api("POST", "/subjects/a/versions", {"schema": _schema(number, 2_000)}) for number in range(1, 7))
    )
    assert {status for status, _ in answers} == {200}
    assert sorted(body["version"] for _, body in answers) == list(range(2, 8))
    assert await api("GET", "/subjects/a/versions") == (200, list(range(1, 8)))


@pytest.mark.slow
async def test_heavy_schemas_that_exclude_each_other_are_not_both_registered(api: Api) -> None:
    """Every one is compatible with the first version, and with no other."""

    def schema(number: int) -> dict[str, Any]:
        fields = [{"name": f"f{each}", "type": "int", "default": 0} for each in range(2_000)]
        kind = {"type": "fixed", "name": f"K{number}", "size": 4}
        fields.append({"name": "kind", "type": kind, "default": "aaaa"})
        return {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}

    assert (await api("POST", "/subjects/a/versions", {"schema": '{"type":"record","name":"R","fields":[]}'}))[0] == 200
    answers = await asyncio.gather(*(api("POST", "/subjects/a/versions", schema(number)) for number in range(6)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409, 409]


@pytest.fixture
def fingerprinted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The characters of each text whose fingerprint is computed in this process, on the event loop or in a thread."""
    lengths: list[int] = []
    compute = spelling.fingerprint

    def record_and_compute(schema_type: SchemaType, text: str) -> int:
        lengths.append(len(text))
        return compute(schema_type, text)

    monkeypatch.setattr(spelling, "fingerprint", record_and_compute)
    return lengths


@pytest.mark.slow
async def test_a_long_text_is_hashed_once_and_fingerprinted_in_another_process(
    api: Api, fingerprinted: list[int]
) -> None:
    """5 MB took 5 to 15 digests of 7 ms each, and a fingerprint of up to 230 ms, on the event loop."""
    for number in range(2):
        before = content._hash_long_text.cache_info().misses
        assert (await api("POST", "/subjects/a/versions", {"schema": _schema(number, 8_000)}))[0] == 200
        assert content._hash_long_text.cache_info().misses == before + 1
    assert max(fingerprinted, default=0) <= content.LONG_CHARACTERS
    assert (await api("POST", "/subjects/b/versions", {"schema": _schema(0, 3)}))[0] == 200
    assert fingerprinted  # a light schema's: the record is real


@pytest.mark.slow
async def test_a_long_text_that_another_writer_stored_is_found_in_another_spelling(
    api: Api, fingerprinted: list[int]
) -> None:
    """Its fingerprint is computed when a registration needs it, not when its record is read."""
    text = _schema(0, 8_000)  # with spaces, which the canonical form has not
    record = SchemaRecord("a", 1, SchemaVersion(7, Content(SchemaType.AVRO, text)))
    await api.log.append([records.encode(record)])
    index = api.registry.store.fingerprints
    assert index is not None
    assert len(index.unindexed) == 1
    for subject in ("a", "b"):
        status, body = await api("POST", f"/subjects/{subject}/versions", {"schema": text})
        assert (status, body["id"]) == (200, 7)
    status, body = await api("POST", "/subjects/b/versions", {"schema": _schema(1, 8_000)})
    assert (status, body["id"]) == (200, 8)
    await api.registry.index_texts()
    assert not index.unindexed
    assert (await api("POST", "/subjects/c/versions", {"schema": text}))[1]["id"] == 7
    assert max(fingerprinted, default=0) <= content.LONG_CHARACTERS


@pytest.mark.slow
async def test_a_schema_that_no_record_holds_is_refused_before_it_is_compared(
    start: Callable[..., Awaitable[Api]], monkeypatch: pytest.MonkeyPatch
) -> None:
    api = await start(rules=Rules(max_record_bytes=100_000))
    assert (await api("POST", "/subjects/a/versions", {"schema": _schema(0, 10)}))[0] == 200
    compared: list[Job[Any]] = []
    monkeypatch.setattr(Compare, "run", _record_calls(Compare.run, compared))
    monkeypatch.setattr(Compare, "is_heavy", False)
    status, refusal = await api("POST", "/subjects/a/versions", {"schema": _schema(1)})
    assert (status, refusal["error_code"]) == (422, 42209)
    assert compared == []
    assert (await api("POST", "/subjects/a/versions", {"schema": _schema(1, 10)}))[0] == 200
    assert compared != []


async def test_reading_decoding_and_handling_of_a_large_body_are_turns_of_their_own(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0
    read_at: list[int] = []
    decoded_at: list[int] = []
    parsed_at: list[int] = []

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    read, decode, parse = request_bodies.read_body, bodies.decode, bodies.JsonObject.of

    async def record_reading(request: web.Request) -> bytes:
        body = await read(request)
        read_at.append(turns)
        return body

    def record_decoding(body: bytes) -> Any:
        decoded_at.append(turns)
        return decode(body)

    def record_parsing(value: object, name: str) -> bodies.JsonObject:
        parsed_at.append(turns)
        return parse(value, name)

    monkeypatch.setattr(bodies, "read_body", record_reading)
    monkeypatch.setattr(bodies, "decode", record_decoding)
    monkeypatch.setattr(bodies.JsonObject, "of", record_parsing)
    counting = asyncio.create_task(count_turns())
    await api("POST", "/subjects/a", {"schema": '"int"'})
    assert read_at == decoded_at == parsed_at
    await api("POST", "/subjects/a", {"schema": '"int"', "padding": " " * responses.LARGE_BYTES})
    assert read_at[1] < decoded_at[1] < parsed_at[1]
    counting.cancel()


@pytest.mark.slow
async def test_a_job_is_sent_to_its_process_in_pieces(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop copies each of them, and others have their turn in between."""
    sent: list[int] = []
    write = asyncio.StreamWriter.write

    def record_and_write(writer: asyncio.StreamWriter, data: bytes) -> None:
        sent.append(len(data))
        write(writer, data)

    monkeypatch.setattr(asyncio.StreamWriter, "write", record_and_write)
    assert (await api("POST", "/subjects/a/versions", {"schema": _schema(0, 12_000)}))[0] == 200
    assert sum(sent) > 2 * job_process._PIECE_BYTES
    assert max(sent) <= job_process._PIECE_BYTES


async def test_a_plan_that_lacks_an_outcome_and_its_computing_are_turns_of_their_own() -> None:
    """Each of them may take a turn's share of light jobs."""
    registry, _ = in_memory()
    turns = 0
    called_at: list[int] = []

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def plan(*_: object) -> Plan[str]:
        called_at.append(turns)
        if len(called_at) <= 2:
            await asyncio.sleep(0)  # as for an engine
        return Plan("planned")

    async with leading(registry):
        counting = asyncio.create_task(count_turns())
        outcome: WriteOutcome[str, object] = await registry.write(WriteRequest(planner=plan), Unforwardable())
        counting.cancel()
    await registry.engines.close()
    assert outcome == Written("planned")
    assert called_at[0] < called_at[1] < called_at[2]
