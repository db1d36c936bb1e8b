"""Records of a topic, written and read through a REST proxy with the API v2.

The reader is a consumer instance of its own group, which assigns all partitions to itself and commits nothing.
"""

import secrets
from base64 import b64encode
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus
from typing import Any, NamedTuple

import msgspec

from karapace_like.client.proxy_client import ProxyClient
from karapace_like.client.registry_client import RefusedError, UnreachableError, path
from karapace_like.errors import NOT_JSON
from karapace_like.tooling.errors import ToolError

FORMATS = ("json", "avro", "jsonschema", "protobuf", "binary", "string")
"""The formats of keys and values; `string` is of this service's proxy only, as is `auto`, which reads any of them."""
_BATCH_RECORDS = 500
_BATCH_CHARACTERS = 500_000
_POLL_MILLISECONDS = 1_000
_QUIET_POLLS = 3
"""Polls without records before the end is taken as reached: markers of transactions have offsets, too."""
_MISSING_SCHEMA = {
    42201: " Name the keys' schema with --key-schema or --key-schema-id.",
    42202: " Name the values' schema with --schema or --schema-id.",
}
_RECORD_FIELDS = ("key", "value", "partition", "headers")


class Line(NamedTuple):
    """A record to write, and the number of its line."""

    number: int
    record: Mapping[str, Any]
    size: int


class RecordForms(NamedTuple):
    """How lines and records are read."""

    key: str
    value: str
    key_separator: str | None = None
    """What ends the key in a line; None: lines have no keys."""
    are_records: bool = False
    """Whether each line is a whole record, as `consume --format json` prints it."""


class FailedLine(msgspec.Struct, frozen=True):
    """A record that was not written."""

    line: int
    error_code: int
    error: str


class Written(msgspec.Struct, frozen=True):
    """The outcome of a run."""

    topic: str
    written: int
    failed: list[FailedLine]


def parse_lines(lines: Iterable[bytes], forms: RecordForms) -> Iterator[Line]:
    """Yield a record for each line that is not empty; raises ToolError, which names the line."""
    for number, line in enumerate(lines, 1):
        content = line.rstrip(b"\r\n")
        if content:
            try:
                yield Line(number, _parse_line(content, forms), len(content))
            except (UnicodeDecodeError, *NOT_JSON) as error:
                raise ToolError(f"Line {number} cannot be read: {error}. {_describe_lines(forms)}") from error


def _parse_line(content: bytes, forms: RecordForms) -> Mapping[str, Any]:
    if forms.are_records:
        fields = msgspec.json.decode(content, type=dict[str, msgspec.Raw])
        return {name: fields[name] for name in _RECORD_FIELDS if name in fields}
    if forms.key_separator is None:
        return {"value": _parse_part(content, forms.value)}
    key, separator, value = content.partition(forms.key_separator.encode())
    if not separator:
        raise msgspec.DecodeError(f"there is no {forms.key_separator!r} after a key")
    return {"key": _parse_part(key, forms.key), "value": _parse_part(value, forms.value)}


def _parse_part(content: bytes, form: str) -> Any:
    match form:
        case "string":
            return content.decode()
        case "binary":
            return b64encode(content).decode()
        case _:
            msgspec.json.decode(content)  # a part that is no JSON would break the request
            return msgspec.Raw(content)


def _describe_lines(forms: RecordForms) -> str:
    if forms.are_records:
        return 'Each line is a JSON object with "key", "value", "partition" and "headers", of which any may be missing.'
    return f"Each line is a value in the format {forms.value}."


async def produce(
    proxy: ProxyClient, topic: str, lines: Iterable[Line], forms: RecordForms, schemas: Mapping[str, Any]
) -> Written:
    """Write the records in order; `schemas` are fields of the request, such as `value_schema`. Raises RefusedError."""
    written, failed = 0, list[FailedLine]()
    query = {} if forms.key == forms.value else {"key_format": forms.key, "value_format": forms.value}
    for batch in _split_into_batches(lines):
        body = {**schemas, "records": [line.record for line in batch]}
        try:
            response = await proxy.produce(path("topics", topic), body, forms.value, **query)
        except RefusedError as error:
            raise ToolError(
                f"The REST proxy rejected lines {batch[0].number} to {batch[-1].number}: {error.sentence}. "
                f"{_count_records(written)} written before them.{_MISSING_SCHEMA.get(error.code, '')}"
            ) from error
        for line, delivery in zip(batch, response["offsets"], strict=True):
            if delivery.get("error_code") is None:
                written += 1
            else:
                failed.append(FailedLine(line.number, delivery["error_code"], str(delivery.get("error"))))
    return Written(topic, written, failed)


