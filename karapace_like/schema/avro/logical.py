"""Logical types (Avro specification, "Logical Types"): whether one that is named is valid for its type.

An invalid or unknown one is no error: it is kept as a plain property.
"""

import math
from collections.abc import Mapping
from typing import Final

from karapace_like.schema.avro.model import Fixed, Primitive

_KINDS: Final[Mapping[str, str]] = {
    "big-decimal": "bytes",
    "date": "int",
    "local-timestamp-micros": "long",
    "local-timestamp-millis": "long",
    "local-timestamp-nanos": "long",
    "time-micros": "long",
    "time-millis": "int",
    "timestamp-micros": "long",
    "timestamp-millis": "long",
    "timestamp-nanos": "long",
    "uuid": "string",
}
_FIXED_SIZES: Final[Mapping[str, int]] = {"uuid": 16, "duration": 12}


def logical_properties(type_: Primitive | Fixed) -> tuple[str, ...]:
    """Return the names of the properties that make up the type's valid logical type; empty if it has none."""
    name = type_.properties.get("logicalType")
    if not isinstance(name, str):
        return ()
    if name == "decimal":
        return _decimal_properties(type_)
    valid = _FIXED_SIZES.get(name) == type_.size if isinstance(type_, Fixed) else _KINDS.get(name) == type_.kind
    return ("logicalType",) if valid else ()


def _decimal_properties(type_: Primitive | Fixed) -> tuple[str, ...]:
    precision = type_.properties.get("precision")
    scale = type_.properties.get("scale", 0)
    if isinstance(type_, Fixed):
        # The digits that always fit: all but one bit of a two's complement number.
        most = math.floor(math.log10(2) * (8 * type_.size - 1))
    elif type_.kind == "bytes":
        most = 2**31 - 1
    else:
        return ()
    # `type` and not `isinstance`: JSON true is no number.
    if type(precision) is int and type(scale) is int and 0 < precision <= most and 0 <= scale <= precision:
        return ("logicalType", "precision", "scale") if scale else ("logicalType", "precision")
    return ()
