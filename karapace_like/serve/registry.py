"""The registry as the settings say: its topic, its rules, and the election of who writes."""

from karapace_like.config import SchemaValidation, Settings
from karapace_like.kafka.election import Election, ElectionSettings
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.nodes import Nodes
from karapace_like.kafka.schemas_topic import SchemasTopic, SchemasTopicSettings
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.registry.registration import Rules
from karapace_like.registry.registry import MARK, Registry
from karapace_like.schema.model import Strictness
from karapace_like.serve.place import Place


def registry_of(settings: Settings, kafka: KafkaSettings) -> tuple[Registry, SchemasTopic]:
    """The registry, and the topic that it reads and writes."""
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
    return Registry(topic, rules, max_waiting=settings.registry_writes_max), topic


def nodes_of(settings: Settings, kafka: KafkaSettings) -> Nodes:
    """The nodes of the group, as whoever is no member sees them."""
    return Nodes(Group(kafka, _group(settings)))


def election_of(settings: Settings, kafka: KafkaSettings, registry: Registry, place: Place) -> Election:
    """This process's part in the election."""
    return Election(
        Group(kafka, _group(settings), member_id=place.member_id, on_member=place.on_member),
        registry,
        ElectionSettings(
            # The primary answers the others' requests: a node without the registry's API cannot.
            eligible=settings.master_eligibility and settings.karapace_registry,
            strategy=settings.master_election_strategy,
            sticky=settings.master_election_sticky,
            node=place.owner.node if settings.karapace_rest else None,
        ),
    )


def _group(settings: Settings) -> GroupSettings:
    return GroupSettings(id=settings.group_id, session_timeout_ms=settings.session_timeout_ms)
