"""The calls about consumer instances whose bodies differ from those of v2: creation, and commit.

Source: Confluent REST Proxy API v1, consumers.
"""

from collections.abc import Mapping

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.web.callers.access import is_allowed
from karapace_like.web.http import media_types
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.errors import Handler
from karapace_like.web.http.responses import encode
from karapace_like.web.proxy.consumers import INSTANCE_FIELDS, create, find_instance
from karapace_like.web.proxy.instance_owners import at_owner
from karapace_like.web.proxy.requests import body
from karapace_like.web.proxy_v1 import media_types as v1

_RESETS = {"smallest": "earliest", "largest": "latest"}
"""`auto.offset.reset` of the consumers of Kafka 0.8 -> of today's."""
_RESET = "auto.offset.reset"


class CommittedOffset(msgspec.Struct, frozen=True):
    """One partition of the response to a commit; both offsets are those of records, not of positions after them."""

    topic: str
    partition: int
    consumed: int
    committed: int


async def create_instance(request: web.Request) -> web.Response:
    """POST /consumers/{group}: Create a consumer instance."""
    json_object = await body(v1.to_v2(request), "CreateConsumerInstanceRequest", INSTANCE_FIELDS)
    return await create(v1.to_v2(request), None if json_object is None else _to_v2(json_object))


async def commit(request: web.Request) -> web.Response:
    """POST .../offsets: Commit the offsets of all records that the instance has read, and return them."""
    instance = find_instance(request)
    await instance.commit()
    committed = [
        CommittedOffset(at.topic, at.partition, offset - 1, offset - 1)
        for at, offset, _ in await instance.fetch_committed_offsets(instance.assignment)
        if offset > 0 and is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, at.topic)
    ]
    return web.Response(body=encode(committed), content_type=media_types.KAFKA_V2)


def _to_v2(json_object: JsonObject) -> JsonObject:
    fields = {name: json_object.raw(name) for name in json_object}
    if (spelled := json_object.string(_RESET)) is not None:
        fields[_RESET] = _RESETS.get(spelled.lower(), spelled)
    return JsonObject(fields, json_object.name)


CONSUMER_CALLS: Mapping[str, Handler] = {
    "POST /consumers/{group}": create_instance,
    "POST /consumers/{group}/instances/{instance}/offsets": at_owner(commit),
}
"""Call -> its handler for v1. Responses get their media type from `translation.py`."""
