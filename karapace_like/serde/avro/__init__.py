"""The `avro` embedded format: Avro-JSON text to Avro binary and back, by functions built once per schema.

Logical types are read and written as their underlying types, as Confluent's REST proxy does. Parsing schemas is done
by `schema/avro`, the schema id by `serde/wire`.
"""

from contextlib import suppress
from functools import partial

import msgspec

from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.avro import decoder, encoder, generated
from karapace_like.serde.codec import DecodeError, Dropping, EncodeError, JsonReading, JsonText, RecordForm

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode

_OFTEN = 100
"""Values after which the generated encoder replaces the general one: for fewer, generating code costs more than it
saves."""


class AvroCodec(Dropping):
    """The codec of one Avro schema."""

    def __init__(self, schema: Parsed, *, generates_encoder: bool = True, reading: JsonReading | None = None) -> None:
        """Raises InvalidSchemaError for a schema whose values would be too large or too deep to handle.

        `reading`: how `encode` reads objects; None: as Apache Avro's JsonDecoder. `generates_encoder`: after the first
        values, generated functions encode the schema's records (`generated.py`).
        """
        try:
            objects = None if reading is None else encoder.Objects(reading, self._count_dropped_fields)
            self._write = encoder.writer(schema, objects)
            self._generate: partial[generated.Write] | None = None
            if generates_encoder:
                self._generate = partial(encoder.writer, schema, objects, generates=True)
            self._values_until_generation = _OFTEN
            self._read = decoder.reader(schema)
            self._plain = partial(decoder.reader, schema, RecordForm.PLAIN)
            self._read_plain: decoder.Read | None = None
        except RecursionError as error:
            raise InvalidSchemaError("the schema is nested too deeply") from error

    def encode(self, text: JsonText) -> bytes:
        """Avro binary of an Avro-JSON value."""
        try:
            if self._generate is not None:
                self._count_value()
            return self._write(_from_json(text))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise EncodeError((), str(error)) from error
        except RecursionError as error:
            raise EncodeError((), "the value is nested too deeply") from error

    def _count_dropped_fields(self, fields: int) -> None:
        self.dropped_fields += fields

    def _count_value(self) -> None:
        """Count one of the first values, and generate the encoder after the last of them."""
        self._values_until_generation -= 1
        if self._values_until_generation <= 0 and self._generate is not None:
            generate, self._generate = self._generate, None
            with suppress(RecursionError):  # the stack may be deeper here than where the codec was built
                self._write = generate()

    def decode(self, payload: bytes) -> msgspec.Raw:
        """Avro-JSON of an Avro binary value; bytes after it are ignored, as Confluent's deserializer does."""
        return _decode(self._read, payload)

    def decode_plain(self, payload: bytes) -> msgspec.Raw:
        """As `decode`, with unions as their values alone, and bytes as base64."""
        if self._read_plain is None:
            self._read_plain = self._plain()
        return _decode(self._read_plain, payload)


def _decode(read: decoder.Read, payload: bytes) -> msgspec.Raw:
    try:
        value, _ = read(payload, 0)
        return msgspec.Raw(_to_json(value))
    except IndexError as error:
        raise DecodeError(f"the payload ends after {len(payload)} bytes, inside of a value") from error
    except UnicodeDecodeError as error:
        raise DecodeError(f"a string is not UTF-8: {error}") from error
    except RecursionError as error:
        raise DecodeError("the value is nested too deeply") from error
