"""What topic policies cost in the proxy alone: producing with a policy and without, in turns, in this process.

    python -m benchmarks.admission [rounds] [records]

CPU of this process for each record of a request of 100 (or of as many as are said), the least of all rounds: without
HTTP, a registry and Kafka, so that programs beside it disturb it little. A ratio is to the same records without a
policy, or sent in the format.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from benchmarks import codecs
from karapace_like.policies.parsing import parse_policy
from karapace_like.policies.store import PolicyEntry
from karapace_like.proxy.contracts.gate import Gate
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.internal import NONE_INTERNAL
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.produce import ProduceOptions, ProduceRequest, Producing
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides
from karapace_like.schema.model import SchemaId, SchemaType, UnparsedSchema

_RECORDS = 2000
"""Of one measurement."""
_SCHEMAS: Mapping[str, tuple[int, UnparsedSchema]] = {
    "avro": (1, UnparsedSchema(SchemaType.AVRO, json.dumps(codecs.AVRO))),
    "jsonschema": (2, UnparsedSchema(SchemaType.JSON, json.dumps(codecs.JSON_SCHEMA))),
    "protobuf": (3, UnparsedSchema(SchemaType.PROTOBUF, codecs.PROTOBUF)),
}
_FORMATS = {schema_id: name for name, (schema_id, _) in _SCHEMAS.items()}


class _Schemas:
    """A registry in which each format has a subject of its name, with one version."""

    async def by_id(self, schema_id: int, _subject: str, _rights: SubjectRights) -> RegisteredSchema:
        return RegisteredSchema(SchemaId(schema_id), _SCHEMAS[_FORMATS[schema_id]][1], {}, None, None)

    async def by_version(self, subject: str, _version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        return 1, await self.by_id(_SCHEMAS[subject][0], subject, rights)

    async def version_of(self, *_: object, **__: object) -> int:
        return 1

    def get_associated_subjects(self, *_: object) -> Sequence[str]:
        return ()

    def cache_validity(self, _: str) -> Any:
        return lambda: True


class _Producer:
    """Delivers every record at once."""

    async def send(
        self, records: Sequence[OutgoingRecord], _overrides: ProducerOverrides = NO_OVERRIDES
    ) -> list[Delivery]:
        return [Delivery()] * len(records)


class _Policies:
    """The policy of each topic."""

    def __init__(self) -> None:
        self.entries: dict[str, PolicyEntry] = {}

    def find(self, topic: str) -> PolicyEntry | None:
        return self.entries.get(topic)


def _list_rows() -> dict[str, tuple[str, Any, str | None, dict[str, Any] | None]]:
    """Return name -> (format, value, the row that it is compared with, the policy)."""
    validate = {"value": {"plain": "validate", "schema": {"subject": "jsonschema"}}}
    rows: dict[str, tuple[str, Any, str | None, dict[str, Any] | None]] = {
        "json, no policy": ("json", codecs.PLAIN, None, None),
        "json, policy that allows everything": ("json", codecs.PLAIN, "json, no policy", {}),
        "json, validate": ("json", codecs.PLAIN, "json, no policy", validate),
    }
    for name, value in (("avro", codecs.UNIONS), ("jsonschema", codecs.PLAIN), ("protobuf", codecs.PLAIN)):
        beside, schema = f"{name}, no policy", {"subject": name}
        rows[beside] = (name, value, None, None)
        encode = {"value": {"plain": "encode", "schema": schema}}
        rows[f"json, encode to {name}"] = ("json", codecs.PLAIN, beside, encode)
        rows[f"{name}, of the subject"] = (name, value, beside, {"value": {"framed": "subject", "schema": schema}})
    return rows


async def main() -> None:
    """Print a table of Markdown."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    requests = _RECORDS // count
    policies, rows = _Policies(), _list_rows()
    schemas: Any = _Schemas()
    producer: Any = _Producer()
    cache = SchemaCache(schemas)
    producing = Producing(cache, producer, ProxySettings(), Gate(policies, cache, ViolationLog(), NONE_INTERNAL))
    calls = {}
    for name, (embedded, value, _, policy) in rows.items():
        if policy is not None:
            policies.entries[name] = PolicyEntry(name, parse_policy(policy))
        named = {} if embedded == "json" else {"value_schema_id": _SCHEMAS[embedded][0]}
        body = json.dumps({"records": [{"value": value}] * count, **named}).encode()
        formats = {RecordPart.KEY: EmbeddedFormat.JSON, RecordPart.VALUE: EmbeddedFormat(embedded)}
        calls[name] = (msgspec.json.decode(body, type=ProduceRequest), ProduceOptions(formats))
    least = dict.fromkeys(rows, float("inf"))
    for _ in range(rounds):
        for name, (request, options) in calls.items():
            begin = time.process_time()
            for _ in range(requests):
                await producing.produce(name, request, options, ALL_SUBJECTS)
            least[name] = min(least[name], (time.process_time() - begin) / (requests * count) * 1e6)
    print("| record | CPU us | ratio to |\n|---|---|---|")
    for name, (_, _, beside, _) in rows.items():
        ratio = "" if beside is None else f"{least[name] / least[beside]:.2f} x {beside}"
        print(f"| {name} | {least[name]:.2f} | {ratio} |")


if __name__ == "__main__":
    asyncio.run(main())
