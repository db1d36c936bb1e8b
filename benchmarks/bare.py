"""The bound beside which our routes are measured: aiohttp with 43 routes, and answers of as many bytes as ours.

    python -m benchmarks.bare BYTES

Prints the port that it listens on.
"""

import asyncio
import sys

import uvloop
from aiohttp import web

_SIZE = int(sys.argv[1])
_BODY = b"x" * _SIZE
_READY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % _SIZE + _BODY


class _Ready(web.Response):
    """An answer whose bytes are ready: aiohttp's router, and nothing behind it."""

    async def prepare(self, request: web.BaseRequest) -> None:
        self._keep_alive = True
        assert request.transport is not None
        request.transport.write(_READY)

    async def write_eof(self, data: bytes = b"") -> None:
        """All is written."""


async def _ready(_: web.Request) -> web.Response:
    return _Ready()


async def _get(_: web.Request) -> web.Response:
    return web.Response(body=_BODY, content_type="application/json")


async def _post(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(body=_BODY, content_type="application/json")


async def main() -> None:
    """Serve until killed."""
    app = web.Application(client_max_size=2**26)
    for number in range(40):
        app.router.add_get(f"/things{number}/{{id}}", _get)
    app.router.add_get("/ready/{id}", _ready)
    app.router.add_get("/schemas/ids/{id}", _get)
    app.router.add_post("/subjects/{subject}/versions", _post)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
