"""A running service: starts its parts in order and stops them in reverse."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from karapace_like.background import BackgroundTasks
from karapace_like.config import AccessLogFormat, Settings
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Store
from karapace_like.replication.logs import ReplicatedLogs
from karapace_like.replication.snapshots import Outcome, Snapshots
from karapace_like.serde.formats import import_codecs
from karapace_like.serve.election_member import (
    ReportProgress,
    accept,
    become_ready,
    cancel,
    examine_schemas,
    join_election,
)
from karapace_like.serve.parts import Parts
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.proxy import connect_to_registry
from karapace_like.telemetry.exporters import export_telemetry
from karapace_like.web.app import Application
from karapace_like.web.callers.access import Access
from karapace_like.web.cluster.peers import worker_address
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.routing import REGISTERED_ROUTES
from karapace_like.web.server.access_log import AccessLog
from karapace_like.web.server.runner import Runner

_SHUTDOWN_SECONDS = 10.0
"""Time for requests in flight to complete; aiohttp waits so long twice."""
_FATAL_SECONDS = 0.5
"""The same where the process ends because a critical task has failed: what they wait for may never come."""
_STARTING_CONTAINERS = 100_000
"""New containers that start a garbage collection until the service is ready. The replayed state has no garbage; with
Python's 700 it would be searched for some again and again, for 2 us a schema."""
_YOUNG_CONTAINERS = 10_000
"""New containers that start a collection of the youngest generation. A request of 100 records makes hundreds, and
reference counting frees nearly all of them."""