def _split_into_batches(lines: Iterable[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for line in lines:
        if batch and (len(batch) == _BATCH_RECORDS or size + line.size > _BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch.append(line)
        size += line.size
    if batch:
        yield batch


def _count_records(count: int) -> str:
    return "1 record was" if count == 1 else f"{count} records were"


class Selection(NamedTuple):
    """Which records are read."""

    partition: int | None = None
    offset: int | None = None
    """The first one of each partition; None: the first that there is."""
    last: int | None = None
    """Instead of an offset: so many before the end of each partition."""
    follows: bool = False
    """Whether records that arrive later are awaited; if not, the end is that of the beginning."""


async def read_records(
    proxy: ProxyClient, topic: str, key_form: str, value_form: str, selection: Selection
) -> AsyncGenerator[Mapping[str, Any], None]:
    """Yield the records of the topic; raises RefusedError, UnreachableError, ToolError."""
    ends = await _fetch_ranges(proxy, topic, selection.partition)
    starts = {number: _find_start(start, end, selection) for number, (start, end) in ends.items()}
    left = {number: end for number, (_, end) in ends.items() if starts[number] < end}
    if not (left or selection.follows):
        return
    async with _open_instance(proxy, key_form, value_form) as instance:
        partitions = [{"topic": topic, "partition": number} for number in ends]
        await proxy.ask("POST", f"{instance}/assignments", {"partitions": partitions})
        offsets = [{"topic": topic, "partition": number, "offset": start} for number, start in starts.items()]
        await proxy.ask("POST", f"{instance}/positions", {"offsets": offsets})
        quiet = 0
        while selection.follows or (left and quiet < _QUIET_POLLS):
            records = await proxy.read(f"{instance}/records", value_form, timeout=_POLL_MILLISECONDS)
            quiet = 0 if records else quiet + 1
            for record in records:
                number, offset = record["partition"], record["offset"]
                if selection.follows or offset < left.get(number, 0):
                    yield record
                if offset + 1 >= left.get(number, offset + 2):
                    del left[number]


def _find_start(start: int, end: int, selection: Selection) -> int:
    if selection.last is not None:
        return max(start, end - selection.last)
    return start if selection.offset is None else min(max(start, selection.offset), end)


async def _fetch_ranges(proxy: ProxyClient, topic: str, partition: int | None) -> dict[int, tuple[int, int]]:
    """Return partition -> (first offset, end offset)."""
    try:
        partitions = await proxy.ask("GET", path("topics", topic, "partitions"))
    except RefusedError as error:
        if error.status != HTTPStatus.NOT_FOUND or error.is_unknown_call:
            raise
        raise ToolError(
            f"There is no topic {topic}, or none that you may read. Check its name, and --proxy."
        ) from error
    numbers = [described["partition"] for described in partitions]
    if partition is not None and partition not in numbers:
        raise ToolError(f"The topic {topic} has no partition {partition}. It has {len(numbers)} from 0 on.")
    ranges: dict[int, tuple[int, int]] = {}
    for number in numbers if partition is None else [partition]:
        offsets = await proxy.ask("GET", path("topics", topic, "partitions", number, "offsets"))
        ranges[number] = offsets["beginning_offset"], offsets["end_offset"]
    return ranges


@asynccontextmanager
async def _open_instance(proxy: ProxyClient, key_form: str, value_form: str) -> AsyncIterator[str]:
    """Yield the path of a consumer instance, which is deleted at the end."""
    group = f"karapace-like-{secrets.token_hex(8)}"
    body = {"format": value_form, "auto.offset.reset": "earliest", "auto.commit.enable": "false"}
    if key_form != value_form:
        body["key.format"] = key_form
    created = await proxy.ask("POST", path("consumers", group), body)
    instance = path("consumers", group, "instances", created["instance_id"])
    try:
        yield instance
    finally:
        with suppress(RefusedError, UnreachableError):  # it expires
            await proxy.ask("DELETE", instance)
