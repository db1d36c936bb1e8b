"""One JSON object of a schema text with its place: reads keywords as the type they must have, or says what is wrong."""

from dataclasses import dataclass
from decimal import Decimal

from karapace_like.schema.json_schema.json_text import JsonObject, JsonValue
from karapace_like.schema.json_schema.schemas import Number
from karapace_like.schema.model import InvalidSchemaError


@dataclass(frozen=True, slots=True)
class Cursor:
    """Every reader gives None, or something empty, for a keyword that is absent and raises InvalidSchemaError."""

    value: JsonObject
    base: str
    """The URI that references are relative to."""
    path: str
    """For messages, as `#/properties/a`."""

    def below(self, *segments: str | int) -> str:
        """Return the path of a part."""
        return "/".join([self.path, *map(str, segments)])

    def string(self, keyword: str) -> str | None:
        """Return a string."""
        text = self.value.get(keyword)
        if text is None and keyword not in self.value:
            return None
        if not isinstance(text, str):
            raise mistyped_error(self.below(keyword), "a string")
        return text

    def boolean(self, keyword: str) -> bool | None:
        """True or false."""
        value = self.value.get(keyword)
        if value is None and keyword not in self.value:
            return None
        if not isinstance(value, bool):
            raise mistyped_error(self.below(keyword), "a boolean")
        return value

    def number(self, keyword: str) -> Number | None:
        """Return a number of any form."""
        value = self.value.get(keyword)
        if value is None and keyword not in self.value:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            raise mistyped_error(self.below(keyword), "a number")
        return value

    def integer(self, keyword: str) -> int | None:
        """Return a number without fraction and exponent."""
        value = self.number(keyword)
        if isinstance(value, Decimal):
            raise mistyped_error(self.below(keyword), "an integer")
        return value

    def array(self, keyword: str) -> list[JsonValue]:
        """Return a list of any values."""
        value = self.value.get(keyword, [])
        if not isinstance(value, list):
            raise mistyped_error(self.below(keyword), "an array")
        return value

    def mapping(self, keyword: str) -> JsonObject:
        """Return an object with any keys."""
        value = self.value.get(keyword, {})
        if not isinstance(value, dict):
            raise mistyped_error(self.below(keyword), "an object")
        return value


def strings(value: JsonValue, path: str) -> frozenset[str]:
    """Return a list of strings as a set."""
    if not isinstance(value, list):
        raise mistyped_error(path, "an array of strings")
    names = [name for name in value if isinstance(name, str)]
    if len(names) != len(value):
        raise mistyped_error(path, "an array of strings")
    return frozenset(names)


def mistyped_error(path: str, expected: str) -> InvalidSchemaError:
    """Return the error for a value of another kind than expected."""
    return InvalidSchemaError(f"{path} is not {expected}")
