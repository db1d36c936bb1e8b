"""Every answer carries an `X-Request-ID`, the request's own or a new one: logs of several nodes are joined by it."""

from functools import partial
from itertools import count
from uuid import uuid4

from aiohttp import web

from karapace_like import logs

HEADER = "X-Request-ID"

_BEGIN = str(uuid4())[:-12]
_numbers = count()

_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


def begin(request: web.Request) -> None:
    """Say that what follows, in this task, is about this request."""
    logs.request_id.set(partial(of, request))


def of(request: web.Request) -> str:
    """The request's id: its own, or one that it is given when somebody asks first."""
    found = request.headers.get(HEADER) or request.get(_ID)
    if found is None:
        found = request[_ID] = new()
    return found


async def echo(request: web.Request, answer: web.StreamResponse) -> None:
    """Put the id on the answer; called when its headers are about to be sent."""
    answer.headers[HEADER] = of(request)


def new() -> str:
    """A version 4 UUID. Nobody must not guess it: those of one process differ in their last digits, counted up."""
    return f"{_BEGIN}{next(_numbers):012x}"
