"""JSON text to Python values and back, exactly: number literals keep their value and their digits, keys their order.

Floats are read as `Decimal`, so 0.1 and 1e400 survive; a repeated key keeps its first place and its last value. What
is written is what Confluent's registry stores (Jackson with BigDecimal): no whitespace, 1e10 as 1E+10.
"""

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import NoReturn, TypeAlias

from karapace_like.schema.model import InvalidSchemaError

JsonValue: TypeAlias = "bool | int | Decimal | str | list[JsonValue] | dict[str, JsonValue] | None"
JsonObject: TypeAlias = dict[str, JsonValue]

_WHITESPACE = " \t\n\r"
_MAX_EXPONENT = 10_000
"""Of a number literal. A few characters could otherwise stand for an integer of gigabytes."""
_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
}
_ESCAPED = re.compile(r'[\x00-\x1f"\\]')


def read(text: str) -> JsonValue:
    """Return the first JSON value in the text and ignore the rest, as Confluent does; raises InvalidSchemaError."""
    start = len(text) - len(text.lstrip(_WHITESPACE))
    try:
        value, end = _DECODER.raw_decode(text, start)
    except json.JSONDecodeError as error:
        raise InvalidSchemaError(
            f"the schema is not JSON: {error.msg} at line {error.lineno} column {error.colno}"
        ) from error
    except ValueError as error:
        raise InvalidSchemaError(f"the schema is not JSON: {error}") from error
    if isinstance(value, bool) and text[end : end + 1].isalnum():
        raise InvalidSchemaError("the schema is not JSON: a literal runs into other text")
    if "\\u" in text:
        _check_surrogates(value)
    parsed: JsonValue = value
    return parsed


def write(value: JsonValue, *, sort_keys: bool = False) -> str:
    """Return the value as text without whitespace; `sort_keys` makes texts independent of the order of keys."""
    pieces: list[str] = []
    _write(value, pieces.append, sort_keys)
    return "".join(pieces)


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _read_decimal(literal: str) -> Decimal:
    value = Decimal(literal)
    if value.is_zero():
        return value.copy_abs()
    if abs(value.adjusted()) > _MAX_EXPONENT:
        raise ValueError("a number's exponent is out of range")
    return value


_DECODER = json.JSONDecoder(parse_float=_read_decimal, parse_constant=_reject_constant)


def _check_surrogates(value: JsonValue) -> None:
    """Only an escape can bring in half a surrogate pair, which has no UTF-8 form and so could never be stored."""
    try:
        write(value).encode()
    except UnicodeEncodeError as error:
        raise InvalidSchemaError("the schema holds half of a surrogate pair") from error


def _write(value: JsonValue, put: Callable[[str], None], sort_keys: bool) -> None:  # noqa: FBT001 - recursion, hot
    if isinstance(value, str):
        put(_quote(value))
    elif isinstance(value, dict):
        put("{")
        separator = ""
        for key in sorted(value, key=_java_order) if sort_keys else value:
            put(separator + _quote(key) + ":")
            _write(value[key], put, sort_keys)
            separator = ","
        put("}")
    elif isinstance(value, list):
        put("[")
        for position, item in enumerate(value):
            if position:
                put(",")
            _write(item, put, sort_keys)
        put("]")
    elif value is None:
        put("null")
    elif isinstance(value, bool):
        put("true" if value else "false")
    else:
        put(str(value))


def _quote(text: str) -> str:
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)
    return f'"{text}"'


def _java_order(key: str) -> bytes:
    """Java sorts strings by UTF-16 code units, Python by code points."""
    return key.encode("utf-16-be")
