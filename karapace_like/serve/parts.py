"""What one process of the service is made of: built here, started and stopped in `service.py`."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client import CollectorRegistry

from karapace_like import watching
from karapace_like.access.credentials import Credentials
from karapace_like.config import Settings
from karapace_like.in_process import RegistrySchemas
from karapace_like.kafka import wire
from karapace_like.kafka.election import Election
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.schemas_topic import SchemasTopic
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.kafka_access import kafka_settings
from karapace_like.observing import Observed
from karapace_like.over_http import RemoteSchemas
from karapace_like.proxy.callers import Callers
from karapace_like.proxy.proxy import Proxy
from karapace_like.registry.registry import Registry
from karapace_like.security import Security
from karapace_like.serve.place import Place
from karapace_like.serve.proxy import proxy_of
from karapace_like.serve.registry import election_of, nodes_of, registry_of
from karapace_like.web.app import make_app
from karapace_like.web.draining import Draining
from karapace_like.web.exposition import Exposition
from karapace_like.web.health import ElectionElsewhere, Health
from karapace_like.web.metrics import HttpMetrics
from karapace_like.web.neighbours import Neighbours
from karapace_like.web.peers import Peers
from karapace_like.web.proxy.owners import Owners
from karapace_like.web.registry.metadata import ClusterIds


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, none of which runs yet."""

    settings: Settings
    place: Place
    kafka: KafkaSettings
    registry: Registry
    topic: SchemasTopic
    nodes: Nodes
    election: Election | None
    """None where another worker takes part in it."""
    peers: Peers
    neighbours: Neighbours
    proxy: Proxy | Callers[Credentials] | None
    clients: Mapping[str, Statistics | SharedStatistics]
    """What Kafka's clients say of themselves, by what they are for."""
    security: Security
    health: Health
    http: HttpMetrics
    draining: Draining

    @classmethod
    def of(cls, settings: Settings, place: Place, other_registry: RemoteSchemas | None) -> Self:
        """What the settings ask for; `other_registry`: where the proxy finds schemas. Raises ConfigError."""
        kafka = kafka_settings(settings)
        # The proxy needs the schemas also where the registry's own API is switched off.
        registry, topic = registry_of(settings, kafka)
        security = Security.of(settings)
        peers = security.peers
        neighbours = Neighbours(peers)
        registry.share_with(neighbours.applied, place.shared)
        proxy, clients = proxy_of(settings, kafka, other_registry or RegistrySchemas(registry, peers), place.owner)
        election = election_of(settings, kafka, registry, place) if place.is_elected_here else None
        return cls(
            settings=settings,
            place=place,
            kafka=kafka,
            registry=registry,
            topic=topic,
            nodes=nodes_of(settings, kafka),
            election=election,
            peers=peers,
            neighbours=neighbours,
            proxy=proxy,
            clients={"schemas_reader": topic.statistics, **clients},
            security=security,
            health=Health(registry, election or ElectionElsewhere(), instance=place.owner.node, shared=place.shared),
            http=HttpMetrics(),
            draining=Draining(),
        )

    async def watch_files(self) -> None:
        """Take files that have changed into use, until cancelled."""
        kafka = self.kafka
        if not kafka.files:
            await self.security.watch()
            return
        await asyncio.gather(
            self.security.watch(),
            watching.watch(kafka.files, lambda: wire.check_files(kafka), lambda _: kafka.renewal.renew(), ssl.SSLError),
        )

    def observed(self) -> Observed:
        """The parts that `/metrics` looks at."""
        return Observed(
            registry=self.registry,
            election=self.election,
            health=self.health,
            peers=self.peers,
            http=self.http,
            topic=self.topic,
            clients=self.clients,
            consumers=self.proxy.consumers if isinstance(self.proxy, Proxy) else self.proxy,
            caches=[self.proxy.codecs] if isinstance(self.proxy, Proxy) else [],
        )

    def app(self, collectors: CollectorRegistry, tracing: Sequence[Middleware]) -> web.Application:
        """The HTTP API of them."""
        settings, place = self.settings, self.place
        return make_app(
            self.registry if settings.karapace_registry else None,
            self.proxy,
            health=self.health,
            peers=self.peers,
            owners=Owners(place.owner, self.nodes, self.neighbours, self.peers),
            draining=self.draining,
            has_neighbours=place.asked_at is not None,
            cluster_ids=ClusterIds(settings.group_id, lambda: self.topic.cluster_id),
            access=self.security.access,
            connect_urls=settings.connect_urls,
            exposition=Exposition(collectors, place.worker, self.neighbours),
            max_body_bytes=settings.http_request_max_size,
            max_requests=settings.http_requests_max,
            quotas=self.security.quotas,
            outermost=tracing,
        )
