"""The one composition root: builds everything from settings, starts it in order and stops it in reverse.

HTTP listens first, so that clients and probes get an answer (503) while the schemas are still being read. One process
builds all of this; of several workers (`workers/`) each does, and one of them takes part in the election.
"""

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from karapace_like import listening, logs
from karapace_like.access.credentials import Credentials
from karapace_like.client import registry_client
from karapace_like.client.registry_client import RegistryClient
from karapace_like.config import SchemaValidation, Settings
from karapace_like.errors import KafkaFailure
from karapace_like.in_process import RegistrySchemas
from karapace_like.kafka import wire
from karapace_like.kafka.admin import Admin
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumers import Consumers
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.producer import ProducerSettings
from karapace_like.kafka.producers import Producers
from karapace_like.kafka.schemas_topic import SchemasTopic, SchemasTopicSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka_access import end_of, kafka_settings, kafka_settings_of
from karapace_like.listening import Door
from karapace_like.observing import Observed
from karapace_like.over_http import RemoteSchemas
from karapace_like.ownership import Owner
from karapace_like.proxy.callers import Callers
from karapace_like.proxy.ports import Schemas
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.traced import TracedProducer
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import MARK, Registry
from karapace_like.schema.model import Strictness
from karapace_like.security import Security
from karapace_like.telemetry import exporting
from karapace_like.web import reachability
from karapace_like.web.app import MAX_LINE_BYTES, make_app
from karapace_like.web.draining import Draining
from karapace_like.web.exposition import Exposition
from karapace_like.web.health import ElectionElsewhere, Health
from karapace_like.web.metrics import HttpMetrics
from karapace_like.web.neighbours import Neighbours
from karapace_like.web.peers import Peers, worker_address
from karapace_like.web.proxy.owners import Owners
from karapace_like.web.registry.metadata import ClusterIds
from karapace_like.web.shortcuts import Runner

logger = logging.getLogger(__name__)

Progress = Callable[[str], None]

_RETRY_SECONDS = 1.0
_PROGRESS_SECONDS = 1.0
_WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared with, not listened on
_SHUTDOWN_SECONDS = 10.0
"""How long requests that are being answered may take to end."""


@dataclass(frozen=True, slots=True)
class Place:
    """What belongs to one process of a node; the defaults are those of the only one."""

    doors: Sequence[Door]
    """Where the node listens; closed in the end."""
    owner: Owner = field(default_factory=Owner.drawn)
    """This process, and its node."""
    is_elected_here: bool = True
    """Whether this process takes part in the election, and not another worker."""
    asked_at: Path | None = None
    """The Unix socket where the other workers ask this one."""
    accepts_when_ready: bool = False
    """Whether the other workers accept connections until this one is ready."""
    member_id: str = ""
    """The membership in the election's group to go on with: a worker's that has ended."""
    on_member: Callable[[str], None] = lambda _: None
    """Told of each new one."""

    @property
    def worker(self) -> int | None:
        """The worker's number, of which each new worker has a new one; None for the only process."""
        return None if self.asked_at is None else int(self.asked_at.name)


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
            on_ready()
        await asyncio.wait([self.taking_part, stopped], return_when=asyncio.FIRST_COMPLETED)
        if self.taking_part.done() and not self.taking_part.cancelled():
            self.taking_part.result()
        await stopped


