"""JSON as Apache Avro for Java (on Jackson) reads and writes it.

Comments are read, NaN and Infinity are not. Numbers and escapes are written as Java writes them, because the
text of a schema decides its id. A text that holds half of a surrogate pair is refused: it could not be served.
"""

import json
import math
import re
import struct
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from karapace_like.schema.model import InvalidSchemaError

_WHITESPACE = " \t\r\n"
_COMMENT = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|\Z)|/\*.*?(?:\*/|\Z)|//[^\r\n]*', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_ESCAPED = re.compile(r'["\\\x00-\x1f]')
_ESCAPES = {chr(code): f"\\u{code:04X}" for code in range(0x20)} | {
    '"': '\\"',
    "\\": "\\\\",
    "\b": "\\b",
    "\t": "\\t",
    "\n": "\\n",
    "\f": "\\f",
    "\r": "\\r",
}


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def read(text: str) -> Any:
    """Return the JSON value of a text; raises InvalidSchemaError."""
    try:
        # In half the time, and never another value. Bytes, since a str keeps those that msgspec asks of it.
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeEncodeError):
        return _read_leniently(text)


def _read_leniently(text: str) -> Any:
    """Return the value of what msgspec refuses: also of comments, and of numbers that are infinite in Java."""
    try:
        value = _DECODER.decode(text)
    except ValueError as error:
        if "/*" not in text and "//" not in text:
            raise _invalid(error) from error
        value = _read_with_comments(text)
    if _SURROGATE_ESCAPE.search(text):
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise InvalidSchemaError("the schema holds half of a surrogate pair") from error
    return value


def _read_with_comments(text: str) -> Any:
    """Read as Jackson does: comments may stand before and inside of the value, but nothing may follow it."""
    bare = _COMMENT.sub(lambda match: match[0] if match[0][0] == '"' else " " * len(match[0]), text)
    try:
        value, end = _DECODER.raw_decode(bare, len(bare) - len(bare.lstrip(_WHITESPACE)))
    except ValueError as error:
        raise _invalid(error) from error
    rest = text[end:].strip()
    if rest:
        raise InvalidSchemaError(f"dangling content after end of schema: {rest}")
    return value


def _invalid(error: ValueError) -> InvalidSchemaError:
    return InvalidSchemaError(f"not valid JSON: {error}")


def quote(text: str) -> str:
    """Return a string literal."""
    if _ESCAPED.search(text):
        text = _ESCAPED.sub(lambda match: _ESCAPES[match[0]], text)
    return f'"{text}"'


def write(value: Any, *, sort: bool = False) -> str:
    """Compact text; with `sort`, the keys of every object in alphabetical order."""
    if isinstance(value, str):
        return quote(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, list):
        return "[" + ",".join([write(item, sort=sort) for item in value]) + "]"
    items = sorted(value.items()) if sort else value.items()
    return "{" + ",".join([f"{quote(key)}:{write(item, sort=sort)}" for key, item in items]) + "}"


def _double(value: float) -> str:
    """Format as Java's Double.toString: computerised scientific notation outside of 0.001 to 10,000,000."""
    if math.isnan(value):
        return '"NaN"'
    if math.isinf(value):
        return '"Infinity"' if value > 0 else '"-Infinity"'
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    fraction = "".join(map(str, digits[1:])) or "0"
    return f"{'-' * sign}{digits[0]}.{fraction}E{exponent + len(digits) - 1}"


def single_precision(value: float) -> float:
    """Return the value of the shortest decimal that denotes the same 32-bit float."""
    single = _round_to_single(value)
    shorter = (float(f"{single:.{digits}g}") for digits in range(1, 9))
    return next((text for text in shorter if _round_to_single(text) == single), single)


def _round_to_single(value: float) -> float:
    try:
        rounded: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return math.copysign(math.inf, value)
    return rounded
