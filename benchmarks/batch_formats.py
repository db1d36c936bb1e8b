"""Records of 1 KB in the formats that a request could have: what it costs to read 100 of them into keys and values.

python -m benchmarks.batch_formats
"""

import io
import json
import struct
import timeit
from base64 import b64encode
from collections.abc import Callable
from functools import partial
from typing import Any

import fastavro
import msgspec
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from karapace_like.proxy.encoding import MESSAGE_PACK_ENCODERS, SCHEMALESS_ENCODERS
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import ProduceRequest
from karapace_like.web.proxy.message_pack import parse_message_pack

_COUNT = 100
_VALUE = bytes(range(256)) * 4
_LENGTHS = struct.Struct(">ii")
_AVRO = fastavro.parse_schema(
    {
        "type": "record",
        "name": "Record",
        "fields": [{"name": name, "type": ["null", "bytes"]} for name in ("key", "value")],
    }
)
_JSON = SCHEMALESS_ENCODERS[RecordPart.VALUE][EmbeddedFormat.BINARY]
_PACKED = MESSAGE_PACK_ENCODERS[RecordPart.VALUE]
Values = list[bytes | None]
Read = Callable[[bytes], Values]


def main() -> None:
    """Print microseconds for each record, the least of ten rounds."""
    value = b64encode(_VALUE).decode()
    in_json = json.dumps({"records": [{"value": value}] * _COUNT}).encode()
    packed = msgspec.msgpack.encode({"records": [{"value": _VALUE}] * _COUNT})
    container = io.BytesIO()
    fastavro.writer(container, _AVRO, [{"key": None, "value": _VALUE}] * _COUNT)
    readers: dict[str, tuple[Read, bytes]] = {
        "base64 in JSON": (_read_json, in_json),
        "MessagePack": (_read_message_pack, packed),
        "length-prefixed": (_read_frames, (_LENGTHS.pack(-1, len(_VALUE)) + _VALUE) * _COUNT),
        "Kafka's record batch (aiokafka, C)": (_read_batch, _build_batch()),
        "Avro container (fastavro, C)": (_read_avro, container.getvalue()),
    }
    for name, (read, body) in readers.items():
        assert read(body) == [_VALUE] * _COUNT, name
        seconds = min(timeit.repeat(partial(read, body), number=200, repeat=10)) / 200
        print(f"{name:36}{seconds / _COUNT * 1e6:6.2f} us a record, {len(body) / _COUNT:7,.0f} bytes")


def _read_json(body: bytes) -> Values:
    return [_JSON.encode(record.value) for record in msgspec.json.decode(body, type=ProduceRequest).records]


def _read_message_pack(body: bytes) -> Values:
    request = parse_message_pack(body, ProduceRequest, lambda _: None)
    return [_PACKED.encode(record.value) for record in request.records]


def _read_frames(body: bytes) -> Values:
    values: Values = []
    place = 0
    while place < len(body):
        key_bytes, value_bytes = _LENGTHS.unpack_from(body, place)
        place += _LENGTHS.size + max(key_bytes, 0)
        values.append(body[place : place + value_bytes] if value_bytes >= 0 else None)
        place += max(value_bytes, 0)
    return values


def _build_batch() -> bytes:
    unset: Any = {"producer_id": -1, "producer_epoch": -1, "base_sequence": -1, "is_transactional": 0}
    builder = DefaultRecordBatchBuilder(magic=2, compression_type=0, batch_size=1 << 30, **unset)
    for offset in range(_COUNT):
        builder.append(offset, 0, None, _VALUE, [])
    return bytes(builder.build())


def _read_batch(body: bytes) -> Values:
    batch = DefaultRecordBatch(body)
    assert batch.validate_crc()
    return [record.value for record in batch]


def _read_avro(body: bytes) -> Values:
    records: Any = fastavro.reader(io.BytesIO(body))
    return [record["value"] for record in records]


if __name__ == "__main__":
    main()
