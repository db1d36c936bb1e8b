"""Download the records of a topic as lines of JSON, of all times or between two."""

import asyncio

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy.formats import AUTO
from karapace_like.proxy.reading import RecordFormats, RecordRange
from karapace_like.web.callers.permissions import on_topic
from karapace_like.web.callers.usage import find_usage
from karapace_like.web.files.objects import DOWNLOAD, NDJSON
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
_encode = msgspec.json.Encoder().encode


async def download_file(request: web.Request) -> web.StreamResponse:
    """GET /topics/{topic}/files: Return the records that a topic has now, one on each line; a last line says that."""
    responses.negotiate_media_type(request, (NDJSON,))
    first, end, query = not_negative(request, "from"), not_negative(request, "to"), request.query
    both = optional_read_format("format", query.get("format")) or AUTO
    value = optional_read_format("value_format", query.get("value_format")) or both
    formats = RecordFormats(
        key=optional_read_format("key_format", query.get("key_format")) or both,
        value=value,
        reader=find_reader(query, value),
    )
    partitions = await proxy(request).topics.partitions(request.match_info["topic"])
    response = web.StreamResponse(headers={"Content-Type": NDJSON, "Cache-Control": "no-cache"})
    reading = proxy(request).reading
    async with (
        open_body(request, response, proxy(request).settings.stalled_after) as out,
        reading.read_range(partitions, first, end, formats, find_subject_rights(request)) as records,
    ):
        await out.begin()
        if request.method == "GET":
            await _send(request, out, records)
    return response


async def _send(request: web.Request, out: BodyWriter, records: RecordRange) -> None:
    """Send all records, with a line of progress each second, and the last line, or that of an error."""
    admission, usage = admit_follower(request, records.followed), find_usage(request)
    loop = asyncio.get_running_loop()
    said, count = loop.time(), 0
    try:
        while not records.is_over and is_connected(request):
            await admission.renew()
            batch = await records.next_records(wait=_WAIT_SECONDS)
            count += len(batch)
            usage.consumed += len(batch)
            lines = [_encode(render(decoded, with_timestamp=True)) for decoded in batch]
            if loop.time() - said >= _PROGRESS_SECONDS:
                said = loop.time()
                lines.append(_encode({"progress": {"records": count, "of": records.size}}))
            if lines:
                await out.write(b"\n".join(lines) + b"\n")
        await out.write(_encode({"done": True, "records": count}) + b"\n")
    except ApiError as error:
        await out.write(_encode({"error_code": error.code, "message": error.message}) + b"\n")


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
