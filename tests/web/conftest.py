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
from pytest_aiohttp.plugin import AiohttpClient

from karapace_like.access.quotas import Quotas
from karapace_like.keys.dek_registry import DekRegistry
from karapace_like.keys.kms.services import KeyServices
from karapace_like.keys.rules import KeyRules
from karapace_like.leadership import Takeover, Term
from karapace_like.policies.topic_policies import TopicPolicies
from karapace_like.proxy.contracts.administration import PolicyAdministration
from karapace_like.proxy.contracts.trial import PolicyTrial
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.records import LogEntry, take_plain
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import Registry
from karapace_like.replication.write_availability import WriteAvailability
from karapace_like.schemas_access.registry_in_process import RegistrySchemas
from karapace_like.web.app import OPEN, RequestHandling, make_app
from karapace_like.web.callers.access import Access, OpenAccess
from karapace_like.web.callers.usage import UsageTable
from karapace_like.web.http.cors_policy import CorsPolicy
from karapace_like.web.keys.services import KeyHandling
from karapace_like.web.proxy_v3.policies import PolicyServices
from karapace_like.web.server.access_log import AccessLog
from karapace_like.web.server.caching import Admit
from karapace_like.web.server.runner import Runner


class TopicRecord(NamedTuple):
    key: bytes | None
    value: bytes | None
    timestamp: int
    offset: int = 0


class MemoryLog:
    """A schemas topic: what is appended comes back through `apply_batch`, and every record stays to be looked at."""

    def __init__(self) -> None:
        self.records: list[TopicRecord] = []
        self.registry: Registry | TopicPolicies | DekRegistry | None = None

    async def end(self) -> int:
        return len(self.records)

    async def take_over(self, _: Term) -> Takeover:
        return Takeover(len(self.records), is_fenced=True)

    def mark(self) -> None:
        """Every record is seen at once."""

    async def append(self, batch: Sequence[LogEntry]) -> int:
        now = int(time.time() * 1000)
        written = [
            TopicRecord(key, value, now, offset)
            for offset, (key, value) in enumerate(take_plain(batch), len(self.records))
        ]
        self.records += written
        assert self.registry is not None
        self.registry.apply_batch(written, len(self.records))
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


def policies_in_memory(registry: Registry) -> PolicyServices:
    """Policies over a topic of their own, without a primary: what they refer to is in the registry."""
    log = MemoryLog()
    log.registry = policies = TopicPolicies(log)
    policies.begin_replay(0)
    schemas = SchemaCache(RegistrySchemas(registry))
    administration = PolicyAdministration(schemas, InternalResources())
    return PolicyServices(policies, administration, None, PolicyTrial(schemas), ViolationLog())


def keys_in_memory(rules: KeyRules | None = None, *, shows_secrets: bool = True) -> tuple[KeyHandling, MemoryLog]:
    """A DEK registry over a topic of its own."""
    log = MemoryLog()
    log.registry = registry = DekRegistry(log)
    registry.begin_replay(0)
    return KeyHandling(registry, KeyServices(), rules or KeyRules(), shows_secrets=shows_secrets), log


class Server(TestServer):
    """Runs the application as the service does, shortcuts included."""

    admit: Admit | None = None
    patience = 0.0
    caches_responses = True
    access_log: AccessLog | None = None

    async def _make_runner(self, **options: Any) -> Runner:
        return Runner(
            self.app,
            admit=self.admit,
            patience=self.patience,
            caches_responses=self.caches_responses,
            requests_log=self.access_log,
            **options,
        )


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
async def leading(registry: Registry | DekRegistry) -> AsyncIterator[None]:
    """Inside of the block the registry is the primary."""
    term = asyncio.create_task(registry.lead(Term(number=1)))
    await registry.board.wait_for_change_from(WriteAvailability())
    yield
    term.cancel()
    await asyncio.gather(term, return_exceptions=True)


@pytest.fixture
async def start(aiohttp_client: AiohttpClient) -> AsyncIterator[Callable[..., Awaitable[Api]]]:
    """Start an application; `ready=False` leaves the replay unfinished."""
    async with AsyncExitStack() as stack:
        yield partial(_started, stack, aiohttp_client)


async def _started(
    stack: AsyncExitStack,
    aiohttp_client: AiohttpClient,
    *,
    ready: bool = True,
    rules: Rules | None = None,
    max_body_bytes: int = 2**24,
    admit: Admit | None = None,
    access: Access | OpenAccess = OPEN,
    quotas: Quotas | None = None,
    patience: float = 0.0,
    caches_responses: bool = True,
    access_log: AccessLog | None = None,
    usage: UsageTable | None = None,
    keys: KeyHandling | None = None,
    cors: CorsPolicy | None = None,
) -> Api:
    registry, log = in_memory(rules, ready=ready)
    if ready:
        await stack.enter_async_context(leading(registry))
    if keys is not None:
        await stack.enter_async_context(leading(keys.registry))
    server = Server(
        make_app(
            registry,
            access=access,
            quotas=quotas,
            usage=usage,
            handling=RequestHandling(max_body_bytes=max_body_bytes, cors=cors),
            keys=keys,
        )
    )
    server.patience = patience
    server.access_log = access_log
    server.caches_responses = caches_responses
    server.admit = access.recognise if isinstance(access, Access) else admit
    await server.start_server()
    return Api(await aiohttp_client(server), log, registry)


@pytest.fixture
async def api(start: Callable[..., Awaitable[Api]]) -> Api:
    """A ready application."""
    return await start()
