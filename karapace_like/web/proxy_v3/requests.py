"""Reading what REST v3 requests say: path, query and body."""

from collections.abc import Collection
from enum import StrEnum
from typing import TypeVar

import msgspec
from aiohttp import web

from karapace_like.proxy import errors as proxy_errors
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.management import Management
from karapace_like.records import TopicPartition
from karapace_like.web import answers, bodies, media_types
from karapace_like.web.bodies import JsonObject
from karapace_like.web.proxy.requests import check_fields, number, proxy

E = TypeVar("E", bound=StrEnum)

_OFFER = (media_types.JSON,)
_encoder = msgspec.json.Encoder()


def management(request: web.Request) -> Management:
    """What the application's v3 calls are about."""
    return proxy(request).management


def cluster(request: web.Request) -> str:
    """The cluster of the path."""
    return request.match_info["cluster"]


def topic(request: web.Request) -> str:
    """The topic of the path."""
    return request.match_info["topic"]


def group(request: web.Request) -> str:
    """The consumer group of the path."""
    return request.match_info["group"]


def broker(request: web.Request) -> int:
    """The broker of the path; 404 for what is no number."""
    return number(request.match_info["broker"], bits=32)


def partition(request: web.Request) -> TopicPartition:
    """The partition of the path; 404 for what is no number."""
    return TopicPartition(topic(request), number(request.match_info["partition"], bits=32))


def flag(request: web.Request, name: str) -> bool:
    """A truth value of the query."""
    return request.query.get(name, "").strip().lower() == "true"


def member(kind: type[E], name: str, text: str | None, absent: E | None) -> E:
    """A member of an enumeration by its name in any case; 400 for what is none."""
    if text is None or text == "":
        if absent is None:
            raise errors.malformed(f"{name} is required")
        return absent
    try:
        return kind(text.upper())
    except ValueError as error:
        names = ", ".join(kind)
        raise errors.malformed(f"{name} {text!r} is not one of the values accepted: [{names}]") from error


async def body(request: web.Request, name: str, fields: Collection[str]) -> JsonObject:
    """The body; 415 for another media type, 42206 if there is none, 422 for a field that is not among `fields`."""
    if media_types.essence(request.headers.get("Content-Type", media_types.JSON)) != media_types.JSON:
        raise proxy_errors.unsupported_media_type()
    found = await bodies.read_object(request, name)
    if found is None:
        raise errors.no_body()
    check_fields(found, fields)
    return found


def needed(found: JsonObject, field: str) -> str:
    """A text that a body must have; 400 if it has none."""
    text = found.string(field)
    if text is None:
        raise errors.malformed(f"Cannot construct instance of `{found.name}`, problem: Null {field}")
    return text


def needed_objects(found: JsonObject, field: str, name: str) -> list[JsonObject]:
    """A list that a body must have; 400 if it has none."""
    listed = found.objects(field, name)
    if listed is None:
        raise errors.malformed(f"Cannot construct instance of `{found.name}`, problem: Null {field}")
    return listed


def answer(request: web.Request, value: object, status: int = 200) -> web.Response:
    """The value as JSON; 406 if the client takes none."""
    return web.Response(body=_encoder.encode(value), status=status, content_type=answers.media_type(request, _OFFER))
