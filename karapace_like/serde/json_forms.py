"""One writing of JSON texts that differ only in white space, escapes or, in keys, in the writing of numbers.

Kafka partitions and compacts by the bytes of a key, so a key must have the same bytes whichever client wrote its JSON.
The forms are those that Confluent's proxy writes: escapes as in Jackson's output, numbers as of Java's `Double`.
"""

import re
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Final

import msgspec

_format = msgspec.json.format
_ESCAPE: Final = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|u[0-9a-fA-F]{4}|.)")
_STRING_OR_NUMBER: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*')
_FIRST_PRINTABLE: Final = 0x20
_SHORT_ESCAPES: Final = {
    '"': b'\\"',
    "\\": b"\\\\",
    "\b": b"\\b",
    "\f": b"\\f",
    "\n": b"\\n",
    "\r": b"\\r",
    "\t": b"\\t",
}
_ESCAPED_CHARACTERS: Final = {escape[1:]: character for character, escape in _SHORT_ESCAPES.items()} | {b"/": "/"}
_SCIENTIFIC_BELOW: Final = -3
_SCIENTIFIC_FROM: Final = 7
"""Java writes exponents outside of 10^-3 to 10^7."""


def compact(text: bytes | msgspec.Raw) -> bytes:
    """Return one JSON value without white space between its parts, each part as written.

    Raises ValueError for a text that is none.
    """
    try:
        formatted = _format(bytes(text), indent=-1)
        if not formatted.isascii():
            formatted.decode()  # the formatter looks at structure only
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    except RecursionError as error:
        raise ValueError("the value is nested too deeply") from error
    return formatted


def write_value(text: bytes | msgspec.Raw) -> bytes:
    """Return the compact JSON value with every character escaped in one way; numbers keep their digits.

    Raises ValueError for a text that is none.
    """
    formatted = compact(text)
    return _ESCAPE.sub(_write_escape, formatted) if b"\\" in formatted else formatted


def write_key_numbers(value: bytes) -> bytes:
    """Return a compact JSON value with each number in the form of Java's `Double`, where that is exactly the number.

    `1.0`, `1.00` and `1e0` become `1.0`; an integer stays as it is.
    """
    if value[:1] == b'"':
        return value
    return _STRING_OR_NUMBER.sub(_write_number, value)


def _write_escape(match: re.Match[bytes]) -> bytes:
    escape = match[0]
    # The text is valid JSON: its surrogates are pairs.
    character = _ESCAPED_CHARACTERS.get(escape[1:]) or escape.decode("raw_unicode_escape").encode(
        "utf-16", "surrogatepass"
    ).decode("utf-16")
    if character in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[character]
    return character.encode() if ord(character) >= _FIRST_PRINTABLE else b"\\u%04X" % ord(character)


def _write_number(match: re.Match[bytes]) -> bytes:
    text = match[0]
    if text[:1] == b'"':
        return text
    if not (b"." in text or b"e" in text or b"E" in text):
        return b"0" if text == b"-0" else text
    number = float(text)
    if not isfinite(number):
        return text
    written = _write_double(number)
    try:
        # Decimals are compared by digits and exponent, so that a huge exponent costs nothing.
        return written if Decimal(written.decode()) == Decimal(text.decode()) else text
    except InvalidOperation:  # an exponent beyond 10^18
        return text


def _write_double(number: float) -> bytes:
    """Return the number as Java's `Double.toString` writes it.

    Source: https://docs.oracle.com/en/java/javase/21/docs/api/java.base/java/lang/Double.html#toString(double)
    """
    if number == 0:
        return b"0.0"  # of -0.0, too: the two are equal, and so are the keys
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    places = "".join(map(str, digits))
    magnitude = len(places) + exponent
    """The number is 0.PLACES times ten to this."""
    if _SCIENTIFIC_BELOW < magnitude <= _SCIENTIFIC_FROM:
        if magnitude <= 0:
            whole, fraction = "0", "0" * -magnitude + places
        else:
            whole, fraction = places[:magnitude].ljust(magnitude, "0"), places[magnitude:] or "0"
        written = f"{whole}.{fraction}"
    else:
        written = f"{places[0]}.{places[1:] or '0'}E{magnitude - 1}"
    return f"{'-' if sign else ''}{written}".encode()
