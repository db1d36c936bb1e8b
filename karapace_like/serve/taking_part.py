"""How a process comes to take part: it reads the schemas, takes connections and stands for election."""

import asyncio
import time
from collections.abc import Callable

from aiohttp import web

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import wire
from karapace_like.serve.parts import Parts
from karapace_like.web import reachability
from karapace_like.web.runner import Runner

Progress = Callable[[str], None]
"""Is told, in a line, how far it is."""

_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 1.0


async def become_ready(parts: Parts, progress: Progress) -> None:
    """Open the topic, trying again while Kafka is away, and return when it is replayed."""
    registry, health = parts.registry, parts.health
    end = await _open(parts, progress)
    registry.begin_replay(end)
    progress(f"Reading {end} records of schemas")
    replayed = asyncio.create_task(registry.replayed())
    while not (await asyncio.wait([replayed], timeout=_PROGRESS_SECONDS))[0]:
        progress(f"Read {registry.progress.position} of {end} records")
    health.ready_after = time.monotonic() - health.started
    if parts.place.shared is not None:
        parts.place.shared.serve()


async def _open(parts: Parts, progress: Progress) -> int:
    """The offset at which the topic ends."""
    while True:
        try:
            if parts.kafka.has_credentials:
                await wire.prove(parts.kafka)  # what the topic is opened with would ask again and again
            return await parts.topic.open(parts.registry.take, parts.registry.give_up)
        except KafkaFailure as error:
            if not error.retriable:
                raise
            progress(f"Waiting for Kafka at {parts.settings.bootstrap_uri}: {error.message} (see bootstrap_uri)")
            await asyncio.sleep(_RETRY_SECONDS)


async def accept(runner: Runner, parts: Parts, ready: asyncio.Task[None]) -> None:
    """Take connections, at once or when they can be served better than by others."""
    if parts.place.accepts_when_ready:
        await asyncio.wait([ready])
    tls = parts.security.tls
    for each in parts.place.doors:
        context = tls.context if each.is_tls and tls is not None else None
        await web.SockSite(runner, each.socket, ssl_context=context).start()


async def take_part(parts: Parts, ready: asyncio.Task[None]) -> None:
    """Stand for election once reads are served: a node that is still reading could not write either."""
    election = parts.election
    if election is None:
        await asyncio.Event().wait()
        return
    host, port, scheme = parts.place.advertised(parts.settings)
    watching = asyncio.create_task(
        reachability.watch(f"{scheme}://{host}:{port}", parts.health, lambda: parts.peers.tls)
    )
    try:
        await asyncio.wait([ready])
        if not ready.cancelled() and ready.exception() is None:
            await election.run(host, port, scheme=scheme)
    finally:
        await cancel(watching)


async def cancel(*tasks: asyncio.Task[None]) -> None:
    """Cancel the last first, each when the one before has ended."""
    for task in reversed(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
