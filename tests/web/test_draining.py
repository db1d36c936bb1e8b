"""A server that stops: what it says to the clients that are there, and to those that come."""

import asyncio

import aiohttp
import pytest
from aiohttp import web

from karapace_like.config import Listener
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.serve import listeners
from karapace_like.web.app import make_app
from karapace_like.web.server.draining import Draining
from karapace_like.web.server.runner import Runner
from tests.web.conftest import MemoryLog


async def test_clients_are_answered_and_told_to_go_elsewhere() -> None:
    """A kept connection is answered once more, with the word that it ends; nobody new is let in."""
    draining = Draining()
    runner = Runner(make_app(Registry(MemoryLog(), Rules()), draining=draining))
    await runner.setup()
    doors = listeners.open_listeners([Listener("127.0.0.1", 0)])
    await web.SockSite(runner, doors[0].socket).start()
    url = listeners.format_urls(doors)
    async with aiohttp.ClientSession() as session:
        async with session.get(url) as answer:
            assert (answer.status, answer.headers.get("Connection")) == (200, None)
        stopped = asyncio.create_task(draining.drain(runner))
        async with session.get(url) as answer:
            assert (answer.status, answer.headers.get("Connection")) == (200, "close")
        await stopped
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url)
    await runner.cleanup()


async def test_a_server_that_announces_its_end_lets_new_connections_in() -> None:
    """Each ends with its next response, so that clients go elsewhere as soon as a load balancer knows where."""
    draining = Draining()
    runner = Runner(make_app(Registry(MemoryLog(), Rules()), draining=draining))
    await runner.setup()
    doors = listeners.open_listeners([Listener("127.0.0.1", 0)])
    await web.SockSite(runner, doors[0].socket).start()
    draining.announce(runner)
    async with aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.get(listeners.format_urls(doors)) as answer:
                assert (answer.status, answer.headers.get("Connection")) == (200, "close")
    await runner.cleanup()


async def test_an_address_that_is_taken_ends_the_start_and_frees_the_others() -> None:
    taken = listeners.open_listeners([Listener("127.0.0.1", 0)])
    port = taken[0].address.port
    with pytest.raises(listeners.ListenError, match="another program uses port"):
        listeners.open_listeners([Listener("localhost", 0), Listener("127.0.0.1", port)])
    for each in taken:
        each.socket.close()
