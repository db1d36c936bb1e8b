"""The records, fields, enums and symbols that an Avro schema defines."""

from collections.abc import Iterator

from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.model import (
    ABSENT,
    Array,
    AvroType,
    Enum,
    Field,
    Fixed,
    Map,
    Parsed,
    Primitive,
    Properties,
    Record,
    TypeName,
    Union,
)
from karapace_like.schema.avro.names import split
from karapace_like.schema.outline import Element, ElementKind


def list_elements(parsed: Parsed, text: str) -> list[Element]:  # noqa: ARG001 - everything is in the tree
    """Return the schema itself, then everything that it defines, in the order of the text."""
    root = parsed.root
    named = (
        {"namespace": split(root.name)[0]} if isinstance(root, Record | Enum | Fixed) else {"type": _write_type(root)}
    )
    whole = Element("", "schema", ElementKind.SCHEMA, "", "", "/", {name: said for name, said in named.items() if said})
    return [whole, *_elements(root, "")]


def _elements(type_: AvroType, path: str) -> Iterator[Element]:
    match type_:
        case Record():
            said = _attributes(type_.doc, type_.aliases, type_.properties)
            yield _named_element(type_, ElementKind.RECORD, path, said)
            for position, field in enumerate(type_.fields):
                at = f"{path}/fields/{position}"
                yield _field(type_, field, position, at)
                yield from _elements(field.type, f"{at}/type")
        case Enum():
            said = _attributes(type_.doc, type_.aliases, type_.properties)
            default = {} if type_.default is None else {"default": type_.default}
            yield _named_element(type_, ElementKind.ENUM, path, {**default, **said})
            for symbol in type_.symbols:
                key = f"{type_.name}.{symbol}"
                yield Element(key, key, ElementKind.SYMBOL, symbol, type_.name, f"{path}/symbols", {})
        case Fixed():
            said = _attributes(type_.doc, type_.aliases, type_.properties)
            yield _named_element(type_, ElementKind.TYPE, path, {"size": str(type_.size), **said})
        case Array():
            yield from _elements(type_.items, f"{path}/items")
        case Map():
            yield from _elements(type_.values, f"{path}/values")
        case Union():
            for branch in type_.branches:
                yield from _elements(branch, path)
        case Primitive() | TypeName():
            pass


def _named_element(type_: Record | Enum | Fixed, kind: ElementKind, path: str, said: dict[str, str]) -> Element:
    return Element(type_.name, type_.name, kind, split(type_.name)[1], "", path or "/", said)


def _field(record: Record, field: Field, position: int, path: str) -> Element:
    key = f"{record.name}.{field.name}"
    said = {"type": _write_type(field.type)}
    if field.default is not ABSENT:
        said["default"] = json_text.write(field.default)
    if field.order != "ascending":
        said["order"] = field.order
    said["position"] = str(position + 1)
    said |= _attributes(field.doc, field.aliases, field.properties)
    return Element(key, key, ElementKind.FIELD, field.name, record.name, path, said)


def _attributes(doc: str | None, aliases: tuple[str, ...], properties: Properties) -> dict[str, str]:
    said = {} if doc is None else {"doc": doc}
    if aliases:
        said["aliases"] = ", ".join(aliases)
    return said | {name: json_text.write(value) for name, value in properties.items()}


def _write_type(type_: AvroType) -> str:
    """Return the type in one line, as people write types."""
    match type_:
        case Array():
            return f"array of {_write_type(type_.items)}"
        case Map():
            return f"map of {_write_type(type_.values)}"
        case Union():
            return " | ".join(map(_write_type, type_.branches))
        case Primitive():
            said = ", ".join(f"{name} {json_text.write(value)}" for name, value in type_.properties.items())
            return f"{type_.kind} ({said})" if said else type_.kind
        case _:
            return type_.name
