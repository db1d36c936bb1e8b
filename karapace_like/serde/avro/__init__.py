"""The `avro` embedded format: Avro-JSON text to Avro binary and back, by functions made once per schema.

Logical types are read and written as the types under them, as the reference proxy does. Leaves out the schema's own
parsing (`schema/avro`) and the schema id.
"""

from contextlib import suppress
from functools import partial

import msgspec

from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.avro import decoder, encoder, generated
from karapace_like.serde.codec import DecodeError, EncodeError, JsonText

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode

_OFTEN = 100
"""After how many values the encoder is made anew, so that it takes half as long: for a few that would not pay."""


class AvroCodec:
    """The codec of one Avro schema."""

    def __init__(self, schema: Parsed) -> None:
        """Raises InvalidSchemaError for a schema whose values would be too large or too deep to handle."""
        try:
            self._write = encoder.writer(schema)
            self._generated: partial[generated.Write] | None = partial(encoder.writer, schema, generates=True)
            self._values_to_come = _OFTEN
            self._read = decoder.reader(schema)
        except RecursionError as error:
            raise InvalidSchemaError("the schema is nested too deeply") from error

    def encode(self, text: JsonText) -> bytes:
        """Avro binary of an Avro-JSON value."""
        try:
            if self._generated is not None:
                self._count()
            return self._write(_from_json(text))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodeError((), str(error)) from error
        except RecursionError as error:
            raise EncodeError((), "the value is nested too deeply") from error

    def _count(self) -> None:
        """One more of the first values."""
        self._values_to_come -= 1
        if self._values_to_come <= 0 and self._generated is not None:
            make, self._generated = self._generated, None
            with suppress(RecursionError):  # here the stack may be deeper than where the codec was made
                self._write = make()

    def decode(self, payload: bytes) -> msgspec.Raw:
        """Avro-JSON of an Avro binary value; bytes after it are ignored, as the reference's deserializer does."""
        try:
            value, _ = self._read(payload, 0)
            return msgspec.Raw(_to_json(value))
        except IndexError as error:
            raise DecodeError(f"the payload ends after {len(payload)} bytes, inside of a value") from error
        except UnicodeDecodeError as error:
            raise DecodeError(f"a string is not UTF-8: {error}") from error
        except RecursionError as error:
            raise DecodeError("the value is nested too deeply") from error
