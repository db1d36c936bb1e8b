"""A schema's text: as it is stored and served, normalized, and with its references resolved.

The form is that of Confluent's registry, because equal texts share one schema id: attributes in a fixed order,
names as short as their surroundings allow, each named type written out where it is first used. Nothing here
recurses over the types, so references may be nested as deeply as they like.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.defaults import Defaults
from karapace_like.schema.avro.logical import logical_properties
from karapace_like.schema.avro.model import (
    ABSENT,
    NULLABLE_PRIMITIVES,
    PRIMITIVES,
    Array,
    AvroType,
    Enum,
    Field,
    Fixed,
    Map,
    NamedType,
    Parsed,
    Primitive,
    Properties,
    Record,
    TypeName,
    Union,
)
from karapace_like.schema.avro.names import qualify, relative, shortest, split

_Part: TypeAlias = "str | tuple[AvroType, str]"
"""A piece of text, or a type still to be written and the namespace that it is written in."""
_PLAIN: Final[Mapping[AvroType, str]] = {
    **{primitive: f'"{kind}"' for kind, primitive in PRIMITIVES.items()},
    **{union: f'["{first}","{second}"]' for (first, second), union in NULLABLE_PRIMITIVES.items()},
}
"""The texts of the types that all schemas share."""


def canonicalise(parsed: Parsed) -> str:
    """Return the text that is stored: what references define is used by name."""
    return _render(parsed.root, _Writer(parsed.names, set(parsed.imported)).parts)


def normalize(parsed: Parsed) -> str:
    """Return the text under `normalize=true`: equal for schemas that differ in form only."""
    return _render(parsed.root, _NormalizingWriter(parsed.names, set(parsed.imported)).parts)


def format_text(parsed: Parsed, name: str) -> str:
    """`resolved`: what references define is written out; else the canonical text."""
    written = set() if name == "resolved" else set(parsed.imported)
    return _render(parsed.root, _Writer(parsed.names, written).parts)


def _render(root: AvroType, parts: Callable[[AvroType, str], list[_Part]]) -> str:
    """Return the text of a type, from the parts that one type at a time is made of."""
    text: list[str] = []
    pending: list[_Part] = [_PLAIN.get(root) or (root, "")]
    while pending:
        part = pending.pop()
        if isinstance(part, str):
            text.append(part)
        else:
            pending += reversed(parts(*part))
    return "".join(text)


class _Writer:
    """Writes types in Confluent's form and remembers which named types it has written."""

    def __init__(self, names: Mapping[str, NamedType], written: set[str]) -> None:
        self._names = names
        self._written = written

    def parts(self, type_: AvroType, namespace: str) -> list[_Part]:
        match type_:
            case Primitive():
                kind = json_text.quote(type_.kind)
                return [f'{{"type":{kind}{self._scalar_properties(type_)}}}' if type_.properties else kind]
            case Union():
                return self._union(type_, namespace)
            case Array():
                items = _PLAIN.get(type_.items) or (type_.items, namespace)
                return ['{"type":"array","items":', items, self._properties(type_.properties) + "}"]
            case Map():
                values = _PLAIN.get(type_.values) or (type_.values, namespace)
                return ['{"type":"map","values":', values, self._properties(type_.properties) + "}"]
            case TypeName() | Record() | Enum() | Fixed():
                if type_.name in self._written:
                    return [json_text.quote(shortest(self._spelling(type_.name), namespace))]
                self._written.add(type_.name)
                definition = self._names[type_.name] if isinstance(type_, TypeName) else type_
                return self._definition(definition, namespace)

    @staticmethod
    def _union(union: Union, namespace: str) -> list[_Part]:
        """Return the branches in brackets, with commas between them."""
        parts: list[_Part] = []
        for branch in union.branches:
            parts += ["," if parts else "[", _PLAIN.get(branch) or (branch, namespace)]
        return [*parts, "]"] if parts else ["[]"]

    def _definition(self, type_: NamedType, namespace: str) -> list[_Part]:
        full = self._define(type_.name, namespace)
        own, name = split(full)
        moved = full != type_.name
        aliases = self._aliases([qualify(alias, own) for alias in type_.aliases] if moved else type_.aliases, own)
        head = f'"name":{json_text.quote(name)}'
        if own != namespace:
            head += f',"namespace":{json_text.quote(own)}'
        head += self._doc(type_)
        match type_:
            case Fixed():
                tail = self._scalar_properties(type_) + aliases
                return [f'{{"type":"fixed",{head},"size":{type_.size}{tail}}}']
            case Enum():
                symbols = ",".join(map(json_text.quote, type_.symbols))
                default = "" if type_.default is None else f',"default":{json_text.quote(type_.default)}'
                tail = self._properties(type_.properties) + aliases
                return [f'{{"type":"enum",{head},"symbols":[{symbols}]{default}{tail}}}']
            case Record():
                kind = self._record_kind(type_)
                tail = self._properties(type_.properties) + aliases
                return [f'{{"type":"{kind}",{head},"fields":[', *self._fields(type_, own), f"]{tail}}}"]

    def _fields(self, record: Record, namespace: str) -> list[_Part]:
        parts: list[_Part] = []
        for field in record.fields:
            head = f'{"," if parts else ""}{{"name":{json_text.quote(field.name)},"type":'
            plain, tail = _PLAIN.get(field.type), self._field_attributes(field) + "}"
            parts += [head, (field.type, namespace), tail] if plain is None else [head + plain + tail]
        return parts

    def _field_attributes(self, field: Field) -> str:
        text = "" if field.doc is None else f',"doc":{json_text.quote(field.doc)}'
        if field.default is not ABSENT:
            text += f',"default":{self._default(field)}'
        if field.order != "ascending":
            text += f',"order":{json_text.quote(field.order)}'
        if field.aliases:
            text += f',"aliases":{json_text.write(self._alias_order(field.aliases))}'
        return text + self._properties(field.properties) if field.properties else text

    def _aliases(self, aliases: Sequence[str], namespace: str) -> str:
        if not aliases:
            return ""
        return f',"aliases":{json_text.write([relative(alias, namespace) for alias in self._alias_order(aliases)])}'

    # What follows is the difference between the plain and the normalized form.

    def _define(self, full: str, namespace: str) -> str:  # noqa: ARG002
        """Return the full name to define a type under in a namespace."""
        return full

    def _spelling(self, full: str) -> str:
        """Return the full name that a type was defined under."""
        return full

    def _record_kind(self, record: Record) -> str:
        return "error" if record.is_error else "record"

    def _doc(self, type_: NamedType) -> str:
        return "" if type_.doc is None else f',"doc":{json_text.quote(type_.doc)}'

    def _alias_order(self, aliases: Sequence[str]) -> list[str]:
        return list(aliases)

    def _default(self, field: Field) -> str:
        return json_text.write(field.default)

    def _scalar_properties(self, type_: Primitive | Fixed) -> str:
        return self._properties(type_.properties)

    def _properties(self, properties: Properties) -> str:
        return "".join([f",{json_text.quote(key)}:{json_text.write(value)}" for key, value in properties.items()])


