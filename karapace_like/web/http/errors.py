"""The one place that turns a failure into a response: `{"error_code": int, "message": str}`."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import msgspec
from aiohttp import web
from aiohttp.http_exceptions import PayloadEncodingError
from aiohttp.typedefs import Middleware

from karapace_like.access.errors import UnauthenticatedError
from karapace_like.errors import ApiError
from karapace_like.web.http import hosts, media_types, origins, paths, request_ids
from karapace_like.web.http.api_roles import ALL_ROLES, ApiRole
from karapace_like.web.http.responses import EncodedResponse

__all__ = [
    "Handler",
    "Middleware",
    "build_error_response",
    "encode_error",
    "errors_middleware",
    "media_type_for",
    "no_route_error",
]

logger = logging.getLogger(__name__)

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

_PLAIN = ("/v3", "/queues", "/policies", "/connectors", "/connector-plugins", "/admin")
"""Where errors are `application/json`: REST v3, queues, topic policies and Kafka Connect."""
_PROXY_V2 = ("/topics", "/consumers", "/brokers", "/records")
_SHOWN = 200
"""Characters of a path that an error message quotes at most."""


def media_type_for(path: str) -> str:
    """Return the type in which the API at this path writes its errors."""
    if path.startswith(_PLAIN):
        return media_types.JSON
    if path.startswith(_PROXY_V2):
        return media_types.KAFKA_V2
    return media_types.REGISTRY_V1


def encode_error(path: str, error: ApiError) -> EncodedResponse:
    """Return the response that reports the error to the client."""
    body = msgspec.json.encode({"error_code": error.code, "message": error.message})
    return EncodedResponse(error.status, media_type_for(path), body, error.retry_after)


def build_error_response(path: str, error: ApiError) -> web.Response:
    """Return the response that reports the error to the client, for aiohttp to send."""
    response = encode_error(path, error).to_response()
    if isinstance(error, UnauthenticatedError):
        response.headers.extend([("WWW-Authenticate", challenge) for challenge in error.challenges])
    return response


def no_route_error(request: web.Request) -> ApiError:
    """Return the 404 for a request that no route takes; also for routes that exist for other processes only."""
    # A listener may serve some calls only, without the description of all.
    roles = getattr(request.protocol, "roles", ALL_ROLES)
    hint = "; GET /openapi.json lists its calls" if ApiRole.CONSOLE in roles else ""
    return ApiError(404, f"HTTP 404 Not Found: this service has no call {request.method} {_quote_path(request)}{hint}.")


@web.middleware
async def errors_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure of a handler in the API's own shape; an unexpected one is logged and becomes a 500."""
    request_ids.bind_to_logs(request)
    try:
        hosts.check(request)
        paths.check(request)
        origins.check(request)
        return await handler(request)
    except ApiError as error:
        return _report(request, error)
    except web.HTTPException as error:
        if error.status < web.HTTPBadRequest.status_code:
            raise
        return _translate(request, error)
    except web.RequestPayloadError as error:
        fault = ApiError(400, f"HTTP 400 Bad Request: the body cannot be read: {error}")
        return build_error_response(request.path, fault)
    except PayloadEncodingError:  # what aiohttp's parser in Python raises; its text quotes the body
        fault = ApiError(400, "HTTP 400 Bad Request: the body cannot be read: a chunk is malformed")
        return build_error_response(request.path, fault)
    except Exception as error:
        if isinstance(error, OSError) and (request.transport is None or request.transport.is_closing()):
            # The client does not read the response; it counts as the client's mistake.
            gone = ApiError(400, "HTTP 400 Bad Request: the client disconnected before its request was answered.")
            return build_error_response(request.path, gone)
        logger.exception("Unexpected failure of %s %s", request.method, request.path)
        return build_error_response(request.path, ApiError(500, "Internal Server Error"))


def _report(request: web.Request, error: ApiError) -> web.Response:
    """Return the response that reports the error; a header lists media types that the same call would take."""
    response = build_error_response(request.path, error)
    if error.accepted:
        # `Accept` of a response is for every method (RFC 9110, 12.5.1); POST has a header of its own (LDP, 7.1).
        response.headers["Accept-Post" if request.method == "POST" else "Accept"] = ", ".join(error.accepted)
    return response


def _translate(request: web.Request, error: web.HTTPException) -> web.Response:
    """Return the response for a refusal by aiohttp."""
    if isinstance(error, web.HTTPMethodNotAllowed) and request.method == "OPTIONS":
        return web.Response(headers={"Allow": ",".join(sorted({*error.allowed_methods, "OPTIONS"}))})
    response = build_error_response(request.path, _explain(request, error))
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def _explain(request: web.Request, error: web.HTTPException) -> ApiError:
    match error:
        case web.HTTPRequestEntityTooLarge():
            limit = f"{request.client_max_size} bytes, the most that http_request_max_size allows"
            return ApiError(413, f"HTTP 413 Request Entity Too Large: the body has more than {limit}.")
        case web.HTTPMethodNotAllowed():
            allowed = ", ".join(sorted(error.allowed_methods))
            return ApiError(
                405,
                f"HTTP 405 Method Not Allowed: {_quote_path(request)} has no {request.method}; it takes {allowed}.",
            )
        case web.HTTPNotFound():
            return no_route_error(request)
    return ApiError(error.status, f"HTTP {error.status} {error.reason}")


def _quote_path(request: web.Request) -> str:
    """Return the path as it was sent, which is ASCII; a long one is cut."""
    path = request.rel_url.raw_path
    return path if len(path) <= _SHOWN else f"{path[:_SHOWN]}..."
