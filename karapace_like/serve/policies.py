"""Builds the topic policies: their topic and their file; and opens the topic beside the start of everything else."""

import asyncio
from pathlib import Path

from karapace_like.config import ConfigError, PoliciesEnabled, Settings
from karapace_like.kafka.log_topic import LogTopic, LogTopicSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import parse_policies
from karapace_like.policies.policy import TopicPolicy
from karapace_like.policies.records import MARK
from karapace_like.policies.topic_policies import FilePolicies, TopicPolicies
from karapace_like.process.file_watcher import FileWatcher
from karapace_like.serve.log_opening import replay_log


class PoliciesLog:
    """The policies and their topic; `follow` it in the background, and `close` it at the end."""

    def __init__(self, settings: Settings, kafka: KafkaSettings) -> None:
        """Raises ConfigError for a file that cannot be used."""
        file = _read_file(settings)
        self.topic: LogTopic | None = None
        self.policies: TopicPolicies | FilePolicies
        self._is_open = False
        if settings.policies_topic is None:
            self.policies = FilePolicies(file)
            return
        self.topic = LogTopic(
            kafka,
            LogTopicSettings(
                name=settings.policies_topic,
                contents="policies",
                replication_factor=settings.replication_factor,
                max_record_bytes=settings.producer_max_request_size,
                group_id=settings.group_id,
                fencing=settings.fencing,
                mark=MARK,
                is_as_old_as_group=False,
                is_optional=True,
            ),
        )
        is_optional = settings.topic_policies_enabled is PoliciesEnabled.AUTO
        self.policies = TopicPolicies(self.topic, file, is_optional=is_optional)

    @property
    def replicated_policies(self) -> TopicPolicies | None:
        """The policies of the topic; None where the service has none."""
        return self.policies if isinstance(self.policies, TopicPolicies) else None

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators."""
        lost = [] if self.topic is None else self.topic.warnings
        return [*lost, *([] if self.replicated_policies is None else self.replicated_policies.warnings)]

    def watch_file(self, settings: Settings) -> list[FileWatcher]:
        """Return the watcher that reads a changed file, if there is one."""
        if settings.topic_policies is None:
            return []
        file, use = Path(settings.topic_policies), self.policies.store.replace_file
        return [FileWatcher([file], lambda: parse_policies(file.read_bytes()), use, InvalidPolicyError)]

    async def follow(self) -> None:
        """Open the topic, with retries, and keep up with it until cancelled."""
        policies, topic = self.replicated_policies, self.topic
        assert policies is not None
        assert topic is not None
        if not self._is_open:
            await replay_log(policies, topic)
            self._is_open = True
        await policies.verify()
        await asyncio.Event().wait()  # until an operator restarts the process

    async def close(self) -> None:
        """Close the topic; what was appended is safe already."""
        if self.topic is not None:
            await self.topic.close()


def _read_file(settings: Settings) -> dict[str, TopicPolicy]:
    if settings.topic_policies is None:
        return {}
    try:
        return parse_policies(Path(settings.topic_policies).read_bytes())
    except (OSError, InvalidPolicyError) as error:
        raise ConfigError(f"topic_policies: {error}") from error
