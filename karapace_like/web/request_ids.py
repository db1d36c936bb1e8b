"""Every answer carries an `X-Request-ID`, the request's own or a new one: logs of several nodes are joined by it."""

from random import getrandbits

from aiohttp import web

HEADER = "X-Request-ID"


async def echo(request: web.Request, answer: web.StreamResponse) -> None:
    """Put the id on the answer; called when its headers are about to be sent."""
    answer.headers[HEADER] = request.headers.get(HEADER) or new()


def new() -> str:
    """A version 4 UUID. Nobody must not guess it: it is not taken from the kernel, which takes ten times as long."""
    digits = f"{getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
