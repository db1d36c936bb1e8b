"""How a process joins its group: it replays the schemas topic, accepts connections and stands for election."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import wire
from karapace_like.serve.parts import Parts
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.operations import reachability
from karapace_like.web.server.runner import Runner

ReportProgress = Callable[[str], None]
"""Prints or logs one line about the progress of the start."""

_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 1.0
_OPTIONAL_SECONDS = 30.0
"""How long the start waits for policies, keys and receipts once schemas are served: calls get 503 until then."""


async def become_ready(parts: Parts, progress: ReportProgress) -> None:
    """Open the topic, with retries while Kafka is unreachable, and return when it is replayed."""
    registry, health = parts.registry, parts.health
    end = await _open(parts, progress)
    registry.begin_replay(end)
    progress(f"Replaying {end - registry.position} records of the schemas topic")
    replayed = asyncio.create_task(registry.wait_until_replayed())
    while not (await asyncio.wait([replayed], timeout=_PROGRESS_SECONDS))[0]:
        progress(f"Replayed {registry.progress.position} of {end} records")
    # The names are sorted once, for a third of a second where there are a million: better now than in a request.
    registry.store.ordered_subjects()
    await parts.topic.check_emptiness()
    optional = (
        parts.policies.replicated_policies,
        None if parts.keys is None else parts.keys.registry,
        None if parts.receipts is None else parts.receipts.receipts,
    )
    settling = (state.wait_until_settled(_OPTIONAL_SECONDS) for state in optional if state is not None)
    await asyncio.gather(*settling)
    health.ready_after = time.monotonic() - health.started
    if parts.role.shared is not None:
        parts.role.shared.serve()


async def examine_schemas(parts: Parts, ready: asyncio.Task[None]) -> None:
    """Once the service is ready, index the texts where this process may write, and watch for ids of two schemas."""
    await _wait_until_ready(ready)
    if parts.election is not None:
        await parts.registry.index_texts()
    await parts.registry.conflict_watch.run()


async def _wait_until_ready(ready: asyncio.Task[None]) -> None:
    """Return when the process is ready; never if its start has failed, which ends the process."""
    await asyncio.wait([ready])
    if ready.cancelled() or ready.exception() is not None:
        await asyncio.Event().wait()


async def _open(parts: Parts, progress: ReportProgress) -> int:
    """Return the end offset of the topic."""
    while True:
        try:
            if parts.kafka.has_credentials:
                await wire.check_credentials(parts.kafka)  # opening the topic would retry wrong credentials for ever
            find_begin = None if parts.snapshots is None else parts.snapshots.restore
            return await parts.topic.open(parts.registry.apply_batch, parts.registry.give_up, find_begin)
        except KafkaFailure as error:
            if not error.retriable:
                raise
            progress(f"Waiting for Kafka at {parts.settings.bootstrap_uri} (setting bootstrap_uri): {error.message}")
            await asyncio.sleep(_RETRY_SECONDS)


async def accept(runner: Runner, parts: Parts, ready: asyncio.Task[None]) -> None:
    """Accept connections, at once, or once ready where other workers can serve them meanwhile."""
    if parts.role.accepts_when_ready:
        await asyncio.wait([ready])
    tls = parts.security.tls
    for listening in parts.role.sockets:
        context = tls.context if listening.is_tls and tls is not None else None
        await runner.listen(listening.socket, context, listening.dialect, listening.roles)


def join_election(parts: Parts, ready: asyncio.Task[None]) -> list[asyncio.Task[None]]:
    """Start the tasks of the election; a node stands once it serves reads, since a replaying node cannot write."""
    election = parts.election
    if election is None:
        return []
    host, port, scheme = parts.role.advertise(parts.settings)

    async def stand() -> None:
        await _wait_until_ready(ready)
        await election.run(host, port, scheme=scheme)

    async def check_reachability() -> None:
        await reachability.watch(f"{scheme}://{host}:{port}", parts.health, lambda: parts.peers.tls)

    start = parts.background.start
    tasks = [start("election", stand, is_critical=True)]
    # The check asks for the node's health, which another listener may serve.
    if ApiRole.OPERATIONS in parts.role.find_advertised_listener(parts.settings).roles:
        tasks.insert(0, start("check of the advertised URL", check_reachability))
    return tasks


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel the tasks one by one, the last first, and wait for the end of each."""
    for task in reversed(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
