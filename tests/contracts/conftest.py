"""A node that the tests of policies share."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.kafka.service_in_process import Node
from tests.service_process import ServiceProcess


@pytest.fixture
async def node(service: ServiceProcess) -> AsyncIterator[Node]:
    async with aiohttp.ClientSession(service.url) as session:
        yield Node(session, asyncio.create_task(asyncio.sleep(0)))
