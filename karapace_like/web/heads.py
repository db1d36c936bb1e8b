"""A request's head as the bytes that it is: what tells requests apart, and what only seems to.

Only plain requests are understood here: what this does not understand is for a whole parser of HTTP.
"""

import re
from typing import NamedTuple

UNKNOWN = -1
"""Bytes, where only a whole parser could say how many."""
_VARYING = re.compile(rb"\r\n([Cc]ontent-[Ll]ength|[Xx]-[Rr]equest-[Ii][Dd]):[ \t]*([^\r\n]*)(?=\r\n)")
"""Header lines in which requests that are answered alike differ."""
_NUMBER = re.compile(rb"[0-9]{1,9}")
_VISIBLE = re.compile(rb"[!-~]{1,200}")
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|content-(?:length|encoding)|expect|upgrade)[ \t]*:", re.IGNORECASE)
"""Besides one Content-Length: the body is not the bytes that follow, or more has to happen before they do."""
_IMMATERIAL = re.compile(
    rb"\r\n(?:host|user-agent|accept-encoding|accept-language|traceparent|tracestate|via|forwarded"
    rb"|x-real-ip|x-forwarded-(?:for|host|port|proto))[ \t]*:[^\r\n]*(?=\r\n)",
    re.IGNORECASE,
)
"""Headers that change no answer."""


class Head(NamedTuple):
    """A request's head, taken apart."""

    line: bytes
    block: bytes
    """The header lines without those that vary."""
    size: int
    """Bytes of the whole head."""
    body: int
    """Bytes of the body; UNKNOWN where more than a plain body follows, or what follows cannot be told."""
    request_id: bytes

    @property
    def is_plain(self) -> bool:
        """Whether the body is the bytes that follow, and nothing has to happen before they do."""
        return self.body != UNKNOWN and not _NOT_PLAIN.search(self.block)

    @property
    def material(self) -> bytes:
        """The header lines that may change an answer."""
        return _IMMATERIAL.sub(b"", self.block)


def head_of(data: bytes) -> Head | None:
    """The head that the data begins with; None if it does not end there."""
    line_end = data.find(b"\r\n")
    end = data.find(b"\r\n\r\n", line_end)
    if end < 0:
        return None
    block, body, request_id = data[line_end : end + 2], b"", b""
    while (found := _VARYING.search(block)) is not None:
        name, value = found.groups()
        is_length = len(name) == len("Content-Length")
        if (body if is_length else request_id) or not (_NUMBER if is_length else _VISIBLE).fullmatch(value):
            return Head(data[:line_end], block, end + 4, UNKNOWN, b"")
        if is_length:
            body = value
        else:
            request_id = value
        block = block[: found.start()] + block[found.end() :]
    return Head(data[:line_end], block, end + 4, int(body or 0), request_id)
