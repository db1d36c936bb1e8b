"""Download the records of a topic, of all times or between two: as lines of JSON, or their values as an Avro file."""

import asyncio
import secrets
from collections.abc import Sequence
from typing import Protocol

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.decode import DecodedRecord
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.formats import AUTO, EmbeddedFormat
from karapace_like.proxy.migrations import ReaderVersion
from karapace_like.proxy.reading import RecordFormats, RecordRange
from karapace_like.proxy.rights import SubjectRights
from karapace_like.schema.avro import parse
from karapace_like.schema.model import InvalidSchemaError, SchemaType, Strictness
from karapace_like.serde.avro import AvroCodec
from karapace_like.serde.avro.container import ContainerWriter
from karapace_like.serde.codec import EncodeError
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.files.objects import AVRO_TYPES, DOWNLOAD, NDJSON
from karapace_like.web.http import responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.streaming import BodyWriter, is_connected, open_body
from karapace_like.web.proxy.admission import admit_follower
from karapace_like.web.proxy.records import render
from karapace_like.web.proxy.requests import find_reader, not_negative, optional_read_format, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route

_PROGRESS_SECONDS = 1.0
_WAIT_SECONDS = 0.5
_SYNC_BYTES = 16
_encode = msgspec.json.Encoder().encode


async def download_file(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/files: Return the records that a topic has now, one on each line, or the values as Avro."""
    media_type = responses.negotiate_media_type(request, (NDJSON, *AVRO_TYPES))
    first, end = not_negative(request, "from"), not_negative(request, "to")
    formats = _find_formats(request, is_avro=media_type != NDJSON)
    rights = find_subject_rights(request)
    partitions = await proxy(request).topics.partitions(request.match_info["topic"])
    content: _Content = _Lines() if media_type == NDJSON else await _open_avro_file(request, formats, rights)
    response = web.StreamResponse(headers={"Content-Type": media_type, "Cache-Control": "no-cache"})
    reading = proxy(request).reading
    async with (
        open_body(request, response, proxy(request).settings.stalled_after) as out,
        reading.read_range(partitions, first, end, formats, rights) as records,
    ):
        await _send(request, out, records, content)
    return response


def _find_formats(request: web.Request, *, is_avro: bool) -> RecordFormats:
    query = request.query
    if is_avro:
        for name in ("format", "key_format", "value_format"):
            if name in query:
                raise errors.violation(name, "is for lines; an Avro file has values in Avro", query[name])
        reader = find_reader(query, EmbeddedFormat.AVRO) or ReaderVersion()
        return RecordFormats(key=EmbeddedFormat.BINARY, value=EmbeddedFormat.AVRO, reader=reader)
    both = optional_read_format("format", query.get("format")) or AUTO
    value = optional_read_format("value_format", query.get("value_format")) or both
    return RecordFormats(
        key=optional_read_format("key_format", query.get("key_format")) or both,
        value=value,
        reader=find_reader(query, value),
    )


class _Content(Protocol):
    """How records are written as bytes."""

    def begin(self) -> bytes:
        """Return what is before the first record."""
        ...

    def write(self, records: Sequence[DecodedRecord]) -> bytes:
        """Return the bytes of records; raise ApiError for one that the file cannot have."""
        ...

    def tell_progress(self, count: int, size: int) -> bytes:
        """Return what says how many of the records were sent."""
        ...

    def end(self, count: int) -> bytes:
        """Return what is after the last of so many records."""
        ...

    def fail(self, error: ApiError) -> bytes | None:
        """Return what says why the file ends early; None where it has no way to say it."""
        ...


class _Lines:
    """One record on each line, and lines of progress."""

    def begin(self) -> bytes:
        return b""

    def write(self, records: Sequence[DecodedRecord]) -> bytes:
        return b"".join(_encode(render(decoded, with_timestamp=True)) + b"\n" for decoded in records)

    def tell_progress(self, count: int, size: int) -> bytes:
        return _encode({"progress": {"records": count, "of": size}}) + b"\n"

    def end(self, count: int) -> bytes:
        return _encode({"done": True, "records": count}) + b"\n"

    def fail(self, error: ApiError) -> bytes:
        return _encode({"error_code": error.code, "message": error.message}) + b"\n"


class _AvroFile:
    """The values of records in an Avro container file, without tombstones."""

    def __init__(self, schema: str) -> None:
        """Raises InvalidSchemaError."""
        self._writer = ContainerWriter(schema, secrets.token_bytes(_SYNC_BYTES))
        self._codec = AvroCodec(parse(schema, {}, Strictness.STORED))

    def begin(self) -> bytes:
        return self._writer.begin()

    def write(self, records: Sequence[DecodedRecord]) -> bytes:
        values: list[bytes] = []
        for decoded in records:
            if decoded.refusal is not None:
                raise decoded.refusal
            if isinstance(decoded.value, msgspec.Raw):
                try:
                    values.append(self._codec.encode(decoded.value))
                except EncodeError as error:
                    place = f"offset {decoded.record.offset} of {decoded.record.at}"
                    raise ProxyError(422, f"The value at {place} does not fit the file's schema: {error}") from error
        return self._writer.write(values)

    def tell_progress(self, count: int, size: int) -> bytes:  # noqa: ARG002 - the file has no place for it
        return b""

    def end(self, count: int) -> bytes:  # noqa: ARG002 - the file has no place for it
        return b""

    def fail(self, error: ApiError) -> None:  # noqa: ARG002 - the file has no place for it
        return None


async def _open_avro_file(request: web.Request, formats: RecordFormats, rights: SubjectRights) -> _AvroFile:
    """Return the file with the schema as which values are read; 422 for one that a file cannot have."""
    topic = request.match_info["topic"]
    registered = await proxy(request).reading.find_value_schema(topic, formats.reader or ReaderVersion(), rights)
    if registered.schema.type is not SchemaType.AVRO or registered.schema.references:
        raise ProxyError(
            422,
            f"The values of topic {topic} cannot be an Avro file: their schema is not Avro, or refers to others; "
            f"download them as {NDJSON}.",
        )
    try:
        return await asyncio.to_thread(_AvroFile, registered.schema.text)
    except InvalidSchemaError as error:
        raise ProxyError(422, f"The values of topic {topic} cannot be an Avro file: {error}") from error


async def _send(request: web.Request, out: BodyWriter, records: RecordRange, content: _Content) -> None:
    """Send all records, with progress each second; an error is raised before the first one, or ends the file."""
    if request.method != "GET":
        await out.begin()
        return
    admission, usage = admit_follower(request, records.followed), find_usage(request)
    loop = asyncio.get_running_loop()
    said, count, begun = loop.time(), 0, False
    try:
        while not records.is_over and is_connected(request):
            await admission.renew()
            batch = await records.next_records(wait=_WAIT_SECONDS)
            count += len(batch)
            text = content.write(batch)
            usage.consumed += len(batch)
            if not begun:
                await out.begin()
                text, begun = content.begin() + text, True
            if loop.time() - said >= _PROGRESS_SECONDS:
                said = loop.time()
                text += content.tell_progress(count, records.size)
            await out.write(text)
        if not begun:
            await out.begin()
            await out.write(content.begin())
        await out.write(content.end(count))
    except ApiError as error:
        if not begun:
            raise
        said_why = content.fail(error)
        if said_why is None:
            raise TimeoutError from error  # the client sees a connection that broke
        await out.write(said_why)


ROUTES = (
    Route(
        "GET",
        "/topics/{topic}/files",
        download_file,
        ApiRole.DATA,
        DOWNLOAD,
        permission=on_topic(Operation.READ),
    ),
)
