"""Whether this node is to be found where it tells the others to find it.

A primary that nobody can reach lets every write through the other nodes fail, and looks healthy by itself. So each node
asks itself at its advertised URL, from its own side of the network: an answer by another process is as bad as none.
"""

import asyncio
import logging
from collections.abc import Callable

import aiohttp
import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.web.health import Health
from karapace_like.web.peers import Tls

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=5)
_AGAIN_SECONDS = 30.0


class _Live(msgspec.Struct):
    instance: str | None = None


async def watch(url: str, health: Health, tls: Callable[[], Tls] = lambda: True) -> None:
    """Ask now and then, until cancelled; what is found is logged when it changes, and shown by `health`.

    `tls` is what other nodes connect with.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
        while True:
            found = await _why_not(session, url, health.instance, tls())
            if found is not None and found != health.unreachable:
                logger.error(
                    "%s; set advertised_hostname and advertised_port to where other nodes reach this one", found
                )
            elif found is None and health.unreachable is not None:
                logger.info("This node answers at %s again", url)
            health.unreachable = found
            await asyncio.sleep(_AGAIN_SECONDS)


async def _why_not(session: aiohttp.ClientSession, url: str, instance: str, tls: Tls) -> str | None:
    """What is wrong with the URL; None if this process answers there."""
    try:
        async with session.get(f"{url}/health/live", ssl=tls) as answer:
            found = msgspec.json.decode(await answer.read(), type=_Live)
    except (aiohttp.ClientError, OSError, *NOT_JSON) as error:
        return f"This node cannot be reached at its advertised URL {url} ({str(error) or type(error).__name__})"
    if found.instance != instance:
        return f"Another process answers at this node's advertised URL {url}"
    return None
