"""A topic policy, in the form in which the API, the topic and files have it."""

import enum
from typing import Annotated, Literal

import msgspec


class Mode(enum.StrEnum):
    """What happens with a record that the policy does not accept."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    """It is written as if there were no policy, and counted."""


class Plain(enum.StrEnum):
    """What happens with a key or value that names no schema."""

    ALLOW = "allow"
    REFUSE = "refuse"
    VALIDATE = "validate"
    """It has to be JSON that is valid by the schema, a JSON Schema, and is stored as it is."""
    ENCODE = "encode"
    """It has to be JSON, and is stored in the schema's own format, after its id."""


class Framed(enum.StrEnum):
    """Which schemas a key or value may name."""

    ANY = "any"
    SUBJECT = "subject"
    """Those of the policy's subject."""


class UnknownFields(enum.StrEnum):
    """What happens with fields of plain JSON that the schema does not allow."""

    REFUSE = "refuse"
    DROP = "drop"


class Invalid(enum.StrEnum):
    """What becomes of a record that is not accepted."""

    REFUSE = "refuse"
    DEAD_LETTER = "dead_letter"


VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
_Text = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]


class SchemaChoice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which schema plain JSON is held against, and whose schemas may be named."""

    subject: _Text | None = None
    """None: TOPIC-key or TOPIC-value."""
    version: Literal["latest"] | VersionNumber = "latest"
    metadata: Annotated[dict[str, str], msgspec.Meta(min_length=1, max_length=20)] | None = None
    """The latest version whose metadata has these properties, instead of `version`."""


class VersionRange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The versions of the subject that a key or value may name."""

    min: VersionNumber = 1
    max: VersionNumber | None = None

    def holds(self, version: int) -> bool:
        """Return whether the version is in the range."""
        return self.min <= version and (self.max is None or version <= self.max)


class PartPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """The policy of a record's key, or of its value. Null is accepted always."""

    schema: SchemaChoice = SchemaChoice()
    plain: Plain = Plain.ALLOW
    framed: Framed = Framed.ANY
    versions: VersionRange | None = None
    unknown_fields: UnknownFields = UnknownFields.REFUSE
    lenient_json: bool = False
    """Whether plain JSON for Avro may lack fields that have a default."""
    invalid: Invalid = Invalid.REFUSE

    @property
    def uses_schema(self) -> bool:
        """Whether plain JSON is held against a schema."""
        return self.plain in {Plain.VALIDATE, Plain.ENCODE}

    @property
    def uses_subject(self) -> bool:
        """Whether the subject must exist."""
        return self.uses_schema or self.framed is Framed.SUBJECT

    @property
    def accepts_everything(self) -> bool:
        """Whether no key or value is changed or refused."""
        return self.plain is Plain.ALLOW and self.framed is Framed.ANY


class TopicPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What is done with the records of a topic."""

    mode: Mode = Mode.ENFORCE
    key: PartPolicy = PartPolicy()
    value: PartPolicy = PartPolicy()
    dead_letter_topic: Annotated[str, msgspec.Meta(min_length=1, max_length=249)] | None = None

    @property
    def accepts_everything(self) -> bool:
        """Whether no record is changed or refused."""
        return self.key.accepts_everything and self.value.accepts_everything

    def enforces_schema_of(self, part: str) -> bool:
        """Return whether plain JSON of the part, `key` or `value`, is stored only as the schema says."""
        policy = self.key if part == "key" else self.value
        return self.mode is Mode.ENFORCE and policy.uses_schema

    @property
    def key_encoding(self) -> SchemaChoice | None:
        """By which schema plain keys are encoded; None where they keep their bytes, which decide on partitions."""
        part = self.key
        drops = part.plain is Plain.VALIDATE and part.unknown_fields is UnknownFields.DROP
        changes = self.mode is Mode.ENFORCE and (part.plain is Plain.ENCODE or drops)
        return part.schema if changes else None
