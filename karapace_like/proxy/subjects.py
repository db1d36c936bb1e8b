"""Which subject a schema belongs to (Confluent, subject name strategies)."""

import enum

from karapace_like.proxy.formats import Role
from karapace_like.schema import formats
from karapace_like.schema.model import Dependencies, UnparsedSchema


class SubjectNameStrategy(enum.StrEnum):
    """What a subject is named by."""

    TOPIC_NAME = "TOPIC_NAME"
    RECORD_NAME = "RECORD_NAME"
    TOPIC_RECORD_NAME = "TOPIC_RECORD_NAME"


def subject_of(
    strategy: SubjectNameStrategy, role: Role, topic: str, schema: UnparsedSchema, dependencies: Dependencies
) -> str | None:
    """The subject of a topic's schema; None if the schema lacks the name that is asked for. Raises InvalidSchemaError.

    Only the strategies that need the name look into the schema.
    """
    if strategy is SubjectNameStrategy.TOPIC_NAME:
        return role.subject(topic)
    name = formats.FORMATS[schema.type].record_name(formats.parse(schema, dependencies))
    return f"{topic}-{name}" if name and strategy is SubjectNameStrategy.TOPIC_RECORD_NAME else name
