"""The parts of one process of the service; `service.py` starts and stops them."""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple, Self

from prometheus_client import CollectorRegistry

from karapace_like.access.credentials import Credentials
from karapace_like.background import BackgroundTasks
from karapace_like.config import Settings
from karapace_like.config.kafka_access import make_kafka_settings
from karapace_like.kafka import wire
from karapace_like.kafka.election import Election
from karapace_like.kafka.log_topic import LogTopic
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.process.file_watcher import FileWatcher
from karapace_like.proxy.callers import CallerProxies
from karapace_like.proxy.contracts.administration import PolicyAdministration
from karapace_like.proxy.contracts.trial import PolicyTrial
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.data_keys import STAND_IN_KEYS
from karapace_like.proxy.deliveries import Deliveries
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.push.subscriptions import PushUsage
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.proxy.request_reply.usage import RequestReplyUsage
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.usage import ProxyUsage
from karapace_like.proxy.validators import Validators
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Store
from karapace_like.replication.logs import ReplicatedLogs
from karapace_like.replication.snapshots import Snapshots
from karapace_like.schemas_access.registry_in_process import RegistrySchemas
from karapace_like.schemas_access.registry_over_http import RemoteSchemas
from karapace_like.serve.internal_resources import list_internal_resources
from karapace_like.serve.keys import KeysLog, make_data_keys, make_keys_log
from karapace_like.serve.listeners import find_allowed_hosts
from karapace_like.serve.policies import PoliciesLog
from karapace_like.serve.process_role import ProcessRole
from karapace_like.serve.proxy import make_producer_settings, make_proxy
from karapace_like.serve.receipts import ReceiptsLog, make_receipts_log
from karapace_like.serve.registry import make_election, make_nodes, make_registry, make_snapshots
from karapace_like.serve.security import Security
from karapace_like.telemetry.certificates import CertificateExpiry
from karapace_like.telemetry.key_metrics import KeyMetrics
from karapace_like.telemetry.service_metrics import Bounds, ServiceMetrics
from karapace_like.web.app import Application, RequestHandling, make_app
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.usage import UsageTable
from karapace_like.web.cluster.peers import Peers
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.console.settings import ConsoleSettings
from karapace_like.web.http.api_roles import ALL_ROLES
from karapace_like.web.http.dialects import Dialect
from karapace_like.web.http.errors import Middleware
from karapace_like.web.http.http_metrics import HttpMetrics
from karapace_like.web.operations.exposition import Exposition
from karapace_like.web.operations.health import ElectionElsewhere, Health
from karapace_like.web.operations.nodes import ServiceNodes
from karapace_like.web.proxy.instance_owners import InstanceOwners
from karapace_like.web.proxy_v3.policies import PolicyServices
from karapace_like.web.registry.metadata import ClusterIds
from karapace_like.web.server.draining import Draining


