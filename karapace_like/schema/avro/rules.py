"""Every incompatibility between two Avro schemas, with its sentence and an example.

Names and sentences are those of Confluent's registry: its users' tools match on them.
"""

from collections.abc import Mapping
from typing import Final

from karapace_like.schema.model import Rule

NAME_MISMATCH: Final = Rule(
    "NAME_MISMATCH",
    "The name of the schema has changed (path '{path}')",
    old='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"int"}]}',
    new='{"type":"record","name":"Letter","fields":[{"name":"grams","type":"int"}]}',
)
"""Record, enum or fixed: the simple names differ and no alias of the reader is the writer's full name."""

FIXED_SIZE_MISMATCH: Final = Rule(
    "FIXED_SIZE_MISMATCH",
    "The size of FIXED type field at path '{path}' in the {reader} schema does not match with the {writer} schema",
    old='{"type":"fixed","name":"Checksum","size":16}',
    new='{"type":"fixed","name":"Checksum","size":32}',
)

MISSING_ENUM_SYMBOLS: Final = Rule(
    "MISSING_ENUM_SYMBOLS",
    "The {reader} schema is missing enum symbols '{detail}' at path '{path}' in the {writer} schema",
    old='{"type":"enum","name":"State","symbols":["NEW","SENT","LOST"]}',
    new='{"type":"enum","name":"State","symbols":["NEW","SENT"]}',
)
"""Does not apply where the reader's enum has a default, which then stands for each unknown symbol."""

READER_FIELD_MISSING_DEFAULT_VALUE: Final = Rule(
    "READER_FIELD_MISSING_DEFAULT_VALUE",
    "The field '{detail}' at path '{path}' in the {reader} schema has no default value and is missing in the"
    " {writer} schema",
    old='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"int"}]}',
    new='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"int"},{"name":"depot","type":"string"}]}',
)

TYPE_MISMATCH: Final = Rule(
    "TYPE_MISMATCH",
    "The type (path '{path}') of a field in the {reader} schema does not match with the {writer} schema",
    old='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"long"}]}',
    new='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"int"}]}',
)
"""Also where only some branches of the writer's union cannot be read by the reader's type: once for each."""

MISSING_UNION_BRANCH: Final = Rule(
    "MISSING_UNION_BRANCH",
    "The {reader} schema is missing a type inside a union field at path '{path}' in the {writer} schema",
    old='{"type":"record","name":"Parcel","fields":[{"name":"note","type":["null","string","int"]}]}',
    new='{"type":"record","name":"Parcel","fields":[{"name":"note","type":["null","string"]}]}',
)

AMBIGUOUS_FIELD_ALIASES: Final = Rule(
    "AMBIGUOUS_FIELD_ALIASES",
    "The field '{detail}' at path '{path}' in the {reader} schema matches multiple fields in the {writer} schema",
    old='{"type":"record","name":"Parcel","fields":[{"name":"weight","type":"int"},{"name":"grams","type":"int"}]}',
    new='{"type":"record","name":"Parcel","fields":[{"name":"grams","type":"int","aliases":["weight"]}]}',
)
"""Only here: Confluent's registry answers "Unexpected exception during compatibility check" without a rule."""

RULES: Final[Mapping[str, Rule]] = {
    rule.name: rule
    for rule in (
        NAME_MISMATCH,
        FIXED_SIZE_MISMATCH,
        MISSING_ENUM_SYMBOLS,
        READER_FIELD_MISSING_DEFAULT_VALUE,
        TYPE_MISMATCH,
        MISSING_UNION_BRANCH,
        AMBIGUOUS_FIELD_ALIASES,
    )
}
"""Every rule by its name."""

DIFFERENCES: Final[Mapping[str, str]] = {
    "A field of the reader whose aliases match several fields of the writer is AMBIGUOUS_FIELD_ALIASES; its own name "
    "among its aliases is no conflict": "Confluent stops with an exception and reports nothing else.",
    "Verdicts that assumed a pair of recursive types to be compatible are revised if it is not, where a union has "
    "other branches to try": "Confluent keeps the verdicts, and may accept schemas that cannot read the data.",
    "The normalized text keeps a default that fits a later branch of a union": "Confluent drops it silently, "
    "so that the field has no default any more.",
    "The normalized text sorts aliases by the full names that they have in it": "Confluent's text is not idempotent "
    "for a type without a namespace inside one with a namespace.",
    "An alias in the null namespace of a type in another one is written with a leading dot, as it was read": "The "
    "dot is missing in Confluent's text, which moves the alias into the type's namespace.",
    "A record, array or map may have properties that are whole numbers beyond 64 bits": "Confluent rejects them "
    "when it copies the type.",
    "Texts nested deeper than 200 levels, or with half of a surrogate pair, are rejected": "They cannot be served "
    "safely; no data needs them.",
    "An undefined name is reported by that name wherever it stands": "Confluent shows an internal placeholder for "
    "the type of the whole schema.",
}
"""The verdicts that differ from Confluent's on purpose, each with its reason."""
