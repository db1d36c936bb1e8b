"""Builds the DEK registry: its topic, and the key management services that it may use."""

import asyncio

from karapace_like.config import Settings
from karapace_like.kafka.log_topic import LogTopic, LogTopicSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.keys.dek_registry import DekRegistry
from karapace_like.keys.kms.services import KeyServices
from karapace_like.keys.records import MARK
from karapace_like.keys.rules import KeyRules
from karapace_like.proxy.data_keys import DataKeys, refuse_keys
from karapace_like.registry.registry import Registry
from karapace_like.schemas_access.keys_in_process import RegistryDataKeys
from karapace_like.serve.log_opening import replay_log
from karapace_like.web.cluster.peers import Peers
from karapace_like.web.keys.services import KeyHandling


class KeysLog:
    """The keys and their topic; `follow` it in the background, and `close` it at the end."""

    def __init__(self, settings: Settings, kafka: KafkaSettings, topic: str) -> None:
        self.topic = LogTopic(
            kafka,
            LogTopicSettings(
                name=topic,
                contents="keys",
                replication_factor=settings.replication_factor,
                max_record_bytes=settings.producer_max_request_size,
                group_id=settings.group_id,
                fencing=settings.fencing,
                mark=MARK,
                is_as_old_as_group=False,
                is_optional=True,
            ),
        )
        self.registry = DekRegistry(self.topic, max_waiting=settings.registry_writes_max)
        self.handling = KeyHandling(
            self.registry,
            KeyServices(settings.permitted_kms_keys),
            KeyRules(max_keys=settings.dek_registry_max_keys),
            shows_secrets=settings.dek_registry_show_secrets,
        )
        self._is_open = False

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators."""
        return [*self.topic.warnings, *self.registry.warnings]

    async def follow(self) -> None:
        """Open the topic, with retries, and keep up with it until cancelled."""
        if not self._is_open:
            await replay_log(self.registry, self.topic)
            self._is_open = True
        await asyncio.Event().wait()

    async def close(self) -> None:
        """Close the topic; what was appended is safe already."""
        await self.topic.close()


def make_keys_log(settings: Settings, kafka: KafkaSettings) -> KeysLog | None:
    """Return the DEK registry; None where the service has none."""
    return None if settings.keys_topic is None else KeysLog(settings, kafka, settings.keys_topic)


def make_data_keys(settings: Settings, keys: KeysLog | None, schemas: Registry, peers: Peers) -> DataKeys:
    """Return the keys with which the REST proxy encrypts and decrypts."""
    if settings.registry_url is not None:
        return refuse_keys(
            "the schemas are in another registry (registry_host), whose keys this service does not use: "
            "produce and consume such records with a client that encrypts"
        )
    if keys is None:
        return refuse_keys("this service has no DEK registry (dek_registry_enabled)")
    return RegistryDataKeys(
        keys.handling,
        schemas,
        peers,
        without_key=settings.consumer_without_key,
        cache_seconds=settings.dek_registry_key_cache_seconds,
    )