@dataclass(frozen=True, slots=True)
class Service:
    """A running service."""

    role: ProcessRole
    registry: Registry
    logs: ReplicatedLogs
    snapshots: Snapshots[Store] | None
    siblings: SiblingWorkers
    ready: asyncio.Task[None]
    """Done once the service is ready, or failed with the error that prevents it."""
    background: BackgroundTasks
    announce_stop: Callable[[], None]
    """Makes the readiness probe fail and ends each connection with its next response; requests are still served."""

    async def connect_to_workers(self, sockets: Sequence[str], writer: str | None) -> None:
        """Use the other workers at these Unix sockets; `writer` is the one that takes part in the election."""
        if not self.role.is_elected_here:
            self.logs.follow_local_primary(None if writer is None else worker_address(writer))
        await self.siblings.replace({int(Path(path).name): worker_address(path) for path in sockets})

    async def run_until(self, stopping: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Call `on_ready` once, and return when `stopping` is set.

        Raises KafkaFailure if the service cannot become ready, BackgroundTaskError if a critical task has failed.
        """
        stopped = asyncio.create_task(stopping.wait())
        failing = asyncio.create_task(self.background.raise_when_fatal())
        try:
            await asyncio.wait([self.ready, stopped, failing], return_when=asyncio.FIRST_COMPLETED)
            if self.ready.done():
                self.ready.result()
                _spare_the_collector()
                on_ready()
            await asyncio.wait([stopped, failing], return_when=asyncio.FIRST_COMPLETED)
            if failing.done():
                failing.result()
        finally:
            await cancel(stopped, failing)


@asynccontextmanager
async def start_service(
    settings: Settings, role: ProcessRole, progress: ReportProgress = lambda _: None
) -> AsyncIterator[Service]:
    """Run the service inside of the block; raises ConfigError."""
    import_codecs()
    async with AsyncExitStack() as stack:
        stack.callback(gc.set_threshold, *gc.get_threshold())
        gc.set_threshold(_STARTING_CONTAINERS)
        parts = Parts.build(settings, role, await connect_to_registry(stack, settings))
        observed = parts.observe()
        collectors = observed.build_collector_registry()
        tracing = await stack.enter_async_context(
            export_telemetry(settings, role.owner, parts.http, collectors, parts.background)
        )
        app = parts.app(collectors, tracing)
        # Stopped in reverse: requests complete, consumers leave their groups, records are flushed, the topic closes.
        stack.push_async_callback(_close_logs, parts)
        stack.push_async_callback(parts.registry.engines.close)
        stack.push_async_callback(parts.validators.close)
        stack.push_async_callback(parts.nodes.close)
        if parts.proxy is not None:
            parts.proxy.start()
            stack.push_async_callback(parts.proxy.close)
        # The response cache would show tracing no request.
        runner = await _runner(stack, app, parts, caches_responses=parts.settings.http_response_cache and not tracing)
        background = parts.background
        watching = [background.start(f"watcher of {watcher.name}", watcher.run) for watcher in parts.watchers]
        if parts.policies.replicated_policies is not None:
            watching.append(background.start("reading of the topic policies", parts.policies.follow))
        if parts.keys is not None:
            watching.append(background.start("reading of the encryption keys", parts.keys.follow))
        if parts.receipts is not None:
            watching.append(background.start("reading of the receipts", parts.receipts.follow))
        polling = background.start("polls of idle Kafka clients", parts.kafka.polls.run)
        observing = background.start("measurement of the event loop's delay", observed.measure_loop_delay)
        ready = asyncio.create_task(become_ready(parts, progress))
        if role.unix_socket is not None:
            await runner.listen_at(role.unix_socket)
        accepting = background.run_once("opening of the listeners", accept(runner, parts, ready), is_critical=True)
        watching.append(background.start("examination of the stored schemas", partial(examine_schemas, parts, ready)))
        election_tasks = join_election(parts, ready)
        parts.registry.on_failure(lambda: [task.cancel() for task in election_tasks])
        # A worker answers requests in flight before it leaves the election, since the other workers still serve. The
        # only process leaves first, so that the next primary on another node need not wait for its clients.
        if role.unix_socket is None:
            stack.push_async_callback(parts.draining.drain, runner)
        stack.callback(parts.logs.leave)
        stack.push_async_callback(cancel, *watching, polling, observing, ready, accepting, *election_tasks)
        if role.unix_socket is not None:
            stack.push_async_callback(parts.draining.drain, runner)

        def announce_stop() -> None:
            parts.health.is_stopping = True
            parts.draining.announce(runner)

        yield Service(
            role, parts.registry, parts.logs, parts.snapshots, parts.siblings, ready, background, announce_stop
        )


async def _runner(stack: AsyncExitStack, app: Application, parts: Parts, *, caches_responses: bool) -> Runner:
    access = parts.security.access
    runner = Runner(
        app,
        metrics=parts.http,
        admit=access.recognise if isinstance(access, Access) else None,
        caches_responses=caches_responses,
        patience=parts.settings.http_request_patience_ms / 1000,
        background=parts.background,
        requests_log=_make_access_log(parts.settings, app),
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
    )
    await runner.setup()
    stack.push_async_callback(_stop, runner, parts.background)
    return runner


async def _close_logs(parts: Parts) -> None:
    """Close the logs at the same time: each waits half a second for its last read, where no record comes any more."""

    async def close_schemas() -> None:
        await _save_snapshot(parts)
        await parts.topic.close()

    others = [log.close() for log in (parts.policies, parts.keys, parts.receipts) if log is not None]
    closed = await asyncio.gather(close_schemas(), *others, return_exceptions=True)
    for failure in closed:
        if failure is not None:
            raise failure


async def _save_snapshot(parts: Parts) -> None:
    """Write the snapshot, in one process of the node; not where a critical task has failed, and the state with it."""
    snapshots, role = parts.snapshots, parts.role
    if snapshots is None or parts.background.fatal is not None:
        return
    if role.is_elected_here or (role.reader_file is not None and snapshots.outcome is not Outcome.USED):
        await snapshots.save()


async def _stop(runner: Runner, background: BackgroundTasks) -> None:
    """Let the requests in flight complete, for a short while only if a critical task has failed; close the server."""
    if background.fatal is not None and runner.server is not None:
        await runner.server.shutdown(_FATAL_SECONDS)
    await runner.cleanup()


def _make_access_log(settings: Settings, app: Application) -> AccessLog | None:
    if settings.access_log is AccessLogFormat.OFF:
        return None
    parameters = {parameter.name for added in app[REGISTERED_ROUTES] for parameter in added.route.call.query}
    is_json = settings.access_log is AccessLogFormat.JSON
    return AccessLog(is_json=is_json, percent=settings.access_log_percent, parameters=parameters)


def _spare_the_collector() -> None:
    """Exclude the code and schemas that exist now, which stay, from every later garbage collection."""
    gc.freeze()
    gc.set_threshold(_YOUNG_CONTAINERS)
