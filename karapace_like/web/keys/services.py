"""What the handlers of the DEK registry call, and how they read and write it."""

from typing import NamedTuple, TypeVar

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON
from karapace_like.keys import errors
from karapace_like.keys.dek_registry import DekRegistry
from karapace_like.keys.kms.services import KeyServices
from karapace_like.keys.rules import KeyRules
from karapace_like.keys.store import KeyStore
from karapace_like.replication.planning import Planner
from karapace_like.replication.writes import Written
from karapace_like.web.cluster.forwarding import add_position
from karapace_like.web.cluster.peers import PeerResponse
from karapace_like.web.cluster.writing import write_or_forward
from karapace_like.web.http.responses import respond_as_registry

T = TypeVar("T")

BASE = "/dek-registry/v1/keks"


class KeyHandling(NamedTuple):
    """The DEK registry and the operator's choices."""

    registry: DekRegistry
    kms: KeyServices
    rules: KeyRules = KeyRules()
    shows_secrets: bool = False
    """Whether secrets of KEKs are shown where no access control decides."""


KEYS = web.AppKey("keys", KeyHandling)


class _Refusal(msgspec.Struct):
    error_code: int = 0


def find_services(request: web.Request) -> KeyHandling:
    """Return the services of the application."""
    return request.config_dict[KEYS]


def read_keys(request: web.Request) -> KeyStore:
    """Return the keys; raises ApiError 503 where they are not known."""
    return find_services(request).registry.read()


async def write(request: web.Request, planner: Planner[KeyStore, None, T]) -> Written[T] | web.Response:
    """Return the answer of the plan, or the primary's response; raises ApiError."""
    read_keys(request)  # waiting would not change why they cannot be read
    registry = find_services(request).registry
    is_repeatable = request.method == "PUT"
    written = await write_or_forward(request, registry, planner, is_repeatable=is_repeatable)
    if isinstance(written, Written):
        return written
    if _is_unserved(written):
        raise errors.unavailable(
            f"the primary {registry.board.current.primary} does not serve it (dek_registry_enabled)."
        )
    response = written.to_response()
    add_position(request, response, registry)
    return response


def respond(request: web.Request, value: object) -> web.Response:
    """Return the value as JSON, which no cache may keep."""
    response = respond_as_registry(request, value)
    response.headers["Cache-Control"] = "no-store"
    add_position(request, response, find_services(request).registry)
    return response


def respond_empty(request: web.Request) -> web.Response:
    """Return 204."""
    response = web.Response(status=204)
    add_position(request, response, find_services(request).registry)
    return response


def _is_unserved(response: PeerResponse) -> bool:
    """Return whether the primary has no DEK registry: its 404 is about the route then, and not about a key."""
    if response.status not in {404, 405}:
        return False
    try:
        return msgspec.json.decode(response.body, type=_Refusal).error_code == response.status
    except NOT_JSON:
        return True
