"""Writing proxy answers."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.records import PartitionDescription
from karapace_like.web import answers, media_types
from karapace_like.web.proxy.requests import EMBEDDED

_encoder = msgspec.json.Encoder()

V2_OFFER = (media_types.KAFKA_V2,)
"""What most calls answer with."""
CONSUMER_OFFER = (media_types.KAFKA_V2, *EMBEDDED)
"""What calls about consumers answer with: a client may send the `Accept` of its polls with every call."""


def answer(request: web.Request, value: Any, offer: tuple[str, ...] = V2_OFFER) -> web.Response:
    """The value as JSON, 200; 406 if the client takes nothing of the offer."""
    return web.Response(body=_encoder.encode(value), content_type=answers.media_type(request, offer))


def no_content() -> web.Response:
    """204."""
    return web.Response(status=204)


def partition(described: PartitionDescription) -> dict[str, Any]:
    """A partition as topics and partitions show it."""
    return {
        "partition": described.partition,
        "leader": described.leader,
        "replicas": [
            {"broker": each.broker, "leader": each.is_leader, "in_sync": each.is_in_sync} for each in described.replicas
        ],
    }
