"""A running service: its parts are started in order and stopped in reverse."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from karapace_like.config import Settings
from karapace_like.registry.registry import Registry
from karapace_like.serve.parts import Parts
from karapace_like.serve.place import Place
from karapace_like.serve.proxy import other_registry
from karapace_like.serve.taking_part import Progress, accept, become_ready, cancel, take_part
from karapace_like.telemetry import exporting
from karapace_like.web.app import MAX_LINE_BYTES
from karapace_like.web.neighbours import Neighbours
from karapace_like.web.peers import worker_address
from karapace_like.web.runner import Runner

_SHUTDOWN_SECONDS = 10.0
"""How long requests that are being answered may take to end."""
_YOUNG = 10_000
"""Containers that are made before the garbage collector looks at the new ones; a request that writes 100 records makes
hundreds, which are nearly all freed without it."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    place: Place
    registry: Registry
    neighbours: Neighbours
    ready: asyncio.Task[None]
    """Done once the service is ready; holds the error that makes it impossible."""
    taking_part: asyncio.Task[None]
    """The election; done only where it has failed, or there is nothing to be elected for any more."""

    async def work_beside(self, sockets: Sequence[str], writer: str | None) -> None:
        """The other workers are at these Unix sockets now; `writer` is the one that takes part in the election."""
        if not self.place.is_elected_here:
            self.registry.work_beside(None if writer is None else worker_address(writer))
        await self.neighbours.meet({int(Path(each).name): worker_address(each) for each in sockets})

    async def until(self, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Return once it is to stop; raises KafkaFailure where it cannot become ready or take part any more."""
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait([self.ready, stopped], return_when=asyncio.FIRST_COMPLETED)
        if self.ready.done():
            self.ready.result()
            _spare_the_collector()
            on_ready()
        await asyncio.wait([self.taking_part, stopped], return_when=asyncio.FIRST_COMPLETED)
        if self.taking_part.done() and not self.taking_part.cancelled():
            self.taking_part.result()
        await stopped


@asynccontextmanager
async def running(settings: Settings, place: Place, progress: Progress = lambda _: None) -> AsyncIterator[Service]:
    """The service, listening inside of the block."""
    async with AsyncExitStack() as stack:
        parts = Parts.of(settings, place, await other_registry(stack, settings))
        observed = parts.observed()
        collectors = observed.collectors()
        tracing = await stack.enter_async_context(exporting(settings, place.owner, parts.http, collectors))
        app = parts.app(collectors, tracing)
        # Stopped in reverse: requests end, groups are left and records flushed, then the topic is let go.
        stack.push_async_callback(parts.topic.close)
        stack.push_async_callback(parts.nodes.close)
        if parts.proxy is not None:
            parts.proxy.start()
            stack.push_async_callback(parts.proxy.close)
        runner = await _runner(stack, app, parts)
        if tracing:
            runner.close_shortcuts()  # a span for each request
        watching_files = asyncio.create_task(parts.watch_files())
        observing = asyncio.create_task(observed.watch_the_loop())
        ready = asyncio.create_task(become_ready(parts, progress))
        if place.asked_at is not None:
            await web.UnixSite(runner, place.asked_at).start()
        accepting = asyncio.create_task(accept(runner, parts, ready))
        taking_part = asyncio.create_task(take_part(parts, ready))
        parts.registry.on_lost(taking_part.cancel)
        # Beside other workers, which go on, a request that is under way is answered before the election is left; alone,
        # the other nodes' next primary is not kept waiting for clients.
        if place.asked_at is None:
            stack.push_async_callback(parts.draining.drain, runner)
        stack.callback(parts.registry.leave)
        stack.push_async_callback(cancel, watching_files, observing, ready, accepting, taking_part)
        if place.asked_at is not None:
            stack.push_async_callback(parts.draining.drain, runner)
        yield Service(place, parts.registry, parts.neighbours, ready, taking_part)


async def _runner(stack: AsyncExitStack, app: web.Application, parts: Parts) -> Runner:
    access = parts.security.access
    runner = Runner(
        app,
        metrics=parts.http,
        admit=None if access is None else access.admits,
        patience=parts.settings.http_request_patience_ms / 1000,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


def _spare_the_collector() -> None:
    """What there is by now, code and schemas, stays: the garbage collector need not look at it again and again."""
    gc.freeze()
    gc.set_threshold(_YOUNG)
