"""Parsing Canonical Form and its fingerprints (Avro specification, "Transforming into Parsing Canonical Form").

Two schemas with one such form read the same data; the registry's own ids and guids are made from other texts.
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.canonical import Part, render, union_parts
from karapace_like.schema.avro.model import (
    Array,
    AvroType,
    Enum,
    Fixed,
    Map,
    NamedType,
    Parsed,
    Primitive,
    Record,
    TypeName,
    Union,
)

_EMPTY: Final = 0xC15D213AA4D7A795
"""The fingerprint of no bytes, which is also the polynomial."""


def _crc_table() -> list[int]:
    table = list(range(256))
    for _ in range(8):
        table = [(each >> 1) ^ (_EMPTY & -(each & 1)) for each in table]
    return table


_TABLE: Final = _crc_table()


def crc_64_avro(content: bytes) -> int:
    """The 64-bit Rabin fingerprint of some bytes, unsigned."""
    crc = _EMPTY
    for byte in content:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


_ALGORITHMS: Final[Mapping[str, Callable[[bytes], bytes]]] = {
    # Little-endian, as in the single-object encoding.
    "CRC-64-AVRO": lambda content: crc_64_avro(content).to_bytes(8, "little"),
    "MD5": lambda content: hashlib.md5(content, usedforsecurity=False).digest(),
    "SHA-256": lambda content: hashlib.sha256(content).digest(),
}


def fingerprint(parsed: Parsed, algorithm: str) -> bytes:
    """The fingerprint of the Parsing Canonical Form: `CRC-64-AVRO` (8 bytes), `MD5` (16) or `SHA-256` (32)."""
    return _ALGORITHMS[algorithm](parsing_canonical_form(parsed).encode())


def parsing_canonical_form(parsed: Parsed) -> str:
    """The schema with what reading data needs, everything that references define written out."""
    return render(parsed.root, _ParsingWriter(parsed.names).parts)


class _ParsingWriter:
    def __init__(self, names: Mapping[str, NamedType]) -> None:
        self._names = names
        self._written: set[str] = set()

    def parts(self, type_: AvroType, namespace: str) -> list[Part]:
        match type_:
            case Primitive():
                return [json_text.quote(type_.kind)]
            case Union():
                return union_parts(type_, namespace)
            case Array():
                return ['{"type":"array","items":', (type_.items, namespace), "}"]
            case Map():
                return ['{"type":"map","values":', (type_.values, namespace), "}"]
            case TypeName() | Record() | Enum() | Fixed():
                name = json_text.quote(type_.name)
                if type_.name in self._written:
                    return [name]
                self._written.add(type_.name)
                return self._definition(self._names[type_.name] if isinstance(type_, TypeName) else type_)

    @staticmethod
    def _definition(type_: NamedType) -> list[Part]:
        head = f'{{"name":{json_text.quote(type_.name)},"type":"{type_.kind}"'
        match type_:
            case Fixed():
                return [f'{head},"size":{type_.size}}}']
            case Enum():
                return [f'{head},"symbols":{json_text.write(list(type_.symbols))}}}']
            case Record():
                parts: list[Part] = [head + ',"fields":[']
                separator = ""
                for field in type_.fields:
                    parts += [f'{separator}{{"name":{json_text.quote(field.name)},"type":', (field.type, ""), "}"]
                    separator = ","
                return [*parts, "]}"]
