"""A registry as large as a company's: three contexts, references between subjects, some versions soft-deleted."""

import json
from collections.abc import Iterator

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.registry import records
from karapace_like.registry.content import Content
from karapace_like.registry.records import ConfigRecord, ContextRecord, ModeRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import CompatibilityLevel, Reference, SchemaType, Subject, Version

CONTEXTS = (".", ".eu", ".us")
_VERSIONS = 10


def registry_records(count: int) -> Iterator[Record]:
    """The records of `count` versions, a third of them in each context."""
    yield ConfigRecord(None, Config(compatibility_level=CompatibilityLevel.FULL))
    for place, context in enumerate(CONTEXTS):
        prefix = "" if context == "." else f":{context}:"
        if prefix:
            yield ContextRecord(context)
            yield ConfigRecord(prefix, Config(compatibility_level=CompatibilityLevel.NONE, normalize=True))
        yield from _context(prefix, count // 3 + (place < count % 3))
        yield ConfigRecord(f"{prefix}orders-0", Config(compatibility_level=CompatibilityLevel.BACKWARD_TRANSITIVE))
        yield ModeRecord(f"{prefix}orders-1", Mode.READONLY)


def _context(prefix: str, count: int) -> Iterator[Record]:
    yield SchemaRecord(f"{prefix}money", 1, SchemaVersion(1, _avro("Money", "cents")))
    for number in range(1, count):
        subject, version = divmod(number - 1, _VERSIONS)
        deleted = subject % 7 == 3 or (version == 0 and subject % 3 == 0)
        value = SchemaVersion(number + 1, _content(subject, version), deleted=deleted)
        yield SchemaRecord(f"{prefix}orders-{subject}", version + 1, value)


def _content(subject: int, version: int) -> Content:
    if subject % 10 == 8:
        text = f'{{"type":"object","title":"Order{subject}","properties":{{"v{version}":{{"type":"string"}}}}}}'
        return Content(SchemaType.JSON, text, (), {"properties": {"owner": f"team-{subject}"}})
    if subject % 10 == 9:
        text = f'syntax = "proto3";\n\nmessage Order{subject} {{\n  int64 v{version} = {version + 1};\n}}\n'
        return Content(SchemaType.PROTOBUF, text)
    references = (Reference("Money", Subject("money"), Version(1)),) if subject % 2 else ()
    return _avro(f"Order{subject}", f"v{version}", references)


def _avro(name: str, field: str, references: tuple[Reference, ...] = ()) -> Content:
    fields: list[dict[str, object]] = [{"name": field, "type": "long", "default": 0}]
    fields += [{"name": "total", "type": each.name} for each in references]
    schema = {"type": "record", "name": name, "fields": fields}
    return Content(SchemaType.AVRO, json.dumps(schema, separators=(",", ":")), references)


def write(bootstrap_servers: str, topic: str, found: Iterator[Record]) -> None:
    """A schemas topic with these records."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    new = NewTopic(topic, num_partitions=1, replication_factor=1, config={"cleanup.policy": "compact"})
    admin.create_topics([new])[topic].result(30)
    producer = Producer({"bootstrap.servers": bootstrap_servers, "acks": "all"})
    for record in found:
        key, value = records.encode(record)
        producer.produce(topic, key=key, value=value, partition=0)
    assert producer.flush(60) == 0