class _ReplicatedParts(NamedTuple):
    """The parts that hold what the logs say; the fields are those of `Parts`."""

    registry: Registry
    topic: LogTopic
    snapshots: Snapshots[Store] | None
    policies: PoliciesLog
    keys: KeysLog | None
    receipts: ReceiptsLog | None
    logs: ReplicatedLogs


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts, built and not yet started."""

    settings: Settings
    role: ProcessRole
    kafka: KafkaSettings
    background: BackgroundTasks
    registry: Registry
    topic: LogTopic
    snapshots: Snapshots[Store] | None
    """The local snapshots of the registry's state; None where there are none."""
    policies: PoliciesLog
    schemas: SchemaCache
    """Those that policies use."""
    violations: ViolationLog
    proxy_usage: ProxyUsage
    administration: PolicyAdministration
    keys: KeysLog | None
    """The DEK registry; None where it is not served."""
    receipts: ReceiptsLog | None
    """The receipts of requests with an `Idempotency-Key`; None where they are not served."""
    logs: ReplicatedLogs
    """What this process replays, and leads as the primary."""
    nodes: Nodes
    election: Election | None
    """None where another worker of the node takes part in it."""
    peers: Peers
    siblings: SiblingWorkers
    proxy: Proxy | CallerProxies[Credentials] | None
    validators: Validators
    clients: Mapping[str, Statistics | SharedStatistics]
    """Statistics of the Kafka clients, by their purpose."""
    security: Security
    health: Health
    http: HttpMetrics
    usage: UsageTable
    watchers: Sequence[FileWatcher]
    """They reload changed certificates and authfiles."""
    draining: Draining

    @classmethod
    def build(cls, settings: Settings, role: ProcessRole, other_registry: RemoteSchemas | None) -> Self:
        """Build the parts that the settings ask for; raises ConfigError.

        `other_registry` has the proxy's schemas; None for this service's own registry.
        """
        kafka = make_kafka_settings(settings)
        internal = list_internal_resources(settings)
        security = Security.build(settings, kafka.background, internal)
        siblings = SiblingWorkers(security.peers)
        replicated = _build_replicated_parts(settings, kafka, role, siblings)
        registry, policies = replicated.registry, replicated.policies
        schemas = other_registry or RegistrySchemas(registry, security.peers)
        validators, violations = Validators(), ViolationLog()
        data_keys = make_data_keys(settings, replicated.keys, registry, security.peers)
        proxy_usage = _make_proxy_usage(settings)
        proxy, clients = make_proxy(
            settings,
            kafka,
            schemas,
            role,
            internal,
            validators,
            policies.policies,
            violations,
            data_keys=data_keys,
            usage=proxy_usage,
        )
        cache = SchemaCache(schemas, validators=validators, data_keys=STAND_IN_KEYS)
        election = make_election(settings, kafka, replicated.logs, role) if role.is_elected_here else None
        return cls(
            settings=settings,
            role=role,
            kafka=kafka,
            background=kafka.background,
            **replicated._asdict(),
            schemas=cache,
            violations=violations,
            proxy_usage=proxy_usage,
            administration=PolicyAdministration(cache, internal),
            nodes=make_nodes(settings, kafka),
            election=election,
            peers=security.peers,
            siblings=siblings,
            proxy=proxy,
            validators=validators,
            clients={"schemas_reader": replicated.topic.statistics, **clients},
            security=security,
            health=_make_health(replicated, election, role, kafka.background),
            http=HttpMetrics(),
            usage=UsageTable(settings.usage_principals),
            watchers=[*_make_file_watchers(security, kafka), *policies.watch_file(settings)],
            draining=Draining(),
        )

    def observe(self) -> ServiceMetrics:
        """Return the metrics of the parts."""
        return ServiceMetrics(
            registry=self.registry,
            election=self.election,
            health=self.health,
            peers=self.peers,
            http=self.http,
            usage=self.usage,
            violations=self.violations,
            proxy=self.proxy_usage,
            receipts=None if self.receipts is None else self.receipts.receipts,
            topic=self.topic,
            snapshots=None if self.settings.snapshot_file is None else self.snapshots,
            group=self.settings.group_id,
            bounds=Bounds(self.settings.http_requests_max, self.settings.consumer_max_instances),
            watchers=self.watchers,
            certificates=CertificateExpiry(_list_certificates(self.settings)),
            clients=self.clients,
            consumers=self.proxy.consumers if isinstance(self.proxy, Proxy) else self.proxy,
            caches=[self.proxy.codecs] if isinstance(self.proxy, Proxy) else [],
            keys=None if self.keys is None else KeyMetrics(self.keys.handling, self.keys.topic),
        )

    def app(self, collectors: CollectorRegistry, tracing: Sequence[Middleware]) -> Application:
        """Return the HTTP application."""
        settings, role = self.settings, self.role
        return make_app(
            self.registry if settings.karapace_registry else None,
            self.proxy,
            health=self.health,
            nodes=ServiceNodes(self.nodes, role.owner.node),
            peers=self.peers,
            owners=InstanceOwners(role.owner, self.nodes, self.siblings, self.peers),
            draining=self.draining,
            has_siblings=role.unix_socket is not None,
            cluster_ids=ClusterIds(settings.group_id, lambda: self.topic.cluster_id),
            access=self.security.access,
            connect_urls=settings.connect_urls,
            exposition=Exposition(collectors, role.worker, self.siblings),
            quotas=self.security.quotas,
            usage=self.usage,
            handling=RequestHandling(
                max_body_bytes=settings.http_request_max_size,
                max_requests=settings.http_requests_max,
                allowed_hosts=find_allowed_hosts(
                    settings, role.sockets, has_access_control=isinstance(self.security.access, Access)
                ),
                cors=settings.cors,
                hides_routes=any(listening.roles != ALL_ROLES for listening in role.sockets),
                speaks_karapace=any(listening.dialect is Dialect.KARAPACE for listening in role.sockets),
                tracing=tracing,
                is_reader=role.reader_file is not None,
            ),
            policies=PolicyServices(
                self.policies.policies,
                self.administration,
                settings.rest_base_uri,
                PolicyTrial(self.schemas),
                self.violations,
                self.siblings if role.unix_socket is not None else None,
                self.nodes,
                role.owner.node,
            ),
            keys=None if self.keys is None else self.keys.handling,
            receipts=None if self.receipts is None else self.receipts.receipts,
            deliveries=Deliveries(role.owner, self.background, settings.producer_async_max_bytes),
            console=ConsoleSettings(settings.console_writes) if settings.console else None,
        )


