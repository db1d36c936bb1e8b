"""Describe the faults of malformed JSON, in the words of the JSON library of Confluent's services.

Only for texts that a decoder has rejected. Clients of Confluent REST Proxy know these messages. Its stream reports a
malformed record twice: the first fault, and the fault at which its parser stops when it continues.
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
_SOURCE = "line: {line}, column: {column}"


class Faults:
    """Parses a text token by token, and yields a message for each token that is out of place."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[tuple[str, int]] = []
        """The open brackets with their positions."""
        self._fresh = False
        """Whether the innermost bracket has just been opened."""

    def __iter__(self) -> Iterator[str]:
        """Yield the messages in the order of their positions; the last one may be the end of the text."""
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
                    yield self._describe_unexpected_character(
                        character, f"was expecting comma to separate {_NAMES[bracket]} entries"
                    )

    def _entry(self, bracket: str) -> Iterator[str]:
        """Parse one more value, in an object with its name."""
        self._fresh = False
        if bracket == "{":
            for message in self._name():
                yield message
                return
        yield from self._value()

    def _name(self) -> Iterator[str]:
        """Parse the name of a field and the colon after it."""
        character = self._peek()
        name = _STRING.match(self._text, self._at)
        if name is None:
            self._at += 1
            yield self._describe_unexpected_character(character, "was expecting double-quote to start field name")
            return
        self._at = name.end()
        character = self._peek()
        self._at += 1
        if character != ":":
            yield self._describe_unexpected_character(
                character, "was expecting a colon to separate field name and value"
            )

    def _value(self) -> Iterator[str]:
        character = self._peek()
        if character in _NAMES and character:
            self._open.append((character, self._at))
            self._fresh = True
            self._at += 1
        elif token := _STRING.match(self._text, self._at) or _NUMBER.match(self._text, self._at):
            self._at = token.end()
        elif token := _WORD.match(self._text, self._at):
            self._at = token.end()
            if token[0] not in {"null", "true", "false"}:
                yield f"Unrecognized token '{token[0]}': was expecting {_TOKENS}"
        elif character:
            self._at += 1
            yield self._describe_unexpected_character(character, "expected a valid value " + _TOKENS)

    def _peek(self) -> str:
        """Return the next character that is not white space; empty at the end."""
        while self._at < len(self._text) and self._text[self._at] in _SPACE:
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _describe_unexpected_character(self, character: str, hint: str) -> str:
        if not character:
            return self._cut_off() if self._open else "Unexpected end-of-input"
        return f"Unexpected character ('{character}' (code {ord(character)})): {hint}"

    def _cut_off(self) -> str:
        bracket, place = self._open[-1]
        before = self._text[:place]
        line, column = before.count("\n") + 1, place - before.rfind("\n")
        where = _SOURCE.format(line=line, column=column)
        return f"Unexpected end-of-input: expected close marker for {_NAMES[bracket]} (start marker at {where})"


def find_faults(text: bytes) -> tuple[str, ...]:
    """Return the first fault, and the second one that the parser meets; at least one.

    A text whose first token is wrong has only one.
    """
    spelled = text.decode("utf-8", "replace")
    faults = []
    for message in Faults(spelled):
        faults.append(message)
        if len(faults) == 2:
            break
    if not faults:
        return ("The value is not valid JSON",)
    is_container = spelled.lstrip(_SPACE)[:1] in _NAMES
    return tuple(faults) if len(faults) > 1 or not is_container else (faults[0], faults[0])
