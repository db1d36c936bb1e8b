"""Split a stream of concatenated JSON values into values, as its bytes arrive.

Each byte is scanned once, and only the bytes of the incomplete value are buffered. Brackets and strings separate the
values; the decoder of a value decides whether it is well-formed.
"""

import re
from collections.abc import Iterator

_SPACE = re.compile(rb"[ \t\r\n]*+")
_FLAT = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}\[\]]*+)*+', re.DOTALL)
"""Text that does not change the depth: everything up to a bracket, with complete strings in between."""
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(rb'[^\s"{}\[\],:]++')
_OPENING = b"{["
_BEGINNING = b'"{['
"""First bytes of values that mark their own end."""
_QUOTE = ord('"')


class StreamError(ValueError):
    """A value is too large or nested too deeply; the message says which."""


class JsonSplitter:
    """Takes bytes by `feed` and finishes with `end`; returns a value once its last byte has arrived."""

    def __init__(self, *, max_bytes: int, max_depth: int) -> None:
        self._max_bytes = max_bytes
        self._max_depth = max_depth
        self._buffer = bytearray()
        self._seen = 0
        """Bytes of the buffer that have been scanned."""
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Yield the values that are complete now; raise StreamError, after which the splitter cannot be used."""
        self._buffer += chunk
        start = self._begin(0)
        while (end := self._end(start)) is not None:
            yield bytes(self._buffer[start:end])
            self._seen = end
            start = self._begin(end)
        del self._buffer[:start]
        self._seen = max(self._seen - start, 0)
        if len(self._buffer) > self._max_bytes:
            raise StreamError(f"A value is larger than {self._max_bytes} bytes")

    def end(self) -> bytes | None:
        """Return the rest after the last byte, a scalar or a truncated value; None if there is none."""
        return bytes(self._buffer) or None

    def _begin(self, start: int) -> int:
        """Return where the next value begins: after white space, unless it has begun already."""
        space = None if self._depth or self._in_string else _SPACE.match(self._buffer, start)
        return space.end() if space else start

    def _end(self, start: int) -> int | None:
        """Return where the value at `start` ends; None if it is incomplete."""
        buffer = self._buffer
        position = max(self._seen, start)
        if not self._depth and not self._in_string:
            if start == len(buffer):
                return None
            if buffer[start] not in _BEGINNING:
                return self._scalar_end(start)
            self._turn(buffer[start])
            position = start + 1
        while True:
            if self._in_string:
                rest = _STRING_REST.match(buffer, position)
                position = rest.end() if rest else position
                if position == len(buffer) or buffer[position] != _QUOTE:
                    break  # at the end, or at a backslash whose second character has not arrived
                self._in_string = False
                position += 1
            else:
                flat = _FLAT.match(buffer, position)
                position = flat.end() if flat else position
                if position == len(buffer):
                    break
                self._turn(buffer[position])
                position += 1
            if not self._depth and not self._in_string:
                return position
        self._seen = position
        return None

    def _scalar_end(self, start: int) -> int | None:
        """Return where a number or word ends, which the next byte shows; stray punctuation is a value of its own."""
        scalar = _SCALAR.match(self._buffer, max(self._seen, start))
        end = scalar.end() if scalar else max(self._seen, start + 1)
        if end < len(self._buffer) or (not scalar and not _SCALAR.match(self._buffer, start)):
            return end
        self._seen = end
        return None

    def _turn(self, byte: int) -> None:
        """Update the state for a quote or bracket outside of strings."""
        if byte == _QUOTE:
            self._in_string = True
        elif byte in _OPENING:
            self._depth += 1
            if self._depth > self._max_depth:
                raise StreamError(f"Document nesting depth ({self._depth}) exceeds the maximum allowed")
        else:
            self._depth -= 1
