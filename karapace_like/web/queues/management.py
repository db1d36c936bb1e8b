"""List, describe, configure and delete queues."""

from collections.abc import Sequence

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import ConfigChange, ShareGroupOffset
from karapace_like.proxy import errors
from karapace_like.proxy.queues.management import DescribedQueue
from karapace_like.web.callers.access import is_allowed
from karapace_like.web.callers.permissions import AUTHENTICATED, on_group
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.requests import check_fields, proxy
from karapace_like.web.queues.objects import (
    CONFIGURE_QUEUE,
    DELETE_QUEUE,
    DESCRIBE_QUEUE,
    LIST_QUEUES,
    QueuePartition,
)
from karapace_like.web.queues.requests import answer, read_body
from karapace_like.web.routing import Route

_NUMBERS = {"lock_duration_ms": "share.record.lock.duration.ms", "delivery_limit": "share.delivery.count.limit"}
_CHOICES = {
    "start": ("share.auto.offset.reset", ("earliest", "latest")),
    "isolation": ("share.isolation.level", ("read_committed", "read_uncommitted")),
}
_EXAMPLE = '{"lock_duration_ms": 60000, "start": "earliest"}'
_MAX_INT = 2**31 - 1


async def list_queues(request: web.Request) -> web.Response:
    """GET /queues: List the names of the share groups."""
    names = await proxy(request).queues.management.names()
    return answer(
        request, [name for name in names if is_allowed(request, Operation.DESCRIBE, ResourceKind.GROUP, name)]
    )


async def describe_queue(request: web.Request) -> web.Response:
    """GET /queues/{group}: Describe a share group: members, configs, and how far each partition is done."""
    described = await proxy(request).queues.management.describe(request.match_info["group"])
    offsets = [
        offset
        for offset in described.group.offsets
        if is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, offset.at.topic)
    ]
    return answer(request, _render(described, offsets))


async def configure_queue(request: web.Request) -> web.Response:
    """PUT /queues/{group}/config: Set the lock duration, the delivery limit, or where a new share group starts."""
    body = JsonObject.of(await read_body(request, _EXAMPLE), "QueueConfig")
    check_fields(body, (*_NUMBERS, *_CHOICES))
    changes = [_parse_change(body, field) for field in body]
    if not changes:
        raise errors.ProxyError(422, f"The config changes nothing; expected JSON such as {_EXAMPLE}")
    await proxy(request).queues.management.configure(request.match_info["group"], changes)
    return web.Response(status=204)


async def delete_queue(request: web.Request) -> web.Response:
    """DELETE /queues/{group}: Delete a share group without members, and forget what was done."""
    await proxy(request).queues.management.delete(request.match_info["group"])
    return web.Response(status=204)


def _parse_change(body: JsonObject, field: str) -> ConfigChange:
    """Return the change of one config; null resets it to the cluster's default."""
    if field in _NUMBERS:
        number = body.integer(field, low=-(2**63), high=2**63)
        if number is not None and not 1 <= number <= _MAX_INT:
            raise errors.violation(field, f"must be from 1 to {_MAX_INT}", str(number))
        return ConfigChange(_NUMBERS[field], None if number is None else str(number))
    name, choices = _CHOICES[field]
    chosen = body.string(field)
    if chosen is not None and chosen not in choices:
        raise errors.violation(field, f"must be {' or '.join(choices)}", chosen)
    return ConfigChange(name, chosen)


def _render(described: DescribedQueue, offsets: Sequence[ShareGroupOffset]) -> dict[str, object]:
    group, configs, ends = described
    return {
        "group": group.name,
        "state": group.state,
        "members": group.members,
        "config": dict(configs),
        "partitions": [
            QueuePartition(offset.at.topic, offset.at.partition, offset.start, ends.get(offset.at), offset.lag)
            for offset in offsets
        ],
    }


ROUTES = (
    Route("GET", "/queues", list_queues, ApiRole.MANAGEMENT, LIST_QUEUES, permission=AUTHENTICATED),
    Route(
        "GET",
        "/queues/{group}",
        describe_queue,
        ApiRole.MANAGEMENT,
        DESCRIBE_QUEUE,
        permission=on_group(Operation.DESCRIBE, reveals_offsets=True),
    ),
    Route(
        "PUT",
        "/queues/{group}/config",
        configure_queue,
        ApiRole.MANAGEMENT,
        CONFIGURE_QUEUE,
        permission=on_group(Operation.CONFIG),
    ),
    Route(
        "DELETE",
        "/queues/{group}",
        delete_queue,
        ApiRole.MANAGEMENT,
        DELETE_QUEUE,
        permission=on_group(Operation.DELETE),
    ),
)
