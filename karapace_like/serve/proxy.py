"""The REST proxy as the settings say: none, one for all callers, or one for each; and where it finds schemas."""

from collections.abc import Mapping
from contextlib import AsyncExitStack

from karapace_like.access.credentials import Credentials
from karapace_like.client import registry_client
from karapace_like.client.registry_client import RegistryClient
from karapace_like.config import Settings
from karapace_like.kafka import wire
from karapace_like.kafka.admin import Admin
from karapace_like.kafka.consumer import ConsumerSettings
from karapace_like.kafka.consumers import Consumers
from karapace_like.kafka.producer import ProducerSettings
from karapace_like.kafka.producers import Producers
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.kafka.statistics import SharedStatistics, Statistics
from karapace_like.kafka_access import end_of, kafka_settings_of
from karapace_like.over_http import RemoteSchemas
from karapace_like.ownership import Owner
from karapace_like.proxy.callers import Callers
from karapace_like.proxy.ports import Schemas
from karapace_like.proxy.proxy import Proxy
from karapace_like.proxy.settings import ProxySettings
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.traced import TracedProducer


async def other_registry(stack: AsyncExitStack, settings: Settings) -> RemoteSchemas | None:
    """The registry of another service, if the proxy is to use one; open until the stack closes."""
    if settings.registry_url is None:
        return None
    password = settings.registry_password
    credentials = registry_client.Credentials(settings.registry_user, None if password is None else password.value)
    client = RegistryClient(settings.registry_url, credentials, cafile=settings.registry_ca)
    return RemoteSchemas(await stack.enter_async_context(client))


def proxy_of(
    settings: Settings, kafka: KafkaSettings, schemas: Schemas, owner: Owner
) -> tuple[Proxy | Callers[Credentials] | None, Mapping[str, Statistics | SharedStatistics]]:
    """The proxy, if it is served, and what its Kafka clients say of themselves, by what they are for."""
    if not settings.karapace_rest:
        return None, {}
    consumers = SharedStatistics()
    if settings.rest_authorization:
        return _callers(settings, kafka, schemas, owner, consumers), {"rest_consumers": consumers}
    producers = _producers(settings, kafka)
    proxy = _proxy(settings, kafka, schemas, producers, Consumers(kafka, ConsumerSettings(), consumers), owner)
    return proxy, {"rest_producer": producers.statistics, "rest_consumers": consumers}


def _callers(
    settings: Settings, service: KafkaSettings, schemas: Schemas, owner: Owner, consumers: SharedStatistics
) -> Callers[Credentials]:
    async def prove(credentials: Credentials) -> float:
        await wire.prove(kafka_settings_of(credentials, settings, service))
        return end_of(credentials)

    def make(credentials: Credentials) -> Proxy:
        kafka = kafka_settings_of(credentials, settings, service)
        producers = _producers(settings, kafka, is_idempotent=False)
        return _proxy(settings, kafka, schemas, producers, Consumers(kafka, ConsumerSettings(), consumers), owner)

    return Callers(
        prove,
        make,
        at_most=settings.rest_authorization_max_users,
        idle_timeout=settings.rest_authorization_idle_timeout,
        proof_timeout=settings.rest_authorization_proof_timeout,
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


def _proxy(
    settings: Settings, kafka: KafkaSettings, schemas: Schemas, producers: Producers, members: Consumers, owner: Owner
) -> Proxy:
    return Proxy.over(
        owner=owner,
        schemas=schemas,
        admin=Admin(kafka),
        producer=TracedProducer(producers) if settings.telemetry_trace_records else producers,
        members=members,
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
