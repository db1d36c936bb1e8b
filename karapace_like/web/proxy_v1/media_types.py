"""The media types of REST v1, and those of v2 that mean the same.

A type without a version counts as v1, which was the only version when clients began to send it.
Source: Confluent REST Proxy API v1, content types.
"""

from collections.abc import Mapping

from aiohttp import web
from multidict import CIMultiDict

from karapace_like.proxy.formats import EmbeddedFormat
from karapace_like.web.http import media_types, responses

V1 = "application/vnd.kafka.v1+json"
_UNVERSIONED = "application/vnd.kafka+json"
_FORMATS = (EmbeddedFormat.BINARY, EmbeddedFormat.JSON, EmbeddedFormat.AVRO)
"""The embedded formats of v1."""

EMBEDDED: Mapping[str, EmbeddedFormat] = {
    media_type: embedded
    for embedded in _FORMATS
    for media_type in (f"application/vnd.kafka.{embedded}.v1+json", f"application/vnd.kafka.{embedded}+json")
}
"""Media type -> embedded format."""
OFFER = (V1, _UNVERSIONED, media_types.JSON, *EMBEDDED)
"""The media types of responses without records, the preferred one first."""
READ_OFFER = (next(iter(EMBEDDED)), V1, _UNVERSIONED, media_types.JSON, *EMBEDDED)
"""The media types of records that are read; binary unless the client names another format."""
_TYPES = frozenset({V1, _UNVERSIONED, *EMBEDDED})


def is_v1(request: web.Request) -> bool:
    """Return whether the body has a media type of v1, or the caller accepts one and none of v2."""
    if media_types.essence(request.headers.get("Content-Type", "")) in _TYPES:
        return True
    accepted = {media_types.essence(part) for part in request.headers.get("Accept", "").split(",")}
    return not accepted.isdisjoint(_TYPES) and not any(".v2+json" in media_type for media_type in accepted)


def negotiate(request: web.Request, offer: tuple[str, ...] = OFFER) -> str:
    """Return the type of v1 that the caller accepts. A caller who sends v1 and accepts v2 only gets v1; else 406."""
    accept = request.headers.get("Accept", "")
    if accept and media_types.negotiate(accept, offer) is None and ".v2+json" in accept:
        return offer[0]
    return responses.negotiate_media_type(request, offer)


def to_v2(request: web.Request) -> web.Request:
    """Return the request with the media types of v2."""
    headers = CIMultiDict(request.headers)
    headers["Accept"] = media_types.KAFKA_V2
    named = media_types.essence(headers.get("Content-Type", ""))
    if named in EMBEDDED:
        headers["Content-Type"] = f"application/vnd.kafka.{EMBEDDED[named]}.v2+json"
    elif named in _GENERAL:
        is_produce = request.path.startswith("/topics")
        headers["Content-Type"] = _BINARY if is_produce else media_types.KAFKA_V2
    return request.clone(headers=headers)


_BINARY = "application/vnd.kafka.binary.v2+json"
_GENERAL = frozenset({V1, _UNVERSIONED, media_types.JSON, "application/octet-stream"})
"""Types of bodies that name no format: records are binary then."""