class _NormalizingWriter(_Writer):
    """Omits what is form only; loses the null namespace, as Confluent does (see `_define`)."""

    def __init__(self, names: Mapping[str, NamedType], written: set[str]) -> None:
        super().__init__(names, written)
        self._defaults = Defaults(names)
        self._moved: dict[str, str] = {}

    def _define(self, full: str, namespace: str) -> str:
        """Confluent's normalized form has no way to say `"namespace": ""`.

        So a type without a namespace takes the one around it. Ids of normalized schemas depend on this text.
        """
        moved = f"{namespace}.{full}"
        if namespace and "." not in full and moved not in self._names:
            self._moved[full] = moved
        return self._spelling(full)

    def _spelling(self, full: str) -> str:
        return self._moved.get(full, full)

    def _record_kind(self, record: Record) -> str:
        return record.kind

    def _doc(self, type_: NamedType) -> str:
        return super()._doc(type_) if type_.doc else ""

    def _alias_order(self, aliases: Sequence[str]) -> list[str]:
        return sorted(aliases)

    def _default(self, field: Field) -> str:
        return json_text.write(self._defaults.convert(field.type, field.default), sort=True)

    def _scalar_properties(self, type_: Primitive | Fixed) -> str:
        first = logical_properties(type_)
        rest = sorted(type_.properties.keys() - first)
        return self._list_properties({key: type_.properties[key] for key in (*first, *rest)})

    def _properties(self, properties: Properties) -> str:
        return self._list_properties(dict(sorted(properties.items())))

    def _list_properties(self, properties: Properties) -> str:
        return "".join(
            [f",{json_text.quote(key)}:{json_text.write(value, sort=True)}" for key, value in properties.items()]
        )
