"""Which media types each API speaks, and which of them an `Accept` header asks for (RFC 9110, 12.5.1)."""

from functools import lru_cache

REGISTRY_V1 = "application/vnd.schemaregistry.v1+json"
REGISTRY = "application/vnd.schemaregistry+json"
JSON = "application/json"
KAFKA_V2 = "application/vnd.kafka.v2+json"

REGISTRY_OFFER = (REGISTRY_V1, REGISTRY, JSON)
"""What registry routes can answer with, the preferred one first (Confluent API, content types)."""
REGISTRY_ACCEPTED = frozenset({*REGISTRY_OFFER, "application/octet-stream"})
"""What registry routes take as a request body; no Content-Type at all counts as JSON."""


def essence(content_type: str) -> str:
    """The type and subtype in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


@lru_cache(maxsize=1024)
def negotiated(accept: str, offer: tuple[str, ...]) -> str | None:
    """The offered type that the header likes best, the first of equals; None if it likes none."""
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
    """The weight of the most specific range that covers the type; 0 if none does."""
    kind = media_type.partition("/")[0]
    for pattern in (media_type, f"{kind}/*", "*/*"):
        weights = [quality for media_range, quality in ranges if media_range == pattern]
        if weights:
            return max(weights)
    return 0.0
