"""The one composition root: builds everything from settings, starts it in order and stops it in reverse.

HTTP listens first, so that clients and probes get an answer (503) while the schemas are still being read.
"""

import asyncio
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from karapace_like.client.registry_client import Credentials, RegistryClient
from karapace_like.config import Listener, SchemaValidation, Settings
from karapace_like.errors import KafkaFailure
from karapace_like.in_process import RegistrySchemas
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
from karapace_like.kafka_access import kafka_settings
from karapace_like.over_http import RemoteSchemas
from karapace_like.ownership import Owner
from karapace_like.proxy.ports import Schemas
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import MARK, Registry
from karapace_like.schema.model import Strictness
from karapace_like.security import Security
from karapace_like.web import reachability
from karapace_like.web.app import MAX_LINE_BYTES, make_app
from karapace_like.web.health import Health
from karapace_like.web.peers import Peers
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
class Service:
    """A running service."""

    addresses: tuple[Listener, ...]
    """As bound."""
    registry: Registry
    ready: asyncio.Task[None]
    """Done once the service is ready; holds the error that makes it impossible."""
    taking_part: asyncio.Task[None]
    """The election; done only where it has failed, or there is nothing to be elected for any more."""


@asynccontextmanager
async def running(settings: Settings, progress: Progress = lambda _: None) -> AsyncIterator[Service]:
    """The service, listening inside of the block; raises OSError if an address is taken."""
    async with AsyncExitStack() as stack:
        kafka = kafka_settings(settings)
        # The proxy needs the schemas also where the registry's own API is switched off.
        registry, topic = _registry(settings, kafka)
        peers = Peers()
        owner = Owner.drawn()
        schemas = await _other_registry(stack, settings) or RegistrySchemas(registry, peers)
        proxy = _proxy(settings, kafka, schemas, owner) if settings.karapace_rest else None
        nodes = Nodes(_group(settings, kafka))
        election = _election(settings, kafka, registry, owner)
        health = Health(registry, election)
        security = Security.of(settings)
        app = make_app(
            registry if settings.karapace_registry else None,
            proxy,
            health=health,
            peers=peers,
            owners=Owners(owner, nodes, peers),
            cluster_ids=ClusterIds(settings.group_id, lambda: topic.cluster_id),
            access=security.access,
            connect_urls=settings.connect_urls,
            max_body_bytes=settings.http_request_max_size,
        )
        # Stopped in reverse: requests end, groups are left and records flushed, then the topic is let go.
        stack.push_async_callback(topic.close)
        stack.push_async_callback(nodes.close)
        if proxy is not None:
            proxy.start()
            stack.push_async_callback(proxy.close)
        addresses = await _listen(stack, app, settings, security)
        watching_files = asyncio.create_task(security.watch())
        ready = asyncio.create_task(_become_ready(registry, topic, health, progress))
        host, port, scheme = _advertised(settings, addresses)
        watching = asyncio.create_task(reachability.watch(f"{scheme}://{host}:{port}", health))
        taking_part = asyncio.create_task(_take_part(election, ready, (host, port, scheme)))
        registry.on_lost(taking_part.cancel)
        stack.callback(registry.leave)
        stack.push_async_callback(_cancel, watching_files, ready, watching, taking_part)
        yield Service(addresses, registry, ready, taking_part)


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
    return Registry(topic, rules), topic


def _group(settings: Settings, kafka: KafkaSettings) -> Group:
    return Group(kafka, GroupSettings(id=settings.group_id, session_timeout_ms=settings.session_timeout_ms))


def _election(settings: Settings, kafka: KafkaSettings, registry: Registry, owner: Owner) -> Election:
    return Election(
        _group(settings, kafka),
        registry,
        ElectionSettings(
            # The primary answers the others' requests: a node without the registry's API cannot.
            eligible=settings.master_eligibility and settings.karapace_registry,
            strategy=settings.master_election_strategy,
            sticky=settings.master_election_sticky,
            node=owner.node if settings.karapace_rest else None,
        ),
    )


def _advertised(settings: Settings, addresses: tuple[Listener, ...]) -> tuple[str, int, str]:
    """(host, port, scheme) where the other nodes are told to reach this one."""
    host, port, _ = first = addresses[0]
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
    credentials = Credentials(settings.registry_user, None if password is None else password.value)
    client = RegistryClient(settings.registry_url, credentials, cafile=settings.registry_ca)
    return RemoteSchemas(await stack.enter_async_context(client))


def _proxy(settings: Settings, kafka: KafkaSettings, schemas: Schemas, owner: Owner) -> Proxy:
    return Proxy.over(
        owner=owner,
        schemas=schemas,
        admin=Admin(kafka),
        producer=Producers(
            kafka,
            ProducerSettings(
                acks=settings.producer_acks,
                linger_ms=settings.producer_linger_ms,
                compression_type=settings.producer_compression_type,
                max_request_size=settings.producer_max_request_size,
            ),
        ),
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
            max_batch_entries=settings.producer_max_batch_entries,
            max_nesting=settings.producer_max_nesting,
            produce_timeout=settings.producer_request_timeout_ms / 1000,
        ),
    )


async def _listen(
    stack: AsyncExitStack, app: web.Application, settings: Settings, security: Security
) -> tuple[Listener, ...]:
    runner = Runner(
        app,
        admit=None if security.access is None else security.access.admits,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_SHUTDOWN_SECONDS,
        max_line_size=MAX_LINE_BYTES,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    bound: list[Listener] = []
    for host, port, is_tls in settings.addresses:
        context = security.tls.context if is_tls and security.tls is not None else None
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        bound += [Listener(each[0], each[1], is_tls) for each in runner.addresses[len(bound) :]]
    return tuple(bound)


async def _become_ready(registry: Registry, topic: SchemasTopic, health: Health, progress: Progress) -> None:
    """Open the topic, trying again while Kafka is away, and return when it is replayed."""
    while True:
        try:
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


async def _take_part(election: Election, ready: asyncio.Task[None], advertised: tuple[str, int, str]) -> None:
    """Stand for election once reads are served: a node that is still reading could not write either."""
    await asyncio.wait([ready])
    if not ready.cancelled() and ready.exception() is None:
        host, port, scheme = advertised
        await election.run(host, port, scheme=scheme)


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in reversed(tasks):
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def serve(settings: Settings, progress: Progress) -> None:
    """Serve until SIGINT or SIGTERM, or until it turns out that the service cannot become ready."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    async with running(settings, progress) as service:
        urls = " and ".join(f"{each.scheme}://{each.host}:{each.port}" for each in service.addresses)
        progress(f"Listening at {urls}")
        stopped = asyncio.create_task(stopping.wait())
        await asyncio.wait([service.ready, stopped], return_when=asyncio.FIRST_COMPLETED)
        if service.ready.done():
            service.ready.result()
            progress(f"Ready at {urls}")
        await asyncio.wait([service.taking_part, stopped], return_when=asyncio.FIRST_COMPLETED)
        if service.taking_part.done() and not service.taking_part.cancelled():
            service.taking_part.result()
        await stopped
        progress("Stopping")


def run(settings: Settings, progress: Progress) -> None:
    """Serve on the fastest event loop that there is; returns when the service has stopped."""
    logging.basicConfig(level=settings.log_level, format=settings.log_format, stream=sys.stderr)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(serve(settings, progress))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - not available on every platform

    return uvloop.new_event_loop
