"""The embedded formats without a schema: JSON (`json_codec`), bytes as base64, text as a JSON string.

Error messages are Confluent's, which cites the value.
"""

import binascii
from collections.abc import Mapping

import msgspec
from pybase64 import b64decode, b64encode

from karapace_like.serde.codec import Codec, Decoded, DecodeError, EncodeError, JsonText
from karapace_like.serde.json_codec import JsonCodec

LONG = 600
"""Bytes from which on pybase64, which takes many at once, is faster than msgspec, which is called anyway (ADR 12)."""
_QUOTE = ord('"')
_base64_from_json = msgspec.json.Decoder(bytes).decode
_string_from_json = msgspec.json.Decoder(str).decode


class BinaryCodec:
    """`binary`: any bytes, as a base64 string in JSON."""

    def encode(self, text: JsonText) -> bytes:
        """The bytes of a base64 string, padded or, as the reference allows, not."""
        try:
            if len(text) > LONG and (quoted := memoryview(text))[0] == quoted[-1] == _QUOTE:
                # By position: named, the third argument takes as long as decoding 1 KB.
                return b64decode(quoted[1:-1], None, True)
        except ValueError:
            pass  # escapes, or no padding
        try:
            return _base64_from_json(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            string = _string(text, "a base64 string")
        try:
            return binascii.a2b_base64(string + "=" * (-len(string) % 4), strict_mode=True)
        except ValueError as error:
            raise EncodeError((), f"data={_cite(text)} is not a valid base64 string.") from error

    def decode(self, payload: bytes) -> bytes:
        """The bytes, which who writes JSON writes as a base64 string: see `in_json`."""
        return payload


def in_json(decoded: Decoded) -> Decoded:
    """The same for msgspec to write: what it would write slowly is written already."""
    if isinstance(decoded, bytes) and len(decoded) >= LONG:
        return msgspec.Raw(b'"%b"' % b64encode(decoded))
    return decoded


class StringCodec:
    """`string`: text in UTF-8, as a JSON string."""

    def encode(self, text: JsonText) -> bytes:
        """The string's UTF-8."""
        return _string(text, "a string").encode()

    def decode(self, payload: bytes) -> str:
        """The text."""
        try:
            return payload.decode()
        except UnicodeDecodeError as error:
            raise DecodeError(f"the payload is not UTF-8: {error}") from error


SCHEMALESS: Mapping[str, Codec] = {"json": JsonCodec(), "binary": BinaryCodec(), "string": StringCodec()}
"""The codecs by the embedded format's name in the API, in lower case."""


def _string(text: JsonText, what: str) -> str:
    try:
        return _string_from_json(text)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EncodeError((), f"data={_cite(text)} is not {what}.") from error


def _cite(text: JsonText) -> str:
    """The value as an error message shows it: whole, unless it would drown the message."""
    cited = SCHEMALESS["json"].encode(text).decode()
    return cited if len(cited) <= _MAX_CITED else f"{cited[:_MAX_CITED]}..."


_MAX_CITED = 200
