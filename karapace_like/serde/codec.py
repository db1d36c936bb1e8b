"""The interface of every embedded format: JSON text to payload and back, without Kafka, frames and schema look-ups.

JSON goes in and out as text, not as Python objects: a format that keeps JSON as it was sent copies it, numbers of any
size and precision keep their value, and the caller never parses what only the codec needs to understand (an HTTP body
is decoded with `msgspec.Raw` in the places of keys and values; a response is encoded with `decode`'s results there).
Callers decide whether a JSON `null` is a tombstone: a codec treats it as any other value.
"""

import enum
from collections.abc import Callable
from typing import NamedTuple, Protocol

import msgspec

JsonText = bytes | msgspec.Raw
"""One JSON value in UTF-8."""
Decoded = msgspec.Raw | bytes | str
"""One JSON value as msgspec writes it: its text as it is, or bytes as a base64 string with padding, or a string."""

Path = tuple[str | int, ...]
"""From a JSON value's root to the place in question: object keys and array indexes."""


class RecordForm(enum.StrEnum):
    """How JSON shows what was written with a schema."""

    STANDARD = "standard"
    """Avro's and Protobuf's own JSON: unions with the name of the type, bytes of Avro as text, lower camel case."""
    PLAIN = "plain"
    """Unions without the name of the type, bytes as base64, Protobuf fields by their names in the schema.

    A key that cannot be decoded is shown in base64, too.
    """


class EncodeError(ValueError):
    """A JSON value does not fit its schema; `path` leads to the part that does not, `message` says why."""

    def __init__(self, path: Path, message: str, expected: str = "") -> None:
        """`expected` names what the schema takes there; unlike `message`, it never holds any of the value."""
        super().__init__(message)
        self.path = path
        self.message = message
        self.expected = expected

    def within(self, step: str | int) -> "EncodeError":
        """The same error, one level further out."""
        return type(self)((step, *self.path), self.message, self.expected)

    def __str__(self) -> str:
        """`a.b[2]: message`."""
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return f"{place.removeprefix('.')}: {self.message}" if place else self.message


class JsonReading(NamedTuple):
    """How an encoder reads JSON objects that do not have just the fields of their schema."""

    fills_defaults: bool = False
    """Whether fields of Avro that are absent get their defaults."""
    drops_unknown: bool = False
    """Whether fields that the schema does not allow are dropped, instead of refused.

    `Dropping.dropped_fields` counts them.
    """


class Dropping:
    """Counts the fields that an encoder has dropped; a caller reads the count before and after a call of `encode`."""

    dropped_fields = 0


class Validation(msgspec.Struct, frozen=True, array_like=True):
    """A value that is to be validated in another process: all that the answer depends on."""

    text: str
    """The schema."""
    dependencies: tuple[tuple[str, str], ...]
    """(reference name, text)."""
    payload: bytes
    """The value: JSON, and the payload if it is valid."""
    is_invalid: bool = False
    """Whether the value is known to be invalid, and the question is why."""


class HeavyWorkError(Exception):
    """To encode or decode a value may take so long that another process has to do a part of it."""


class HeavyValidationError(HeavyWorkError):
    """Whether a JSON value fits its schema may take so long to find out that another process has to."""

    def __init__(self, validation: Validation, finish: Callable[[bytes], bytes]) -> None:
        """`finish` makes the payload of the value once it is known to be valid."""
        super().__init__("the value has to be validated in another process")
        self.validation = validation
        self.finish = finish


class DecodeError(ValueError):
    """A payload cannot be read with its schema; the message says why."""


class Codec(Protocol):
    """One schema's (or schema-less format's) encoder and decoder: immutable, built once, used by any thread."""

    def encode(self, text: JsonText) -> bytes:
        """The payload of one JSON value: what follows the schema id in the frame.

        Raises EncodeError, and HeavyValidationError where this process must not do the work.
        """
        ...

    def decode(self, payload: bytes) -> Decoded:
        """The JSON value of one payload. Raises DecodeError, whatever the bytes."""
        ...


class SchemaCodec(Codec, Protocol):
    """The codec of one schema."""

    @property
    def dropped_fields(self) -> int:
        """See `Dropping`."""
        ...

    def decode_plain(self, payload: bytes) -> Decoded:
        """As `decode`, in the form PLAIN."""
        ...
