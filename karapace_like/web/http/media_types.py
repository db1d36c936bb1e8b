"""The media types of each API, and their negotiation by `Accept` and `Content-Type` (RFC 9110, 8.3 and 12.5.1)."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from karapace_like.errors import ApiError

REGISTRY_V1 = "application/vnd.schemaregistry.v1+json"
REGISTRY = "application/vnd.schemaregistry+json"
JSON = "application/json"
KAFKA_V2 = "application/vnd.kafka.v2+json"
MESSAGE_PACK = "application/vnd.kafka.binary.v2+msgpack"
"""Records whose keys and values are bytes, in MessagePack (ADR 35)."""

REGISTRY_OFFER = (REGISTRY_V1, REGISTRY, JSON)
"""Media types of the registry's responses, the preferred one first (source: Confluent API, content types)."""
REGISTRY_ACCEPTED = (*REGISTRY_OFFER, "application/octet-stream")
"""Media types of the registry's request bodies; a body without Content-Type counts as JSON."""
_SHOWN = 200
"""Characters of a header that an error message quotes at most."""


def essence(content_type: str) -> str:
    """Return type and subtype in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_message_pack(media_type: str | None) -> bool:
    """Return whether a `Content-Type`, None where there is none, is that of records in MessagePack."""
    return media_type is not None and essence(media_type) == MESSAGE_PACK


def check(content_type: str | None, accepted: Sequence[str]) -> None:
    """Raise ApiError 415 if the `Content-Type` is not one of the accepted; None, no such header, is accepted."""
    if content_type is not None and essence(content_type) not in accepted:
        raise ApiError(
            415,
            f"HTTP 415 Unsupported Media Type: the body's Content-Type is {_quote(content_type)}; "
            f"this call takes {', '.join(accepted)}.",
            accepted=tuple(accepted),
        )


def not_acceptable_error(accept: str, offer: Iterable[str]) -> ApiError:
    """Return the 406 for a request with this `Accept`."""
    return ApiError(
        406, f"HTTP 406 Not Acceptable: the request accepts {_quote(accept)}; this call answers {', '.join(offer)}."
    )


def _quote(header: str) -> str:
    """Return a header for an error message: any bytes may have come in it."""
    return f"'{header.encode('ascii', 'backslashreplace').decode()[:_SHOWN]}'"


@lru_cache(maxsize=1024)
def negotiate(accept: str, offer: tuple[str, ...]) -> str | None:
    """Return the offered type that the `Accept` header weighs highest, the first of equals; None if it accepts none."""
    if not accept.strip():
        return offer[0]
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    best: str | None = None
    best_quality = 0.0
    for media_type in offer:
        quality = _quality(media_type, ranges)
        if quality > best_quality:
            best, best_quality = media_type, quality
    return best


def accepts_coding(accept_encoding: str, coding: str) -> bool:
    """Return whether an `Accept-Encoding` names a content coding and does not exclude it (RFC 9110, 12.5.3)."""
    weights = dict(_range(part) for part in accept_encoding.split(",") if part.strip())
    return weights.get(coding, weights.get("*", 0.0)) > 0


def _range(part: str) -> tuple[str, float]:
    media_range, *parameters = (piece.strip() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                quality = float(value)
            except ValueError:
                quality = 0.0
    return media_range.lower(), quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """Return the weight of the most specific range that covers the type; 0 if none does."""
    kind = media_type.partition("/")[0]
    for pattern in (media_type, f"{kind}/*", "*/*"):
        weights = [quality for media_range, quality in ranges if media_range == pattern]
        if weights:
            return max(weights)
    return 0.0
