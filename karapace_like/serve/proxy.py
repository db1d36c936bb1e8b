"""Builds the REST proxy: none, one for all callers or one for each caller, and its access to schemas."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import NamedTuple

from karapace_like.access.credentials import Credentials
from karapace_like.client import registry_client
from karapace_like.client.registry_client import RegistryClient
from karapace_like.config import Settings
from karapace_like.config.kafka_access import find_expiry, identify_caller, make_caller_settings
from karapace_like.kafka import wire
from karapace_like.kafka.admin import Admin
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumer_factory import ConsumerFactory
from karapace_like.kafka.own_names import create_transactional_prefix
from karapace_like.kafka.prefetch import PrefetchBudget
from karapace_like.kafka.producer_pool import ProducerPool
from karapace_like.kafka.retrying_producer import ProducerSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.share_consumer import ShareConsumerFactory
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.kafka.transactional_producers import TransactionalProducers
from karapace_like.process.shared_claims import SharedClaims
from karapace_like.proxy.callers import CallerProxies
from karapace_like.proxy.contracts.gate import PolicySource
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.data_keys import DataKeys
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.ports import Schemas
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.traced import TracedProducer
from karapace_like.proxy.usage import ProxyUsage
from karapace_like.proxy.validators import Validators
from karapace_like.schemas_access.registry_over_http import RemoteSchemas
from karapace_like.serde.formats import CodecOptions
from karapace_like.serve.process_role import ProcessRole


async def connect_to_registry(stack: AsyncExitStack, settings: Settings) -> RemoteSchemas | None:
    """Return a client of the registry in the settings, open until the stack closes; None for this service's own."""
    if settings.registry_url is None:
        return None
    password = settings.registry_password
    credentials = registry_client.Credentials(settings.registry_user, None if password is None else password.value)
    client = RegistryClient(settings.registry_url, credentials, cafile=settings.registry_ca)
    return RemoteSchemas(await stack.enter_async_context(client))


class _Common(NamedTuple):
    """The parts that all proxies of the process share."""

    settings: Settings
    schemas: Schemas
    role: ProcessRole
    internal: InternalResources
    validators: Validators
    statistics: SharedStatistics | None
    """Statistics of the consumers; None where they are switched off."""
    prefetch: PrefetchBudget
    """What the consumers of all callers fetch ahead."""
    policies: PolicySource
    violations: ViolationLog
    data_keys: DataKeys
    usage: ProxyUsage


