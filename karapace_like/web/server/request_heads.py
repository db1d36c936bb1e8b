"""Request heads as bytes: the parts by which the response cache distinguishes requests.

Only plain requests are understood here; every other one is left to aiohttp's parser.
"""

import re
from typing import NamedTuple

MAX_LINE = 65_536
"""Bytes of a request's first line: a subject may have ten thousand characters, each up to twelve bytes when encoded."""
MAX_HEADERS = 200
MAX_CACHED = 4096
"""Bytes of the largest head by which requests are distinguished."""
UNKNOWN = -1
"""A number of bytes that only a complete parser of HTTP can find out."""
_VARYING = re.compile(rb"\r\n([Cc]ontent-[Ll]ength|[Xx]-[Rr]equest-[Ii][Dd]):[ \t]*([^\r\n]*)(?=\r\n)")
"""Header lines in which requests with the same response differ."""
_NUMBER = re.compile(rb"[0-9]{1,9}")
_VISIBLE = re.compile(rb"[!-~]{1,200}")
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|content-(?:length|encoding)|expect|upgrade)[ \t]*:", re.IGNORECASE)
"""Headers by which the body is not simply the bytes that follow, or by which the server has to act before they come;
one Content-Length does not count."""
_IMMATERIAL = re.compile(
    rb"\r\n(?:user-agent|accept-encoding|accept-language|traceparent|tracestate|via|forwarded"
    rb"|x-real-ip|x-forwarded-(?:for|host|port|proto))[ \t]*:[^\r\n]*(?=\r\n)",
    re.IGNORECASE,
)
"""Headers that change no response. `Host` is none of them: some names are refused (`web/http/hosts.py`)."""


class RequestHead(NamedTuple):
    """A request's head in parts."""

    line: bytes
    block: bytes
    """The header lines without Content-Length and X-Request-ID."""
    size: int
    """Bytes of the whole head."""
    body: int
    """Bytes of the body; UNKNOWN where the head does not say plainly how many follow."""
    request_id: bytes

    @property
    def is_small(self) -> bool:
        """Whether the head may be kept."""
        return self.size <= MAX_CACHED

    @property
    def is_plain(self) -> bool:
        """Whether the body is the bytes that follow, and the server need not act before they come."""
        return self.body != UNKNOWN and not _NOT_PLAIN.search(self.block)

    @property
    def material(self) -> bytes:
        """The header lines that can change a response."""
        return _IMMATERIAL.sub(b"", self.block)


def parse_request_head(data: bytes) -> RequestHead | None:
    """Return the head that the data begins with; None if its end has not come yet."""
    line_end = data.find(b"\r\n")
    end = data.find(b"\r\n\r\n", line_end)
    if end < 0:
        return None
    block, body, request_id = data[line_end : end + 2], b"", b""
    while (match := _VARYING.search(block)) is not None:
        name, value = match.groups()
        is_length = len(name) == len("Content-Length")
        if (body if is_length else request_id) or not (_NUMBER if is_length else _VISIBLE).fullmatch(value):
            return RequestHead(data[:line_end], block, end + 4, UNKNOWN, b"")
        if is_length:
            body = value
        else:
            request_id = value
        block = block[: match.start()] + block[match.end() :]
    return RequestHead(data[:line_end], block, end + 4, int(body or 0), request_id)
