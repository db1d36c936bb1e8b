"""Request heads that aiohttp's parser has rejected: the status, and the fault without any of their bytes."""

import re
from http import HTTPStatus

from aiohttp.http_exceptions import BadHttpMessage, InvalidURLError, LineTooLong

from karapace_like.web.server.request_heads import MAX_HEADERS

_FIELD = re.compile(rb"[!-9;-~]+:")
"""How a header line begins; a request's first line has a space before any colon."""


def find_status(error: BaseException | None, longest_line: int) -> int:
    """Return the status for a rejected head; `longest_line` is the limit of the request's line, in bytes."""
    if isinstance(error, LineTooLong):
        line, limit, _ = error.args
        is_target = limit == longest_line and not _FIELD.match(line)
        return HTTPStatus.REQUEST_URI_TOO_LONG if is_target else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
    is_long = isinstance(error, BadHttpMessage) and error.message.startswith("Too many headers")
    return HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE if is_long else HTTPStatus.BAD_REQUEST


def name_fault(error: BaseException | None, message: str | None) -> str:
    """Return what is wrong with a request's head, without quoting any of it."""
    if isinstance(error, LineTooLong):
        _, limit, _ = error.args
        return f"a line of the request's head has more than {limit} bytes, the most that this service accepts"
    if (message or "").startswith("Too many headers"):
        return f"the request has more than {MAX_HEADERS} headers, the most that this service accepts"
    if isinstance(error, InvalidURLError):
        return "the request's target must be a path in ASCII"
    return (message or "").strip().partition(":")[0]
