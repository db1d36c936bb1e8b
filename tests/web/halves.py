"""Both halves of the service: a proxy over a real broker, and a registry whose schemas topic is in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from karapace_like.kafka.admin import Admin
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumer_factory import ConsumerFactory
from karapace_like.kafka.own_names import create_transactional_prefix
from karapace_like.kafka.producer_pool import ProducerPool
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.share_consumer import ShareConsumerFactory
from karapace_like.kafka.transactional_producers import TransactionalProducers
from karapace_like.ownership import Owner
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.push.subscriptions import PushUsage
from karapace_like.proxy.queues.usage import QueueUsage
from karapace_like.proxy.request_reply.usage import RequestReplyUsage
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.usage import ProxyUsage
from karapace_like.proxy.validators import Validators
from karapace_like.registry.registry import Registry
from karapace_like.schemas_access.registry_in_process import RegistrySchemas
from tests.web.conftest import in_memory, leading


class Halves(NamedTuple):
    registry: Registry
    proxy: Proxy


@asynccontextmanager
async def both_halves(
    kafka: Cluster, settings: ProxySettings, *, rest_after: float = 5.0, metadata_timeout: float = 3.0
) -> AsyncIterator[Halves]:
    """Inside of the block the registry is the primary, and the proxy runs."""
    registry, _ = in_memory()
    cluster = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    validators = Validators()
    proxy = Proxy.over(
        owner=Owner.create(),
        schemas=RegistrySchemas(registry),
        admin=Admin(cluster),
        producer=ProducerPool(cluster, ProducerSettings(metadata_timeout=metadata_timeout)),
        transactions=TransactionalProducers(cluster, ProducerSettings(), create_transactional_prefix("t"), at_most=4),
        consumers=ConsumerFactory(cluster, ConsumerSettings(rest_after=rest_after)),
        share_members=ShareConsumerFactory(cluster, at_most=100),
        usage=ProxyUsage(
            QueueUsage(max_members=24, max_receivers=60, max_receivers_of_user=50, max_leases_of_user=5),
            RequestReplyUsage(max_waiting=40, max_waiting_of_user=30),
            PushUsage(max_connections=60, max_connections_of_user=40),
        ),
        settings=settings,
        internal=InternalResources(),
        validators=validators,
    )
    proxy.start()
    try:
        async with leading(registry):
            yield Halves(registry, proxy)
    finally:
        await proxy.close()
        await validators.close()
