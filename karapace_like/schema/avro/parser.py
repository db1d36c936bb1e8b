"""From schema text to the tree of `model.py`, by the rules of Java Avro 1.12, which decides what users can register.

It is laxer than the specification in a few places (a name may be used before its definition, an identical
redefinition is accepted, invalid logical types are plain properties). `Strictness.LAX` is therefore no laxer than
STRICT; STORED leaves out every check that a reader of old schemas can do without.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Final

from karapace_like.schema import limits
from karapace_like.schema.avro import json_text
from karapace_like.schema.avro.canonical import canonicalise
from karapace_like.schema.avro.defaults import Defaults
from karapace_like.schema.avro.model import (
    ABSENT,
    NO_PROPERTIES,
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
from karapace_like.schema.avro.names import check_name, check_namespace, qualify, split
from karapace_like.schema.avro.signature import signature
from karapace_like.schema.model import Dependencies, InvalidSchemaError, Strictness, UnresolvedReferenceError
from karapace_like.schema.sharing import SharedReferences, share

_RESERVED: Final = frozenset(
    {"aliases", "doc", "fields", "items", "name", "namespace", "size", "symbols", "type", "values"}
)
_ENUM_RESERVED: Final = _RESERVED | {"default"}
_FIELD_RESERVED: Final = frozenset({"aliases", "default", "doc", "name", "order", "type"})
_ORDERS: Final = frozenset({"ascending", "descending", "ignore"})
_JAVA_DOUBLE = re.compile(r"[+-]?(?:NaN|Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?=[fFdD]?\Z))")
_NULL_FIRST: Final = (PRIMITIVES["null"],)
_MAX_FIXED_SIZE: Final = 2**31 - 9
"""Bytes: the longest array that Java can hold."""
_MAX_EXCERPT: Final = 500
"""Characters of the schema that an error message repeats at most."""


def parse(
    text: str, dependencies: Dependencies, strictness: Strictness, shared: SharedReferences | None = None
) -> Parsed:
    """Return the schema, understood together with what its references define; raises InvalidSchemaError."""
    strict = strictness is not Strictness.STORED
    checks_defaults = strict and strictness is not Strictness.KARAPACE
    names: dict[str, NamedType] = {}
    imported = set()
    before: _Definitions | None = None
    for reference, dependency in dependencies.items():
        parser = _Parser(names, strict=strict, checks_defaults=checks_defaults)
        # What a name means depends on the texts before this one.
        key = (_Definitions, strictness, before, dependency)
        try:
            before = share(shared, key, partial(_define_names, parser, dependency))
        except InvalidSchemaError as error:
            raise InvalidSchemaError(f"reference {reference!r}: {error}") from error
        names.update(before.types)
        if before.root is not None:
            imported.add(before.root)
    parser = _Parser(names, strict=strict, checks_defaults=checks_defaults)
    parsed = Parsed(parser.parse(text), names, frozenset(imported))
    if strict and (dependencies or parser.has_late_names):
        # Each type is written where it is first used, so this text may be nested deeper than the one that was sent.
        limits.check(canonicalise(parsed))
    return parsed


@dataclass(frozen=True, slots=True, eq=False)
class _Definitions:
    """What a text adds to the names of the texts before it."""

    types: Mapping[str, NamedType]
    root: str | None
    """The name of the text's type, where it has one."""


def _define_names(parser: "_Parser", text: str) -> _Definitions:
    count = len(parser.names)
    root = parser.parse(text)
    types = dict(islice(parser.names.items(), count, None))
    return _Definitions(types, root.name if isinstance(root, Record | Enum | Fixed) else None)


