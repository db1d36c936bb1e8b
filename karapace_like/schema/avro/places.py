"""The location of an incompatibility in an Avro text: follows its path (`/fields/2/type`) through the text's JSON.

The path is one of the reader's schema and counts fields; in the other schema they are found by name. Types that are
used by name are entered where they are defined, in whichever text that is. A path that leads nowhere in this text,
because what it is about is missing, ends at the last thing on the way that is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from karapace_like.schema.avro.names import qualify, split
from karapace_like.schema.files import CACHED_SOURCES, CACHED_TEXTS, Source, SourceLocation
from karapace_like.schema.json_positions import Node, positions

_NAMED = frozenset({"record", "error", "enum", "fixed"})
_COMPLEX = _NAMED | {"array", "map"}


def locate(source: Source, path: str, reader: Source) -> SourceLocation:
    """Return the location in the source that the path in the reader's schema leads to."""
    return _find_texts(source).follow(_find_texts(reader).name_steps(path))


@dataclass(slots=True)
class _Spot:
    """A node, the text that it is in and the namespace around it."""

    document: str
    node: Node
    namespace: str


class _Texts:
    """A text and those that it refers to, as positions."""

    def __init__(self, source: Source) -> None:
        self._types: dict[str, _Spot] = {}
        for document, text in source.documents.items():
            for name, spot in _find_types(document, text):
                self._types.setdefault(name, spot)
        self._root = _Spot("", positions(source.text), "")
        self._named: tuple[str, list[str]] = "", []
        """The last path and its steps: each is looked for in two sources."""

    def name_steps(self, path: str) -> list[str]:
        """Return the steps of a path with the numbers of fields replaced by their names."""
        if self._named[0] != path:
            self._named = path, self._find_names(path.strip("/").split("/"))
        return self._named[1]

    def _find_names(self, steps: list[str]) -> list[str]:
        spot = self._root
        named = list(steps)
        for index, step in enumerate(steps):
            spot = self._settle(spot)
            if steps[index - 1 : index] == ["fields"]:
                fields = spot.node.items or []
                if step.isdecimal() and int(step) < len(fields):
                    named[index] = fields[int(step)].string("name") or step
            spot = self._next(spot, named[index]) or spot
        return named

    def follow(self, steps: list[str]) -> SourceLocation:
        spot = self._root
        is_exact = True
        before = ""
        for step in filter(None, steps):
            spot = self._settle(spot)
            following = self._next(spot, step)
            # The number of a union's branch, which may be the other schema's, leads nowhere.
            is_branch = step.isdecimal() and before != "fields"
            is_exact = is_exact and (following is not None or is_branch)
            spot, before = following or spot, step
        return SourceLocation(spot.document, _show(spot.node).start, is_exact)

    def _settle(self, spot: _Spot) -> _Spot:
        """Return the definition for a name, and the inner type for one that is wrapped in `{"type": ...}`."""
        for _ in range(10):
            node = spot.node
            if node.items is not None or node.get("fields") is not None:
                return spot
            wrapped = node.get("type")
            name = node.text if node.text is not None else wrapped.text if wrapped is not None else None
            if wrapped is not None and wrapped.text is None and not _is_field(node):
                spot = _Spot(spot.document, wrapped, _inside(spot))
                continue
            definition = None if name is None or _is_field(node) else self._type(name, spot.namespace)
            if definition is None:
                return spot
            spot = definition
        return spot

    def _type(self, name: str, namespace: str) -> _Spot | None:
        return self._types.get(qualify(name, namespace)) or self._types.get(name)

    @staticmethod
    def _next(spot: _Spot, step: str) -> _Spot | None:
        """Return the node that a step leads to."""
        node = spot.node
        item = node.get(step) if node.items is None else _index_fields(node, node.items).get(step)
        return None if item is None else _Spot(spot.document, item, _inside(spot))


_find_texts = lru_cache(CACHED_SOURCES)(_Texts)


@lru_cache(CACHED_TEXTS)
def _find_types(document: str, text: str) -> Sequence[tuple[str, _Spot]]:
    """(full name, place) of every named type in a text."""
    return [(_full_name(spot), spot) for spot in _types(_Spot(document, positions(text), ""))]


def _is_field(node: Node) -> bool:
    """Return whether an object is a record's field: it has a name, and its type is not one that is named there."""
    kind = node.string("type")
    return node.get("name") is not None and (kind is None or kind not in _NAMED)


def _index_fields(node: Node, items: list[Node]) -> Mapping[str, Node]:
    """Return the fields in a record's list by name and alias; the first of a name counts."""
    if node.items_by_name is None:
        node.items_by_name = {}
        for field in filter(_is_field, items):
            aliases = field.get("aliases")
            for name in (field.string("name"), *(alias.text for alias in (aliases.items or [] if aliases else []))):
                if name is not None:
                    node.items_by_name.setdefault(name, field)
    return node.items_by_name


def _show(node: Node) -> Node:
    """Return the node to show: for a named type, its name."""
    return node.get("name") or node


def _inside(spot: _Spot) -> str:
    node = spot.node
    if node.string("name") is None or node.string("type") not in _NAMED:
        return spot.namespace
    return split(_full_name(spot))[0]


def _full_name(spot: _Spot) -> str:
    own = spot.node.string("namespace")
    return qualify(spot.node.string("name") or "", spot.namespace if own is None else own)


def _types(root: _Spot) -> Iterator[_Spot]:
    """Yield every definition of a named type."""
    pending = [root]
    while pending:
        spot = pending.pop()
        node = spot.node
        if node.string("type") in _NAMED and node.string("name") is not None:
            yield spot
        inside = _inside(spot)
        if node.items is not None:
            pending += [_Spot(spot.document, item, inside) for item in reversed(node.items) if _has_types(item)]
        pending += [
            _Spot(spot.document, child, inside)
            for child in (node.get(key) for key in ("values", "items", "fields", "type"))
            if child is not None and _has_types(child)
        ]


def _has_types(node: Node) -> bool:
    """Return whether a definition may be in the node; most fields of a wide record have a primitive type."""
    if node.members is None:
        return node.items is not None
    kind = node.string("type")
    return kind is None or kind in _COMPLEX
