"""The location of an incompatibility in a JSON Schema: follows its path (`#/properties/a/minLength`) through the text.

References are followed into whichever text they lead to. A path that leads nowhere in this text, because what it is
about is missing, ends at the last thing on the way that is there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from karapace_like.schema.files import Source, SourceLocation
from karapace_like.schema.json_positions import Node, positions
from karapace_like.schema.json_schema.documents import resolve
from karapace_like.schema.json_schema.draft import REFERENCES

_MAX_REFERENCES = 20
"""References followed at one place: they may form a cycle."""


def locate(source: Source, path: str) -> SourceLocation:
    """Return the location in the source that the path leads to."""
    texts = source.documents
    spot = _Spot("", positions(source.text))
    pending = [step for step in path.removeprefix("#").split("/") if step]
    is_exact = True
    while pending:
        following = _step(texts, spot, pending)
        is_exact = is_exact and following is not None
        spot, pending = following or (spot, pending[1:])
    return SourceLocation(spot.document, spot.node.start, is_exact)


@dataclass(slots=True)
class _Spot:
    document: str
    node: Node


def _step(texts: Mapping[str, str], spot: _Spot, pending: list[str]) -> tuple[_Spot, list[str]] | None:
    """Return the next spot and the remaining steps (a property's name may contain slashes); None if there is none."""
    for _ in range(_MAX_REFERENCES):
        child = _child(spot.node, pending[0])
        if child is not None:
            return _Spot(spot.document, child), pending[1:]
        for length in range(2, min(len(pending), _count_steps(spot.node)) + 1):
            child = _child(spot.node, "/".join(pending[:length]))
            if child is not None:
                return _Spot(spot.document, child), pending[length:]
        target = _target(texts, spot)
        if target is None:
            break
        spot = target
    return None


def _count_steps(node: Node) -> int:
    """Return how many steps a name inside of the node has at most."""
    names = [item.text or "" for item in node.items] if node.items is not None else [*(node.members or ())]
    return 1 + max((name.count("/") for name in names if "/" in name), default=0)


def _child(node: Node, step: str) -> Node | None:
    if node.items is None:
        return node.get(step)
    if step.isdecimal() and int(step) < len(node.items):
        return node.items[int(step)]
    return next((item for item in node.items if item.text == step), None)


def _target(texts: Mapping[str, str], spot: _Spot) -> _Spot | None:
    """Return the target of a `$ref` at this place; None where there is none, or where it leads to an anchor."""
    reference = next((target for target in map(spot.node.string, REFERENCES) if target is not None), None)
    if reference is None:
        return None
    written, _, fragment = reference.partition("#")
    document = spot.document
    if written:
        base = positions(texts[""]).string("$id") or ""
        names = (resolve(spot.document, written), written, resolve(base, written))
        document = next((name for name in names if name in texts), document)
    node: Node | None = positions(texts[document])
    for step in unquote(fragment).split("/")[1:]:
        node = None if node is None else _child(node, step.replace("~1", "/").replace("~0", "~"))
    return None if node is None else _Spot(document, node)