@asynccontextmanager
async def running(settings: Settings, place: Place, progress: Progress = lambda _: None) -> AsyncIterator[Service]:
    """The service, listening inside of the block."""
    async with AsyncExitStack() as stack:
        kafka = kafka_settings(settings)
        # The proxy needs the schemas also where the registry's own API is switched off.
        registry, topic = _registry(settings, kafka)
        peers = Peers(settings.forwarding_secret)
        neighbours = Neighbours(peers)
        registry.share_with(neighbours.applied)
        schemas = await _other_registry(stack, settings) or RegistrySchemas(registry, peers)
        producers = _producers(settings, kafka) if settings.karapace_rest and not settings.rest_authorization else None
        proxy: Proxy | Callers[Credentials] | None = None
        if settings.karapace_rest:
            proxy = (
                _callers(settings, schemas, place.owner)
                if producers is None
                else _proxy(settings, kafka, schemas, producers, place.owner)
            )
        nodes = Nodes(Group(kafka, _group(settings)))
        election = _election(settings, kafka, registry, place) if place.is_elected_here else None
        health = Health(registry, election or ElectionElsewhere(), instance=place.owner.node)
        security = Security.of(settings)
        draining = Draining()
        http = HttpMetrics()
        observed = Observed(
            registry=registry,
            election=election,
            health=health,
            peers=peers,
            http=http,
            topic=topic,
            producers=producers,
            consumers=proxy.consumers if isinstance(proxy, Proxy) else proxy,
        )
        collectors = observed.collectors()
        tracing = await stack.enter_async_context(exporting(settings, place.owner, http, collectors))
        app = make_app(
            registry if settings.karapace_registry else None,
            proxy,
            health=health,
            peers=peers,
            owners=Owners(place.owner, nodes, neighbours, peers),
            draining=draining,
            has_neighbours=place.asked_at is not None,
            cluster_ids=ClusterIds(settings.group_id, lambda: topic.cluster_id),
            access=security.access,
            connect_urls=settings.connect_urls,
            exposition=Exposition(collectors, place.worker, neighbours),
            max_body_bytes=settings.http_request_max_size,
            max_requests=settings.http_requests_max,
            outermost=tracing,
        )
        # Stopped in reverse: requests end, groups are left and records flushed, then the topic is let go.
        stack.push_async_callback(topic.close)
        stack.push_async_callback(nodes.close)
        if proxy is not None:
            proxy.start()
            stack.push_async_callback(proxy.close)
        runner = await _runner(stack, app, security, http, settings.http_request_patience_ms / 1000)
        if tracing:
            runner.close_shortcuts()  # a span for each request
        watching_files = asyncio.create_task(security.watch())
        observing = asyncio.create_task(observed.watch_the_loop())
        ready = asyncio.create_task(_become_ready(kafka, registry, topic, health, progress))
        if place.asked_at is not None:
            await web.UnixSite(runner, place.asked_at).start()
        accepting = asyncio.create_task(_accept(runner, place, security, ready))
        taking_part = asyncio.create_task(_take_part(election, ready, _advertised(settings, place), health))
        registry.on_lost(taking_part.cancel)
        # Beside other workers, which go on, a request that is under way is answered before the election is left; alone,
        # the other nodes' next primary is not kept waiting for clients.
        if place.asked_at is None:
            stack.push_async_callback(draining.drain, runner)
        stack.callback(registry.leave)
        stack.push_async_callback(_cancel, watching_files, observing, ready, accepting, taking_part)
        if place.asked_at is not None:
            stack.push_async_callback(draining.drain, runner)
        yield Service(place, registry, neighbours, ready, taking_part)


def _registry(settings: Settings, kafka: KafkaSettings) -> tuple[Registry, SchemasTopic]:
    topic = SchemasTopic(
        kafka,
        SchemasTopicSettings(
            name=settings.topic_name,
            replication_factor=settings.replication_factor,
            max_record_bytes=settings.producer_max_request_size,
            group_id=settings.group_id,
            fencing=settings.fencing,
            mark=MARK,
        ),
    )
    rules = Rules(
        compatibility=settings.compatibility,
        strictness=(Strictness.STRICT if settings.schema_validation is SchemaValidation.STRICT else Strictness.LAX),
        max_record_bytes=settings.producer_max_request_size,
        mode_mutability=settings.mode_mutability,
        explicit_only=settings.explicit_registration_subjects,
    )
    return Registry(topic, rules, max_waiting=settings.registry_writes_max), topic


def _group(settings: Settings) -> GroupSettings:
    return GroupSettings(id=settings.group_id, session_timeout_ms=settings.session_timeout_ms)


def _election(settings: Settings, kafka: KafkaSettings, registry: Registry, place: Place) -> Election:
    return Election(
        Group(kafka, _group(settings), member_id=place.member_id, on_member=place.on_member),
        registry,
        ElectionSettings(
            # The primary answers the others' requests: a node without the registry's API cannot.
            eligible=settings.master_eligibility and settings.karapace_registry,
            strategy=settings.master_election_strategy,
            sticky=settings.master_election_sticky,
            node=place.owner.node if settings.karapace_rest else None,
        ),
    )


def _advertised(settings: Settings, place: Place) -> tuple[str, int, str]:
    """(host, port, scheme) where the other nodes are told to reach this one."""
    host, port, _ = first = place.doors[0].address
    if host in _WILDCARDS:
        host = socket.gethostname()
    return (
        settings.advertised_hostname or host,
        settings.advertised_port or port,
        settings.advertised_protocol or first.scheme,
    )


async def _other_registry(stack: AsyncExitStack, settings: Settings) -> RemoteSchemas | None:
    """The registry of another service, if the proxy is to use one; open until the stack closes."""
    if settings.registry_url is None:
        return None
    password = settings.registry_password
    credentials = registry_client.Credentials(settings.registry_user, None if password is None else password.value)
    client = RegistryClient(settings.registry_url, credentials, cafile=settings.registry_ca)
    return RemoteSchemas(await stack.enter_async_context(client))


def _callers(settings: Settings, schemas: Schemas, owner: Owner) -> Callers[Credentials]:
    async def prove(credentials: Credentials) -> float:
        await wire.prove(kafka_settings_of(credentials, settings))
        return end_of(credentials)

    def make(credentials: Credentials) -> Proxy:
        kafka = kafka_settings_of(credentials, settings)
        return _proxy(settings, kafka, schemas, _producers(settings, kafka, is_idempotent=False), owner)

    return Callers(
        prove,
        make,
        at_most=settings.rest_authorization_max_users,
        idle_timeout=settings.rest_authorization_idle_timeout,
    )


