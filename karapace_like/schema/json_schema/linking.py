"""The documents that a JSON Schema refers to, and the names under which others refer to it.

A document is found by its `$id`, or by its path next to the path of the text that refers to it.
"""

import posixpath
from collections.abc import Iterator
from urllib.parse import urlsplit

from karapace_like.schema.files import FileNeed
from karapace_like.schema.json_schema.documents import Documents, resolve
from karapace_like.schema.json_schema.draft import REFERENCES, draft_of
from karapace_like.schema.json_schema.json_text import read

_META_SCHEMAS = "json-schema.org"


def list_offered_names(text: str, path: str) -> list[str]:
    """Return the URI of the text's own `$id`, and its path; raises InvalidSchemaError."""
    value = read(text)
    identifier = Documents(value, {}, draft_of(value)).root.base
    return [name for name in (identifier, path) if name]


def list_file_needs(text: str, seen_as: str, path: str) -> list[FileNeed]:
    """Return the documents outside of the text that its references name; raises InvalidSchemaError.

    `seen_as` is the URI by which the text was referred to, if it was: relative references are relative to it.
    """
    value = read(text)
    documents = Documents(value, {}, draft_of(value))
    needs: dict[str, FileNeed] = {}
    for reference, base in documents.references(REFERENCES, seen_as):
        uri = resolve(base, reference).partition("#")[0]
        written = reference.partition("#")[0]
        if not written or uri == seen_as or documents.holds(uri) or urlsplit(uri).hostname == _META_SCHEMAS:
            continue
        needs.setdefault(uri, FileNeed(uri, tuple(_candidates(uri, written, path))))
    return list(needs.values())


def _candidates(uri: str, written: str, path: str) -> Iterator[str]:
    yield uri
    if not urlsplit(written).scheme:
        yield posixpath.normpath(posixpath.join(posixpath.dirname(path), written))
