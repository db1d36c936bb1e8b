"""The targets of `$ref`: URIs, `$id`, anchors and JSON pointers within a schema and the schemas registered with it.

Nothing is ever fetched. A URI is looked up among the schema's own resources, then among its dependencies: by name as
written, or by name resolved against the schema's `$id`. A dependency's own `$id` does not name it, for the clients of
Confluent's registry find dependencies by name only.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urljoin, urlsplit

from karapace_like.schema.json_schema.draft import Draft
from karapace_like.schema.json_schema.json_text import JsonValue, read
from karapace_like.schema.model import Dependencies, InvalidSchemaError, UnresolvedReferenceError
from karapace_like.schema.sharing import SharedReferences, share

_OPAQUE = {"enum", "const", "default", "examples"}
"""Keywords whose values are data, not schemas."""
_MAPS = {"properties", "patternProperties", "definitions", "$defs", "dependencies", "dependentSchemas"}
"""Keywords whose values are maps from any name to a schema."""


_DEFS, _DEFINITIONS = "/$defs/", "/definitions/"
_SHOWN = 200
"""Characters of a bad reference in its error message."""
_CACHED_URIS = 2_000
"""Resolved references that stay cached: the schemas of a chain resolve the same ones, each schema all of them."""
_LONG_URI = 500
"""Characters of a base and reference that are too long to stay cached."""
_INDEX = re.compile(r"[0-9]{1,9}")


class Location(NamedTuple):
    """A JSON value and the URI that references inside of it are relative to."""

    value: JsonValue
    base: str


class Documents:
    """A schema's text as a value, with the dependencies that are read when a reference asks for them."""

    def __init__(
        self,
        root: JsonValue,
        dependencies: Dependencies,
        draft: Draft,
        shared: SharedReferences | None = None,
        *,
        bridges_definitions: bool = False,
    ) -> None:
        """`bridges_definitions`: `#/$defs/X` also finds an X in the root's `definitions`, as Confluent does."""
        self._draft = draft
        self._shared = shared
        self._bridges_definitions = bridges_definitions
        self.root = Location(root, self.base_of(root, ""))
        self._unread: dict[str, str] = {}
        for name, text in dependencies.items():
            self._unread.setdefault(_document(name), text)
            self._unread.setdefault(_document(resolve(self.root.base, name)), text)
        self._resources: dict[str, Location] = {}

    def base_of(self, value: JsonValue, base: str) -> str:
        """Return the base URI inside of a value: its `$id` resolved against the base around it."""
        identifier = value.get(self._draft.id_keyword) if isinstance(value, dict) else None
        if not isinstance(identifier, str) or identifier.startswith("#"):
            return base
        return _document(resolve(base, identifier))

    def find(self, reference: str, base: str) -> Location:
        """Return the target of a `$ref`; raises InvalidSchemaError where there is none."""
        if not self._resources:
            self._index(self.root.value, "")
        document, _, fragment = resolve(base, reference).partition("#")
        resource = self._resource(document)
        if resource is not None and not fragment:
            return resource
        if not fragment.startswith("/"):
            anchored = self._resources.get(f"{document}#{fragment}")
            if anchored is not None:
                return anchored
        elif resource is not None:
            # Some take a pointer to start at the schema's root, also below a subschema's own `$id`.
            for start in (resource, self.root):
                target = self._descend(start, fragment)
                if target is not None:
                    return target
            if self._bridges_definitions and fragment.startswith(_DEFS):
                target = self._descend(resource, fragment.replace(_DEFS, _DEFINITIONS, 1))
                if target is not None:
                    return target
        raise UnresolvedReferenceError(f"the reference {reference[:_SHOWN]!r} cannot be resolved", reference)

    def holds(self, uri: str) -> bool:
        """Return whether the schema's own text has a part of this URI."""
        if not self._resources:
            self._index(self.root.value, "")
        return bool(uri) and uri in self._resources

    def references(self, keywords: Collection[str], seen_as: str) -> Iterator[tuple[str, str]]:
        """Yield every reference in the schema's own text, and its base URI; `seen_as` is the URI of the text."""
        for node, around in self._subschemas(self.root.value, seen_as):
            base = self.base_of(node, around)
            for keyword in keywords:
                reference = node.get(keyword)
                if isinstance(reference, str):
                    yield reference, base

    def _resource(self, uri: str) -> Location | None:
        if uri not in self._resources and uri in self._unread:
            self._read(uri)
        return self._resources.get(uri)

    def _read(self, uri: str) -> None:
        text = self._unread.pop(uri)
        key = (Documents, self._draft, uri, text)
        self._add_resources(share(self._shared, key, lambda: self._list_resources(read(text), uri)))

    def _index(self, value: JsonValue, base: str) -> None:
        """Note every `$id` and anchor below a value, the first one of a URI."""
        self._add_resources(self._list_resources(value, base))

    def _add_resources(self, resources: Mapping[str, Location]) -> None:
        for uri, location in resources.items():
            self._resources.setdefault(uri, location)

    def _list_resources(self, value: JsonValue, base: str) -> Mapping[str, Location]:
        """Return the value and all in it that has an `$id` or anchor, by URI."""
        resources = {base: Location(value, self.base_of(value, base))}
        for node, around in self._subschemas(value, base):
            for uri in self._list_uris(node, around):
                resources.setdefault(uri, Location(node, self.base_of(node, around)))
        return resources

    def _subschemas(self, value: JsonValue, base: str) -> Iterator[tuple[dict[str, JsonValue], str]]:
        """Yield every object that is or may be a schema, and the base URI around it."""
        pending: list[tuple[JsonValue, str, bool]] = [(value, base, False)]
        while pending:
            node, around, is_map = pending.pop()
            if isinstance(node, dict):
                if not is_map:
                    yield node, around
                inside = around if is_map else self.base_of(node, around)
                pending.extend(
                    (child, inside, key in _MAPS and not is_map)
                    for key, child in node.items()
                    if isinstance(child, dict | list) and (is_map or key not in _OPAQUE)
                )
            elif isinstance(node, list):
                pending.extend((child, around, False) for child in node if isinstance(child, dict | list))

    def _list_uris(self, node: dict[str, JsonValue], around: str) -> Iterator[str]:
        """Yield the URIs that an object has besides that of the text around it."""
        inside = self.base_of(node, around)
        if inside != around:
            yield inside
        identifier = node.get(self._draft.id_keyword)
        if isinstance(identifier, str) and identifier.startswith("#"):
            yield inside + identifier
        if self._draft.is_modern:
            for keyword in ("$anchor", "$dynamicAnchor"):
                anchor = node.get(keyword)
                if isinstance(anchor, str):
                    yield f"{inside}#{anchor}"

    def _descend(self, start: Location, pointer: str) -> Location | None:
        value, base = start
        for token in pointer.split("/")[1:]:
            key = unquote(token).replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and _INDEX.fullmatch(key) and int(key) < len(value):
                value = value[int(key)]
            else:
                return None
            base = self.base_of(value, base)
        return Location(value, base)


def resolve(base: str, reference: str) -> str:
    """Resolve a reference against a base URI; only hierarchical bases can be extended."""
    if reference.startswith("#"):
        return _document(base) + reference
    try:
        if len(base) + len(reference) > _LONG_URI:
            return _join(base, reference)
        return _join_cached(base, reference)
    except ValueError as error:
        raise InvalidSchemaError(f"{reference[:_SHOWN]!r} is no URI: {error}") from error


def _join(base: str, reference: str) -> str:
    return reference if urlsplit(reference).scheme else urljoin(base, reference)


_join_cached = lru_cache(_CACHED_URIS)(_join)


def _document(uri: str) -> str:
    return uri.partition("#")[0]
