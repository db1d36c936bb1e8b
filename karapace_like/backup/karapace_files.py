"""Backups that Karapace's `karapace_schema_backup` has written, up to its last version with that tool (5.x).

Version 1 is a JSON list of [key, value] texts. Version 2 begins with `/V2` and has a line `key<TAB>value` for each
record, both in hexadecimal digits or `null`. Version 3 is a directory: `TOPIC.metadata` (`/V3`, then one Avro record)
names data files of Avro records, each behind its length in four bytes. Its record counts are checked, its xxHash
checksums are not. All versions hold the topic's records in its order; unknown values are counted. A file is rejected
unless it has at least one record and every key is that of a schemas topic.
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
_SHOWN = 100
"""Bytes of a key that an error message quotes."""

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
    """Return the records in the topic's order, None for a file of another kind; raises OSError, later ArchiveError."""
    if path.is_dir():
        return _read_version_3(_find_metadata_file(path))
    with path.open("rb") as file:
        start = file.read(len(_V3))
    if start == _V3:
        return _read_version_3(path)
    if start == _V2:
        return _read_version_2(path)
    return _read_version_1(path) if start[:1] == b"[" else None


class _Key(msgspec.Struct):
    keytype: str


def _decode_record(path: Path, number: int, key: bytes | None, value: bytes | None) -> Record:
    """Return the record; `number` counts from 1. Raises ArchiveError for a key that no schemas topic has."""
    try:
        msgspec.json.decode(key or b"", type=_Key)
    except NOT_JSON as error:
        shown = "null" if key is None else key[:_SHOWN].decode(errors="replace")
        raise ArchiveError(
            f"{path} is not a backup of a schemas topic: record {number} has the key {shown}; expected a JSON object "
            "with a keytype."
        ) from error
    return records.decode(key, value)


def _no_records_error(path: Path) -> ArchiveError:
    return ArchiveError(f"{path} is not a backup of a schemas topic: it has no records.")


def _read_version_1(path: Path) -> Iterator[Record]:
    try:
        pairs = msgspec.json.decode(path.read_bytes(), type=list[tuple[str, str]])
    except NOT_JSON as error:
        raise ArchiveError(f"{path} is not a backup of Karapace, version 1: {error}") from error
    if not pairs:
        raise _no_records_error(path)
    for number, (key, value) in enumerate(pairs, start=1):
        yield _decode_record(path, number, _encode_text(key), _encode_text(value))


def _encode_text(text: str) -> bytes | None:
    return None if text == "null" else text.encode()


def _read_version_2(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        file.readline()
        number = 0
        for number, line in enumerate(file, start=1):
            try:
                key, value = (_decode_hex(text.strip()) for text in line.split(b"\t"))
            except ValueError as error:
                raise ArchiveError(
                    f"{path}, line {number + 1}: expected two hexadecimal texts with a tab between"
                ) from error
            if not line.endswith(b"\n"):
                raise ArchiveError(f"{path}, line {number + 1} is truncated: it has no line end.")
            yield _decode_record(path, number, key, value)
        if not number:
            raise _no_records_error(path)


def _decode_hex(text: bytes) -> bytes | None:
    return None if text == b"null" else binascii.unhexlify(text)


def _find_metadata_file(folder: Path) -> Path:
    metadata = list(folder.glob("*.metadata"))
    if len(metadata) != 1:
        raise ArchiveError(
            f"{folder} is not a backup of Karapace: it has {len(metadata)} files *.metadata instead of one."
        )
    return metadata[0]


def _read_version_3(path: Path) -> Iterator[Record]:
    with path.open("rb") as file:
        if file.read(len(_V3)) != _V3:
            raise ArchiveError(f"{path} is not a backup of Karapace, version 3.")
        metadata = _read_avro(path, file, _METADATA)
    number = 0
    for data_file in metadata["data_files"]:
        name = data_file["filename"]
        if not {*"/\\\0"}.isdisjoint(name):
            raise ArchiveError(f"{path} names a data file outside its folder: {name!r}")
        with (path.parent / name).open("rb") as file:
            for _ in range(data_file["record_count"]):
                record = _read_avro(path.parent / name, file, _RECORD)
                number += 1
                yield _decode_record(path.parent / name, number, record["key"], record["value"])
            if file.read(1):
                raise ArchiveError(f"{path.parent / name} has more records than {path.name} lists.")
    if not number:
        raise _no_records_error(path)


def _read_avro(path: Path, file: io.BufferedReader, schema: Any) -> dict[str, Any]:
    """Read one record with its length prefix; raises ArchiveError."""
    try:
        (size,) = struct.unpack(">I", file.read(4))
        record = fastavro.schemaless_reader(io.BytesIO(file.read(size)), schema, None)
    except (struct.error, EOFError, ValueError, OverflowError, IndexError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{path} is truncated or damaged.") from error
    assert isinstance(record, dict)
    return record
