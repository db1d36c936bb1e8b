"""Compute the subject of a schema (Confluent, subject name strategies)."""

import enum

from karapace_like.proxy.formats import RecordPart
from karapace_like.schema import formats
from karapace_like.schema.model import Dependencies, UnparsedSchema


class SubjectNameStrategy(enum.StrEnum):
    """The names that a subject is made of."""

    TOPIC_NAME = "TOPIC_NAME"
    RECORD_NAME = "RECORD_NAME"
    TOPIC_RECORD_NAME = "TOPIC_RECORD_NAME"


def subject_of(
    strategy: SubjectNameStrategy, role: RecordPart, topic: str, schema: UnparsedSchema, dependencies: Dependencies
) -> str | None:
    """Return the subject of a schema of a topic; None if the schema lacks a name that the strategy needs.

    Only strategies that need the name parse the schema, and raise InvalidSchemaError.
    """
    if strategy is SubjectNameStrategy.TOPIC_NAME:
        return role.subject(topic)
    name = formats.FORMATS[schema.type].find_record_name(formats.parse(schema, dependencies))
    return f"{topic}-{name}" if name and strategy is SubjectNameStrategy.TOPIC_RECORD_NAME else name
