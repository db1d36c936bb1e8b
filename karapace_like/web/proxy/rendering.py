"""Render the responses of REST v2."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.records import PartitionDescription
from karapace_like.web.http import media_types, responses
from karapace_like.web.proxy.requests import EMBEDDED

_encoder = msgspec.json.Encoder()

V2_OFFER = (media_types.KAFKA_V2,)
"""The media type of most responses."""
PRODUCE_OFFER = (media_types.KAFKA_V2, media_types.JSON)
"""The media types of responses to produce requests."""
CONSUMER_OFFER = (media_types.KAFKA_V2, *EMBEDDED)
"""The media types of responses about consumers: clients may send the `Accept` of their polls with every call."""


def answer(request: web.Request, value: Any, offer: tuple[str, ...] = V2_OFFER) -> web.Response:
    """Respond 200 with the value as JSON; 406 if the client accepts no offered type."""
    return web.Response(body=_encoder.encode(value), content_type=responses.negotiate_media_type(request, offer))


def no_content() -> web.Response:
    """Respond 204."""
    return web.Response(status=204)


def partition(described: PartitionDescription) -> dict[str, Any]:
    """Return a partition as responses describe it."""
    return {
        "partition": described.partition,
        "leader": described.leader,
        "replicas": [
            {"broker": replica.broker, "leader": replica.is_leader, "in_sync": replica.is_in_sync}
            for replica in described.replicas
        ],
    }
