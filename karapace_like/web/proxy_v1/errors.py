"""The responses of v1 that report an error. Source: Confluent REST Proxy API v1, errors."""

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.web.http.errors import build_error_response

_UNKNOWN_TOPIC = 40403
"""What v2 answers for a topic that does not exist; in v1 it means a consumer instance only."""
_TOPIC_NOT_FOUND = 40401


def build_v1_error_response(request: web.Request, error: ApiError, media_type: str) -> web.Response:
    """Return the response that reports the error, with the code that it has in v1."""
    if error.code == _UNKNOWN_TOPIC and request.path.startswith("/topics"):
        error = ApiError(_TOPIC_NOT_FOUND, f"Topic {request.match_info['topic']} not found.")
    response = build_error_response(request.path, error)
    response.content_type = media_type
    return response
