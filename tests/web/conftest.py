"""The application on a port of its own, with the schemas topic in memory: its bytes go through the real codec."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, NamedTuple

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from karapace_like.access.quotas import Quotas
from karapace_like.leadership import Takeover, Term
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.registry.standing import Standing
from karapace_like.web.access import Access
from karapace_like.web.app import MAX_LINE_BYTES, make_app
from karapace_like.web.runner import Runner
from karapace_like.web.shortcuts import Admit


class TopicRecord(NamedTuple):
    key: bytes | None
    value: bytes | None
    timestamp: int


class MemoryLog:
    """A schemas topic: what is appended comes back through `take`, and every record stays to be looked at."""

    def __init__(self) -> None:
        self.records: list[TopicRecord] = []
        self.registry: Registry | None = None

    async def end(self) -> int:
        return len(self.records)

    async def take_over(self, _: Term) -> Takeover:
        return Takeover(len(self.records), is_fenced=True)

    def mark(self) -> None:
        """Every record is seen at once."""

    async def append(self, batch: Sequence[tuple[bytes, bytes | None]]) -> int:
        written = [TopicRecord(key, value, int(time.time() * 1000)) for key, value in batch]
        self.records += written
        assert self.registry is not None
        self.registry.take(written, len(self.records))
        return len(self.records)


def in_memory(
    rules: Rules | None = None, *, ready: bool = True, write_timeout: float = 60.0
) -> tuple[Registry, MemoryLog]:
    """A registry over a topic of its own; `ready=False` leaves the replay unfinished."""
    log = MemoryLog()
    log.registry = registry = Registry(log, rules or Rules(), write_timeout=write_timeout)
    if ready:
        registry.begin_replay(0)
    return registry, log


class Server(TestServer):
    """Runs the application as the service does, shortcuts included."""

    admit: Admit | None = None
    patience = 0.0

    async def _make_runner(self, **options: Any) -> Runner:
        return Runner(self.app, admit=self.admit, patience=self.patience, **options)


class Api:
    """A client of the application that answers (status, body)."""

    def __init__(self, client: TestClient[Any, Any], log: MemoryLog, registry: Registry) -> None:
        self.client = client
        self.log = log
        self.registry = registry

    async def __call__(self, method: str, path: str, body: object = None, **options: Any) -> tuple[int, Any]:
        answer = await self.response(method, path, body, **options)
        return answer.status, await answer.json(content_type=None)

    async def response(self, method: str, path: str, body: object = None, **options: Any) -> ClientResponse:
        if body is not None:
            options["json"] = body
        return await self.client.request(method, path, **options)


@asynccontextmanager
async def leading(registry: Registry) -> AsyncIterator[None]:
    """Inside of the block the registry is the primary."""
    term = asyncio.create_task(registry.lead(Term(number=1)))
    await registry.board.other_than(Standing())
    yield
    term.cancel()
    await asyncio.gather(term, return_exceptions=True)


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Start an application; `ready=False` leaves the replay unfinished."""
    async with AsyncExitStack() as stack:
        yield partial(_started, stack)


async def _started(
    stack: AsyncExitStack,
    *,
    ready: bool = True,
    rules: Rules | None = None,
    max_body_bytes: int = 2**24,
    admit: Admit | None = None,
    access: Access | None = None,
    quotas: Quotas | None = None,
    patience: float = 0.0,
) -> Api:
    registry, log = in_memory(rules, ready=ready)
    if ready:
        await stack.enter_async_context(leading(registry))
    server = Server(make_app(registry, access=access, max_body_bytes=max_body_bytes, quotas=quotas))
    server.patience = patience
    server.admit = admit if access is None else access.admits
    await server.start_server(max_line_size=MAX_LINE_BYTES)
    client = TestClient(server)
    await stack.enter_async_context(client)
    return Api(client, log, registry)


@pytest.fixture
async def api(start: Callable[..., Awaitable[Api]]) -> Api:
    """A ready application."""
    return await start()
