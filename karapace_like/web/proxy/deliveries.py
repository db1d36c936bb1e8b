"""Produce requests with `Prefer: respond-async` (RFC 7240): answered at once, with a place to ask for the response."""

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

import msgspec
from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.proxy import errors
from karapace_like.proxy.deliveries import Deliveries, DeliveryId, not_found_error, owner_gone_error
from karapace_like.web.callers.access import caller
from karapace_like.web.callers.permissions import AUTHENTICATED
from karapace_like.web.cluster.peers import NotReachedError
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import encode_error
from karapace_like.web.http.responses import EncodedResponse
from karapace_like.web.proxy.idempotency import HEADER as IDEMPOTENCY_KEY
from karapace_like.web.proxy.instance_owners import OWNERS
from karapace_like.web.proxy.objects import DELIVERY
from karapace_like.web.proxy.requests import PROXY_OF_CALLER
from karapace_like.web.routing import Route

logger = logging.getLogger(__name__)

DELIVERIES: web.AppKey[Deliveries[EncodedResponse]] = web.AppKey("deliveries", Deliveries)

_ASYNC = "respond-async"
_MINIMAL = "return=minimal"
_APPLIED = "Preference-Applied"


def wants_async(request: web.Request) -> bool:
    """Return whether the request is to be carried out after its response.

    A request with a key, and one of a caller with Kafka clients of their own, is answered once it is carried out:
    preferences are no demands.
    """
    if _ASYNC not in _preferences(request) or DELIVERIES not in request.config_dict:
        return False
    return IDEMPOTENCY_KEY not in request.headers and PROXY_OF_CALLER not in request


def _preferences(request: web.Request) -> set[str]:
    sent = ",".join(request.headers.getall("Prefer", ()))
    return {preference.split(";")[0].replace(" ", "").replace('"', "").lower() for preference in sent.split(",")}


async def respond_async(
    request: web.Request, media_type: str, write: Callable[[], Awaitable[EncodedResponse]]
) -> web.Response:
    """Respond 202 and have `write` carried out; 42901 where too many requests are."""
    deliveries, path = request.config_dict[DELIVERIES], request.path
    size = len(await request.read())
    deliveries.check_room(size)

    async def work() -> tuple[EncodedResponse, int]:
        try:
            response = await write()
        except ApiError as error:
            response = encode_error(path, error)
        except Exception:
            logger.exception("Unexpected failure of a produce request after its response")
            response = encode_error(path, ApiError(500, "Internal Server Error"))
        return response, len(response.body)

    is_asked_for = _MINIMAL not in _preferences(request)
    delivery = deliveries.start(work(), caller(request).principal.name, size, is_asked_for=is_asked_for)
    location = f"/deliveries/{delivery}" if is_asked_for else None
    body = msgspec.json.encode({"delivery": location})
    response = web.Response(status=HTTPStatus.ACCEPTED, body=body, content_type=media_type)
    response.headers[_APPLIED] = _ASYNC if is_asked_for else f"{_ASYNC}, {_MINIMAL}"
    if location is not None:
        response.headers["Location"] = location
    return response


async def get_delivery(request: web.Request) -> web.Response:
    """GET /deliveries/{delivery}: Return the response to a produce request; 202 while it is under way."""
    delivery = DeliveryId.parse(request.match_info["delivery"])
    deliveries = request.config_dict.get(DELIVERIES)
    if deliveries is None:
        raise not_found_error(str(delivery))
    if delivery.owner != deliveries.owner:
        return await _ask_owner(request, delivery)
    response = deliveries.find(delivery, caller(request).principal.name)
    if response is not None:
        return response.to_response()
    body = msgspec.json.encode({"delivery": f"/deliveries/{delivery}"})
    return web.Response(
        status=HTTPStatus.ACCEPTED, body=body, content_type="application/json", headers={"Retry-After": "1"}
    )


async def _ask_owner(request: web.Request, delivery: DeliveryId) -> web.Response:
    owners = request.config_dict.get(OWNERS)
    if owners is None:
        raise owner_gone_error()
    try:
        answer = await owners.ask_owner(request, delivery.owner, b"")
    except NotReachedError as error:
        raise errors.ProxyError(
            503, f"The process that has taken the request did not answer: {error}", retry_after=1
        ) from error
    if answer is None:
        raise owner_gone_error()
    return answer.to_response()


ROUTES = (Route("GET", "/deliveries/{delivery}", get_delivery, ApiRole.DATA, DELIVERY, permission=AUTHENTICATED),)
