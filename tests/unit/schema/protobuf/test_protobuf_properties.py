"""Laws that hold for every Protobuf schema, tried on drawn ones."""

from typing import Any

import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import Message
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from karapace_like.schema import protobuf
from karapace_like.schema.model import CompatibilityPolicy, Strictness
from tests.unit.schema.protobuf.descriptor_content import content
from tests.unit.schema.protobuf.evolving_schemas import DrawnMessage, evolutions, messages, text_of


def parsed(message: DrawnMessage) -> protobuf.ParsedProtobuf:
    return protobuf.parse(text_of(message), {}, Strictness.STRICT)


def message_class(schema: protobuf.ParsedProtobuf) -> type[Message]:
    pool = descriptor_pool.DescriptorPool()
    for file in FileDescriptorSet.FromString(protobuf.descriptor_set(schema)).file:
        pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("drawn.M"))


def value(draw: st.DataObject, field: Any) -> Any:
    """A value that every type of the field's wire group can hold; no zero, whose presence is not always told."""
    text = draw.draw(st.text("ab", min_size=1, max_size=2))
    if field.message_type is not None:
        return message_factory.GetMessageClass(field.message_type)(text=text)
    if field.type == FieldDescriptor.TYPE_STRING:
        return text
    return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else 1


def filled(draw: st.DataObject, kind: type[Message]) -> Message:
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if draw.draw(st.integers(0, 3)) == 0:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            entries, value_field = getattr(message, field.name), field.message_type.fields_by_name["value"]
            if value_field.message_type is not None:
                entries["k"].CopyFrom(value(draw, value_field))
            else:
                entries["k"] = value(draw, value_field)
        elif field.is_repeated:
            getattr(message, field.name).extend([value(draw, field), value(draw, field)])
        elif field.message_type is not None:
            getattr(message, field.name).CopyFrom(value(draw, field))
        else:
            setattr(message, field.name, value(draw, field))
    return message


def plain(field: Any, content: Any) -> list[Any]:
    """What a field holds, alike for all types of its wire group, as a list."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        value_field = field.message_type.fields_by_name["value"]
        return sorted((key, *plain(value_field, content[key])) for key in content)
    each = content if field.is_repeated else [content]
    if field.message_type is not None:
        return [one.text for one in each]
    return [one.decode() if isinstance(one, bytes) else one for one in each]


def without_what_single_fields_lose(written: Message, read: Message) -> Message:
    """What was written, but of each list that the reader's field is no list for, only the last element."""
    kept = type(written).FromString(written.SerializeToString())
    for field, elements in written.ListFields():
        known = read.DESCRIPTOR.fields_by_number.get(field.number)
        if field.is_repeated and known is not None and not known.is_repeated:
            del getattr(kept, field.name)[: len(elements) - 1]
    return kept


@pytest.mark.slow
@settings(deadline=None)
@given(evolutions(), st.data())
def test_what_is_compatible_can_be_read_and_written_back_without_loss(
    pair: tuple[DrawnMessage, DrawnMessage], draw: st.DataObject
) -> None:
    writer, reader = parsed(pair[0]), parsed(pair[1])
    assume(not protobuf.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT))
    written = filled(draw, message_class(writer))
    read = message_class(reader).FromString(written.SerializeToString())
    assert type(written).FromString(read.SerializeToString()) == without_what_single_fields_lose(written, read)
    for field, content_written in written.ListFields():
        known = read.DESCRIPTOR.fields_by_number.get(field.number)
        if known is not None:
            expected = plain(field, content_written)
            # Of a list, a single field holds the last one.
            assert plain(known, getattr(read, known.name)) == (expected if known.is_repeated else expected[-1:])


@pytest.mark.slow
@settings(deadline=None)
@given(messages())
def test_the_stored_texts_are_idempotent_and_keep_the_meaning(message: DrawnMessage) -> None:
    original = parsed(message)
    meaning = content(FileDescriptorSet.FromString(protobuf.descriptor_set(original)).file[-1])
    for form in (protobuf.canonicalise, protobuf.normalize):
        text = form(original)
        again = protobuf.parse(text, {}, Strictness.STRICT)
        assert form(again) == text
        assert content(FileDescriptorSet.FromString(protobuf.descriptor_set(again)).file[-1]) == meaning


@pytest.mark.slow
@settings(deadline=None)
@given(messages())
def test_a_schema_is_compatible_with_itself_and_with_its_serialized_form(message: DrawnMessage) -> None:
    schema = parsed(message)
    from_descriptor = protobuf.parse(protobuf.format_text(schema, "serialized"), {}, Strictness.STRICT)
    assert protobuf.normalize(from_descriptor) == protobuf.normalize(schema)
    for reader, writer in ((schema, schema), (schema, from_descriptor), (from_descriptor, schema)):
        assert protobuf.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT) == []


@pytest.mark.slow
@settings(deadline=None)
@given(evolutions())
def test_what_a_field_is_called_and_where_it_stands_makes_no_difference(
    pair: tuple[DrawnMessage, DrawnMessage],
) -> None:
    writer, reader = parsed(pair[0]), parsed(pair[1])
    shuffled = protobuf.parse(protobuf.normalize(reader), {}, Strictness.STRICT)
    expected = protobuf.find_incompatibilities(reader, writer, CompatibilityPolicy.STRICT)
    found = protobuf.find_incompatibilities(shuffled, writer, CompatibilityPolicy.STRICT)
    assert [(each.rule, each.path) for each in found] == [(each.rule, each.path) for each in expected]