def _producers(settings: Settings, kafka: KafkaSettings, *, is_idempotent: bool = True) -> Producers:
    return Producers(
        kafka,
        ProducerSettings(
            acks=settings.producer_acks,
            is_idempotent=is_idempotent,
            linger_ms=settings.producer_linger_ms,
            compression_type=settings.producer_compression_type,
            max_request_size=settings.producer_max_request_size,
            delivery_timeout=settings.producer_delivery_timeout_ms / 1000,
        ),
    )


def _proxy(settings: Settings, kafka: KafkaSettings, schemas: Schemas, producers: Producers, owner: Owner) -> Proxy:
    return Proxy.over(
        owner=owner,
        schemas=schemas,
        admin=Admin(kafka),
        producer=TracedProducer(producers) if settings.telemetry_trace_records else producers,
        members=Consumers(kafka, ConsumerSettings()),
        settings=ProxySettings(
            request_timeout_ms=settings.consumer_request_timeout_ms,
            request_max_bytes=settings.consumer_request_max_bytes,
            fetch_min_bytes=settings.fetch_min_bytes,
            auto_commit=settings.consumer_enable_auto_commit,
            auto_offset_reset=settings.consumer_auto_offset_reset,
            undecodable=settings.consumer_undecodable,
            record_timestamps=settings.consumer_record_timestamps,
            max_instances=settings.consumer_max_instances,
            max_instances_of_user=settings.consumer_max_instances_of_user,
            max_reads=settings.consumer_max_reads,
            max_streams=settings.consumer_max_streams,
            park_after=settings.consumer_park_timeout,
            idle_timeout=settings.consumer_idle_disconnect_timeout,
            base_uri=settings.rest_base_uri,
            name_strategy=SubjectNameStrategy[settings.name_strategy.name],
            overrides_allowed=frozenset(each.strip() for each in settings.producer_overrides_allowed.split(",")),
            max_records=settings.producer_max_records,
            max_records_under_way=settings.producer_max_records_under_way,
            max_batch_entries=settings.producer_max_batch_entries,
            max_nesting=settings.producer_max_nesting,
            produce_timeout=settings.producer_request_timeout_ms / 1000,
        ),
    )


async def _runner(
    stack: AsyncExitStack, app: web.Application, security: Security, http: HttpMetrics, patience: float
) -> Runner:
    runner = Runner(
        app,
        metrics=http,
        admit=None if security.access is None else security.access.admits,
        patience=patience,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    return runner


async def _accept(runner: Runner, place: Place, security: Security, ready: asyncio.Task[None]) -> None:
    """Take connections, at once or when they can be served better than by others."""
    if place.accepts_when_ready:
        await asyncio.wait([ready])
    for each in place.doors:
        context = security.tls.context if each.is_tls and security.tls is not None else None
        await web.SockSite(runner, each.socket, ssl_context=context).start()


async def _become_ready(
    kafka: KafkaSettings, registry: Registry, topic: SchemasTopic, health: Health, progress: Progress
) -> None:
    """Open the topic, trying again while Kafka is away, and return when it is replayed."""
    while True:
        try:
            if kafka.has_credentials:
                await wire.prove(kafka)  # what the topic is opened with would ask again and again
            end = await topic.open(registry.take, registry.give_up)
            break
        except KafkaFailure as error:
            if not error.retriable:
                raise
            progress(f"Waiting for Kafka: {error.message}")
            await asyncio.sleep(_RETRY_SECONDS)
    registry.begin_replay(end)
    progress(f"Reading {end} records of schemas")
    replayed = asyncio.create_task(registry.replayed())
    while not (await asyncio.wait([replayed], timeout=_PROGRESS_SECONDS))[0]:
        progress(f"Read {registry.progress.position} of {end} records")
    health.ready_after = time.monotonic() - health.started


async def _take_part(
    election: Election | None, ready: asyncio.Task[None], advertised: tuple[str, int, str], health: Health
) -> None:
    """Stand for election once reads are served: a node that is still reading could not write either."""
    if election is None:
        await asyncio.Event().wait()
        return
    host, port, scheme = advertised
    watching = asyncio.create_task(reachability.watch(f"{scheme}://{host}:{port}", health))
    try:
        await asyncio.wait([ready])
        if not ready.cancelled() and ready.exception() is None:
            await election.run(host, port, scheme=scheme)
    finally:
        await _cancel(watching)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in reversed(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _serve(settings: Settings, place: Place, progress: Progress) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    urls = listening.urls(place.doors)
    async with running(settings, place, progress) as service:
        await service.until(stopping, lambda: progress(f"Ready at {urls}"))
        progress("Stopping")


def run(settings: Settings, progress: Progress) -> None:
    """Serve in this process until SIGINT or SIGTERM; raises KafkaFailure, OSError if an address is taken."""
    logs.configure(settings.log_level, settings.log_format)
    doors = listening.opened(settings.addresses)
    progress(f"Listening at {listening.urls(doors)}")
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(settings, Place(doors), progress))


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Of the fastest event loop that there is."""
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not available on every platform

    return uvloop.new_event_loop
