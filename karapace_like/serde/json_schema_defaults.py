"""Adds the defaults of a JSON Schema to the values that are produced with it, as Confluent's REST proxy does.

Its validator for the drafts up to 7 completes each object that a schema describes by `properties`: a property that is
absent gets its `default`, which is not validated. Newer drafts have a validator that leaves values as they are. Below
`anyOf`, `oneOf`, `if` and `not` nothing is added here: which of the alternatives a value has is not known.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.model import InvalidSchemaError

_decode = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode())).decode
"""Numbers keep their digits."""
_encode = msgspec.json.Encoder().encode


@dataclass(slots=True, eq=False)
class _Node:
    """What one subschema, and those that hold beside it, add to a value."""

    defaults: dict[str, msgspec.Raw] = field(default_factory=dict)
    properties: dict[str, "_Node"] = field(default_factory=dict)
    items: "_Node | None" = None
    first_items: "list[_Node | None]" = field(default_factory=list)
    beside: "list[_Node]" = field(default_factory=list)

    def list_children(self) -> Iterable["_Node"]:
        yield from self.properties.values()
        yield from (node for node in (self.items, *self.first_items, *self.beside) if node is not None)


class Defaults:
    """The defaults of one schema."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._nodes: dict[int, _Node] = {}
        root = self._node(documents.root.value, documents.root.base)
        self._root = root if root is not None and _prune(self._nodes.values(), root) else None

    @property
    def is_empty(self) -> bool:
        """Whether no value is changed."""
        return self._root is None

    def add(self, payload: bytes) -> bytes:
        """Return a valid JSON value with the defaults of the properties that it lacks; otherwise as it is.

        Raises RecursionError for a value that is nested too deeply.
        """
        if self._root is None:
            return payload
        value = _decode(payload)
        return _encode(value) if _fill(self._root, value) else payload

    def _node(self, schema: Any, base: str) -> _Node | None:
        if not isinstance(schema, dict):
            return None
        node = self._nodes.get(id(schema))
        if node is not None:
            return node
        node = self._nodes[id(schema)] = _Node()
        base = self._documents.base_of(schema, base)
        reference = schema.get("$ref")
        if isinstance(reference, str):  # what stands beside it has no meaning in these drafts
            target = self._find(reference, base)
            node.beside += [] if target is None else [target]
            return node
        self._add_properties(node, schema.get("properties"), base)
        items = schema.get("items")
        if isinstance(items, list):
            node.first_items = [self._node(item, base) for item in items]
            items = schema.get("additionalItems")
        node.items = self._node(items, base)
        for part in schema.get("allOf") or ():
            beside = self._node(part, base)
            node.beside += [] if beside is None else [beside]
        return node

    def _add_properties(self, node: _Node, properties: Any, base: str) -> None:
        if not isinstance(properties, Mapping):
            return
        for name, schema in properties.items():
            if isinstance(schema, dict) and "default" in schema and "$ref" not in schema:
                node.defaults[name] = msgspec.Raw(_encode(schema["default"]))
            child = self._node(schema, base)
            if child is not None:
                node.properties[name] = child

    def _find(self, reference: str, base: str) -> _Node | None:
        try:
            target = self._documents.find(reference, base)
        except InvalidSchemaError:  # such as a meta-schema, which adds nothing
            return None
        return self._node(target.value, target.base)


def _prune(nodes: Iterable[_Node], root: _Node) -> bool:
    """Remove the nodes that lead to no default, and return whether the root leads to one."""
    parents: dict[_Node, list[_Node]] = {}
    useful = [node for node in nodes if node.defaults]
    for node in nodes:
        for child in node.list_children():
            parents.setdefault(child, []).append(node)
    ancestors = set(useful)
    while useful:
        for parent in parents.get(useful.pop(), ()):
            if parent not in ancestors:
                ancestors.add(parent)
                useful.append(parent)
    for node in nodes:
        node.properties = {name: child for name, child in node.properties.items() if child in ancestors}
        node.items = node.items if node.items in ancestors else None
        node.first_items = [child if child in ancestors else None for child in node.first_items]
        node.beside = [child for child in node.beside if child in ancestors]
    return root in ancestors


def _fill(node: _Node, value: Any) -> bool:
    """Add the defaults to a value in place, and return whether it had not all of them."""
    changed = False
    if isinstance(value, dict):
        for name, child in node.properties.items():
            if name in value and _fill(child, value[name]):
                changed = True
        for name, default in node.defaults.items():
            if name not in value:
                value[name] = default
                changed = True
    elif isinstance(value, list):
        for position, item in enumerate(value):
            child_ = node.first_items[position] if position < len(node.first_items) else node.items
            if child_ is not None and _fill(child_, item):
                changed = True
    for other in node.beside:
        changed = _fill(other, value) or changed
    return changed
