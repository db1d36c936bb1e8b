"""A schema's compiled files as descriptors, and the place of each message in its own one."""

from collections.abc import Iterable, Iterator, Mapping

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError

from karapace_like.schema.model import InvalidSchemaError

MessagePath = tuple[int, ...]
"""The index of each message on the way to one, outermost first, as the wire format counts: without map entries."""


class Descriptors:
    """The messages of one schema's own file."""

    def __init__(self, file_set: bytes) -> None:
        """See ProtobufCodec."""
        self.pool = DescriptorPool()
        try:
            files = FileDescriptorSet.FromString(file_set).file
            for file in files:
                self.pool.Add(file)
            declared = self.pool.FindFileByName(files[-1].name).message_types_by_name
        except (DecodeError, IndexError, TypeError) as error:
            raise InvalidSchemaError(f"the descriptors are incomplete: {error}") from error
        self.messages: Mapping[MessagePath, Descriptor] = dict(_number_messages(declared.values(), ()))
        """Every message of the file, the nested ones too, by its path; the first one comes first."""

    def path_of(self, name: str | None) -> MessagePath:
        """The path of a message by its full name, or of the file's first one; raises InvalidSchemaError."""
        for path, message in self.messages.items():
            if name in {None, message.full_name}:
                return path
        raise InvalidSchemaError(f"the schema declares no message {name or 'at all'}")


def _number_messages(messages: Iterable[Descriptor], around: MessagePath) -> Iterator[tuple[MessagePath, Descriptor]]:
    declared = [message for message in messages if not message.GetOptions().map_entry]
    for index, message in enumerate(declared):
        yield (*around, index), message
        yield from _number_messages(message.nested_types, (*around, index))
