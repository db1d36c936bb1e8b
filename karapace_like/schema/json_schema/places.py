"""Where in a JSON Schema an incompatibility is: its path (`#/properties/a/minLength`) followed through the text.

References are followed into whichever text they lead to. A path that leads nowhere in this text, because what it is
about is missing, ends at the last thing on the way that is there.
"""

from dataclasses import dataclass
from urllib.parse import unquote

from karapace_like.schema.files import Place, Source
from karapace_like.schema.json_positions import Node, positions
from karapace_like.schema.json_schema.documents import resolve
from karapace_like.schema.json_schema.draft import REFERENCES

_MAX_REFERENCES = 20
"""That are followed at one place: they may lead in a circle."""


def place(source: Source, path: str) -> Place:
    """Where in the source the path leads."""
    texts = {document: positions(text) for document, text in source.documents.items()}
    spot = _Spot("", texts[""])
    pending = [each for each in path.removeprefix("#").split("/") if each]
    is_exact = True
    while pending:
        found = _step(texts, spot, pending)
        is_exact = is_exact and found is not None
        spot, pending = found or (spot, pending[1:])
    return Place(spot.document, spot.node.start, is_exact)


@dataclass(slots=True)
class _Spot:
    document: str
    node: Node


def _step(texts: dict[str, Node], spot: _Spot, pending: list[str]) -> tuple[_Spot, list[str]] | None:
    """One step on, and what is left: a property's name may hold slashes. None if it leads nowhere."""
    for _ in range(_MAX_REFERENCES):
        for length in range(1, len(pending) + 1):
            found = _child(spot.node, "/".join(pending[:length]))
            if found is not None:
                return _Spot(spot.document, found), pending[length:]
        target = _target(texts, spot)
        if target is None:
            break
        spot = target
    return None


def _child(node: Node, step: str) -> Node | None:
    if node.items is None:
        return node.get(step)
    if step.isdecimal() and int(step) < len(node.items):
        return node.items[int(step)]
    return next((each for each in node.items if each.text == step), None)


def _target(texts: dict[str, Node], spot: _Spot) -> _Spot | None:
    """What a `$ref` at this place leads to; None where there is none, or where it leads to an anchor."""
    reference = next((found for found in map(spot.node.string, REFERENCES) if found is not None), None)
    if reference is None:
        return None
    written, _, fragment = reference.partition("#")
    document = spot.document
    if written:
        base = texts[""].string("$id") or ""
        names = (resolve(spot.document, written), written, resolve(base, written))
        document = next((each for each in names if each in texts), document)
    node: Node | None = texts[document]
    for step in unquote(fragment).split("/")[1:]:
        node = None if node is None else _child(node, step.replace("~1", "/").replace("~0", "~"))
    return None if node is None else _Spot(document, node)
