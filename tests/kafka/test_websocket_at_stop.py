"""A service that stops closes its WebSocket connections at once, so that clients go elsewhere."""

import asyncio

import aiohttp
import pytest

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.kafka


async def test_connections_are_told_that_the_service_goes(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        async with (
            aiohttp.ClientSession(service.url) as session,
            session.ws_connect("/topics/any/socket") as idle,
            session.ws_connect("/topics/any/socket") as producing,
        ):
            await producing.send_json({"produce": {"records": [{"value": 1}]}})
            assert "produced" in await producing.receive_json()
            await producing.send_json({"subscribe": {"credit": 10}})
            assert "subscribed" in await producing.receive_json()
            stopping = asyncio.create_task(asyncio.to_thread(service.stop))
            for socket in (idle, producing):
                frame = await socket.receive()
                assert (frame.type, frame.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.GOING_AWAY)
            assert await stopping == 0
