"""Avro, the whole 1.12 specification: the four nouns that `schema/formats.py` asks of every format.

`model.py` holds the types, `parser.py` reads them, `canonical.py` writes them, `compatibility.py` compares them and
`rules.py` lists what it can find. Not here: Avro data.
"""

from collections.abc import Collection

from karapace_like.schema.avro.canonical import canonical, formatted, normalized
from karapace_like.schema.avro.compatibility import compatible
from karapace_like.schema.avro.linking import needs, offers
from karapace_like.schema.avro.model import Parsed, Record
from karapace_like.schema.avro.outline import outline
from karapace_like.schema.avro.parser import parse
from karapace_like.schema.avro.places import place
from karapace_like.schema.avro.rules import DIFFERENCES, RULES
from karapace_like.schema.avro.tags import entity_tags, tagged

__all__ = [
    "DIFFERENCES",
    "RULES",
    "canonical",
    "compatible",
    "entity_tags",
    "formatted",
    "needs",
    "normalized",
    "offers",
    "outline",
    "parse",
    "place",
    "record_name",
    "tagged",
    "top_fields",
]


def top_fields(parsed: Parsed) -> Collection[str]:
    """The names of a record's fields."""
    return [each.name for each in parsed.root.fields] if isinstance(parsed.root, Record) else ()


def record_name(parsed: Parsed) -> str | None:
    """The full name of a record; other types have none to name a subject by."""
    return parsed.root.name if isinstance(parsed.root, Record) else None
