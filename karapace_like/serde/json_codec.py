"""The embedded format `json`: JSON in one form, without a schema.

Error messages are Confluent's, which cites the value.
"""

import msgspec

from karapace_like.serde.codec import Codec, Decoded, DecodeError, EncodeError, HeavyValidationError, JsonText
from karapace_like.serde.json_forms import compact, write_key_numbers, write_value


class JsonCodec:
    """`json`: the digits of numbers and the order of keys stay as they are."""

    def encode(self, text: JsonText) -> bytes:
        """The same JSON, its strings escaped in one way."""
        try:
            return write_value(text)
        except ValueError as error:
            raise EncodeError((), str(error)) from error

    def decode(self, payload: bytes) -> msgspec.Raw:
        """The same JSON; a payload that is none would break the text around it."""
        try:
            return msgspec.Raw(compact(payload))
        except ValueError as error:
            raise DecodeError(f"the payload is not JSON: {error}") from error


class JsonKeyCodec:
    """The keys of a format whose payload is JSON: numbers, too, are written in one way."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec

    def encode(self, text: JsonText) -> bytes:
        """See `Codec.encode`."""
        try:
            return write_key_numbers(self._codec.encode(text))
        except HeavyValidationError as heavy:
            finish = heavy.finish
            raise HeavyValidationError(heavy.validation, lambda payload: write_key_numbers(finish(payload))) from None

    def decode(self, payload: bytes) -> Decoded:
        """See `Codec.decode`."""
        return self._codec.decode(payload)
