"""Regular expressions of `pattern` and `patternProperties`: is one well-formed, does it match a property's name.

The dialect is ECMA 262 or, for Confluent's registry, Java's; no engine here knows both. So well-formedness is
checked by structure only, and names are matched by jsonschema-rs, whose engine has no exponential backtracking. A
pattern that it cannot compile matches nothing.
"""

import re
from functools import cached_property

import jsonschema_rs

from karapace_like.schema.model import InvalidSchemaError

_OPTIONS = jsonschema_rs.FancyRegexOptions(backtrack_limit=10_000, size_limit=1 << 20)
"""So that neither a hostile pattern nor a hostile name takes long."""
_SHOWN = 80
"""Characters of a bad pattern in its error message."""
_QUANTIFIERS = "*+?{"
_COUNTED = re.compile(r"\{\d+(?:,\d*)?\}")
_ESCAPE = re.compile(r"\\(?:Q.*?(?:\\E|\Z)|[pPxuN]\{[^}]*\}|.)", re.DOTALL)
"""With what belongs to it: quoted text (Java), a property's or character's name in braces."""
_GROUP = re.compile(r"\((?:\?(?:[a-zA-Z-]*:|<?[=!]|>|P?<\w*>)?)?")


class Pattern:
    """One regular expression, compiled when it is first needed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator | None:
        try:
            return jsonschema_rs.validator_for({"pattern": self.text}, pattern_options=_OPTIONS)
        except ValueError:
            return None

    @property
    def is_usable(self) -> bool:
        """Whether the engine can compile it: where it cannot, nothing is known of what the pattern matches."""
        return self._validator is not None

    def matches(self, name: str) -> bool:
        """Return whether the pattern is found anywhere in the name."""
        return self._validator is not None and self._validator.is_valid(name)


def check(text: str) -> None:
    """Raise InvalidSchemaError unless groups and classes are closed and every quantifier has something to repeat."""
    depth = position = 0
    repeatable = False
    while position < len(text):
        character = text[position]
        end = position + 1
        if character == "\\":
            end = _end_of_escape(text, position)
        elif character == "[":
            end = _end_of_class(text, position)
        elif group := _GROUP.match(text, position):
            depth += 1
            end = group.end()
        elif character == ")":
            depth -= 1
            if depth < 0:
                raise _malformed_error(text, "closes a group that is not open")
        elif character in _QUANTIFIERS:
            counted = _COUNTED.match(text, position)
            if not repeatable or (character == "{" and not counted):
                raise _malformed_error(text, f"has nothing to repeat at character {position}")
            end = counted.end() if counted else end
        repeatable = character not in "(|"
        position = end
    if depth:
        raise _malformed_error(text, "leaves a group open")


def _end_of_escape(text: str, start: int) -> int:
    """Return the end of the escape that begins at `start`."""
    escape = _ESCAPE.match(text, start)
    if escape is None:
        raise _malformed_error(text, "ends in a backslash")
    return escape.end()


def _end_of_class(text: str, start: int) -> int:
    """Return the end of the character class that begins at `start`."""
    position = start + 1
    while position < len(text):
        if text[position] == "\\":
            position = _end_of_escape(text, position)
        elif text[position] == "]":
            return position + 1
        else:
            position += 1
    raise _malformed_error(text, "leaves a character class open")


def _malformed_error(text: str, why: str) -> InvalidSchemaError:
    return InvalidSchemaError(f"the pattern {text[:_SHOWN]!r} {why}")
