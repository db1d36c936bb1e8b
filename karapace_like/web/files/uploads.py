"""Upload a file of records to a topic: lines of JSON, or an Avro container file.

Records are written batch by batch, in order, while the file comes; the response has a line of progress each second. It
ends at the first record that cannot be written.
"""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.files.upload import BATCH_BYTES, BATCH_RECORDS, FileError, Upload
from karapace_like.proxy.formats import EmbeddedFormat, RecordPart
from karapace_like.proxy.produce import ProducedRecord, ProduceOptions, ProduceRequest
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.files.contents import AvroFile, Contents, Lines
from karapace_like.web.files.objects import AVRO_TYPES, NDJSON, SCHEMAS, UPLOAD
from karapace_like.web.http import media_types, responses
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.request_bodies import BodyPieces, is_chunked
from karapace_like.web.proxy.admission import Admission
from karapace_like.web.proxy.requests import find_reading, not_negative, optional_format, proxy
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.routing import Route

_TYPES = (NDJSON, *AVRO_TYPES)
_PROGRESS_SECONDS = 1.0
_encode = msgspec.json.Encoder().encode


async def upload_file(request: web.Request) -> web.StreamResponse:
    """POST /topics/{topic}/files: Write the records of a file, which may be of any size, in order."""
    responses.negotiate_media_type(request, (NDJSON,))
    content_type = request.headers.get("Content-Type")
    essence = None if content_type is None else media_types.essence(content_type)
    if essence not in _TYPES:
        raise errors.unsupported_media_type(content_type, _TYPES)
    is_avro = essence in AVRO_TYPES
    settings = proxy(request).settings
    contents: Contents = AvroFile() if is_avro else Lines(request.client_max_size, settings.max_nesting)
    upload = Upload(
        proxy(request).producing,
        request.match_info["topic"],
        _find_encoding(request, is_avro=is_avro),
        ProduceOptions(dict.fromkeys(RecordPart, EmbeddedFormat.JSON), reading=find_reading(request)),
        not_negative(request, "skip") or 0,
    )
    return await _Transfer(request, contents, upload).run()


class _Transfer:
    """One upload, and its response."""

    def __init__(self, request: web.Request, contents: Contents, upload: Upload) -> None:
        self._request = request
        self._contents = contents
        self._upload = upload
        self._response = web.StreamResponse(headers={"Content-Type": NDJSON})
        self._registers = request.query.get("schema", SCHEMAS[0]) == SCHEMAS[0]

    async def run(self) -> web.StreamResponse:
        """Write the file and return the response; raise ApiError for an error before the first batch is written."""
        admission, failed = Admission(self._request), None
        loop = asyncio.get_running_loop()
        said = loop.time()
        try:
            async for batch in self._batches():
                await admission.renew()
                before = self._upload.written
                failed = await self._upload.write(batch, find_subject_rights(self._request))
                find_usage(self._request).produced += self._upload.written - before
                if failed is not None:
                    break
                await self._begin()
                if loop.time() - said >= _PROGRESS_SECONDS:
                    await self._say({"progress": self._counts()})
                    said = loop.time()
        except ApiError as error:
            failed = FileError(self._upload.records, error)
        if failed is not None and not self._response.prepared and not self._upload.written:
            raise failed.error
        await self._say(self._counts() | ({"done": True} if failed is None else _describe(failed)))
        await self._response.write_eof()
        return self._response

    def _counts(self) -> dict[str, object]:
        return {"records": self._upload.records, "written": self._upload.written}

    async def _begin(self) -> None:
        if not self._response.prepared:
            if is_chunked(self._request):
                self._response.force_close()
            await self._response.prepare(self._request)

    async def _say(self, line: dict[str, object]) -> None:
        await self._begin()
        async with asyncio.timeout(proxy(self._request).settings.stalled_after):
            await self._response.write(_encode(line) + b"\n")

    async def _batches(self) -> AsyncIterator[list[ProducedRecord]]:
        """Yield the records of the file in batches, each as soon as the bytes that have come end or it is full."""
        pieces = BodyPieces(self._request)
        while chunk := await pieces.read():
            async for batch in _gather(self._contents.feed(chunk)):
                self._use_schema()
                yield batch
        async for batch in _gather(self._contents.end()):
            self._use_schema()
            yield batch

    def _use_schema(self) -> None:
        """Have the values of an Avro file written with its schema, unless they are to be with the latest."""
        contents, encoding = self._contents, self._upload.encoding
        if isinstance(contents, AvroFile) and self._registers and encoding.value_schema is None:
            self._upload.encoding = msgspec.structs.replace(encoding, value_schema=contents.schema)


async def _gather(records: AsyncIterator[ProducedRecord]) -> AsyncIterator[list[ProducedRecord]]:
    """Yield the records in batches that are small enough to be written at once."""
    batch: list[ProducedRecord] = []
    size = 0
    try:
        async for record in records:
            batch.append(record)
            size += len(record.key) + len(record.value)
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                yield batch
                batch, size = [], 0
    except ApiError:
        if batch:
            yield batch  # what is before the fault is written
        raise
    if batch:
        yield batch


def _find_encoding(request: web.Request, *, is_avro: bool) -> ProduceRequest:
    """Return a request without records that says how those of the file are encoded; 422 for bad parameters."""
    query = request.query
    schema = query.get("schema", SCHEMAS[0])
    if schema not in SCHEMAS:
        raise errors.violation("schema", f"must be {' or '.join(SCHEMAS)}", schema)
    if is_avro:
        for name in ("key_format", "value_format", "key_schema_id", "value_schema_id"):
            if name in query:
                raise errors.violation(name, "is not for an Avro file, which has its schema", query[name])
        return ProduceRequest(records=(), value_format=EmbeddedFormat.AVRO)
    return ProduceRequest(
        records=(),
        key_format=optional_format("key_format", query.get("key_format")) or EmbeddedFormat.JSON,
        value_format=optional_format("value_format", query.get("value_format")) or EmbeddedFormat.JSON,
        key_schema_id=not_negative(request, "key_schema_id"),
        value_schema_id=not_negative(request, "value_schema_id"),
    )


def _describe(failed: FileError) -> dict[str, object]:
    return {"record": failed.record, "error_code": failed.error.code, "message": failed.error.message}


ROUTES = (
    Route(
        "POST",
        "/topics/{topic}/files",
        upload_file,
        ApiRole.DATA,
        UPLOAD,
        permission=on_topic(Operation.WRITE),
    ),
)
