"""The `protobuf` embedded format: JSON text to a Protobuf message and back, with the message's place in its file.

The wire bytes are the protobuf library's; the JSON is converted by functions made once per message type. Leaves out
the compiling of `.proto` text (`schema/protobuf` gives descriptors) and the schema id.
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec
from google.protobuf import json_format
from google.protobuf import message as protobuf
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from karapace_like.serde import wire
from karapace_like.serde.codec import DecodeError, Dropping, EncodeError, JsonText, RecordForm
from karapace_like.serde.protobuf.descriptors import Descriptors
from karapace_like.serde.protobuf.parser import Parsers
from karapace_like.serde.protobuf.printer import Printers

_from_json = msgspec.json.Decoder().decode
_to_json = msgspec.json.Encoder().encode

_Printers: TypeAlias = Mapping[type[Message], Callable[[Any], Any]]
"""By the class of a message: its JSON value."""

MAX_DEPTH = 100
"""How deep messages may be nested for the protobuf libraries to read them; they write more."""


class ProtobufCodec(Dropping):
    """The codec of one Protobuf schema; its payloads open with the message indexes."""

    def __init__(self, file_set: bytes, message: str | None = None, *, drops_unknown: bool = False) -> None:
        """Raises InvalidSchemaError.

        `file_set` is a serialized FileDescriptorSet as protoc orders it: each file after those that it imports, the
        schema's own last. `message` is the full name of what `encode` makes, by default the own file's first message;
        `decode` reads any message of that file.
        """
        self._descriptors = descriptors = Descriptors(file_set)
        path = descriptors.path_of(message)
        self._indexes = wire.message_indexes(path)
        on_unknown = self._count_dropped_fields if drops_unknown else None
        self._parse = Parsers(descriptors.pool, on_unknown).message(descriptors.messages[path])
        self._classes = {place: GetMessageClass(descriptor) for place, descriptor in descriptors.messages.items()}
        self._printers = self._make_printers(RecordForm.STANDARD)
        self._plain_printers: _Printers | None = None

    def _count_dropped_fields(self) -> None:
        self.dropped_fields += 1

    def _make_printers(self, form: RecordForm) -> _Printers:
        printers = Printers(self._descriptors.pool, form)
        return {
            self._classes[place]: printers.message(descriptor)
            for place, descriptor in self._descriptors.messages.items()
        }

    def encode(self, text: JsonText) -> bytes:
        """Message indexes and message of a JSON value."""
        try:
            made = self._parse(_from_json(text))
            if bytes(text).count(b"{") > MAX_DEPTH:
                made.FromString(made.SerializeToString())  # deeper than any reader goes?
            return self._indexes + made.SerializeToString()
        except (msgspec.DecodeError, UnicodeDecodeError, protobuf.EncodeError) as error:
            raise EncodeError((), str(error)) from error
        except (RecursionError, protobuf.DecodeError) as error:
            raise EncodeError((), "the value is nested too deeply") from error

    def decode(self, payload: bytes) -> msgspec.Raw:
        """JSON of message indexes and message."""
        return msgspec.Raw(_to_json(_show(self._printers, self._read(payload))))

    def decode_plain(self, payload: bytes) -> msgspec.Raw:
        """As `decode`, with fields by their names in the schema."""
        if self._plain_printers is None:
            self._plain_printers = self._make_printers(RecordForm.PLAIN)
        return msgspec.Raw(_to_json(_show(self._plain_printers, self._read(payload))))

    def _read(self, payload: bytes) -> Message:
        try:
            path, begin = wire.read_message_indexes(payload)
            if path not in self._classes:
                raise DecodeError(f"the schema has no message at the indexes {list(path)}")
            return self._classes[path].FromString(payload[begin:])
        except (wire.FrameError, protobuf.DecodeError) as error:
            raise DecodeError(str(error)) from error


def _show(printers: _Printers, message: Message) -> Any:
    try:
        return printers[type(message)](message)
    except (ValueError, TypeError, json_format.Error) as error:
        # A well-known type may hold what its JSON cannot show: a timestamp beyond year 9999, an unknown Any.
        raise DecodeError(f"no JSON for this message: {error}") from error
    except RecursionError as error:
        raise DecodeError("the value is nested too deeply") from error
