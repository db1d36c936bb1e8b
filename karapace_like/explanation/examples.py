"""Records that show an incompatibility: the writer's schema allows them, and the reader's rejects or alters them.

Each format makes candidates from the writer's schema and reads them with the reader's. A record is shown only if that
was seen to fail, so that an example is never wrong; where none of the candidates fails, there is no example.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import NamedTuple, TypeAlias

import msgspec

from karapace_like.schema.files import Source
from karapace_like.schema.model import ParsedSchema, SchemaType

MAX_LENGTH = 400
"""Characters of a record that a report shows; a longer one is no help."""

_MAX_OUTCOME = 200
"""Characters of what a library says, which quotes whole schemas."""


class Side(NamedTuple):
    """A schema on one side of a comparison."""

    parsed: ParsedSchema
    source: Source


class Example(msgspec.Struct, frozen=True):
    """A record, and what becomes of it."""

    record: str
    """JSON. Bytes of Avro are text with a character for each byte."""
    outcome: str
    """What the reader does with it: why it rejects the record, or as what it reads it."""


ExampleFinder: TypeAlias = Callable[[Side, Side, str], Example | None]
"""(writer, reader, path of the incompatibility in the reader's schema) -> the example."""

_MODULES: Mapping[SchemaType, str] = {
    SchemaType.AVRO: "avro_examples",
    SchemaType.JSON: "json_schema_examples",
    SchemaType.PROTOBUF: "protobuf_examples",
}


def find_example(writer: Side, reader: Side, path: str) -> Example | None:
    """Return a record of the writer that the reader rejects or alters; None if no candidate shows it."""
    # Loaded where it is needed: most checks find nothing, and the libraries that read records take long to load.
    finder: ExampleFinder = import_module(f"{__package__}.{_MODULES[writer.parsed.type]}").find_example
    example = finder(writer, reader, path)
    if example is None or len(example.record) > MAX_LENGTH:
        return None
    return Example(
        example.record,
        f"{example.outcome[:_MAX_OUTCOME]}..." if len(example.outcome) > _MAX_OUTCOME else example.outcome,
    )