def make_proxy(
    settings: Settings,
    kafka: KafkaSettings,
    schemas: Schemas,
    role: ProcessRole,
    internal: InternalResources,
    validators: Validators,
    policies: PolicySource,
    violations: ViolationLog,
    *,
    data_keys: DataKeys,
    usage: ProxyUsage,
) -> tuple[Proxy | CallerProxies[Credentials] | None, Mapping[str, Statistics | SharedStatistics]]:
    """Return the proxy, None if it is not served, and the statistics of its Kafka clients by their purpose."""
    if not settings.karapace_rest:
        return None, {}
    prefetch = PrefetchBudget(settings.consumer_prefetch_max_bytes // 1024)
    common = _Common(
        settings,
        schemas,
        role,
        internal,
        validators,
        SharedStatistics() if settings.consumer_statistics else None,
        prefetch,
        policies,
        violations,
        data_keys,
        usage,
    )
    consumers = {} if common.statistics is None else {"rest_consumers": common.statistics}
    if settings.rest_authorization:
        return _build_caller_proxies(common, kafka), consumers
    producers = _build_producers(settings, kafka)
    proxy = _build_proxy(common, kafka, producers, role.claims)
    return proxy, {"rest_producer": producers.statistics, **consumers}


def _build_caller_proxies(common: _Common, service: KafkaSettings) -> CallerProxies[Credentials]:
    settings, claims = common.settings, common.role.claims

    async def prove(credentials: Credentials) -> None:
        await wire.check_credentials(make_caller_settings(credentials, settings, service))

    def make(credentials: Credentials) -> Proxy:
        kafka = make_caller_settings(credentials, settings, service)
        # Two callers can each have an instance of the same name.
        own = None if claims is None else claims.within(identify_caller(credentials))
        return _build_proxy(common, kafka, _build_producers(settings, kafka, is_idempotent=False), own)

    return CallerProxies(
        prove,
        find_expiry,
        make,
        at_most=settings.rest_authorization_max_users,
        idle_timeout=settings.rest_authorization_idle_timeout,
        proof_timeout=settings.rest_authorization_proof_timeout,
        background=service.background,
    )


def _build_producers(settings: Settings, kafka: KafkaSettings, *, is_idempotent: bool = True) -> ProducerPool:
    return ProducerPool(kafka, make_producer_settings(settings, is_idempotent=is_idempotent))


def make_producer_settings(settings: Settings, *, is_idempotent: bool) -> ProducerSettings:
    """Return how the records of callers are written."""
    return ProducerSettings(
        acks=settings.producer_acks,
        is_idempotent=is_idempotent,
        linger_ms=settings.producer_linger_ms,
        compression_type=settings.producer_compression_type,
        max_request_size=settings.producer_max_request_size,
        delivery_timeout=settings.producer_delivery_timeout_ms / 1000,
    )


def _build_proxy(common: _Common, kafka: KafkaSettings, producers: ProducerPool, claims: SharedClaims | None) -> Proxy:
    settings = common.settings
    return Proxy.over(
        owner=common.role.owner,
        transactions=TransactionalProducers(
            kafka,
            make_producer_settings(settings, is_idempotent=True),
            create_transactional_prefix(settings.group_id),
            at_most=settings.producer_max_transactions,
        ),
        schemas=common.schemas,
        admin=Admin(kafka),
        background=kafka.background,
        producer=TracedProducer(producers) if settings.telemetry_trace_records else producers,
        consumers=ConsumerFactory(kafka, ConsumerSettings(), common.statistics, common.prefetch),
        share_members=ShareConsumerFactory(kafka, at_most=settings.queue_max_members),
        usage=common.usage,
        internal=common.internal,
        validators=common.validators,
        policies=common.policies,
        violations=common.violations,
        data_keys=common.data_keys,
        claims=claims,
        settings=ProxySettings(
            request_timeout_ms=settings.consumer_request_timeout_ms,
            request_max_bytes=settings.consumer_request_max_bytes,
            fetch_min_bytes=settings.fetch_min_bytes,
            auto_commit=settings.consumer_enable_auto_commit,
            auto_offset_reset=settings.consumer_auto_offset_reset,
            undecodable=settings.consumer_undecodable,
            codecs=CodecOptions(avro_generated_encoder=settings.avro_generated_encoder),
            record_timestamps=settings.consumer_record_timestamps,
            max_instances=settings.consumer_max_instances,
            max_active_instances=settings.consumer_max_active_instances,
            max_instances_of_user=settings.consumer_max_instances_of_user,
            max_reads=settings.consumer_max_reads,
            max_streams=settings.consumer_max_streams,
            park_after=settings.consumer_park_timeout,
            topics_max_age=settings.metadata_max_age_ms / 1000,
            idle_timeout=settings.consumer_idle_disconnect_timeout,
            base_uri=settings.rest_base_uri,
            name_strategy=SubjectNameStrategy[settings.name_strategy.name],
            overrides_allowed=frozenset(name.strip() for name in settings.producer_overrides_allowed.split(",")),
            max_records=settings.producer_max_records,
            max_records_under_way=settings.producer_max_records_under_way,
            max_batch_entries=settings.producer_max_batch_entries,
            max_nesting=settings.producer_max_nesting,
            produce_timeout=settings.producer_request_timeout_ms / 1000,
        ),
    )
