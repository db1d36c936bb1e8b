"""A broker for the ways of brokers that no real one can be brought to: a small server that speaks the protocol's bytes.

It is the leader of one partition and the coordinator of one transactional id (`partition_model.py`), and lets a test
answer, lose or refuse single requests.
"""

import asyncio
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from io import BytesIO
from typing import Any

from aiokafka.protocol.admin import ApiVersionRequest_v0
from aiokafka.protocol.api import (
    RequestHeader_v1,
    RequestHeader_v2,
    RequestStruct,
    ResponseHeader_v0,
    ResponseHeader_v1,
)
from aiokafka.protocol.coordination import FindCoordinatorRequest_v1
from aiokafka.protocol.metadata import MetadataRequest_v5
from aiokafka.protocol.offset import OffsetRequest_v3
from aiokafka.protocol.produce import ProduceRequest_v7

from karapace_like.kafka.epoch_fence.requests import DescribeProducers, InitProducerId
from tests.partition_model import ModelRecord, PartitionModel, Producer

HOST = "127.0.0.1"
TOPIC = "fake"

PRODUCE, OFFSETS, METADATA, COORDINATOR, INIT, DESCRIBE, VERSIONS = 0, 2, 3, 10, 22, 61, 18
"""The keys of the requests (Kafka protocol guide)."""

Fault = Callable[[], int | None]
"""Called before a request is carried out; an error code is the answer then."""


class LostAnswerError(Exception):
    """The connection ends instead of an answer."""


class FakeBroker:
    """One broker; `on_append` is called with the records of each batch that was appended."""

    def __init__(self) -> None:
        self.log: list[ModelRecord] = []
        self.partition = PartitionModel(time.monotonic, self._append)
        self.on_append: Callable[[Sequence[ModelRecord]], object] = lambda _: None
        self.faults: dict[int, list[Fault]] = {}
        """By request: what the next ones meet, in order."""
        self.loses_answers = 0
        """How many batches are appended from now on without an answer."""
        self.error_of_appended = 0
        """The error that these are answered with instead, as where the leader moves before its replicas have them."""
        self.requests: list[int] = []
        self.connections = 0
        self.structs: dict[int, type[RequestStruct]] = {
            VERSIONS: ApiVersionRequest_v0,
            METADATA: MetadataRequest_v5,
            COORDINATOR: FindCoordinatorRequest_v1,
            OFFSETS: OffsetRequest_v3,
            PRODUCE: ProduceRequest_v7,
            INIT: InitProducerId("", 0, None)._CLASSES[-1],
            DESCRIBE: DescribeProducers("")._CLASSES[-1],
        }
        self.port = 0
        self._writers: set[asyncio.StreamWriter] = set()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._serve, HOST, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()
            self.drop_connections()

    def drop_connections(self) -> None:
        """As after a restart, or a change of the leader."""
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def _append(self, records: Sequence[ModelRecord]) -> int:
        begun = len(self.log)
        placed = [record._replace(offset=at) for at, record in enumerate(records, begun)]
        self.log += placed
        self.on_append(placed)
        return begun

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError, LostAnswerError):
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                answer = self._answer(BytesIO(await reader.readexactly(size)))
                writer.write(struct.pack(">i", len(answer)) + answer)
        writer.close()
        self._writers.discard(writer)

    def _answer(self, data: BytesIO) -> bytes:
        key = struct.unpack(">h", data.getvalue()[:2])[0]
        request_type = self.structs[key]
        header_type = RequestHeader_v2 if request_type.FLEXIBLE_VERSION else RequestHeader_v1
        header = [field.decode(data) for field in header_type.SCHEMA.fields]
        request = request_type.decode(data)
        self.requests.append(key)
        waiting = self.faults.get(key, [])
        error_code = (waiting.pop(0)() if waiting else None) or 0
        response = request_type.RESPONSE_TYPE(*self._respond(key, request, error_code))
        head = ResponseHeader_v1 if request_type.FLEXIBLE_VERSION else ResponseHeader_v0
        values = (header[2], {}) if request_type.FLEXIBLE_VERSION else (header[2],)
        return bytes(head(*values).encode() + response.encode())

    def _respond(self, key: int, request: Any, error_code: int) -> tuple[Any, ...]:
        match key:
            case 18:
                return 0, [(each, struct_.API_VERSION, struct_.API_VERSION) for each, struct_ in self.structs.items()]
            case 3:
                topic: Any = (0, TOPIC, False, [(0, 0, 1, [1], [1], [])])
                return 0, [(1, HOST, self.port, None)], "cluster", 1, [topic]
            case 10:
                return 0, error_code, None, 1, HOST, self.port
            case 2:
                return 0, [(TOPIC, [(0, error_code, -1, len(self.log))])]
            case 22:
                current = Producer(request.producer_id, request.producer_epoch)
                if not error_code:
                    error_code, producer = self.partition.init_producer_id(None if current.id < 0 else current)
                else:
                    producer = Producer(-1, -1)
                return 0, error_code, *producer, {}
            case 61:
                described: Any = [(*each, 0, 0, -1, -1, {}) for each in self.partition.describe()]
                return 0, [(TOPIC, [(0, error_code, None, described, {})], {})], {}
            case _:
                return [(TOPIC, [(0, *self._produce(request, error_code), -1, 0)])], 0

    def _produce(self, request: Any, error_code: int) -> tuple[int, int]:
        if error_code:
            return error_code, -1
        batch = request.topics[0][1][0][1]
        found = self.partition.append(batch)
        if self.loses_answers:
            self.loses_answers -= 1
            if not self.error_of_appended:
                raise LostAnswerError
            return self.error_of_appended, -1
        return found
