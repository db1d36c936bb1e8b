"""Turn the bytes of an uploaded file into records, piece by piece."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Protocol

import msgspec

from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.process.turns import Turn
from karapace_like.proxy import errors
from karapace_like.proxy.encoding import ABSENT
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.produce import ProducedHeader, ProducedRecord
from karapace_like.proxy.v3.json_stream import JsonSplitter, StreamError
from karapace_like.records import MAX_PARTITION
from karapace_like.schema.avro import parse
from karapace_like.schema.model import InvalidSchemaError, Strictness
from karapace_like.serde.avro.container import Block, ContainerError, ContainerReader, decode_values, make_reader
from karapace_like.serde.avro.decoder import Read
from karapace_like.web.http.bodies import Recoder

_MAX_BLOCK = 16 * 1024 * 1024
"""Bytes of a block of an Avro file; writers make blocks of 16 to 64 kB."""
_LARGE_BLOCK = 256 * 1024
"""From so many bytes on, a block is inflated in a thread."""


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A line of a file: a record as produce takes it, or as a download has it. A last line of a download is skipped."""

    key: msgspec.Raw = ABSENT
    value: msgspec.Raw = ABSENT
    partition: int | None = None
    headers: tuple[ProducedHeader, ...] | None = None
    topic: str | None = None
    offset: int | None = None
    timestamp: int | None = None
    progress: msgspec.Raw = ABSENT
    done: bool = False
    records: int | None = None


_lines = msgspec.json.Decoder(_Line)


class Contents(Protocol):
    """The records of a file. Both methods raise ApiError for what is no such file."""

    def feed(self, chunk: bytes) -> AsyncIterator[ProducedRecord]:
        """Yield the records that are complete with these bytes."""
        ...

    def end(self) -> AsyncIterator[ProducedRecord]:
        """Yield what is left after the last byte."""
        ...


class Lines:
    """One JSON object on each line, or after each other."""

    def __init__(self, max_bytes: int, max_depth: int) -> None:
        self._recoder = Recoder()
        self._splitter = JsonSplitter(max_bytes=max_bytes, max_depth=max_depth)

    async def feed(self, chunk: bytes) -> AsyncIterator[ProducedRecord]:
        """Yield the records that are complete with these bytes."""
        try:
            for text in self._splitter.feed(self._recoder.recode(chunk)):
                record = _parse_line(text)
                if record is not None:
                    yield record
        except (StreamError, UnicodeDecodeError) as error:
            raise errors.bad_request(f"the file cannot be split into lines: {error}") from error

    async def end(self) -> AsyncIterator[ProducedRecord]:
        """Yield the last record, whose line has no end."""
        text = self._splitter.end()
        record = None if text is None else _parse_line(text)
        if record is not None:
            yield record


class AvroFile:
    """An Avro container file; its datums are the values."""

    def __init__(self) -> None:
        self._reader = ContainerReader(_MAX_BLOCK)
        self._read: Read | None = None

    @property
    def schema(self) -> str | None:
        """The text of its schema, once that has come."""
        return self._reader.schema

    def feed(self, chunk: bytes) -> AsyncIterator[ProducedRecord]:
        """Yield the records of the blocks that are complete with these bytes."""
        return self._decode(self._reader.feed(chunk))

    def end(self) -> AsyncIterator[ProducedRecord]:
        """Yield the records of the blocks that are left; raise ApiError if the file is not whole."""
        return self._decode(self._reader.end())

    async def _decode(self, blocks: Iterator[Block]) -> AsyncIterator[ProducedRecord]:
        turn = Turn()
        try:
            for block in blocks:
                data = await self._inflate(block)
                for value in decode_values(await self._find_read(), block.values, data):
                    yield ProducedRecord(value=value)
                    if turn.is_over():
                        await turn.yield_to_others()
        except ContainerError as error:
            raise unreadable_file_error(str(error)) from error

    async def _inflate(self, block: Block) -> bytes:
        if len(block.data) < _LARGE_BLOCK // 16:
            return self._reader.inflate(block)
        return await asyncio.to_thread(self._reader.inflate, block)

    async def _find_read(self) -> Read:
        if self._read is None:
            try:
                self._read = await asyncio.to_thread(_compile, self.schema or "")
            except (InvalidSchemaError, RecursionError) as error:
                raise unreadable_file_error(f"its schema cannot be used: {error}") from error
        return self._read


def _compile(text: str) -> Read:
    return make_reader(parse(text, {}, Strictness.STORED))


def _parse_line(text: bytes) -> ProducedRecord | None:
    """Return the record of a line; None for one that says how far a download has come."""
    try:
        line = _lines.decode(text)
    except NOT_JSON as error:
        raise errors.bad_request(f'a line is no record such as {{"value": 1}}: {error}') from error
    if line.done or line.progress is not ABSENT:
        return None
    if line.partition is not None and not 0 <= line.partition <= MAX_PARTITION:
        raise errors.violation("partition", f"must be from 0 to {MAX_PARTITION}", str(line.partition))
    return ProducedRecord(line.key, line.value, line.partition, line.headers)


def unreadable_file_error(reason: str) -> ApiError:
    """Return the 422 for bytes that are no Avro container file that can be read; `reason` is a clause."""
    return ProxyError(422, f"The body is no Avro container file that can be read: {reason}.")
