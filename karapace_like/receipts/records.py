"""The records of the receipts topic: a key that names the request, and what was answered as JSON.

A tombstone says that the receipt's time is over. A record that this release does not understand changes nothing.
"""

import zlib
from typing import Literal, NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON

MARK = b'{"keytype":"NOOP"}'
"""The key of the record that says nothing."""
MAX_BODY = 64 * 1_048_576
"""Bytes of an answer at most."""
_LONG = 1_000
"""Bytes of an answer that is compressed."""


class Answer(NamedTuple):
    """A response, as it is repeated."""

    status: int
    media_type: str
    body: bytes


class Receipt(NamedTuple):
    """What is remembered of a request."""

    digest: bytes
    """Of everything that makes the request what it is, beside its key."""
    status: int
    media_type: str
    body: bytes
    is_compressed: bool
    written: int = 0
    """Milliseconds since the epoch, by the clock of the brokers."""

    @classmethod
    def of(cls, digest: bytes, answer: Answer) -> "Receipt":
        """Return the receipt of an answer; a long one is compressed."""
        is_long = len(answer.body) > _LONG
        body = zlib.compress(answer.body) if is_long else answer.body
        return cls(digest, answer.status, answer.media_type, body, is_long)

    def read_answer(self) -> Answer:
        """Return the answer."""
        body = zlib.decompressobj().decompress(self.body, MAX_BODY) if self.is_compressed else self.body
        return Answer(self.status, self.media_type, body)


class _Key(msgspec.Struct, frozen=True):
    keytype: Literal["RECEIPT"]
    request: str
    """Hexadecimal."""


class _Value(msgspec.Struct, frozen=True, omit_defaults=True):
    digest: bytes
    status: int
    media_type: str
    body: bytes
    is_compressed: bool = False


class ReceiptRecord(NamedTuple):
    """One record, as the store applies it."""

    request: bytes
    receipt: Receipt | None
    """None: its time is over."""


def encode_key(request: bytes) -> bytes:
    """Return the key of the record about this request."""
    return msgspec.json.encode(_Key("RECEIPT", request.hex()))


def encode_receipt(receipt: Receipt) -> bytes:
    """Return the value of the record."""
    return msgspec.json.encode(
        _Value(receipt.digest, receipt.status, receipt.media_type, receipt.body, receipt.is_compressed)
    )


def decode(key: bytes | None, value: bytes | None, timestamp: int) -> ReceiptRecord | None:
    """Return the record; None for one that is about no receipt."""
    try:
        request = bytes.fromhex(msgspec.json.decode(key or b"", type=_Key).request)
        if value is None:
            return ReceiptRecord(request, None)
        read = msgspec.json.decode(value, type=_Value)
    except (*NOT_JSON, ValueError):
        return None
    return ReceiptRecord(
        request, Receipt(read.digest, read.status, read.media_type, read.body, read.is_compressed, timestamp)
    )
