"""Records that no registry should write into a schemas topic, and somebody does: each of them cannot be read."""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

from confluent_kafka import Producer

from tests.web.schemas_topics import version_key

Bytes = tuple[bytes, bytes]
"""Key and value."""


def _version(name: str, **fields: Any) -> Bytes:
    value = {"subject": name, "version": 1, "id": 1, "schema": '"int"', "deleted": False, **fields}
    return version_key(name, 1), json.dumps(value).encode()


def _reference(version: object) -> list[dict[str, object]]:
    return [{"name": "r", "subject": "s", "version": version}]


def _raw(name: str, value: bytes) -> Bytes:
    return version_key(name, 1), value


ODD: tuple[Bytes, ...] = (
    _version("odd-reference", references=_reference(2**31)),
    _version("odd-references", references={"name": "r"}),
    _version("odd-reference-below", references=_reference(-(2**31) - 1)),
    _version("odd-reference-far", references=_reference(2**70)),
    _version("odd-id", id=2**31),
    _version("odd-id-far", id=2**64),
    _version("odd-id-below", id=-1),
    _version("odd-id-text", id="7"),
    _version("odd-type", schemaType="XML"),
    _version("odd-metadata", metadata={"properties": ["owner"]}),
    _version("odd-tags", metadata={"tags": {"**.x": 5}}),
    _version("odd-rules", ruleSet={"domainRules": ["r"]}),
    _version("odd-rule-name", ruleSet={"domainRules": [{"name": ["r"]}]}),
    _raw("odd-number", b'{"id":1,"schema":"x","metadata":{"later":1e999}}'),
    _raw("odd-digits", b'{"id":1,"schema":"x","metadata":{"later":%b}}' % (b"9" * 5_000)),
    _raw("odd-nan", b'{"id":NaN,"schema":"x"}'),
    _raw("odd-surrogate", b'{"id":1,"schema":"\\ud800"}'),
    _raw("odd-utf-8", b'{"id":1,"schema":"\xff"}'),
    _raw("odd-depth", b'{"id":1,"schema":"x","metadata":%b1%b}' % (b'{"x":' * 300, b"}" * 300)),
    _raw("odd-depth-passed-over", b'{"id":1,"schema":"x","later":%b%b}' % (b"[" * 950, b"]" * 950)),
    _raw("odd-depth-far", b'{"id":1,"schema":"x","later":%b' % (b"[" * 100_000)),
    _raw("odd-json", b"no JSON"),
    _raw("odd-list", b"[]"),
    (b'{"keytype":"SCHEMA","subject":"odd-version","version":2147483648,"magic":1}', b'{"id":1,"schema":"x"}'),
    (b'{"keytype":"SCHEMA","subject":"odd-version-0","version":0,"magic":1}', b'{"id":1,"schema":"x"}'),
    (b'{"keytype":"SCHEMA","subject":["odd"],"version":1,"magic":1}', b'{"id":1,"schema":"x"}'),
    (b'{"keytype":"DELETE_SUBJECT","subject":"kept","magic":0}', b'{"subject":"kept","version":%d}' % 2**40),
    (b'{"keytype":"MODE","subject":"odd","magic":0}', b'{"mode":["READONLY"]}'),
    (b'{"keytype":"CONFIG","subject":"odd","magic":0}', b'["FULL"]'),
    (b'{"keytype":"CONTEXT","tenant":"default","context":"odd:","magic":0}', b"{}"),
    (b"[1]", b"{}"),
    (b"\xff\x00", b"\xff"),
)
"""Each under a key of its own; none but the last versions of `kept` would be of that subject."""


def drawn(seed: int) -> Iterator[Bytes]:
    """Odd records without end, under ever new keys and old ones."""
    choice = random.Random(seed)
    for number in itertools.count():
        key, value = choice.choice(ODD)
        yield (key, value) if choice.random() < 0.5 else (key + b"%d" % number, value)


def write(bootstrap_servers: str, topic: str, *records: tuple[bytes, bytes | None]) -> list[int]:
    """Append the records past every registry; their offsets."""
    offsets: list[int | None] = []
    producer = Producer({"bootstrap.servers": bootstrap_servers})
    for key, value in records:
        producer.produce(
            topic, key=key, value=value, partition=0, on_delivery=lambda _, message: offsets.append(message.offset())
        )
    assert producer.flush(60) == 0
    found = [each for each in offsets if each is not None]
    assert len(found) == len(records)
    return found
