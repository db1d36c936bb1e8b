"""What large inputs cost everybody else: a subject of many versions, closures of many files, schemas of megabytes.

python -m benchmarks.large [CASE ...] [--service] [--versions 2000] [--files 600] [--megabytes 5]

A row shows a request's status and duration, the CPU time of the event loop's longest turn meanwhile, which is how long
the service makes others wait whatever the machine adds, and where turns of 20 ms and more were found. A case runs in
this process without Kafka, or (`--service`) in a service with the embedded Kafka, whose limits are raised.
"""

import argparse
import asyncio
import gc
import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from confluent_kafka import Producer

from benchmarks.loop_turns import PROGRAM, SAMPLED_FROM, Report, Turns, report
from karapace_like.kafka.cluster import Cluster
from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import Record, SchemaRecord, SchemaVersion
from karapace_like.registry.registration import Rules
from karapace_like.schema.model import Reference, SchemaType, Subject, Version
from karapace_like.web.app import RequestHandling, make_app
from tests.service_process import ServiceProcess
from tests.web.conftest import Server, in_memory, leading

_LIMIT_BYTES = 64 * 1_048_576
"""Of bodies and records: more than the defaults of 16 and 1 MB."""
_PROPERTIES = {"message.max.bytes": _LIMIT_BYTES, "replica.fetch.max.bytes": _LIMIT_BYTES}
_SETTLING_SECONDS = 0.05
"""After a response, for what the service does once it is sent."""
_YOUNG_CONTAINERS = 10_000
_NULLABLE: dict[str, Any] = {"type": ["null", "string"], "default": None}
_IDLE_FIELDS = 8


class Sizes(NamedTuple):
    """How large the inputs are."""

    versions: int = 2000
    files: int = 600
    megabytes: float = 5.0


