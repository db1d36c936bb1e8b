"""Saying what is wrong with a text that is no JSON, in the words of the JSON library of Confluent's services.

Only for texts that a decoder has refused. Users and tools of the reference proxy know these messages, and its stream
tells of a malformed record twice: of the first fault, and of what stands in the way when its parser goes on.
"""

import re
from collections.abc import Iterator

_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*+"', re.DOTALL)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[^\s\"{}\[\],:]+")
_SPACE = " \t\r\n"
_TOKENS = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_NAMES = {"{": "Object", "[": "Array"}
_CLOSING = {"{": "}", "[": "]"}
_SOURCE = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: {line}, column: {column}]"


class Faults:
    """Reads a text token by token and tells of everything that is out of place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[tuple[str, int]] = []
        """The brackets that are not closed yet, with their places."""
        self._fresh = False
        """Whether the innermost of them has just been opened."""

    def __iter__(self) -> Iterator[str]:
        """The messages, in the order of their places; the end of the text may be the last one."""
        yield from self._value()
        while self._open:
            bracket = self._open[-1][0]
            character = self._peek()
            if not character:
                yield self._cut_off()
                return
            if character == _CLOSING[bracket]:
                self._at += 1
                self._open.pop()
                self._fresh = False
            elif self._fresh:
                yield from self._entry(bracket)
            else:
                self._at += 1
                if character == ",":
                    yield from self._entry(bracket)
                else:
                    yield self._unexpected(character, f"was expecting comma to separate {_NAMES[bracket]} entries")

    def _entry(self, bracket: str) -> Iterator[str]:
        """One more value, with its name in an object."""
        self._fresh = False
        if bracket == "{":
            for message in self._name():
                yield message
                return
        yield from self._value()

    def _name(self) -> Iterator[str]:
        """A field's name and the colon after it."""
        character = self._peek()
        found = _STRING.match(self._text, self._at)
        if found is None:
            self._at += 1
            yield self._unexpected(character, "was expecting double-quote to start field name")
            return
        self._at = found.end()
        character = self._peek()
        self._at += 1
        if character != ":":
            yield self._unexpected(character, "was expecting a colon to separate field name and value")

    def _value(self) -> Iterator[str]:
        character = self._peek()
        if character in _NAMES and character:
            self._open.append((character, self._at))
            self._fresh = True
            self._at += 1
        elif found := _STRING.match(self._text, self._at) or _NUMBER.match(self._text, self._at):
            self._at = found.end()
        elif found := _WORD.match(self._text, self._at):
            self._at = found.end()
            if found[0] not in {"null", "true", "false"}:
                yield f"Unrecognized token '{found[0]}': was expecting {_TOKENS}"
        elif character:
            self._at += 1
            yield self._unexpected(character, "expected a valid value " + _TOKENS)

    def _peek(self) -> str:
        """The next character that is no white space, or nothing at the end."""
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _unexpected(self, character: str, hint: str) -> str:
        if not character:
            return self._cut_off() if self._open else "Unexpected end-of-input"
        return f"Unexpected character ('{character}' (code {ord(character)})): {hint}"

    def _cut_off(self) -> str:
        bracket, place = self._open[-1]
        before = self._text[:place]
        line, column = before.count("\n") + 1, place - before.rfind("\n")
        where = _SOURCE.format(line=line, column=column)
        return f"Unexpected end-of-input: expected close marker for {_NAMES[bracket]} (start marker at {where})"


def faults(text: bytes) -> tuple[str, ...]:
    """The first fault, and the second where reading went on after it; at least one.

    A text that is at fault with its first token has one only.
    """
    spelled = text.decode("utf-8", "replace")
    found = []
    for message in Faults(spelled):
        found.append(message)
        if len(found) == 2:
            break
    if not found:
        return ("The value is not valid JSON",)
    is_container = spelled.lstrip(_SPACE)[:1] in _NAMES
    return tuple(found) if len(found) > 1 or not is_container else (found[0], found[0])
