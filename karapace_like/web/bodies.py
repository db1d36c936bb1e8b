"""Reading request bodies: JSON in, fields by name and type out, with the errors that clients of the peers know.

Scalars are converted as the peers' JSON library does it: a number where text is wanted and `"12"` where a number is
wanted are taken; objects and lists are not. Unknown fields are the caller's to judge.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

import msgspec
from aiohttp import web

from karapace_like.errors import NOT_JSON, ApiError

MALFORMED = 400
"""The error code (and HTTP status) of a body that is no JSON or has a field of another type."""

_TOKENS: Mapping[type, str] = {
    dict: "Object value (token `JsonToken.START_OBJECT`)",
    list: "Array value (token `JsonToken.START_ARRAY`)",
    str: "String value (token `JsonToken.VALUE_STRING`)",
    int: "Integer value (token `JsonToken.VALUE_NUMBER_INT`)",
    float: "Floating-point value (token `JsonToken.VALUE_NUMBER_FLOAT`)",
    bool: "Boolean value (token `JsonToken.VALUE_TRUE`)",
}


def _mismatch(wanted: str, found: object) -> NoReturn:
    raise ApiError(MALFORMED, f"Cannot deserialize value of type `{wanted}` from {_TOKENS[type(found)]}")


class JsonObject:
    """One JSON object of a request, its fields read by the type that the API documents for them.

    Every method raises ApiError(400) when the field holds another type; an absent field and null are both None.
    """

    __slots__ = ("_fields", "name")

    def __init__(self, fields: Mapping[str, Any], name: str) -> None:
        self._fields = fields
        self.name = name

    @classmethod
    def of(cls, value: object, name: str) -> "JsonObject":
        """The value as an object; `name` is what error messages call it."""
        if not isinstance(value, dict):
            _mismatch(name, value)
        return cls(value, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __contains__(self, field: str) -> bool:
        return field in self._fields

    def raw(self, field: str) -> Any:
        """The value as JSON gave it."""
        return self._fields.get(field)

    def string(self, field: str) -> str | None:
        """The text; numbers and booleans as their JSON spelling."""
        value = self._fields.get(field)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, dict | list):
            _mismatch("java.lang.String", value)
        return msgspec.json.encode(value).decode()

    def integer(self, field: str, *, low: int = -(2**31), high: int = 2**31 - 1) -> int | None:
        """The whole number, also from text such as "12"; within the bounds."""
        value = self._fields.get(field)
        if value is None or value == "":
            return None
        if isinstance(value, bool | dict | list):
            _mismatch("Integer", value)
        try:
            number = int(value)
        except (ValueError, OverflowError) as error:
            raise ApiError(
                MALFORMED,
                f'Cannot deserialize value of type `Integer` from String "{value}": '
                "not a valid `java.lang.Integer` value",
            ) from error
        if not low <= number <= high:
            raise ApiError(MALFORMED, f"Numeric value ({number}) out of range of int ({low} - {high})")
        return number

    def boolean(self, field: str) -> bool | None:
        """The truth value, also from the texts "true" and "false" in any case."""
        value = self._fields.get(field)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lower() in {"true", "false"}:
            return value.strip().lower() == "true"
        if isinstance(value, int):
            return value != 0
        if isinstance(value, str):
            raise ApiError(
                MALFORMED,
                f'Cannot deserialize value of type `java.lang.Boolean` from String "{value}": '
                'only "true" or "false" recognized',
            )
        _mismatch("java.lang.Boolean", value)

    def strings(self, field: str) -> list[str] | None:
        """The list of texts."""
        values = self._list(field, "java.util.ArrayList<java.lang.String>")
        if values is None:
            return None
        texts = [JsonObject({field: value}, self.name).string(field) for value in values]
        return [text for text in texts if text is not None]

    def object(self, field: str, name: str) -> "JsonObject | None":
        """The nested object; `name` is what error messages call its type."""
        value = self._fields.get(field)
        return None if value is None else JsonObject.of(value, name)

    def objects(self, field: str, name: str) -> "list[JsonObject] | None":
        """The list of nested objects; `name` is what error messages call their type."""
        values = self._list(field, f"{name}>")
        return None if values is None else [JsonObject.of(value, name) for value in values if value is not None]

    def _list(self, field: str, wanted: str) -> Sequence[Any] | None:
        value = self._fields.get(field)
        if value is None:
            return None
        if not isinstance(value, list):
            _mismatch(wanted, value)
        return value


async def read_json(request: web.Request) -> Any:
    """The body as JSON, None if there is none; ApiError(400) if it is no JSON, (413) if it is too large."""
    return decoded(await request.read())


def decoded(body: bytes) -> Any:
    """The JSON value of a whole body, None for an empty one."""
    if not body.strip():
        return None
    try:
        return msgspec.json.decode(body)
    except NOT_JSON as error:
        raise ApiError(MALFORMED, f"Malformed JSON: {error}") from error


async def read_object(request: web.Request, name: str) -> JsonObject | None:
    """The body as one JSON object, None if there is none."""
    value = await read_json(request)
    return None if value is None else JsonObject.of(value, name)
