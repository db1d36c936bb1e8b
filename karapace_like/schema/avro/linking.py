"""The named types that an Avro text defines for others, and those that it leaves to them."""

from typing import Any

from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.model import PRIMITIVES
from karapace_like.schema.avro.names import qualify, split
from karapace_like.schema.files import FileNeed

_NAMED = frozenset({"record", "error", "enum", "fixed"})


def list_offered_names(text: str, path: str) -> list[str]:  # noqa: ARG001 - types are found by name, wherever they are
    """Return the full names of the types that the text defines; raises InvalidSchemaError."""
    return list(_names(text)[0])


def list_file_needs(text: str, seen_as: str, path: str) -> list[FileNeed]:  # noqa: ARG001 - as above
    """Return the names that the text uses and does not define; raises InvalidSchemaError."""
    defined, used = _names(text)
    return [
        FileNeed(name, tuple(dict.fromkeys((name, simple))))
        for name, simple in used.items()
        if name not in defined and simple not in defined
    ]


def _names(text: str) -> tuple[dict[str, None], dict[str, str]]:
    """Return the full names that are defined, and those used with the spelling in the text, both in its order."""
    defined: dict[str, None] = {}
    used: dict[str, str] = {}
    pending: list[tuple[Any, str]] = [(json_text.read(text), "")]
    while pending:
        node, namespace = pending.pop()
        if isinstance(node, str):
            if node not in PRIMITIVES:
                used.setdefault(qualify(node, namespace), node)
        elif isinstance(node, list):
            pending += [(child, namespace) for child in reversed(node)]
        elif isinstance(node, dict):
            kind = node.get("type")
            name = node.get("name")
            inside = namespace
            if isinstance(kind, str) and kind in _NAMED and isinstance(name, str):
                own = node.get("namespace")
                full = qualify(name, own if isinstance(own, str) else namespace)
                defined.setdefault(full)
                inside = split(full)[0]
            pending += [(child, inside) for child in reversed(_inner(node, kind))]
    return defined, used


def _inner(node: dict[str, Any], kind: Any) -> list[Any]:
    """Return the types that a type is made of."""
    match kind:
        case "record" | "error":
            fields = node.get("fields")
            return (
                [field.get("type") for field in fields if isinstance(field, dict)] if isinstance(fields, list) else []
            )
        case "array":
            return [node.get("items")]
        case "map":
            return [node.get("values")]
        case "enum" | "fixed":
            return []
        case _:
            return [kind]
