"""Parse REST v3 requests: path, query and body."""

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

import msgspec
from aiohttp import web

from karapace_like.proxy import bounds
from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.management import Management
from karapace_like.records import TopicPartition
from karapace_like.web.http import bodies, media_types, responses
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.requests import check_fields, proxy

E = TypeVar("E", bound=StrEnum)

_OFFER = (media_types.JSON,)
_encoder = msgspec.json.Encoder()


def management(request: web.Request) -> Management:
    """Return the services of REST v3, of the caller or the application."""
    return proxy(request).management


def cluster(request: web.Request) -> str:
    """Return the cluster id of the path."""
    return request.match_info["cluster"]


def topic(request: web.Request) -> str:
    """Return the topic of the path."""
    return request.match_info["topic"]


def group(request: web.Request) -> str:
    """Return the consumer group of the path."""
    return request.match_info["group"]


def broker(request: web.Request) -> int:
    """Return the broker id of the path; 404 if it is no number, or a negative one."""
    number = bounds.parse_number(request.match_info["broker"], bits=32)
    if number < 0:
        raise errors.broker_not_found_error(number)
    return number


def partition(request: web.Request) -> TopicPartition:
    """Return the partition of the path; 404 if it is no number."""
    return bounds.parse_partition(topic(request), request.match_info["partition"])


def flag(request: web.Request, name: str) -> bool:
    """Return whether the query sets the parameter to true."""
    return request.query.get(name, "").strip().lower() == "true"


def member(kind: type[E], name: str, text: str | None, absent: E | None) -> E:
    """Return the member of an enumeration with this name, in any case; 400 if there is none."""
    if text is None or text == "":
        if absent is None:
            raise errors.missing_field(name, "the request")
        return absent
    try:
        return kind(text.upper())
    except ValueError as error:
        raise errors.unknown_choice(name, text, kind) from error


async def body(request: web.Request, name: str, fields: Collection[str]) -> JsonObject:
    """Return the body; 415 for another media type, 42206 without a body, 422 for a field that is not in `fields`."""
    content_type = request.headers.get("Content-Type", media_types.JSON)
    if media_types.essence(content_type) != media_types.JSON:
        raise proxy_errors.unsupported_media_type(content_type, (media_types.JSON,))
    json_object = await bodies.read_object(request, name)
    if json_object is None:
        raise errors.no_body()
    check_fields(json_object, fields)
    return json_object


def require_text(json_object: JsonObject, field: str) -> str:
    """Return a required string of a body; 400 if it is missing."""
    text = json_object.string(field)
    if text is None:
        raise errors.missing_field(field, json_object.name)
    return text


def require_objects(json_object: JsonObject, field: str, name: str) -> list[JsonObject]:
    """Return a required list of objects of a body; 400 if it is missing."""
    listed = json_object.objects(field, name)
    if listed is None:
        raise errors.missing_field(field, json_object.name)
    return listed


def answer(request: web.Request, value: object, status: int = 200) -> web.Response:
    """Respond with the value as JSON; 406 if the client does not accept it."""
    return web.Response(
        body=_encoder.encode(value), status=status, content_type=responses.negotiate_media_type(request, _OFFER)
    )
