"""The words that every other room uses: schema types, references, schemas before and after parsing, incompatibilities.

Nothing here parses, compares or stores; the three format packages do.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType, Protocol

Subject = NewType("Subject", str)
Version = NewType("Version", int)
SchemaId = NewType("SchemaId", int)

LATEST = Version(-1)
"""The version number that means "the newest live one" in requests and references."""


class SchemaType(enum.StrEnum):
    """A schema format, spelled as on the wire."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


class Strictness(enum.Enum):
    """How hard a parser looks."""

    STRICT = "strict"
    """For a schema that is about to be registered: everything that the specification asks for."""
    LAX = "lax"
    """For a new schema, where the operator asked to accept all that the reference registry accepts."""
    STORED = "stored"
    """For a schema that is in the topic already: anything that can still be understood."""


class CompatibilityLevel(enum.StrEnum):
    """Which direction is checked, and against which versions (Confluent API, `compatibility`)."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class CompatibilityPolicy(enum.StrEnum):
    """How JSON Schema content models are judged (Confluent API, `compatibilityPolicy`)."""

    STRICT = "STRICT"
    LENIENT = "LENIENT"


@dataclass(frozen=True, slots=True)
class Reference:
    """One entry of a schema's `references`: the name that its text uses, and where that is registered.

    Its fields are those of its JSON, in requests, answers and the topic.
    """

    name: str
    subject: Subject
    version: Version


@dataclass(frozen=True, slots=True)
class UnparsedSchema:
    """A schema as somebody sent it or as the topic holds it: maybe ill-formed."""

    type: SchemaType
    text: str
    references: tuple[Reference, ...] = ()


Dependencies = Mapping[str, str]
"""Reference name -> schema text: the whole closure of a schema's references, each before those that use it."""


class ParsedSchema(Protocol):
    """What a format's parser returns; opaque outside of that format's package."""

    @property
    def type(self) -> SchemaType:
        """The format whose functions take this object."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of incompatibility, with the example that documents and tests it.

    `template` is the sentence that users of the reference registry know; `{path}`, `{detail}`, `{reader}` and
    `{writer}` in it are filled by `Incompatibility.message`.
    """

    name: str
    template: str
    old: str
    """An example schema that was registered first."""
    new: str
    """The schema that this rule refuses as its BACKWARD successor."""


@dataclass(frozen=True, slots=True)
class Incompatibility:
    """One reason why a reader with one schema cannot read what was written with another."""

    rule: Rule
    path: str
    """Where in the reader's schema, as the format's users expect it (`/fields/2`, `#/properties/a`, `#/Order/3`)."""
    detail: str = ""
    """What was found, in a few words; empty where the rule says it all."""
    reader: str = ""
    """The fragment of the reader's schema that the rule is about, as text."""
    writer: str = ""
    """The fragment of the writer's schema that the rule is about, as text."""

    def message(self, *, reader: str = "new", writer: str = "old") -> str:
        """The sentence, with the reader's and the writer's schema called what the caller calls them."""
        filled = self.rule.template.replace("{reader}", reader).replace("{writer}", writer)
        return filled.replace("{path}", self.path).replace("{detail}", self.detail)


class InvalidSchemaError(ValueError):
    """A text is no valid schema of its type; the message says where and why in one line."""
