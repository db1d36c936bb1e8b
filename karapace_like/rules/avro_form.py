"""Values of Avro schemas as rules see them. Logical types are their underlying types, as everywhere in this service."""

from collections.abc import Mapping
from typing import Any

from karapace_like.rules.fields import Field, FindTags, Shape, Visit, list_inline_tags
from karapace_like.schema import formats
from karapace_like.schema.avro.model import (
    ABSENT,
    Array,
    AvroType,
    Definition,
    Enum,
    Fixed,
    Map,
    Parsed,
    Primitive,
    Record,
    Union,
)
from karapace_like.schema.model import SchemaType, Strictness, UnparsedSchema
from karapace_like.serde.avro.unions import label
from karapace_like.serde.floats import NON_FINITE, show

_BYTES = frozenset({"bytes", "fixed"})
_FLOATS = frozenset({"float", "double"})
_INTEGER_BITS = {"int": 32, "long": 64}
_PYTHON_TYPES: Mapping[str, tuple[type, ...]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "string": (str,),
    "enum": (str,),
    "bytes": (bytes,),
    "fixed": (bytes,),
}


class AvroForm:
    """Implements `fields.ValueForm`."""

    is_heavy = False

    def __init__(self, text: str, dependencies: Mapping[str, str], find_tags: FindTags) -> None:
        parsed = formats.parse(UnparsedSchema(SchemaType.AVRO, text), dependencies, Strictness.STORED)
        assert isinstance(parsed, Parsed)
        self._root = _Shapes(parsed, find_tags).of(parsed.root)

    def find_message(self, _: bytes) -> tuple[int, ...]:
        """Return nothing: a schema has one type."""
        return ()

    def shape(self, _: tuple[int, ...]) -> Shape:
        """Return the schema's type."""
        return self._root

    def enter(self, shape: Shape, value: Any) -> Any:
        """Return the value; that of a union at the top, which the codec shows alone, with its label."""
        return shape.to_json(shape.to_native(value)) if isinstance(shape, _Union) else value

    def leave(self, shape: Shape, value: Any) -> Any:
        """Return the value; that of a union at the top alone."""
        return shape.split(value)[1] if isinstance(shape, _Union) else value

    def to_jsonata(self, shape: Shape, value: Any) -> Any:
        """Return the native value with bytes as ISO-8859-1 text."""
        return _bytes_to_text(shape.to_native(value))

    def of_jsonata(self, shape: Shape, result: Any) -> Any:
        """Return the standard form."""
        return shape.to_json(result)


def _is_one_of(value: Any, kinds: tuple[type, ...]) -> bool:
    return value.__class__ in kinds


class _Leaf:
    def __init__(self, definition: Primitive | Enum | Fixed) -> None:
        self.kind = definition.kind
        self.type = definition.kind.upper()
        self._symbols = definition.symbols if isinstance(definition, Enum) else None
        self._size = definition.size if isinstance(definition, Fixed) else None

    def to_native(self, value: Any) -> Any:
        if self.kind in _BYTES and isinstance(value, str):
            return value.encode("latin-1", "replace")
        return NON_FINITE.get(value, value) if self.kind in _FLOATS and isinstance(value, str) else value

    def to_plain(self, value: Any) -> Any:
        return self.to_native(value) if self.kind in _BYTES else value

    def to_json(self, native: Any) -> Any:
        if self.kind in _BYTES and isinstance(native, bytes):
            return native.decode("latin-1")
        return show(native) if isinstance(native, float) else native

    def accepts(self, native: Any, *, is_exact: bool) -> bool:
        if not _is_one_of(native, _PYTHON_TYPES[self.kind]):
            # JSONATA has no bytes.
            return not is_exact and self.kind in _BYTES and isinstance(native, str)
        if self.kind in _INTEGER_BITS:
            bound = 1 << (_INTEGER_BITS[self.kind] - 1)
            return bool(-bound <= native < bound)
        if self._symbols is not None:
            return native in self._symbols
        if self._size is not None:
            return bool(len(native) == self._size)
        return not (is_exact and self.kind in _FLOATS) or _is_one_of(native, (float,))

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        if field is None:
            return value
        native = self.to_native(value)
        result = visit(field, self.type, native)
        return value if result is native else self.to_json(result)


class _Items:
    """An array or a map."""

    def __init__(self, container: type, item: "_AvroShape") -> None:
        self._container = container
        self._item = item

    def to_native(self, value: Any) -> Any:
        return self._map(self._item.to_native, value)

    def to_plain(self, value: Any) -> Any:
        return self._map(self._item.to_plain, value)

    def to_json(self, native: Any) -> Any:
        return self._map(self._item.to_json, native)

    def accepts(self, native: Any, *, is_exact: bool) -> bool:
        if not _is_one_of(native, (self._container,)):
            return False
        items = native.values() if isinstance(native, dict) else native
        return all(self._item.accepts(item, is_exact=is_exact) for item in items)

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        return self._map(lambda item: self._item.transform(item, field, visit), value)

    def _map(self, convert: Any, value: Any) -> Any:
        if not _is_one_of(value, (self._container,)):
            return value
        if isinstance(value, dict):
            return {key: convert(item) for key, item in value.items()}
        return [convert(item) for item in value]


