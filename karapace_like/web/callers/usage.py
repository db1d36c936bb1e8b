"""Usage of the service by each principal: requests, refusals, bytes and records, for `/metrics` and `/usage`.

A principal has an entry of its own from its first request on, until the table is full; those that come later share one
entry. Only authenticated principals have entries, so that no client fills the table with invented names. Entries stay:
counters of Prometheus never fall. Requests that another process of this service forwards were counted there; their
records are counted where they are produced and consumed.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import NamedTuple

from aiohttp import web
from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from karapace_like.access.principals import Method, Principal
from karapace_like.web.http.http_metrics import PREFIX, CachedTally, Series

DEFAULT_PRINCIPALS = 200
NOBODY = Principal("anyone", Method.NONE)
"""Callers who are not authenticated."""
OTHERS = "(others)"
"""The name of the shared entry, with the method `none`: no authenticated principal has that."""
METRICS_PREFIX = f"{PREFIX}principal_"
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS})
_PRINCIPAL = web.RequestKey("principal", Principal)


class PrincipalUsage:
    """The counts of one principal."""

    __slots__ = (
        "_request_bytes",
        "_requests",
        "_response_bytes",
        "_tallies",
        "consumed",
        "method",
        "name",
        "produced",
        "refused",
    )

    def __init__(self, name: str, method: str) -> None:
        self.name = name
        self.method = method
        """How the principal was authenticated."""
        self.refused = 0
        """Requests that were answered with 401, 403 or 429."""
        self._requests = 0
        self._request_bytes = 0
        self._response_bytes = 0
        self._tallies: dict[Series, CachedTally] = {}
        """Responses with cached bytes, which are counted nowhere else."""
        self.produced = 0
        """Records that were written."""
        self.consumed = 0
        """Records that were sent to the client."""

    @property
    def requests(self) -> int:
        """Requests that were answered."""
        return self._requests + sum(sum(tally.statuses.values()) for tally in self._tallies.values())

    @property
    def request_bytes(self) -> int:
        """Bytes of request bodies."""
        return self._request_bytes + sum(tally.request_bytes for tally in self._tallies.values())

    @property
    def response_bytes(self) -> int:
        """Bytes of response bodies."""
        return self._response_bytes + sum(tally.response_bytes for tally in self._tallies.values())

    def find_tally(self, series: Series) -> CachedTally:
        """Return where responses with cached bytes are counted, for this principal and the series."""
        tally = self._tallies.get(series)
        if tally is None:
            tally = self._tallies[series] = CachedTally()
            series.tallies.append(tally)
        return tally

    def count(self, status: int, request_bytes: int, response_bytes: int) -> None:
        """Count one response; bytes are those of bodies."""
        self._requests += 1
        self._request_bytes += request_bytes
        self._response_bytes += response_bytes
        if status in _REFUSED:
            self.refused += 1


class UsageTable:
    """The usage of all principals, in one process."""

    def __init__(self, max_principals: int = DEFAULT_PRINCIPALS) -> None:
        self._max = max_principals
        self.since = datetime.now(UTC)
        self._entries: dict[tuple[str, Method], PrincipalUsage] = {}
        self.nobody = PrincipalUsage(NOBODY.name, NOBODY.method)
        self._others = PrincipalUsage(OTHERS, Method.NONE)

    def find(self, principal: Principal | None) -> PrincipalUsage:
        """Return the entry to count in; None is a caller who is not authenticated."""
        if principal is None or principal.method is Method.NONE:
            return self.nobody
        key = (principal.name, principal.method)
        entry = self._entries.get(key)
        if entry is None:
            if len(self._entries) >= self._max:
                return self._others
            entry = self._entries[key] = PrincipalUsage(*key)
        return entry

    def __iter__(self) -> Iterator[PrincipalUsage]:
        """Yield the entries in which something was counted."""
        return (
            entry for entry in (self.nobody, self._others, *self._entries.values()) if entry.requests or entry.consumed
        )

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families, for Prometheus' client."""
        entries = list(self)
        for field in FIELDS:
            family = CounterMetricFamily(
                METRICS_PREFIX + field.name, field.description, labels=("principal", "authenticated_by")
            )
            for entry in entries:
                family.add_metric((entry.name, entry.method), field.read(entry))
            yield family


class Field(NamedTuple):
    """One count, as `/metrics` and `/usage` name it."""

    name: str
    description: str
    read: Callable[[PrincipalUsage], int]


FIELDS = (
    Field("requests", "Requests answered.", lambda usage: usage.requests),
    Field("refused_requests", "Requests answered with 401, 403 or 429.", lambda usage: usage.refused),
    Field("request_bytes", "Bytes of requests' bodies.", lambda usage: usage.request_bytes),
    Field("response_bytes", "Bytes of responses' bodies.", lambda usage: usage.response_bytes),
    Field("produced_records", "Records written to Kafka.", lambda usage: usage.produced),
    Field("consumed_records", "Records sent to the client.", lambda usage: usage.consumed),
)

USAGE = web.AppKey("usage", UsageTable)


def identify(request: web.Request, principal: Principal) -> None:
    """Note who makes the request, once that is proved."""
    request[_PRINCIPAL] = principal


def find_principal(request: web.BaseRequest) -> Principal | None:
    """Return the principal of the request; None if the caller was not authenticated."""
    return request.get(_PRINCIPAL)


def find_usage(request: web.Request) -> PrincipalUsage:
    """Return the entry in which the request's records are counted."""
    return request.config_dict[USAGE].find(find_principal(request))
