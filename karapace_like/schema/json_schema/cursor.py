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
        """The path of something inside."""
        return "/".join([self.path, *map(str, segments)])

    def string(self, keyword: str) -> str | None:
        """A string."""
        found = self.value.get(keyword)
        if found is None and keyword not in self.value:
            return None
        if not isinstance(found, str):
            raise mistyped(self.below(keyword), "a string")
        return found

    def boolean(self, keyword: str) -> bool | None:
        """True or false."""
        found = self.value.get(keyword)
        if found is None and keyword not in self.value:
            return None
        if not isinstance(found, bool):
            raise mistyped(self.below(keyword), "a boolean")
        return found

    def number(self, keyword: str) -> Number | None:
        """A number of any form."""
        found = self.value.get(keyword)
        if found is None and keyword not in self.value:
            return None
        if isinstance(found, bool) or not isinstance(found, int | Decimal):
            raise mistyped(self.below(keyword), "a number")
        return found

    def integer(self, keyword: str) -> int | None:
        """A number written without fraction and exponent."""
        found = self.number(keyword)
        if isinstance(found, Decimal):
            raise mistyped(self.below(keyword), "an integer")
        return found

    def array(self, keyword: str) -> list[JsonValue]:
        """A list of anything."""
        found = self.value.get(keyword, [])
        if not isinstance(found, list):
            raise mistyped(self.below(keyword), "an array")
        return found

    def mapping(self, keyword: str) -> JsonObject:
        """An object with any keys."""
        found = self.value.get(keyword, {})
        if not isinstance(found, dict):
            raise mistyped(self.below(keyword), "an object")
        return found


def strings(value: JsonValue, path: str) -> frozenset[str]:
    """A list of strings, as the set that it stands for."""
    if not isinstance(value, list):
        raise mistyped(path, "an array of strings")
    names = [each for each in value if isinstance(each, str)]
    if len(names) != len(value):
        raise mistyped(path, "an array of strings")
    return frozenset(names)


def mistyped(path: str, expected: str) -> InvalidSchemaError:
    """What to raise where something else was expected."""
    return InvalidSchemaError(f"{path} is not {expected}")
