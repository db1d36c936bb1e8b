"""Forwarding of writes to the primary; the registry decides when, and to which node.

The request goes to the primary with the caller's own headers, at most once: a request that was forwarded already is
answered here or refused. The primary's response has a header with the offset up to which it has applied the topic, so
that this node can wait until it has applied the same.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON
from karapace_like.replication import errors
from karapace_like.replication.replica import Replica
from karapace_like.replication.writes import Forwarded, NotWritten
from karapace_like.web.callers.access import is_from_worker
from karapace_like.web.cluster.peers import (
    PEERS,
    NotReachedError,
    PeerResponse,
    Peers,
    build_forwarded_headers,
    is_from_node,
)

APPLIED = "X-Registry-Offset"
"""In responses between our own nodes: the topic's offset up to which the primary has applied it."""


class RequestForwarder:
    """Forwards one HTTP request; satisfies `replication.writes.Forwarder`."""

    def __init__(self, request: web.Request) -> None:
        self._request = request

    @property
    def was_forwarded(self) -> bool:
        """See `Forwarder`."""
        return is_from_node(self._request)

    def is_awaited(self) -> bool:
        """See `Forwarder`."""
        transport = self._request.transport
        return transport is not None and not transport.is_closing()

    async def forward(self, primary: str) -> Forwarded[PeerResponse] | NotWritten:
        """See `Forwarder`."""
        request = self._request
        return await ask_primary(
            request.config_dict[PEERS], primary, request.method, request.rel_url.raw_path_qs,
            build_forwarded_headers(request, primary), await request.read(),
        )  # fmt: skip


async def ask_primary(
    peers: Peers, primary: str, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> Forwarded[PeerResponse] | NotWritten:
    """Return the response of the node at this address; NotWritten where that is not, or cannot act as, the primary."""
    try:
        answer = await peers.ask(primary, method, path, headers, body)
    except NotReachedError as error:
        if error.is_sent:
            return NotWritten(f"{primary} closed the connection before it answered: {error}.", is_outcome_known=False)
        return NotWritten(f"The primary cannot be reached: {error}.")
    is_outcome_known = _has_written_nothing(answer)
    is_failure = answer.status >= web.HTTPInternalServerError.status_code and (
        "Retry-After" in answer.headers or _error_code(answer) == errors.FORWARDING_FAILED
    )
    if is_outcome_known or (is_failure and _error_code(answer) not in errors.FINAL and method != "DELETE"):
        return NotWritten(f"{primary} does not answer as the primary.", is_outcome_known=is_outcome_known)
    offset = answer.headers.get(APPLIED, "")
    return Forwarded(
        answer,
        int(offset) if offset.isdigit() else None,
        is_success=answer.status < web.HTTPBadRequest.status_code,
    )


def add_position(request: web.Request, response: web.StreamResponse, log: Replica[Any]) -> None:
    """Add the offset up to which the log is applied here, if another process of this service has sent the request."""
    if is_from_node(request) or is_from_worker(request):
        response.headers[APPLIED] = str(log.position)


def _has_written_nothing(answer: PeerResponse) -> bool:
    """Return whether the node has written nothing, so that another node may.

    A worker that forwarded a deletion without learning its outcome answers 503 as well, with another code. Where no
    primary is known, Confluent Schema Registry answers 500 with error code 50004, Karapace 500 with 50003, which is
    also what Confluent answers where a forwarded request has failed, whose outcome is not known then.
    """
    refusal = _read_refusal(answer)
    if answer.status == web.HTTPServiceUnavailable.status_code:
        return refusal.error_code not in {errors.FORWARDING_FAILED, *errors.FINAL}
    if answer.status != web.HTTPInternalServerError.status_code:
        return False
    return refusal.error_code == errors.LEADER_NOT_KNOWN or (
        refusal.error_code == errors.FORWARDING_FAILED and _KARAPACE_HAS_NO_PRIMARY in str(refusal.message)
    )


_KARAPACE_HAS_NO_PRIMARY = "to the master"


class _Refusal(msgspec.Struct):
    error_code: int = 0
    message: Any = ""


def _read_refusal(answer: PeerResponse) -> _Refusal:
    try:
        return msgspec.json.decode(answer.body, type=_Refusal)
    except NOT_JSON:
        return _Refusal()


def _error_code(answer: PeerResponse) -> int:
    return _read_refusal(answer).error_code