class _Parser:
    """Parses one text and adds what it defines to the names that all texts of a schema share."""

    def __init__(self, names: dict[str, NamedType], *, strict: bool, checks_defaults: bool) -> None:
        self.names = names
        self._strict = strict
        self._checks_defaults = checks_defaults
        self._defaults = Defaults(names)
        self._undefined: dict[int, TypeName] = {}
        self._unsettled: list[Field] = []
        self._open: list[str] = []

    @property
    def has_late_names(self) -> bool:
        """Whether a name was used before its definition was complete."""
        return bool(self._undefined)

    def parse(self, text: str) -> AvroType:
        root = self._type(json_text.read(text), "")
        for use in self._undefined.values():
            if use.name not in self.names:
                raise UnresolvedReferenceError(f"Undefined schema: {use.name}", use.name)
        settled = Defaults(self.names)
        for field in self._unsettled:
            if not settled.fits(field.type, field.default):
                raise self._invalid_default(field.name, field.type, field.default)
        return self.names[root.name] if isinstance(root, TypeName) else root

    def _type(self, node: Any, namespace: str) -> AvroType:
        if isinstance(node, str):
            return PRIMITIVES.get(node) or self._resolve_name(node, namespace)
        if isinstance(node, dict):
            return self._object(node, namespace)
        if isinstance(node, list):
            return self._union(node, namespace)
        raise _invalid("Schema not yet supported", node)

    def _object(self, node: dict[str, Any], namespace: str) -> AvroType:
        match node.get("type"):
            case str(kind) if kind in PRIMITIVES:
                properties = _properties(node, _RESERVED)
                return Primitive(kind, properties) if properties else PRIMITIVES[kind]
            case "record" | "error":
                return self._record(node, namespace)
            case "enum":
                return self._enum(node, namespace)
            case "array":
                return self._array(node, namespace)
            case "map":
                return self._map(node, namespace)
            case "fixed":
                return self._parse_fixed(node, namespace)
            case str(name):
                return self._resolve_name(name, namespace)
            case dict() | list() as wrapped if not self._strict:
                return self._type(wrapped, namespace)
            case _:
                raise _invalid("No type", node)

    def _resolve_name(self, name: str, namespace: str) -> AvroType:
        full = f"{namespace}.{name}" if namespace and "." not in name else name
        if full in self.names:
            return TypeName(full)
        if name in self.names:
            return TypeName(name)
        use = TypeName(full)
        self._undefined[id(use)] = use
        return use

    def _union(self, node: list[Any], namespace: str) -> Union:
        if len(node) == 2 and isinstance(node[0], str) and isinstance(node[1], str):
            nullable = NULLABLE_PRIMITIVES.get((node[0], node[1]))
            if nullable is not None:
                return nullable
        branches = tuple([self._type(branch, namespace) for branch in node])
        seen = set()
        for branch in branches:
            if isinstance(branch, Union):
                raise _invalid("Nested union", node)
            label = branch.name if isinstance(branch, TypeName | Record | Enum | Fixed) else branch.kind
            if self._strict and label in seen:
                raise InvalidSchemaError(f"Duplicate in union:{label}")
            seen.add(label)
        return Union(branches)

    def _array(self, node: dict[str, Any], namespace: str) -> Array:
        if "items" not in node:
            raise _invalid("Array has no items type", node)
        return Array(self._type(node["items"], namespace), _properties(node, _RESERVED))

    def _map(self, node: dict[str, Any], namespace: str) -> Map:
        if "values" not in node:
            raise _invalid("Map has no values type", node)
        return Map(self._type(node["values"], namespace), _properties(node, _RESERVED))

    def _parse_fixed(self, node: dict[str, Any], namespace: str) -> Fixed:
        name = self._name(node, namespace)
        size = node.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size.bit_length() > 31:
            raise _invalid("Invalid or no size", node)
        if size < 0:
            raise InvalidSchemaError(f"Malformed data. Length is negative: {size}")
        if size > _MAX_FIXED_SIZE:
            raise InvalidSchemaError(f"A fixed cannot be longer than {_MAX_FIXED_SIZE} bytes: {size}")
        aliases = self._aliases(node, split(name)[0])
        fixed = Fixed(name, size, _text(node, "doc"), aliases, _properties(node, _RESERVED))
        self._define(fixed)
        return fixed

    def _enum(self, node: dict[str, Any], namespace: str) -> Enum:
        name = self._name(node, namespace)
        symbols = node.get("symbols")
        if not isinstance(symbols, list):
            raise _invalid("Enum has no symbols", node)
        for symbol in symbols:
            if not isinstance(symbol, str):
                raise _invalid("enum symbol not a string", symbol)
        default = _text(node, "default")
        if self._strict:
            seen = set()
            for symbol in symbols:
                if check_name(symbol) in seen:
                    raise InvalidSchemaError(f"Duplicate enum symbol: {symbol}")
                seen.add(symbol)
            if default is not None and default not in seen:
                shown = ", ".join(symbols)
                raise InvalidSchemaError(f"The Enum Default: {default} is not in the enum symbol set: [{shown}]")
        aliases = self._aliases(node, split(name)[0])
        properties = _properties(node, _ENUM_RESERVED)
        enum = Enum(name, tuple(symbols), default, _text(node, "doc"), aliases, properties)
        self._define(enum)
        return enum

    def _record(self, node: dict[str, Any], namespace: str) -> Record:
        name = self._name(node, namespace)
        fields = node.get("fields")
        if not isinstance(fields, list):
            raise _invalid("Record has no fields", node)
        inner = split(name)[0]
        self._open.append(name)
        parsed = [self._field(field, inner) for field in fields]
        self._open.pop()
        if self._strict:
            self._check_field_names(name, parsed)
        record = Record(
            name,
            tuple(parsed),
            is_error=node["type"] == "error",
            doc=_text(node, "doc"),
            aliases=self._aliases(node, inner),
            properties=_properties(node, _RESERVED),
        )
        self._define(record)
        return record

    def _field(self, node: Any, namespace: str) -> Field:
        name = node.get("name") if isinstance(node, dict) else None
        if not isinstance(name, str):
            raise _invalid("No field name", node)
        if "type" not in node:
            raise _invalid("No field type", node)
        type_ = self._type(node["type"], namespace)
        order = self._order(node["order"], name) if "order" in node else "ascending"
        if self._strict:
            check_name(name)
        default = self._default(node["default"], name, type_) if "default" in node else ABSENT
        field = Field(
            name,
            type_,
            default,
            order,
            _text(node, "doc") if "doc" in node else None,
            _alias_names(node) if "aliases" in node else (),
            _properties(node, _FIELD_RESERVED),
        )
        if self._defaults.guessed:
            self._unsettled.append(field)
            self._defaults.guessed.clear()
        return field

    def _order(self, order: Any, name: str) -> str:
        if isinstance(order, str) and order.lower() in _ORDERS:
            return order.lower()
        if self._strict:
            raise InvalidSchemaError(f"Invalid order for field {name}: {json_text.write(order)}")
        return "ascending"

    def _default(self, default: Any, name: str, type_: AvroType) -> Any:
        if default is None and isinstance(type_, Union) and type_.branches[:1] == _NULL_FIRST:
            return None
        if isinstance(default, str) and type_.kind in {"float", "double"}:
            number = _JAVA_DOUBLE.match(default.strip())
            if number:
                default = float(number[0])
        if self._checks_defaults and not (
            self._defaults.fits(type_, default)
            # The fields of a record that is still being parsed are not known yet.
            and self._defaults.guessed.isdisjoint(self._open)
        ):
            raise self._invalid_default(name, type_, default)
        return default

    def _invalid_default(self, name: str, type_: AvroType, default: Any) -> InvalidSchemaError:
        undefined = frozenset(use.name for use in self._undefined.values() if use.name not in self.names)
        shown = canonicalise(Parsed(type_, self.names, undefined))
        return InvalidSchemaError(f"Invalid default for field {name}: {_excerpt(default)} not a {_cut(shown)}")

    def _check_field_names(self, record: str, fields: list[Field]) -> None:
        if len({field.name for field in fields}) == len(fields):
            return
        seen: dict[str, int] = {}
        for position, field in enumerate(fields):
            other = seen.setdefault(field.name, position)
            if other != position:
                shown = [
                    f"{fields[at].name} type:{self._kind(fields[at].type).upper()} pos:{at}" for at in (position, other)
                ]
                message = f"Duplicate field {field.name} in record {record}: {shown[0]} and {shown[1]}."
                raise InvalidSchemaError(message)

    def _kind(self, type_: AvroType) -> str:
        if isinstance(type_, TypeName):
            return self.names[type_.name].kind if type_.name in self.names else "record"
        return type_.kind

    def _name(self, node: dict[str, Any], namespace: str) -> str:
        own = _text(node, "namespace")
        name = _text(node, "name")
        if name is None:
            raise _invalid("No name in schema", node)
        full = qualify(name, namespace if own is None else own)
        if self._strict:
            check_name(split(full)[1])
            if full in PRIMITIVES:
                raise InvalidSchemaError(f"Schemas may not be named after primitives: {full}")
        return full

    def _aliases(self, node: dict[str, Any], namespace: str) -> tuple[str, ...]:
        if "aliases" not in node:
            return ()
        aliases = _alias_names(node)
        if self._strict:
            for alias in aliases:
                check_name(split(alias)[1])
        return tuple(dict.fromkeys(qualify(alias, namespace) for alias in aliases))

    def _define(self, type_: NamedType) -> None:
        earlier = self.names.setdefault(type_.name, type_)
        if not self._strict:
            return
        if earlier is type_:
            check_namespace(split(type_.name)[0])
        elif signature(earlier, self._undefined) != signature(type_, self._undefined):
            raise InvalidSchemaError(f"Can't redefine: {type_.name}")


def _text(node: dict[str, Any], key: str) -> str | None:
    value = node.get(key)
    return value if isinstance(value, str) else None


def _properties(node: dict[str, Any], reserved: frozenset[str]) -> Properties:
    if reserved.issuperset(node):
        return NO_PROPERTIES
    return {key: value for key, value in node.items() if key not in reserved}


def _alias_names(node: dict[str, Any]) -> tuple[str, ...]:
    aliases = node["aliases"]
    if not isinstance(aliases, list):
        raise _invalid("aliases not an array", node)
    for alias in aliases:
        if not isinstance(alias, str):
            raise _invalid("alias not a string", alias)
    return tuple(dict.fromkeys(aliases))


def _invalid(fault: str, node: Any) -> InvalidSchemaError:
    return InvalidSchemaError(f"{fault}: {_excerpt(node)}")


def _excerpt(node: Any) -> str:
    return _cut(json_text.write(node))


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_EXCERPT else f"{text[:_MAX_EXCERPT]}..."
