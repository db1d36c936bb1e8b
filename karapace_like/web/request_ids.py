"""Every answer carries an `X-Request-ID`, the request's own or a new one: logs of several nodes are joined by it."""

import uuid

from aiohttp import web

HEADER = "X-Request-ID"


async def echo(request: web.Request, answer: web.StreamResponse) -> None:
    """Put the id on the answer; called when its headers are about to be sent."""
    answer.headers[HEADER] = request.headers.get(HEADER) or str(uuid.uuid4())