class _Record:
    def __init__(self) -> None:
        """Without fields, which may lead back to it."""
        self.fields: dict[str, _RecordField] = {}

    def to_native(self, value: Any) -> Any:
        return self._map("to_native", value)

    def to_plain(self, value: Any) -> Any:
        return self._map("to_plain", value)

    def to_json(self, native: Any) -> Any:
        """Return the fields of the schema only, with the defaults of those that are absent."""
        if not isinstance(native, dict):
            return native
        converted = {}
        for name, field in self.fields.items():
            if name in native:
                converted[name] = field.shape.to_json(native[name])
            elif field.has_default:
                converted[name] = field.default
        return converted

    def accepts(self, native: Any, *, is_exact: bool) -> bool:
        if not isinstance(native, dict) or (is_exact and not native.keys() <= self.fields.keys()):
            return False
        return all(
            field.shape.accepts(native[name], is_exact=is_exact) if name in native else field.has_default
            for name, field in self.fields.items()
        )

    def transform(self, value: Any, _: Field | None, visit: Visit) -> Any:
        if not isinstance(value, dict):
            return value
        result = dict(value)
        for name, field in self.fields.items():
            if name in result:
                entered = Field(name, field.full_name, field.tags, lambda: self.to_native(result))
                result[name] = field.shape.transform(result[name], entered, visit)
        return result

    def _map(self, method: str, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        fields = self.fields
        return {
            name: getattr(fields[name].shape, method)(member) if name in fields else member
            for name, member in value.items()
        }


class _RecordField:
    def __init__(self, shape: "_AvroShape", full_name: str, tags: frozenset[str], default: Any) -> None:
        """`default` is the JSON of the schema's text, or ABSENT."""
        self.shape = shape
        self.full_name = full_name
        self.tags = tags
        self.has_default = default is not ABSENT
        self._default = default

    @property
    def default(self) -> Any:
        """The default in the standard form: a union's is a value of its first branch, without label."""
        if isinstance(self.shape, _Union):
            name, shape = next(iter(self.shape.branches.items()))
            return self._default if name == "null" else {name: shape.to_json(shape.to_native(self._default))}
        return self._default


class _Union:
    def __init__(self, branches: "dict[str, _AvroShape]") -> None:
        self.branches = branches

    def to_native(self, value: Any) -> Any:
        return self._map("to_native", value)

    def to_plain(self, value: Any) -> Any:
        return self._map("to_plain", value)

    def to_json(self, native: Any) -> Any:
        """Return the value with the label of the first branch that it fits exactly, or else that it fits at all."""
        for is_exact in (True, False):
            for name, shape in self.branches.items():
                if shape.accepts(native, is_exact=is_exact):
                    return None if name == "null" else {name: shape.to_json(native)}
        return native

    def accepts(self, native: Any, *, is_exact: bool) -> bool:
        return any(shape.accepts(native, is_exact=is_exact) for shape in self.branches.values())

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        name, inner = self.split(value)
        shape = self.branches.get(name)
        if shape is None:
            return value
        if field is None or not isinstance(shape, _Leaf):
            transformed = shape.transform(inner, field, visit)
            return transformed if name == "null" else {name: transformed}
        native = shape.to_native(inner)
        result = visit(field, shape.type, native)
        if result is native:
            return value
        if not shape.accepts(result, is_exact=True):
            return self.to_json(result)
        return None if name == "null" else {name: shape.to_json(result)}

    def split(self, value: Any) -> tuple[str, Any]:
        """Return (label, value) of a union's value."""
        if isinstance(value, dict) and len(value) == 1:
            return next(iter(value.items()))
        return "null", value

    def _map(self, method: str, value: Any) -> Any:
        name, inner = self.split(value)
        shape = self.branches.get(name)
        return value if shape is None else getattr(shape, method)(inner)


_AvroShape = _Leaf | _Items | _Record | _Union


class _Shapes:
    """Makes the shapes of one schema; a record's is made once, so that recursion ends."""

    def __init__(self, schema: Parsed, find_tags: FindTags) -> None:
        self._schema = schema
        self._find_tags = find_tags
        self._records: dict[str, _Record] = {}

    def of(self, type_: AvroType) -> _AvroShape:
        definition: Definition = self._schema.definition(type_)
        match definition:
            case Record():
                return self._records.get(definition.name) or self._record(definition)
            case Union(branches=branches):
                return _Union({label(self._schema.definition(branch)): self.of(branch) for branch in branches})
            case Array(items=items):
                return _Items(list, self.of(items))
            case Map(values=values):
                return _Items(dict, self.of(values))
            case _:
                return _Leaf(definition)

    def _record(self, record: Record) -> _Record:
        self._records[record.name] = shape = _Record()
        for field in record.fields:
            full_name = f"{record.name}.{field.name}"
            tags = list_inline_tags(field.properties) | self._find_tags(full_name)
            shape.fields[field.name] = _RecordField(self.of(field.type), full_name, tags, field.default)
        return shape


def _bytes_to_text(native: Any) -> Any:
    match native:
        case bytes():
            return native.decode("latin-1")
        case dict():
            return {key: _bytes_to_text(value) for key, value in native.items()}
        case list():
            return list(map(_bytes_to_text, native))
        case _:
            return native
