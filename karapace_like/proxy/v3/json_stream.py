"""Cutting a stream of concatenated JSON values into values, as its bytes come in.

Each byte is looked at once, and only what belongs to the value that is not complete yet is kept. Values are told
apart by their brackets and strings; whether one is well-formed is for whoever decodes it to say.
"""

import re
from collections.abc import Iterator

_SPACE = re.compile(rb"[ \t\r\n]*+")
_FLAT = re.compile(rb'[^"{}\[\]]*+(?:"(?:[^"\\]++|\\.)*+"[^"{}\[\]]*+)*+', re.DOTALL)
"""What changes no depth: everything up to a bracket, with complete strings in between."""
_STRING_REST = re.compile(rb'(?:[^"\\]++|\\.)*+', re.DOTALL)
_SCALAR = re.compile(rb'[^\s"{}\[\],:]++')
_OPENING = b"{["
_BEGINNING = b'"{['
"""What begins a value whose end it says itself."""
_QUOTE = ord('"')


class StreamError(ValueError):
    """A value is larger or nested more deeply than allowed; the message says which."""


class JsonSplitter:
    """Give it the bytes by `feed`, and `end` it; a value comes out once its last byte is there."""

    def __init__(self, *, max_bytes: int, max_depth: int) -> None:
        self._max_bytes = max_bytes
        self._max_depth = max_depth
        self._kept = bytearray()
        self._seen = 0
        """How much of what is kept was looked at."""
        self._depth = 0
        self._in_string = False

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """The values that are complete now; raises StreamError, after which there is no way on."""
        self._kept += chunk
        start = self._begin(0)
        while (end := self._end(start)) is not None:
            yield bytes(self._kept[start:end])
            self._seen = end
            start = self._begin(end)
        del self._kept[:start]
        self._seen = max(self._seen - start, 0)
        if len(self._kept) > self._max_bytes:
            raise StreamError(f"A value is larger than {self._max_bytes} bytes")

    def end(self) -> bytes | None:
        """What is left when the last byte has come: a scalar, or the beginning of a value that was cut off."""
        return bytes(self._kept) or None

    def _begin(self, start: int) -> int:
        """Where the value begins that comes next: behind white space, unless it has begun already."""
        found = None if self._depth or self._in_string else _SPACE.match(self._kept, start)
        return found.end() if found else start

    def _end(self, start: int) -> int | None:
        """Where the value ends that begins at `start`; None if it is not complete."""
        kept = self._kept
        position = max(self._seen, start)
        if not self._depth and not self._in_string:
            if start == len(kept):
                return None
            if kept[start] not in _BEGINNING:
                return self._scalar_end(start)
            self._turn(kept[start])
            position = start + 1
        while True:
            if self._in_string:
                rest = _STRING_REST.match(kept, position)
                position = rest.end() if rest else position
                if position == len(kept) or kept[position] != _QUOTE:
                    break  # at the end, or at a backslash whose second half is still to come
                self._in_string = False
                position += 1
            else:
                flat = _FLAT.match(kept, position)
                position = flat.end() if flat else position
                if position == len(kept):
                    break
                self._turn(kept[position])
                position += 1
            if not self._depth and not self._in_string:
                return position
        self._seen = position
        return None

    def _scalar_end(self, start: int) -> int | None:
        """Where a number or word ends, as the byte after it tells; stray punctuation is a value of its own."""
        found = _SCALAR.match(self._kept, max(self._seen, start))
        end = found.end() if found else max(self._seen, start + 1)
        if end < len(self._kept) or (not found and not _SCALAR.match(self._kept, start)):
            return end
        self._seen = end
        return None

    def _turn(self, byte: int) -> None:
        """Take note of a quote or bracket outside of strings."""
        if byte == _QUOTE:
            self._in_string = True
        elif byte in _OPENING:
            self._depth += 1
            if self._depth > self._max_depth:
                raise StreamError(f"Document nesting depth ({self._depth}) exceeds the maximum allowed")
        else:
            self._depth -= 1
