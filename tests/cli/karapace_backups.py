"""Backups in the formats of Karapace's tool, written from what is known of them (see `backup/karapace_files.py`)."""

import io
import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fastavro

from karapace_like.backup.karapace_files import _METADATA, _RECORD

Topic = Sequence[tuple[bytes, bytes | None]]


def version_1(folder: Path, topic: Topic) -> Path:
    path = folder / "schemas.log"
    pairs = [[key.decode(), "null" if value is None else value.decode()] for key, value in topic]
    path.write_text(json.dumps(pairs))
    return path


def version_2(folder: Path, topic: Topic) -> Path:
    path = folder / "schemas.log"
    lines = [f"{key.hex().upper()}\t{'null' if value is None else value.hex().upper()}\n" for key, value in topic]
    path.write_text("/V2\n" + "".join(lines))
    return path


def version_3(folder: Path, topic: Topic) -> Path:
    with (folder / "_schemas:0.data").open("wb") as file:
        for offset, (key, value) in enumerate(topic):
            record: dict[str, object] = {
                "key": key,
                "value": value,
                "headers": [],
                "offset": offset,
                "timestamp": 1_700_000_000_000,
            }
            file.write(_sized({**record, "checksum_checkpoint": None}, _RECORD))
    data = {"filename": "_schemas:0.data", "partition": 0, "checksum": b"x", "record_count": len(topic)}
    metadata = {
        "version": 3,
        "tool_name": "karapace",
        "tool_version": "5.0.3",
        "started_at": 1_700_000_000_000,
        "finished_at": 1_700_000_000_001,
        "record_count": len(topic),
        "topic_name": "_schemas",
        "topic_id": None,
        "partition_count": 1,
        "replication_factor": 1,
        "topic_configurations": {"cleanup.policy": "compact"},
        "data_files": [{**data, "start_offset": 0, "end_offset": len(topic) - 1}],
        "checksum_algorithm": "xxhash3_64_be",
    }
    (folder / "_schemas.metadata").write_bytes(b"/V3\n" + _sized(metadata, _METADATA))
    return folder


def _sized(value: object, schema: Any) -> bytes:
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, schema, value)
    return struct.pack(">I", buffer.tell()) + buffer.getvalue()
