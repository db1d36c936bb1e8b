"""One registry behind two listeners: one for Confluent's clients, one for Karapace's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import pytest

from karapace_like.config import Listener
from karapace_like.registry.registry import Registry
from karapace_like.serve.listeners import open_listeners
from karapace_like.web.app import OPEN, RequestHandling, make_app
from karapace_like.web.callers.access import Access, OpenAccess
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.server.runner import Runner
from tests.web.conftest import in_memory, leading


class Client(NamedTuple):
    """A client of one listener that answers (status, body)."""

    session: aiohttp.ClientSession
    url: str

    async def __call__(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        async with self.session.request(method, self.url + path, json=body, **options) as response:
            return response.status, await response.json(content_type=None)


class Both(NamedTuple):
    registry: Registry
    confluent: Client
    karapace: Client


@asynccontextmanager
async def serving(access: Access | OpenAccess = OPEN) -> AsyncIterator[Both]:
    """Serve a registry in both dialects inside of the block."""
    registry, _ = in_memory()
    sockets = open_listeners([Listener("127.0.0.1", 0, dialect=dialect) for dialect in Dialect])
    runner = Runner(make_app(registry, access=access, handling=RequestHandling(speaks_karapace=True)))
    await runner.setup()
    for listening in sockets:
        await runner.listen(listening.socket, dialect=listening.dialect)
    async with leading(registry), aiohttp.ClientSession() as session:
        clients = {each.dialect: Client(session, f"http://127.0.0.1:{each.address.port}") for each in sockets}
        yield Both(registry, clients[Dialect.CONFLUENT], clients[Dialect.KARAPACE])
    await runner.cleanup()


@pytest.fixture
async def both() -> AsyncIterator[Both]:
    async with serving() as clients:
        yield clients
