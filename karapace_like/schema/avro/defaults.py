"""Defaults of fields: whether one fits its type, and its value in that type.

Apache Avro for Java checks the JSON type, not the content (any string is a default of an enum or a
fixed), and takes any branch of a union (Avro 1.12: "the first schema that matches in the union").
"""

import math
from collections.abc import Mapping
from typing import Any

from karapace_like.schema.avro.json_text import single_precision
from karapace_like.schema.avro.model import (
    ABSENT,
    Array,
    AvroType,
    Definition,
    Enum,
    Fixed,
    Map,
    NamedType,
    Primitive,
    Record,
    TypeName,
    Union,
)

_INT_BITS = 31
_LONG_BITS = 63
_CONTAINERS = (list, dict)


class Defaults:
    """Judges JSON values against the types of one schema; remembers what it judged, so that no value costs twice."""

    def __init__(self, names: Mapping[str, NamedType]) -> None:
        self._names = names
        self._judged: dict[tuple[int, int], bool] = {}
        self.guessed: set[str] = set()
        """Names that were taken for a record's, because they are not defined yet."""

    def fits(self, type_: AvroType, value: Any) -> bool:
        """Return whether the value may be a default of the type; both must outlive this object."""
        if isinstance(type_, Primitive):
            return _fits_primitive(type_.kind, value)
        if not isinstance(value, _CONTAINERS):
            return self._fits_scalar(type_, value)
        key = id(type_), id(value)
        judged = self._judged.get(key)
        if judged is None:
            judged = self._judged[key] = self._fits_container(type_, value)
        return judged

    def _fits_scalar(self, type_: AvroType, value: Any) -> bool:
        definition = self._definition(type_)
        if isinstance(definition, Union):
            for branch in definition.branches:  # noqa: SIM110 # any() and its generator take twice as long
                if self.fits(branch, value):
                    return True
            return False
        return isinstance(definition, Enum | Fixed) and isinstance(value, str)

    def _fits_container(self, type_: AvroType, value: list[Any] | dict[str, Any]) -> bool:
        definition = self._definition(type_)
        match definition:
            case Union():
                for branch in definition.branches:  # noqa: SIM110 # any() takes one more frame for each level
                    if self.fits(branch, value):
                        return True
                return False
            case Array() if isinstance(value, list):
                pairs = [(definition.items, item) for item in value]
            case Map() if isinstance(value, dict):
                pairs = [(definition.values, item) for item in value.values()]
            case Record() if isinstance(value, dict):
                # A field that the value leaves out takes its own default, which was judged where it was defined.
                if any(field.default is ABSENT and field.name not in value for field in definition.fields):
                    return False
                pairs = [(field.type, value[field.name]) for field in definition.fields if field.name in value]
            case _:
                return definition is None and self._guess(type_, value)
        for part, member in pairs:  # noqa: SIM110 # as above
            if not self.fits(part, member):
                return False
        return True

    def _guess(self, type_: AvroType, value: Any) -> bool:
        assert isinstance(type_, TypeName)
        self.guessed.add(type_.name)
        return isinstance(value, dict)

    def _definition(self, type_: AvroType) -> Definition | None:
        """Return the definition; None for a name that is not defined yet."""
        return self._names.get(type_.name) if isinstance(type_, TypeName) else type_

    def convert(self, type_: AvroType, value: Any) -> Any:
        """Return the value of a default that fits, with numbers as the type has them: 1 is 1.0 for a double."""
        definition = self._definition(type_)
        match definition:
            case Primitive(kind="double") if isinstance(value, int):
                return _as_double(value)
            case Primitive(kind="float") if isinstance(value, int | float):
                return single_precision(_as_double(value))
            case Array() if isinstance(value, list):
                return [self.convert(definition.items, item) for item in value]
            case Map() if isinstance(value, dict):
                return {key: self.convert(definition.values, item) for key, item in value.items()}
            case Record() if isinstance(value, dict):
                types = {field.name: field.type for field in definition.fields}
                return {
                    key: self.convert(types[key], member) if key in types else member for key, member in value.items()
                }
            case Union():
                matching = (branch for branch in definition.branches if self.fits(branch, value))
                branch = next(matching, None)
                return value if branch is None else self.convert(branch, value)
            case _:
                return value


def _as_double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _fits_primitive(kind: str, value: Any) -> bool:
    if kind in {"string", "bytes"}:
        return isinstance(value, str)
    if kind == "null":
        return value is None
    if isinstance(value, bool) or kind == "boolean":
        return isinstance(value, bool) and kind == "boolean"
    if kind in {"float", "double"}:
        return isinstance(value, int | float)
    bits = _INT_BITS if kind == "int" else _LONG_BITS
    return isinstance(value, int) and -(1 << bits) <= value < 1 << bits
