"""Avro, the whole 1.12 specification: the four nouns that `schema/formats.py` asks of every format.

`model.py` holds the types, `parser.py` reads them, `canonical.py` writes them, `compatibility.py` compares them and
`rules.py` lists what it can find. Not here: Avro data.
"""

from collections.abc import Collection

from karapace_like.schema.avro.canonical import canonicalise, format_text, normalize
from karapace_like.schema.avro.compatibility import find_incompatibilities
from karapace_like.schema.avro.linking import list_file_needs, list_offered_names
from karapace_like.schema.avro.model import Parsed, Record
from karapace_like.schema.avro.outline import list_elements
from karapace_like.schema.avro.parser import parse
from karapace_like.schema.avro.places import locate
from karapace_like.schema.avro.rules import DIFFERENCES, RULES
from karapace_like.schema.avro.tags import change_tags, list_tags
from karapace_like.schema.changes import NO_RULES as CHANGE_RULES
from karapace_like.schema.changes import find_no_changes as find_changes
from karapace_like.schema.model import Dependencies, Strictness

__all__ = [
    "CHANGE_RULES",
    "DIFFERENCES",
    "NEEDS_ALL_REFERENCES",
    "REPORT_TEMPLATE",
    "RULES",
    "canonicalise",
    "change_tags",
    "find_changes",
    "find_incompatibilities",
    "find_record_name",
    "format_text",
    "list_elements",
    "list_file_needs",
    "list_offered_names",
    "list_tags",
    "list_top_fields",
    "locate",
    "normalize",
    "parse",
    "parse_own_text",
]

REPORT_TEMPLATE = "{errorType:'{rule}', description:'{message}', additionalInfo:'{detail}'}"
NEEDS_ALL_REFERENCES = True
"""A name may be defined anywhere among the references."""


def parse_own_text(text: str, dependencies: Dependencies) -> Parsed:
    """Return the schema, parsed as strictly as a new one."""
    return parse(text, dependencies, Strictness.STRICT)


def list_top_fields(parsed: Parsed) -> Collection[str]:
    """Return the names of a record's fields."""
    return [field.name for field in parsed.root.fields] if isinstance(parsed.root, Record) else ()


def find_record_name(parsed: Parsed) -> str | None:
    """Return the full name of a record; other types have none to name a subject by."""
    return parsed.root.name if isinstance(parsed.root, Record) else None
