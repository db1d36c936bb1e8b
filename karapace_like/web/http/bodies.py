"""Reading request bodies: the fields of JSON objects by name and type.

Scalars are converted as Confluent's JSON library converts them: a number is accepted as a string, and `"12"` as a
number; objects and arrays are not converted. Callers decide about unknown fields. JSON may also come in UTF-16 or
UTF-32, or after a byte order mark.
"""

import asyncio
import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.http.responses import LARGE_BYTES

MALFORMED = 400
"""The error code (and HTTP status) of a body that is no JSON or has a field of another type."""
_SHOWN = 100
"""Characters of a value that an error message quotes."""


def _mismatch(place: str, value: object, expected: str) -> ApiError:
    return ApiError(MALFORMED, f"{place} must be {expected} (was {show(value)})")


class JsonObject:
    """One JSON object of a request, with a method for each type that the API documents for a field.

    Every method raises ApiError (400) where the field has another type, and returns None for an absent field and null.
    """

    __slots__ = ("_fields", "name")

    def __init__(self, fields: Mapping[str, Any], name: str) -> None:
        self._fields = fields
        self.name = name

    @classmethod
    def of(cls, value: object, name: str) -> "JsonObject":
        """Return the value as an object; `name` is its name in error messages."""
        if not isinstance(value, dict):
            raise _mismatch(name, value, "a JSON object")
        return cls(value, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __contains__(self, field: str) -> bool:
        return field in self._fields

    def raw(self, field: str) -> Any:
        """The value as JSON gave it."""
        return self._fields.get(field)

    def string(self, field: str) -> str | None:
        """Return the string; for a number or boolean, its JSON spelling."""
        value = self._fields.get(field)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            raise _mismatch(field, value, "a string")
        return msgspec.json.encode(value).decode()

    def integer(self, field: str, *, low: int = -(2**31), high: int = 2**31 - 1) -> int | None:
        """Return the integer within the bounds, also from a string such as "12"; None for an empty string."""
        value = self._fields.get(field)
        if value is None or value == "":
            return None
        if isinstance(value, bool | dict | list):
            raise _mismatch(field, value, "an integer")
        try:
            number = int(value)
        except (ValueError, OverflowError) as error:
            raise _mismatch(field, value, "an integer") from error
        if not low <= number <= high:
            raise _mismatch(field, number, f"an integer from {low} to {high}")
        return number

    def boolean(self, field: str) -> bool | None:
        """Return the boolean, also from the strings "true" and "false" in any case, and from numbers."""
        value = self._fields.get(field)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        if isinstance(value, int):
            return value != 0
        raise _mismatch(field, value, "true or false")

    def strings(self, field: str) -> list[str] | None:
        """Return the array of strings, without nulls."""
        values = self._array(field, "an array of strings")
        if values is None:
            return None
        elements = JsonObject({f"{field}[{at}]": value for at, value in enumerate(values)}, self.name)
        strings = map(elements.string, elements)
        return [string for string in strings if string is not None]

    def object(self, field: str, name: str) -> "JsonObject | None":
        """Return the nested object; `name` is the API's name of its type."""
        value = self._fields.get(field)
        if value is not None and not isinstance(value, dict):
            raise _mismatch(field, value, "a JSON object")
        return None if value is None else JsonObject(value, name)

    def objects(self, field: str, name: str) -> "list[JsonObject] | None":
        """Return the array of nested objects, without nulls; `name` is the API's name of their type."""
        values = self._array(field, "an array of JSON objects")
        if values is None:
            return None
        for at, value in enumerate(values):
            if value is not None and not isinstance(value, dict):
                raise _mismatch(f"{field}[{at}]", value, "a JSON object")
        return [JsonObject(value, name) for value in values if value is not None]

    def _array(self, field: str, expected: str) -> Sequence[Any] | None:
        value = self._fields.get(field)
        if value is not None and not isinstance(value, list):
            raise _mismatch(field, value, expected)
        return value


def show(value: object) -> str:
    """Return the value as JSON, cut after 100 characters, for error messages."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "..."


async def read_json(request: web.Request) -> Any:
    """The body as JSON, None if there is none; ApiError(400) if it is no JSON, (413) if it is too large."""
    body = await read_body(request)
    if len(body) <= LARGE_BYTES:
        return decode(body)
    await asyncio.sleep(0)  # the end of reading, the decoding and what the handler does are turns of their own
    value = decode(body)
    await asyncio.sleep(0)
    return value


def decode(body: bytes) -> Any:
    """The JSON value of a whole body, None for an empty one."""
    if not body or body.isspace():  # no copy, unlike that of strip(): a hostile client sends 15 MB of spaces
        return None
    try:
        return msgspec.json.decode(body)
    except NOT_JSON as error:
        fault: Exception = error
    recoded = recode_as_utf8(body)
    if recoded is not body:
        try:
            return msgspec.json.decode(recoded)
        except NOT_JSON as error:
            fault = error
    raise ApiError(MALFORMED, f"Malformed JSON: {fault}") from fault


def recode_as_utf8(body: bytes) -> bytes:
    """Return the JSON in UTF-8 without a byte order mark: the same object where it is so already, or is no text.

    Bytes that no JSON in UTF-8 begins with show the encoding.
    """
    encoding = json.detect_encoding(body)
    try:
        return body if encoding == "utf-8" else body.decode(encoding).encode()
    except UnicodeDecodeError:
        return body


class Recoder:
    """Recodes a stream of JSON as `recode_as_utf8` does; its first chunk shows the encoding."""

    def __init__(self) -> None:
        self._decoder: codecs.IncrementalDecoder | None = None
        self._has_begun = False

    def recode(self, chunk: bytes) -> bytes:
        """Return the next bytes of the stream in UTF-8; raises UnicodeDecodeError."""
        if not self._has_begun:
            self._has_begun = True
            encoding = json.detect_encoding(chunk[:4])
            if encoding != "utf-8":
                self._decoder = codecs.getincrementaldecoder(encoding)()
        return chunk if self._decoder is None else self._decoder.decode(chunk).encode()


async def read_object(request: web.Request, name: str) -> JsonObject | None:
    """The body as one JSON object, None if there is none."""
    value = await read_json(request)
    return None if value is None else JsonObject.of(value, name)
