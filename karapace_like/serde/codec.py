"""What every embedded format offers: JSON text to payload and back. No Kafka, no frame, no schema look-ups.

JSON goes in and out as text, not as Python objects: a format that keeps JSON as it was sent copies it, numbers of any
size and precision keep their value, and the caller never parses what only the codec needs to understand (an HTTP body
is decoded with `msgspec.Raw` in the places of keys and values; a response is encoded with `decode`'s results there).
Whether a JSON `null` is a tombstone is for the caller to say: a codec treats it as any other value.
"""

from typing import Protocol

import msgspec

JsonText = bytes | msgspec.Raw
"""One JSON value in UTF-8."""
Decoded = msgspec.Raw | bytes | str
"""One JSON value as msgspec writes it: its text as it is, or bytes as a base64 string with padding, or a string."""

Path = tuple[str | int, ...]
"""From a JSON value's root to the place in question: object keys and array indexes."""


class EncodeError(ValueError):
    """A JSON value does not fit its schema; `path` leads to the part that does not, `message` says why."""

    def __init__(self, path: Path, message: str) -> None:
        super().__init__(message)
        self.path = path
        self.message = message

    def within(self, step: str | int) -> "EncodeError":
        """The same error, one level further out."""
        return type(self)((step, *self.path), self.message)

    def __str__(self) -> str:
        """`a.b[2]: message`."""
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{place.removeprefix('.')}: {self.message}" if place else self.message


class DecodeError(ValueError):
    """A payload cannot be read with its schema; the message says why."""


class Codec(Protocol):
    """One schema's (or schema-less format's) encoder and decoder: immutable, built once, used by any thread."""

    def encode(self, text: JsonText) -> bytes:
        """The payload of one JSON value: what follows the schema id in the frame. Raises EncodeError."""
        ...

    def decode(self, payload: bytes) -> Decoded:
        """The JSON value of one payload. Raises DecodeError, whatever the bytes."""
        ...
