"""The documents that a JSON Schema refers to, and the names under which others refer to it.

A document is found by its `$id`, or by its path next to the path of the text that refers to it.
"""

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from karapace_like.schema.files import Need
from karapace_like.schema.json_schema.documents import Documents, resolve
from karapace_like.schema.json_schema.draft import REFERENCES, draft_of
from karapace_like.schema.json_schema.json_text import read

_META_SCHEMAS = "json-schema.org"


def offers(text: str, path: str) -> list[str]:
    """The URI of the text's own `$id`, and its path; raises InvalidSchemaError."""
    value = read(text)
    identifier = Documents(value, {}, draft_of(value)).root.base
    return [each for each in (identifier, path) if each]


def needs(text: str, seen_as: str, path: str) -> list[Need]:
    """The documents outside of the text that its references name; raises InvalidSchemaError.

    `seen_as` is the URI by which the text was referred to, if it was: relative references are relative to it.
    """
    value = read(text)
    documents = Documents(value, {}, draft_of(value))
    found: dict[str, Need] = {}
    for reference, base in documents.references(REFERENCES, seen_as):
        uri = resolve(base, reference).partition("#")[0]
        written = reference.partition("#")[0]
        if not written or uri == seen_as or documents.holds(uri) or urlsplit(uri).hostname == _META_SCHEMAS:
            continue
        found.setdefault(uri, Need(uri, tuple(_candidates(uri, written, path))))
    return list(found.values())


def _candidates(uri: str, written: str, path: str) -> Iterator[str]:
    yield uri
    if not urlsplit(written).scheme:
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
