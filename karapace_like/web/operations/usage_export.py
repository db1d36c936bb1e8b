"""`/usage`: the usage of a node by principal, for chargeback; any worker answers with that of all workers.

The counts begin with each process. A collector adds up the nodes, and sees in `processes` where counts began again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.web.callers.access import is_from_worker
from karapace_like.web.callers.permissions import on_every
from karapace_like.web.callers.usage import FIELDS, USAGE, UsageTable
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import no_route_error
from karapace_like.web.http.json_schemas import array, text, whole, with_example
from karapace_like.web.operations.exposition import EXPOSITION
from karapace_like.web.operations.health import HEALTH
from karapace_like.web.routing import Call, Route

WORKER_PATH = "/_worker/usage"
_COUNT = {"type": "integer", "format": "int64", "examples": [42]}


class Process(msgspec.Struct, frozen=True):
    """A process whose counts are included."""

    worker: int
    """The worker's number; 0 for the only process. A replacement has a new one."""
    since: datetime
    """When its counts began."""


class ProcessUsage(msgspec.Struct, frozen=True):
    """The counts of one process."""

    process: Process
    principals: list[dict[str, str | int]]


_decoder = msgspec.json.Decoder(ProcessUsage)


async def get_usage(request: web.Request) -> web.Response:
    """GET /usage: Return the usage of this node by principal, those with most requests first."""
    exposition = request.config_dict[EXPOSITION]
    others = {} if exposition.siblings is None else await exposition.siblings.ask_all(WORKER_PATH)
    exports = [_export(request), *map(_decoder.decode, others.values())]
    body = {
        "instance": request.config_dict[HEALTH].instance,
        "processes": sorted((export.process for export in exports), key=lambda process: process.worker),
        "principals": _add_up(exports),
    }
    return _answer(body)


async def get_worker_usage(request: web.Request) -> web.Response:
    """Answer another worker with the usage that this worker has counted."""
    if not is_from_worker(request):
        raise no_route_error(request)
    return _answer(_export(request))


def _export(request: web.Request) -> ProcessUsage:
    table, worker = request.config_dict[USAGE], request.config_dict[EXPOSITION].worker
    return ProcessUsage(Process(worker or 0, table.since), _list_rows(table))


def _list_rows(table: UsageTable) -> list[dict[str, str | int]]:
    return [
        {
            "principal": entry.name,
            "authenticated_by": entry.method,
            **{field.name: field.read(entry) for field in FIELDS},
        }
        for entry in table
    ]


def _add_up(exports: Iterable[ProcessUsage]) -> list[dict[str, str | int]]:
    """Return one row of each principal, the one with most requests first."""
    totals: dict[tuple[str | int, str | int], dict[str, str | int]] = {}
    for row in (row for export in exports for row in export.principals):
        total = totals.get((row["principal"], row["authenticated_by"]))
        if total is None:
            totals[row["principal"], row["authenticated_by"]] = dict(row)
        else:
            total.update({field.name: int(total[field.name]) + int(row[field.name]) for field in FIELDS})
    return sorted(totals.values(), key=lambda row: (-int(row["requests"]), str(row["principal"])))


def _answer(body: object) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(body), content_type="application/json", headers={"Cache-Control": "no-store"}
    )


_TIME = {"type": "string", "format": "date-time", "examples": [datetime(2026, 1, 1, tzinfo=UTC).isoformat()]}
_ROW = whole(principal=text("billing"), authenticated_by=text("password"), **{field.name: _COUNT for field in FIELDS})
_RESPONSE = whole(
    instance=text("5f0c5f9b4a1e2d3c"),
    processes=array(whole(worker=with_example(_COUNT, 0), since=_TIME)),
    principals=array(_ROW),
)
ROUTES = (
    Route(
        "GET",
        "/usage",
        get_usage,
        ApiRole.OPERATIONS,
        Call(response=_RESPONSE, response_types=("application/json",)),
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
)
