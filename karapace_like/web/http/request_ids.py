"""The `X-Request-ID` of every response, the request's own or a new one: it joins the logs of several nodes."""

import os
from functools import partial
from itertools import count
from uuid import uuid4

from aiohttp import web

from karapace_like.process import logs

HEADER = "X-Request-ID"

_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


def bind_to_logs(request: web.Request) -> None:
    """Put the request's id into the log lines of this task."""
    logs.request_id.set(partial(ensure, request))


def ensure(request: web.BaseRequest) -> str:
    """Return the request's id: its header's if that is visible ASCII, else one that is generated at the first call."""
    request_id = request.headers.get(HEADER)
    if request_id and request_id.isascii() and request_id.isprintable():
        return request_id
    request_id = request.get(_ID)
    if request_id is None:
        request_id = request[_ID] = generate()
    return request_id


async def echo(request: web.Request, response: web.StreamResponse) -> None:
    """Put the id into the response's headers; aiohttp calls this before it sends them."""
    response.headers[HEADER] = ensure(request)


class _Generator:
    """Ids with a random beginning of the process and a number."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Draw another beginning."""
        self._begin = str(uuid4())[:-12]
        self._numbers = count()

    def generate(self) -> str:
        """Return a version 4 UUID. It is no secret: one process counts up the last digits of its ids."""
        return f"{self._begin}{next(self._numbers):012x}"


_generator = _Generator()
os.register_at_fork(after_in_child=_generator.restart)
generate = _generator.generate
