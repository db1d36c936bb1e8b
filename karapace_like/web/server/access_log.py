"""The access log: one line for each request, once it is answered, whether aiohttp or the response cache answers it.

A line holds nothing secret: no header, and of the query only values of parameters that some route declares. Other
parameters appear as `***`, as does a name that no route knows.
"""

import json
import logging
import random
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import NamedTuple

from karapace_like.access.principals import Principal
from karapace_like.process import logs
from karapace_like.web.http.targets import hide_values

access_logger = logging.getLogger("karapace_like.access")
_CLOSED = 499
"""The status of a request whose client disconnected before its response was complete, as nginx has it."""


class Exchange(NamedTuple):
    """One request and its response."""

    method: str
    target: str
    """The path and the query, as they were sent."""
    remote: str | None
    """The client's address; empty for another worker of this node."""
    principal: Principal | None
    request_id: str
    status: int | None
    """None if the client disconnected before its response was complete."""
    seconds: float
    request_bytes: int
    """Bytes of the request's body."""
    response_bytes: int
    """Bytes of the response's body."""
    is_cached: bool = False
    """Whether the response was cached bytes."""


class AccessLog:
    """Writes the lines; `is_json` says in which form."""

    def __init__(
        self,
        *,
        is_json: bool,
        percent: int = 100,
        parameters: Collection[str] = (),
        random_number: Callable[[], float] = random.random,
    ) -> None:
        """`percent` of the requests are logged, and all failures; `parameters`: query parameters with shown values."""
        self._is_json = is_json
        self._share = percent / 100
        self._parameters = frozenset(parameters)
        self._random = random_number
        if is_json:
            logs.configure_own(access_logger, logs.JSON_FORMAT)
        else:
            access_logger.setLevel(logging.INFO)

    def takes(self, status: int | None) -> bool:
        """Whether a request with this outcome is to be logged."""
        is_failure = status is not None and status >= HTTPStatus.INTERNAL_SERVER_ERROR
        return is_failure or self._share >= 1 or self._random() < self._share

    def write(self, exchange: Exchange) -> None:
        """Log the request."""
        method, target = _escape(exchange.method), _escape(hide_values(exchange.target, self._parameters))
        remote = "worker" if exchange.remote == "" else exchange.remote or "-"
        principal = "-" if exchange.principal is None else exchange.principal.name
        status = _CLOSED if exchange.status is None else exchange.status
        milliseconds = round(exchange.seconds * 1000, 3)
        token = logs.request_id.set(lambda: exchange.request_id)
        try:
            access_logger.info(
                '%s %s "%s %s" %d %d %.3fms', remote, _escape(principal), method, target, status,
                exchange.response_bytes, milliseconds,
                extra={"fields": {
                    "remote": remote,
                    "principal": principal,
                    "authenticated_by": None if exchange.principal is None else exchange.principal.method,
                    "method": method,
                    "target": target,
                    "status": status,
                    "request_bytes": exchange.request_bytes,
                    "response_bytes": exchange.response_bytes,
                    "milliseconds": milliseconds,
                    "cached": exchange.is_cached,
                }} if self._is_json else None,
            )  # fmt: skip
        finally:
            logs.request_id.reset(token)


def _escape(text: str) -> str:
    """Return the text without line breaks, quotes and other characters that would forge a line."""
    return json.dumps(text)[1:-1]