def _build_replicated_parts(
    settings: Settings, kafka: KafkaSettings, role: ProcessRole, siblings: SiblingWorkers
) -> _ReplicatedParts:
    """Build the registry and the other logs, and share with sibling workers how far each has applied them."""
    # The proxy needs the schemas also where the registry's own API is switched off.
    registry, topic = make_registry(settings, kafka)
    policies, keys = PoliciesLog(settings, kafka), make_keys_log(settings, kafka)
    receipts = make_receipts_log(settings, kafka, make_producer_settings(settings, is_idempotent=True))
    states = (
        policies.replicated_policies,
        None if keys is None else keys.registry,
        None if receipts is None else receipts.receipts,
    )
    optional = [state for state in states if state is not None]
    registry.share_with(partial(siblings.wait_until_applied, registry.contents), role.shared)
    for state in optional:
        state.share_with(partial(siblings.wait_until_applied, state.contents))
    snapshots = make_snapshots(settings, registry, topic, role)
    return _ReplicatedParts(registry, topic, snapshots, policies, keys, receipts, ReplicatedLogs(registry, optional))


def _make_proxy_usage(settings: Settings) -> ProxyUsage:
    """Return the bounds of what the proxies of all callers use."""
    return ProxyUsage(
        QueueUsage(
            max_members=settings.queue_max_members,
            max_receivers=settings.queue_max_receivers,
            max_receivers_of_user=settings.queue_max_receivers_of_user,
            max_leases_of_user=settings.queue_max_leases_of_user,
        ),
        RequestReplyUsage(
            max_waiting=settings.request_reply_max_waiting,
            max_waiting_of_user=settings.request_reply_max_waiting_of_user,
            max_reply_topics=settings.request_reply_max_topics,
            late_seconds=settings.request_reply_late_timeout,
        ),
        PushUsage(
            max_connections=settings.websocket_max_connections,
            max_connections_of_user=settings.websocket_max_connections_of_user,
            max_topics=settings.websocket_max_topics,
        ),
    )


def _make_health(
    replicated: _ReplicatedParts, election: Election | None, role: ProcessRole, background: BackgroundTasks
) -> Health:
    topic, policies = replicated.topic, replicated.policies
    others = [log for log in (replicated.keys, replicated.receipts) if log is not None]
    return Health(
        replicated.registry,
        election or ElectionElsewhere(),
        instance=role.owner.node,
        shared=role.shared,
        background=background,
        sources=[
            lambda: topic.warnings,
            lambda: policies.warnings,
            lambda: [warning for log in others for warning in log.warnings],
        ],
    )


def _list_certificates(settings: Settings) -> dict[str, Path]:
    """Return the files of the certificates that this service presents, by whom it presents them to."""
    files = {
        "clients": settings.server_tls_certfile,
        "nodes": settings.forwarding_certfile,
        "kafka": settings.ssl_certfile,
    }
    return {use: Path(file) for use, file in files.items() if file is not None}


def _make_file_watchers(security: Security, kafka: KafkaSettings) -> list[FileWatcher]:
    watchers = security.watchers()
    if kafka.files:
        watchers.append(
            FileWatcher(kafka.files, lambda: wire.check_files(kafka), lambda _: kafka.renewal.renew(), ssl.SSLError)
        )
    return watchers
