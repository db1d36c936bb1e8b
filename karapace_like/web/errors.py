"""The one place that turns a failure into an answer: `{"error_code": int, "message": str}`."""

import logging
from collections.abc import Awaitable, Callable

import msgspec
from aiohttp import web

from karapace_like.access.errors import UnauthenticatedError
from karapace_like.errors import ApiError
from karapace_like.web import media_types, origins, paths, request_ids
from karapace_like.web.answers import Answer

logger = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PLAIN = ("/v3", "/connectors", "/connector-plugins", "/admin")
"""Where errors are `application/json`: REST v3 and Kafka Connect."""
_PROXY_V2 = ("/topics", "/consumers", "/brokers", "/records")


def media_type_for(path: str) -> str:
    """The type in which the API at this path writes its errors."""
    if path.startswith(_PLAIN):
        return media_types.JSON
    if path.startswith(_PROXY_V2):
        return media_types.KAFKA_V2
    return media_types.REGISTRY_V1


def error_answer(path: str, error: ApiError) -> Answer:
    """What tells the client of the error."""
    body = msgspec.json.encode({"error_code": error.code, "message": error.message})
    return Answer(error.status, media_type_for(path), body, error.retry_after)


def error_response(path: str, error: ApiError) -> web.Response:
    """What tells the client of the error, for aiohttp to send."""
    answered = error_answer(path, error).response()
    if isinstance(error, UnauthenticatedError):
        answered.headers.extend([("WWW-Authenticate", each) for each in error.challenges])
    return answered


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure of a handler in the API's own shape; what nobody foresaw is logged and becomes a 500."""
    request_ids.begin(request)
    try:
        paths.check(request)
        origins.check(request)
        return await handler(request)
    except ApiError as error:
        return error_response(request.path, error)
    except web.HTTPRequestEntityTooLarge as error:
        return error_response(request.path, ApiError(413, f"HTTP 413 Request Entity Too Large: {error.text}"))
    except web.RequestPayloadError as error:
        return error_response(request.path, ApiError(400, f"HTTP 400 Bad Request: the body cannot be read: {error}"))
    except web.HTTPMethodNotAllowed as error:
        if request.method == "OPTIONS":
            return web.Response(headers={"Allow": ",".join(sorted({*error.allowed_methods, "OPTIONS"}))})
        return _refused(request, error)
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        return _refused(request, error)
    except Exception:
        logger.exception("Unexpected failure of %s %s", request.method, request.path)
        return error_response(request.path, ApiError(500, "Internal Server Error"))


def _refused(request: web.Request, error: web.HTTPException) -> web.Response:
    answer = error_response(request.path, ApiError(error.status, f"HTTP {error.status} {error.reason}"))
    if allow := error.headers.get("Allow"):
        answer.headers["Allow"] = allow
    return answer
