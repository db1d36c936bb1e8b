"""What is counted and logged of each request, whether aiohttp or the response cache answers it."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from karapace_like.web.callers.access import is_from_inside
from karapace_like.web.callers.usage import PrincipalUsage, UsageTable, find_principal
from karapace_like.web.http import request_ids
from karapace_like.web.http.http_metrics import HttpMetrics
from karapace_like.web.server.access_log import AccessLog, Exchange
from karapace_like.web.server.request_heads import RequestHead
from karapace_like.web.server.response_cache import Counted


@dataclass(frozen=True, slots=True)
class Observer:
    """Counts requests by route and by principal, and writes the access log, if there is one."""

    metrics: HttpMetrics
    usage: UsageTable
    access_log: AccessLog | None = None
    counted_elsewhere: PrincipalUsage = field(default_factory=lambda: PrincipalUsage("", ""))
    """Where requests count that another process of this service has counted; it is never read."""

    def count_like(self, request: web.BaseRequest) -> Counted:
        """Return what later requests of the same caller with the same head are counted as."""
        principal = find_principal(request)
        usage = self.counted_elsewhere if is_from_inside(request) else self.usage.find(principal)
        return Counted(self.metrics.find_series(request), usage, principal)

    def count(self, request: web.BaseRequest, response: web.StreamResponse, seconds: float) -> None:
        """Count and log a request that aiohttp has answered."""
        request_bytes, response_bytes = request.content_length or 0, response.body_length or 0
        self.count_like(request).count_response(response.status, seconds, request_bytes, response_bytes)
        self.log(request, response.status, seconds, response_bytes)

    def log(self, request: web.BaseRequest, status: int | None, seconds: float, response_bytes: int) -> None:
        """Write the line of a request that aiohttp has read; `status` is None if its client has disconnected."""
        if self.access_log is None or not self.access_log.takes(status):
            return
        self.access_log.write(
            Exchange(
                method=request.method,
                target=request.raw_path,
                remote=request.remote,
                principal=find_principal(request),
                request_id=request_ids.ensure(request),
                status=status,
                seconds=seconds,
                request_bytes=request.content_length or 0,
                response_bytes=response_bytes,
            )
        )

    def log_cached_response(
        self,
        counted: Counted,
        head: RequestHead,
        transport: asyncio.BaseTransport | None,
        request_id: str,
        status: int,
        response_bytes: int,
        seconds: float = 0.0,
    ) -> None:
        """Write the line of a request that aiohttp has not seen."""
        if self.access_log is None or not self.access_log.takes(status):
            return
        method, target, _ = head.line.decode("latin-1").split(" ", 2)
        peer = None if transport is None else transport.get_extra_info("peername")
        self.access_log.write(
            Exchange(
                method=method,
                target=target,
                remote=peer[0] if isinstance(peer, tuple) else peer,
                principal=counted.principal,
                request_id=request_id,
                status=status,
                seconds=seconds,
                request_bytes=head.body,
                response_bytes=response_bytes,
                is_cached=True,
            )
        )
