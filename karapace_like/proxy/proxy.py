"""The REST proxy: what the handlers of its API call."""

from dataclasses import dataclass
from typing import Self

from karapace_like.background import BackgroundTasks
from karapace_like.ownership import Claims, Owner
from karapace_like.process.measures import Cache
from karapace_like.proxy.atomic import AtomicWriter, Transactions
from karapace_like.proxy.consumers import ConsumerInstances
from karapace_like.proxy.contracts.gate import NO_POLICIES, Gate, PolicySource
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.data_keys import DataKeys, refuse_keys
from karapace_like.proxy.guarding import GuardedAdmin, GuardedConsumers, GuardedProducer
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import ClusterAdmin, KafkaConsumers, Producer, Schemas
from karapace_like.proxy.produce import Producing
from karapace_like.proxy.push.subscriptions import Subscriptions
from karapace_like.proxy.queues.acknowledging import Acknowledging
from karapace_like.proxy.queues.ports import GuardedShareMembers, ShareMembers
from karapace_like.proxy.queues.queues import Queues
from karapace_like.proxy.reading import Reading
from karapace_like.proxy.request_reply.request_reply import RequestReply
from karapace_like.proxy.schemas import SchemaCache
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.topic_patterns import TopicNames
from karapace_like.proxy.topics import Topics
from karapace_like.proxy.usage import ProxyUsage
from karapace_like.proxy.v3.management import Management
from karapace_like.proxy.validators import Validators


@dataclass(frozen=True, slots=True)
class Proxy:
    """The services of the proxy. `start` it on the event loop, and `close` it at the end."""

    topics: Topics
    producing: Producing
    reading: Reading
    consumers: ConsumerInstances
    management: Management
    settings: ProxySettings
    codecs: Cache
    """Hits, misses and size of the cache of codecs."""
    queues: Queues
    request_reply: RequestReply
    subscriptions: Subscriptions
    internal: InternalResources
    """The topics and groups that callers may not use."""
    _producer: Producer
    _atomic: AtomicWriter

    @classmethod
    def over(
        cls,
        *,
        owner: Owner,
        schemas: Schemas,
        admin: ClusterAdmin,
        producer: Producer,
        transactions: Transactions,
        consumers: KafkaConsumers,
        share_members: ShareMembers,
        settings: ProxySettings,
        internal: InternalResources,
        validators: Validators,
        policies: PolicySource = NO_POLICIES,
        violations: ViolationLog | None = None,
        claims: Claims | None = None,
        background: BackgroundTasks | None = None,
        data_keys: DataKeys | None = None,
        usage: ProxyUsage | None = None,
    ) -> Self:
        """Create a proxy over these clients.

        `owner` is this process, `claims` are those of a node with several processes. `validators` stay open.

        `policies` are applied to produced records, and `violations` of them counted.

        `background` runs the upkeep of consumer instances, and the members of queues. `data_keys` are those of rules
        that encrypt. `usage` is shared by the proxies of one process.
        """
        usage, background = usage or ProxyUsage(), background or BackgroundTasks()
        no_keys = refuse_keys("this service has no DEK registry (dek_registry_enabled)")
        cache = SchemaCache(schemas, settings.codecs, validators, data_keys or no_keys)
        consumers = GuardedConsumers(consumers, internal)
        topic_names = TopicNames(admin.topics, internal, settings.topics_max_age)
        if not internal.is_allowed:
            admin, producer = GuardedAdmin(admin, internal), GuardedProducer(producer, internal)
        gate = Gate(policies, cache, violations or ViolationLog(), internal)
        atomic = AtomicWriter(transactions, internal, usage.transactions)
        reading = Reading(admin, cache, settings)
        producing = Producing(cache, producer, settings, gate, internal, atomic=atomic)
        return cls(
            Topics(admin),
            producing,
            reading,
            ConsumerInstances(owner, consumers, topic_names, cache, settings, claims, background),
            Management.over(
                admin=admin,
                schemas=cache,
                producer=producer,
                gate=gate,
                reading=reading,
                internal=internal,
                atomic=atomic,
            ),
            settings,
            cache.use,
            Queues(
                owner,
                GuardedShareMembers(share_members, internal),
                admin,
                cache,
                Acknowledging(producer, gate, usage.queues),
                settings,
                usage.queues,
                background,
            ),
            RequestReply(owner, admin, producing, reading, cache, usage.request_reply, background),
            Subscriptions(admin, reading, cache, usage.push, background),
            internal,
            producer,
            atomic,
        )

    @property
    def is_awaited(self) -> bool:
        """Whether there are open leases, requests for replies or subscriptions, which would end with it."""
        return any((len(self.queues), len(self.request_reply), len(self.subscriptions)))

    def start(self) -> None:
        """Start the upkeep of consumer instances."""
        self.consumers.start()

    async def close(self) -> None:
        """Leave every group, wait for the records that are being written, and close the connections to the cluster."""
        await self.queues.close()
        await self.request_reply.close()
        await self.subscriptions.close()
        await self.consumers.close()
        await self._producer.close()
        await self._atomic.close()
        self.topics.close()
