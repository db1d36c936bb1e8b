"""Builds the registry: its topic, its rules, and the election of the primary."""

from pathlib import Path

from karapace_like import __version__
from karapace_like.config import ConfigError, SchemaValidation, Settings
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.log_topic import LogTopic, LogTopicSettings
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import MARK, Registry
from karapace_like.registry.snapshot_parts import STATE_FORM
from karapace_like.registry.store import Store
from karapace_like.replication.logs import ReplicatedLogs
from karapace_like.replication.snapshot_file import prepare_directory
from karapace_like.replication.snapshots import Outcome, Snapshots
from karapace_like.schema.model import Strictness
from karapace_like.serve.process_role import ProcessRole
from karapace_like.web.http.dialects import Dialect


def make_registry(settings: Settings, kafka: KafkaSettings) -> tuple[Registry, LogTopic]:
    """Return the registry and the topic that it reads and writes."""
    topic = LogTopic(
        kafka,
        LogTopicSettings(
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
        strictness=_choose_strictness(settings),
        max_record_bytes=settings.producer_max_request_size,
        mode_mutability=settings.mode_mutability,
        names_keks=settings.keys_topic is not None,
        inherits_config=settings.config_inheritance,
        explicit_only=settings.explicit_registration_subjects,
    )
    return Registry(topic, rules, max_waiting=settings.registry_writes_max), topic


def make_snapshots(
    settings: Settings, registry: Registry, topic: LogTopic, role: ProcessRole
) -> Snapshots[Store] | None:
    """Return the snapshots of the registry's state; None where it has none. Raises ConfigError."""
    file = _prepare_file(settings) or role.reader_file
    if file is None and role.loaded is None:
        return None
    outcome = role.snapshot_outcome or Outcome.USED
    return Snapshots(registry, topic, STATE_FORM, file, __version__, loaded=role.loaded, loaded_outcome=outcome)


def _prepare_file(settings: Settings) -> Path | None:
    """Return the file of the snapshot, in its directory; None where no directory is set. Raises ConfigError."""
    file = settings.snapshot_file
    if file is None:
        return None
    directory = file.parent
    try:
        prepare_directory(directory)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError(
            f"snapshot_directory: {directory} cannot hold snapshots: {reason}. Name a directory that only the user of "
            "the service may use (mode 700), or one that does not exist yet in one that does."
        ) from error
    return file


def _choose_strictness(settings: Settings) -> Strictness:
    if settings.schema_validation is SchemaValidation.STRICT:
        return Strictness.STRICT
    return Strictness.KARAPACE if settings.api_dialect is Dialect.KARAPACE else Strictness.LAX


def make_nodes(settings: Settings, kafka: KafkaSettings) -> Nodes:
    """Return the view of the group's nodes, which needs no membership."""
    return Nodes(Group(kafka, _make_group_settings(settings)))


def make_election(settings: Settings, kafka: KafkaSettings, logs: ReplicatedLogs, role: ProcessRole) -> Election:
    """Return this process's member of the election, which leads the logs."""
    return Election(
        Group(kafka, _make_group_settings(settings), member_id=role.member_id, on_member=role.on_member),
        logs,
        ElectionSettings(
            # The primary answers the others' requests: a node without the registry's API cannot.
            eligible=settings.master_eligibility and settings.karapace_registry,
            strategy=settings.master_election_strategy,
            sticky=settings.master_election_sticky,
            node=role.owner.node if settings.karapace_rest else None,
        ),
    )


def _make_group_settings(settings: Settings) -> GroupSettings:
    return GroupSettings(id=settings.group_id, session_timeout_ms=settings.session_timeout_ms)
