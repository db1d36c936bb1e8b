"""Backups that Karapace's `karapace_schema_backup` has written, up to its last version with that tool (5.x).

Version 1 is a JSON list of [key, value] texts. Version 2 begins with `/V2` and has a line `key<TAB>value` for each
record, both in hexadecimal digits or `null`. Version 3 is a directory: `TOPIC.metadata` (`/V3`, then one Avro record)
names data files of Avro records, each behind its length in four bytes. Its record counts are checked, its xxHash
checksums are not. All hold the topic's records in its order; what is not understood is counted.
"""

import binascii
import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fastavro
import msgspec

from karapace_like.backup.errors import ArchiveError
from karapace_like.errors import NOT_JSON
from karapace_like.registry import records
from karapace_like.registry.records import Record

_V2 = b"/V2\n"
_V3 = b"/V3\n"

_DATA_FILE = {
    "type": "record",
    "name": "DataFile",
    "fields": [
        {"name": "filename", "type": "string"},
        {"name": "partition", "type": "long"},
        {"name": "checksum", "type": "bytes"},
        {"name": "record_count", "type": "long"},
        {"name": "start_offset", "type": "long"},
        {"name": "end_offset", "type": "long"},
    ],
}
_METADATA = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Metadata",
        "fields": [
            {"name": "version", "type": "int"},
            {"name": "tool_name", "type": "string"},
            {"name": "tool_version", "type": "string"},
            {"name": "started_at", "type": "long"},
            {"name": "finished_at", "type": "long"},
            {"name": "record_count", "type": "int"},
            {"name": "topic_name", "type": "string"},
            {"name": "topic_id", "type": ["string", "null"]},
            {"name": "partition_count", "type": "int"},
            {"name": "replication_factor", "type": "int"},
            {"name": "topic_configurations", "type": {"type": "map", "values": "string"}},
            {"name": "data_files", "type": {"type": "array", "items": _DATA_FILE}},
            {
                "name": "checksum_algorithm",
                "type": {"type": "enum", "name": "ChecksumAlgorithm", "symbols": ["unknown", "xxhash3_64_be"]},
            },
        ],
    }
)
_RECORD = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Record",
        "fields": [
            {"name": "key", "type": ["bytes", "null"]},
            {"name": "value", "type": ["bytes", "null"]},
            {
                "name": "headers",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Header",
                        "fields": [{"name": "key", "type": "bytes"}, {"name": "value", "type": "bytes"}],
                    },
                },
            },
            {"name": "offset", "type": "long"},
            {"name": "timestamp", "type": "long"},
            {"name": "checksum_checkpoint", "type": ["bytes", "null"]},
        ],
    }
)


def read(path: Path) -> Iterator[Record] | None:
    """The records, in the topic's order; None if this is no file of that tool. Raises OSError, later ArchiveError."""
    if path.is_dir():
        return _version_3(_metadata_file(path))
    with path.open("rb") as file:
        start = file.read(len(_V3))
    if start == _V3:
        return _version_3(path)
    if start == _V2:
        return _version_2(path)
    return _version_1(path) if start[:1] == b"[" else None


def _version_1(path: Path) -> Iterator[Record]:
    try:
        pairs = msgspec.json.decode(path.read_bytes(), type=list[tuple[str, str]])
    except NOT_JSON as error:
        raise ArchiveError(f"{path} is no backup of Karapace, version 1: {error}") from error
    for key, value in pairs:
        yield records.decode(_text(key), _text(value))


def _text(found: str) -> bytes | None:
    return None if found == "null" else found.encode()


def _version_2(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        file.readline()
        for number, line in enumerate(file, start=2):
            try:
                key, value = (_from_hex(each.strip()) for each in line.split(b"\t"))
            except ValueError as error:
                raise ArchiveError(f"{path}, line {number}: not two hexadecimal texts and a tab between") from error
            yield records.decode(key, value)


def _from_hex(text: bytes) -> bytes | None:
    return None if text == b"null" else binascii.unhexlify(text)


def _metadata_file(folder: Path) -> Path:
    found = list(folder.glob("*.metadata"))
    if len(found) != 1:
        raise ArchiveError(f"{folder} is no backup of Karapace: it holds {len(found)} files *.metadata instead of one.")
    return found[0]


def _version_3(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        if file.read(len(_V3)) != _V3:
            raise ArchiveError(f"{path} is no backup of Karapace, version 3.")
        metadata = _avro(path, file, _METADATA)
    for each in metadata["data_files"]:
        name = each["filename"]
        if "/" in name or "\\" in name:
            raise ArchiveError(f"{path} names a data file outside of its folder: {name}")
        with (path.parent / name).open("rb") as file:
            for _ in range(each["record_count"]):
                found = _avro(path.parent / name, file, _RECORD)
                yield records.decode(found["key"], found["value"])
            if file.read(1):
                raise ArchiveError(f"{path.parent / name} holds more records than {path.name} says.")


def _avro(path: Path, file: io.BufferedReader, schema: Any) -> dict[str, Any]:
    """One record behind its length."""
    try:
        (size,) = struct.unpack(">I", file.read(4))
        found = fastavro.schemaless_reader(io.BytesIO(file.read(size)), schema, None)
    except (struct.error, EOFError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path} is cut off or damaged.") from error
    assert isinstance(found, dict)
    return found
