"""The types that every other room uses: schema types, references, schemas before and after parsing, incompatibilities.

Nothing here parses, compares or stores; the three format packages do.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, NewType, Protocol

import msgspec

Subject = NewType("Subject", str)
Version = NewType("Version", int)
SchemaId = NewType("SchemaId", int)

MAX_NUMBER = 2**31 - 1
"""Of ids and versions: other registries keep them in signed numbers of 32 bits, and the wire format has 4 bytes."""

IdNumber = Annotated[int, msgspec.Meta(ge=0, le=MAX_NUMBER)]
"""An id in JSON of clients; imported schemas may have the id 0."""
VersionNumber = Annotated[int, msgspec.Meta(ge=1, le=MAX_NUMBER)]
"""The number of a version that exists, as JSON of others may have it."""
ReferenceVersion = Annotated[int, msgspec.Meta(ge=-MAX_NUMBER - 1, le=MAX_NUMBER)]
"""The version of a stored reference: other registries store what they are sent, such as 0, or -1 for the latest."""

LATEST = Version(-1)
"""The version number that means "the newest live one" in requests and references."""


class _WireName(enum.StrEnum):
    """A name as the API spells it. It is hashed as text: Enum's own hash is a function in Python, and takes longer."""

    __hash__ = str.__hash__


class SchemaType(_WireName):
    """A schema format, spelled as on the wire."""

    AVRO = "AVRO"
    JSON = "JSON"
    PROTOBUF = "PROTOBUF"


class Strictness(enum.Enum):
    """How strictly a parser checks."""

    STRICT = "strict"
    """For a schema that is about to be registered: everything that the specification asks for."""
    LAX = "lax"
    """For a new schema, where the operator asked to accept all that Confluent's registry accepts."""
    KARAPACE = "karapace"
    """For a new schema, where the operator asked for what Karapace's registry does.

    As LAX; the defaults of Avro fields need not fit their types, Avro keeps the text that was sent with sorted keys,
    and what a JSON Schema leaves open counts as an object in comparisons.
    """
    STORED = "stored"
    """For a schema that is in the topic already: anything that can still be understood."""


class CompatibilityLevel(_WireName):
    """Which direction is checked, and against which versions (Confluent API, `compatibility`)."""

    NONE = "NONE"
    BACKWARD = "BACKWARD"
    BACKWARD_TRANSITIVE = "BACKWARD_TRANSITIVE"
    FORWARD = "FORWARD"
    FORWARD_TRANSITIVE = "FORWARD_TRANSITIVE"
    FULL = "FULL"
    FULL_TRANSITIVE = "FULL_TRANSITIVE"


class CompatibilityPolicy(_WireName):
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


class UnparsedSchema(msgspec.Struct, frozen=True):
    """A schema as a request sends it or as the topic holds it, before it is parsed: it may be invalid."""

    type: SchemaType
    text: str
    references: tuple[Reference, ...] = ()


Dependencies = Mapping[str, str]
"""Reference name -> schema text: the whole closure of a schema's references, each before those that use it."""


class ParsedSchema(Protocol):
    """A schema after parsing, as a format's parser returns it; opaque outside of that format's package."""

    @property
    def type(self) -> SchemaType:
        """The format whose functions take this object."""
        ...


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of incompatibility, with the example that documents and tests it.

    `template` is the sentence that users of Confluent's registry know; `{path}`, `{detail}`, `{reader}` and
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
    """The location in the reader's schema, in the format's notation (`/fields/2`, `#/properties/a`, `#/Order/3`)."""
    detail: str = ""
    """The detail of the finding; empty where the rule says everything."""
    reader: str = ""
    """The fragment of the reader's schema that the rule is about, as text."""
    writer: str = ""
    """The fragment of the writer's schema that the rule is about, as text."""

    def message(self, *, reader: str = "new", writer: str = "old") -> str:
        """Return the sentence, with the caller's words for the reader's and the writer's schema."""
        filled = self.rule.template.replace("{reader}", reader).replace("{writer}", writer)
        return filled.replace("{path}", self.path).replace("{detail}", self.detail)


class InvalidSchemaError(ValueError):
    """A text is no valid schema of its type; the message says where and why in one line."""


class UnresolvedReferenceError(InvalidSchemaError):
    """A name in the text leads to no schema."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name
        """As the text has it, or as a full name."""
