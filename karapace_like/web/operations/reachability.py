"""Whether this node answers at the URL that it advertises to the other nodes.

A primary that cannot be reached makes every write through the other nodes fail, and looks healthy by itself. So each
node sends a request to its own advertised URL; a response of another process is as bad as none.
"""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.web.cluster.peers import Tls
from karapace_like.web.operations.health import Health

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_AGAIN_SECONDS = 30.0


class _Live(msgspec.Struct):
    instance: str | None = None


async def watch(url: str, health: Health, tls: Callable[[], Tls] = lambda: True) -> None:
    """Check the URL every 30 seconds, until cancelled; log each change, and report the state to `health`.

    `tls`: the TLS with which other nodes connect.
    """
    # A server that stops would wait for a connection that is kept open until the next check.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector, timeout=_TIMEOUT) as session:
        while True:
            reason = await _explain(session, url, health.instance, tls())
            if reason is not None and reason != health.unreachable:
                logger.error(
                    "%s; set advertised_hostname and advertised_port to where other nodes reach this one", reason
                )
            elif reason is None and health.unreachable is not None:
                logger.info("This node answers at %s again", url)
            health.unreachable = reason
            await asyncio.sleep(_AGAIN_SECONDS)


async def _explain(session: aiohttp.ClientSession, url: str, instance: str, tls: Tls) -> str | None:
    """Return why the URL does not lead to this process; None if it does."""
    try:
        async with session.get(f"{url}/health/live", ssl=tls) as response:
            live = msgspec.json.decode(await response.read(), type=_Live)
    except (aiohttp.ClientError, OSError, *NOT_JSON) as error:
        return f"This node cannot be reached at its advertised URL {url} ({str(error) or type(error).__name__})"
    if live.instance != instance:
        return f"Another process answers at this node's advertised URL {url}"
    return None
