"""The words of a .proto text, one after the other, and the error that says where the text is wrong.

A word is whatever holds no space, quote or bracket: names with dots, numbers with signs. That is wider than the
language (`a-b` is one word): protoc is the judge of strictness, this reads what was stored anywhere.
"""

import re

from karapace_like.schema.model import InvalidSchemaError

_TOKEN = re.compile(
    r"""
    (?:\s+|//[^\n]*|/\*.*?\*/)*
    (   [A-Za-z0-9_.+-]+
      | "(?:[^"\\\n]|\\.)*"
      | '(?:[^'\\\n]|\\.)*'
      | [{}()\[\]<>;,=:/]
      |
    )
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD_START = re.compile(r"[A-Za-z0-9_.+-]")
_INTEGER = re.compile(r"-?(?:0[xX][0-9A-Fa-f]{1,8}|(?P<octal>0[0-7]{1,11})|0|[1-9][0-9]{0,9})")
_INT32 = range(-(2**31), 2**31)
_SHOWN = 80
_ESCAPE = re.compile(rb"\\(?:[xX][0-9A-Fa-f]{1,2}|[0-7]{1,3}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)", re.DOTALL)
_SIMPLE_ESCAPES = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
END = ""
"""The token after the last one."""


class Cursor:
    """Reads tokens from left to right; `current` is the next one, END after the last."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._end = 1 if text.startswith("\ufeff") else 0
        self._start = self._end
        self.current = END
        self.advance()

    def advance(self) -> str:
        """Return the current token, and make the next one current."""
        passed = self.current
        token = _TOKEN.match(self._text, self._end)
        assert token is not None
        self.current, self._start, self._end = token[1], token.start(1), token.end()
        if self.current == END and self._end < len(self._text):
            raise self.error(f"unexpected {self._text[self._end]!r}")
        return passed

    def peek(self) -> str:
        """Return the token after the current one."""
        token = _TOKEN.match(self._text, self._end)
        assert token is not None
        return token[1]

    def error(self, message: str, position: int | None = None) -> InvalidSchemaError:
        """Return the error to raise about the current token, or about an earlier `position`."""
        start = self._start if position is None else position
        line = self._text.count("\n", 0, start) + 1
        column = start - self._text.rfind("\n", 0, start)
        return InvalidSchemaError(f"line {line}, column {column}: {message}")

    def expected_error(self, what: str) -> InvalidSchemaError:
        """Return the error that `what` was expected."""
        return self.error(f"expected {what} but found {self.current[:_SHOWN] or 'the end'}")

    def accept(self, token: str) -> bool:
        """Skip the current token if it is this one; return whether it was."""
        if self.current != token:
            return False
        self.advance()
        return True

    def require(self, token: str) -> None:
        """Pass this token, or fail."""
        if not self.accept(token):
            raise self.expected_error(f'"{token}"')

    def at_word(self) -> bool:
        """Return whether a name or number comes next."""
        return _WORD_START.match(self.current) is not None

    def word(self, what: str = "a name") -> str:
        """Read a name or number."""
        if not self.at_word():
            raise self.expected_error(what)
        return self.advance()

    def name(self, what: str = "a name") -> str:
        """Read a name, which may have spaces around its dots."""
        name = self.word(what)
        while name.endswith(".") or self.current.startswith("."):
            name += self.word(what)
        return name

    def integer(self) -> int:
        """Read a number in decimal, hexadecimal or (with a leading zero, as protoc reads it) octal notation."""
        start = self._start
        digits = self.word("a number")
        if digits == "-":
            digits += self.word("a number")
        match = _INTEGER.fullmatch(digits)
        number = None if match is None else int(digits, 8 if match["octal"] else 0)
        if number is None or number not in _INT32:
            raise self.error(f"expected a number of 32 bits but found {digits[:_SHOWN]}", start)
        return number

    def at_string(self) -> bool:
        """Return whether a string literal comes next."""
        return self.current[:1] in {'"', "'"}

    def string(self) -> bytes:
        """Read one or more adjacent string literals, unescaped and joined."""
        if not self.at_string():
            raise self.expected_error("a string")
        literals = []
        while self.at_string():
            literals.append(unescape(self.advance()[1:-1].encode()))
        return b"".join(literals)

    def text(self) -> str:
        """Read a string literal that is a name or a path."""
        start = self._start
        try:
            return self.string().decode()
        except UnicodeDecodeError:
            raise self.error("expected a UTF-8 string", start) from None


def unescape(body: bytes) -> bytes:
    """Return the bytes that the inside of a string literal stands for."""
    return _ESCAPE.sub(_unescape, body)


def _unescape(escape: re.Match[bytes]) -> bytes:
    body = escape[0][1:]
    if body[:1] in b"xX" and len(body) > 1:
        return bytes([int(body[1:], 16)])
    if body[:1] in b"uU" and len(body) > 1:
        return chr(min(int(body[1:], 16), 0x10FFFF)).encode(errors="replace")
    if body[:1] in b"01234567":
        return bytes([int(body, 8) & 0xFF])
    return bytes([_SIMPLE_ESCAPES.get(body[0], body[0])])