class Call(NamedTuple):
    """One request."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None = None


class Row(NamedTuple):
    """The response to a request, and what the event loop did until then."""

    name: str
    status: int
    milliseconds: float
    longest_turn: float
    """In milliseconds of CPU."""
    places: str

    def __str__(self) -> str:
        return f"| {self.name} | {self.status} | {self.milliseconds:,.0f} | {self.longest_turn:.1f} | {self.places} |"


class Case(NamedTuple):
    """What is stored before, and the requests."""

    stored: Callable[[Sizes], Iterable[Record]]
    calls: Callable[[Sizes], Iterable[Call]]


def _avro(fields: int, number: int) -> dict[str, Any]:
    """A record that is compatible with that of every other number."""
    listed = [{"name": f"f{at}", **_NULLABLE} for at in range(fields)] + [{"name": f"v{number}", **_NULLABLE}]
    return {"schema": _dump({"type": "record", "name": "R", "fields": listed})}


def _json_schema(properties: int, number: int) -> dict[str, Any]:
    """A closed object with as many properties, and one more with the number 1."""
    named = {f"f{at}": {"type": "string"} for at in range(properties + number)}
    return {
        "schemaType": "JSON",
        "schema": _dump({"type": "object", "properties": named, "additionalProperties": False}),
    }


def _protobuf(fields: int, number: int) -> dict[str, Any]:
    """Messages of 200 fields each, and as many empty ones as the number says."""
    lines = "".join(f"  string f{at} = {at};\n" for at in range(1, 201))
    messages = [f"message M{at} {{\n{lines}}}\n" for at in range(max(1, fields // 200))]
    messages += [f"message V{at} {{}}\n" for at in range(number)]
    return {"schemaType": "PROTOBUF", "schema": 'syntax = "proto3";\n' + "".join(messages)}


def _dump(schema: object) -> str:
    return json.dumps(schema, separators=(",", ":"))


def _store_versions(sizes: Sizes) -> Iterator[Record]:
    for number in range(1, sizes.versions + 1):
        content = Content(SchemaType.AVRO, _avro(_IDLE_FIELDS, number)["schema"])
        yield SchemaRecord("many", number, SchemaVersion(number, content))


def _call_versions(sizes: Sizes) -> Iterator[Call]:
    new, next_new = (_avro(_IDLE_FIELDS, sizes.versions + number) for number in (1, 2))
    yield Call("config FULL_TRANSITIVE", "PUT", "/config/many", {"compatibility": "FULL_TRANSITIVE"})
    yield Call("check against all", "POST", "/compatibility/subjects/many/versions", new)
    yield Call("register", "POST", "/subjects/many/versions", new)
    yield Call("register the next one", "POST", "/subjects/many/versions", next_new)
    yield Call("register the oldest again", "POST", "/subjects/many/versions", _avro(_IDLE_FIELDS, 1))
    yield Call("register an incompatible one", "POST", "/subjects/many/versions", {"schema": '"int"'})
    yield Call("look up the oldest", "POST", "/subjects/many", _avro(_IDLE_FIELDS, 1))
    yield Call("look up a missing one", "POST", "/subjects/many", {"schema": '"int"'})
    yield Call("list versions", "GET", "/subjects/many/versions")
    yield Call("read latest", "GET", "/subjects/many/versions/latest")
    yield Call("list schemas", "GET", "/schemas?subjectPrefix=many")
    yield Call("delete the subject", "DELETE", "/subjects/many")
    yield Call("delete it permanently", "DELETE", "/subjects/many?permanent=true")


def _file(number: int, files: int) -> tuple[str, tuple[Reference, ...]]:
    """A Protobuf file of a binary tree of imports, and its references."""
    imported = [child for child in (2 * number + 1, 2 * number + 2) if child < files + 1]
    lines = [f"  string field_{at} = {at};\n" for at in range(1, 20)]
    lines += [f"  M{child} child_{child} = {20 + at};\n" for at, child in enumerate(imported)]
    imports = "".join(f'import "f{child}.proto";\n' for child in imported)
    text = f'syntax = "proto3";\npackage large;\n\n{imports}\nmessage M{number} {{\n{"".join(lines)}}}\n'
    return text, tuple(Reference(f"f{child}.proto", Subject(f"f{child}"), Version(1)) for child in imported)


def _store_files(sizes: Sizes) -> Iterator[Record]:
    for number in range(sizes.files, 0, -1):
        text, references = _file(number, sizes.files)
        content = Content(SchemaType.PROTOBUF, text, references)
        yield SchemaRecord(f"f{number}", 1, SchemaVersion(sizes.files + 1 - number, content))


def _call_files(sizes: Sizes) -> Iterator[Call]:
    text, references = _file(0, sizes.files)
    named = [{"name": each.name, "subject": each.subject, "version": each.version} for each in references]
    yield Call("config FULL_TRANSITIVE", "PUT", "/config/root", {"compatibility": "FULL_TRANSITIVE"})
    for number in range(4):
        added = "".join(f"  string added_{at} = {100 + at};\n" for at in range(number))
        body = {"schemaType": "PROTOBUF", "schema": text.removesuffix("}\n") + added + "}\n", "references": named}
        yield Call(f"register version {number + 1}", "POST", "/subjects/root/versions", body)
    yield Call("look up", "POST", "/subjects/root", body)
    yield Call("check against all", "POST", "/compatibility/subjects/root/versions", body)
    yield Call("read with its closure", "GET", "/subjects/root/versions/1?format=serialized")


def _make_calls(make: Callable[[int, int], dict[str, Any]], bytes_per_field: int) -> Callable[[Sizes], Iterator[Call]]:
    def calls(sizes: Sizes) -> Iterator[Call]:
        first, second = (make(int(sizes.megabytes * 1e6 / bytes_per_field), number) for number in (0, 1))
        yield Call("register", "POST", "/subjects/large/versions", first)
        yield Call("register a second version", "POST", "/subjects/large/versions", second)
        yield Call("register it again", "POST", "/subjects/large/versions", second)
        yield Call("look up", "POST", "/subjects/large", first)
        yield Call("check", "POST", "/compatibility/subjects/large/versions/latest", second)
        yield Call("read by id", "GET", "/schemas/ids/1")
        yield Call("read latest", "GET", "/subjects/large/versions/latest")
        yield Call("read the text", "GET", "/subjects/large/versions/1/schema")

    return calls


CASES = {
    "versions": Case(_store_versions, _call_versions),
    "files": Case(_store_files, _call_files),
    "avro": Case(lambda _: (), _make_calls(_avro, 58)),
    "json": Case(lambda _: (), _make_calls(_json_schema, 28)),
    "protobuf": Case(lambda _: (), _make_calls(_protobuf, 20)),
}


def _send(calls: Iterable[Call], port: int, report: Callable[[], Report]) -> Iterator[Row]:
    """Send one request after the other; for a thread."""
    connection = HTTPConnection("127.0.0.1", port)
    for call in calls:
        body = None if call.body is None else json.dumps(call.body)
        report()
        begun = time.monotonic()
        connection.request(call.method, call.path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        response.read()
        seconds = time.monotonic() - begun
        time.sleep(_SETTLING_SECONDS)
        turns = report()
        yield Row(call.name, response.status, 1e3 * seconds, turns.longest, turns.places)
    connection.close()


async def run(case: Case, sizes: Sizes, sampled_from: float | None = None) -> list[Row]:
    """Return the rows of a case in this process; `sampled_from` is that of `Turns`."""
    registry, log = in_memory(Rules(max_record_bytes=_LIMIT_BYTES), write_timeout=600.0)
    await log.append([records.encode(record) for record in case.stored(sizes)])
    await registry.index_texts()
    async with leading(registry):
        server = Server(make_app(registry, handling=RequestHandling(max_body_bytes=_LIMIT_BYTES)))
        await server.start_server()
        turns = Turns(asyncio.get_running_loop(), sampled_from=sampled_from)
        rows = await asyncio.to_thread(lambda: list(_send(case.calls(sizes), server.port or 0, turns.report)))
        await server.close()
    await registry.engines.close()
    return rows


def _run_service(case: Case, sizes: Sizes, kafka: Cluster) -> Iterator[Row]:
    """Yield the rows of a case in a service."""
    settings = {"producer_max_request_size": _LIMIT_BYTES, "http_request_max_size": _LIMIT_BYTES}
    topic = f"_schemas-large-{time.time_ns()}"
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
    with ServiceProcess(kafka.bootstrap_servers, program=PROGRAM, topic_name=topic, **settings) as service:
        for record in case.stored(sizes):
            key, value = records.encode(record)
            producer.produce(topic, key=key, value=value)
        producer.flush()
        yield from _send(case.calls(sizes), urlsplit(service.url).port or 0, partial(report, service))


def main() -> None:
    """Print a table for each case."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}; default: all")
    arguments.add_argument("--versions", type=int, default=Sizes().versions)
    arguments.add_argument("--files", type=int, default=Sizes().files)
    arguments.add_argument("--megabytes", type=float, default=Sizes().megabytes)
    arguments.add_argument("--service", action="store_true", help="with Kafka, in a process of its own")
    wanted = arguments.parse_args()
    sizes = Sizes(wanted.versions, wanted.files, wanted.megabytes)
    with Cluster(properties=_PROPERTIES) if wanted.service else nullcontext() as kafka:
        for name in wanted.cases or CASES:
            gc.freeze()  # as the service does when it is ready
            gc.set_threshold(_YOUNG_CONTAINERS)
            print(f"\n{name}\n\n| request | status | ms | longest turn, ms of CPU | where |\n|---|---|---|---|---|")
            case = CASES[name]
            for row in (
                asyncio.run(run(case, sizes, SAMPLED_FROM)) if kafka is None else _run_service(case, sizes, kafka)
            ):
                print(row, flush=True)


if __name__ == "__main__":
    main()
