"""A Protobuf schema, parsed: its tree, the files that it can see, and what the type names in them mean."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from karapace_like.schema.model import Dependencies, InvalidSchemaError, SchemaType, Strictness
from karapace_like.schema.protobuf import compiler, descriptors, laxity
from karapace_like.schema.protobuf.imports import PROTOC_OWN, reachable, visible_files
from karapace_like.schema.protobuf.judged_texts import JudgedTexts
from karapace_like.schema.protobuf.map_entries import fold
from karapace_like.schema.protobuf.parser import parse_file
from karapace_like.schema.protobuf.printer import print_file
from karapace_like.schema.protobuf.scope import Scope, placed_fields, scope_of
from karapace_like.schema.protobuf.syntax_tree import File, Message
from karapace_like.schema.sharing import SharedReferences, share

# Said for files that do not say it, because protoc then writes a warning to the process's standard error.
_DEFAULT_SYNTAX = 'syntax = "proto2";\n'

_SOURCE_OPTIONS = re.compile(r"RETENTION_SOURCE|features\.|^ *extensions .*\[", re.MULTILINE)
"""Where options of that retention are: declared by a schema, among protoc's features, and of extension ranges."""
_LIBRARY_NUMBERS = range(19_000, 20_000)


@dataclass(frozen=True, slots=True)
class ParsedProtobuf:
    """A schema with all that it refers to. Immutable, and can be sent between processes."""

    written: File
    """As the text has it: what is stored."""
    file: File
    """The same with every map in its short form: what is compiled and compared."""
    imported: Mapping[str, File]
    """Import path -> every file that can be seen, maps in their short form."""
    scope: Scope
    type: SchemaType = SchemaType.PROTOBUF


def parse(
    text: str, dependencies: Dependencies, strictness: Strictness, shared: SharedReferences | None = None
) -> ParsedProtobuf:
    """The schema of a .proto text, or of a FileDescriptorProto in base64; raises InvalidSchemaError.

    STRICT asks protoc; LAX refuses only what Confluent's registry refuses, too; STORED what has no shape.
    """
    references: dict[str, File] = {}
    for path, reference in dependencies.items():
        try:
            references[path] = _parse_reference(reference, references, shared)
        except InvalidSchemaError as error:
            raise InvalidSchemaError(f'in the reference "{path}": {error}') from error
    written = _tree(text, references)
    imported = visible_files(written, references)
    file = fold(written)
    schema = ParsedProtobuf(written, file, imported, scope_of(file, imported, shared))
    if strictness is Strictness.STRICT:
        _judge(text, schema, dependencies, shared)
    elif strictness is not Strictness.STORED:
        laxity.check(schema.file, schema.scope)
    return schema


def compile_schema(schema: ParsedProtobuf, *, retains_source_options: bool = False) -> list[FileDescriptorProto]:
    """The descriptors of the schema and of all that it imports, its own last; raises InvalidSchemaError.

    With `retains_source_options`, those are included that only tools which read sources need, such as the declarations
    of extensions.
    """
    source, sources = _source(schema.file), _sources(schema.file, schema.imported)
    retains = retains_source_options and _may_have_source_options([source, *sources.values()])
    files = compiler.compile_text(source, sources, retains_source_options=retains)
    _restore_order(files[-1].message_type, schema.written.messages)
    return files


def descriptor_set(schema: ParsedProtobuf) -> bytes:
    """A serialized FileDescriptorSet of the schema, named `default`, and all that it imports, its own file last."""
    return FileDescriptorSet(file=compile_schema(schema)).SerializeToString()


def _may_have_source_options(sources: Iterable[str]) -> bool:
    return any(map(_SOURCE_OPTIONS.search, sources))


def _tree(text: str, references: Mapping[str, File]) -> File:
    descriptor = descriptors.decode(text)
    if descriptor is None:
        return parse_file(text)
    imports = descriptors.imports_of(descriptor)
    return descriptors.file_of(descriptor, _sources(imports, visible_files(imports, references)))


def _parse_reference(text: str, references: Mapping[str, File], shared: SharedReferences | None) -> File:
    """Return the file of a reference; that of a descriptor depends on the references before it."""
    file = share(shared, (File, text), partial(_parse_text_reference, text))
    return fold(_tree(text, references)) if file is None else file


def _parse_text_reference(text: str) -> File | None:
    """Return the file of a .proto text; None for a descriptor."""
    return None if descriptors.decode(text) is not None else fold(parse_file(text))


def _restore_order(descriptors: Iterable[DescriptorProto], written: Iterable[Message]) -> None:
    """Put nested messages in the order of the text, maps in the long form included: clients count them so."""
    messages = {message.name: message for message in written}
    for descriptor in descriptors:
        message = messages.get(descriptor.name)
        if message is not None:
            places = {nested_message.name: place for place, nested_message in enumerate(message.messages)}
            nested = sorted(descriptor.nested_type, key=lambda nested_type: places.get(nested_type.name, -1))
            del descriptor.nested_type[:]
            descriptor.nested_type.extend(nested)
            _restore_order(descriptor.nested_type, message.messages)


def _judge(text: str, schema: ParsedProtobuf, dependencies: Dependencies, shared: SharedReferences | None) -> None:
    """Let protoc read the user's own text, for its lines and columns, or else what stands for it."""
    for placed in placed_fields(schema.file):
        # Of all that protoc refuses, only this is found by its command line and not by its compiler.
        if placed.field.number in _LIBRARY_NUMBERS:
            raise InvalidSchemaError(
                f"field {placed.field.name} of {placed.within}: the numbers {_LIBRARY_NUMBERS.start} to"
                f" {_LIBRARY_NUMBERS.stop - 1} are reserved for the Protocol Buffers library"
            )
    reached = _reach(schema.file, schema.imported)
    own = _make_own_source(text, schema.file, is_authors_text=schema.file == schema.written)
    # A file of another schema must not be found where this one lacks it.
    if shared is None or not _are_complete(schema.file, dict(reached)):
        compiler.judge(own.text, _sources(schema.file, schema.imported), lines_before=own.lines_before)
        return
    judged = shared.share(JudgedTexts, JudgedTexts)
    texts = {path: dependencies.get(path, "") for path, _ in reached}
    if own.is_authors_text and judged.is_accepted(text, texts):
        return
    if own.is_authors_text and judged.accept(text, own.text, texts, _share_authors_sources(reached, texts, shared)):
        return
    folder = shared.share(compiler.SourceFolder, compiler.SourceFolder)
    sources = {path: _share_source(imported, shared) for path, imported in reached}
    compiler.judge(own.text, sources, lines_before=own.lines_before, sources=folder)


def _share_authors_sources(
    reached: Iterable[tuple[str, File]], texts: Mapping[str, str], shared: SharedReferences
) -> Mapping[str, str]:
    """Return what protoc reads of files as their authors wrote them; shipped files have no text of an author."""
    return {
        path: shared.share((_make_own_source, texts[path]), partial(_make_own_source, texts[path], file)).text
        if texts[path]
        else _share_source(file, shared)
        for path, file in reached
    }


class _OwnSource(NamedTuple):
    """What protoc reads of a schema's own file."""

    text: str
    is_authors_text: bool
    """False: the author's text has maps in their long form or is a descriptor, and this one stands for it."""
    lines_before: int = 0
    """Lines that the author does not know of."""


def _make_own_source(text: str, file: File, *, is_authors_text: bool = True) -> _OwnSource:
    if not is_authors_text or descriptors.decode(text) is not None:
        return _OwnSource(_source(file), is_authors_text=False)
    if _is_explicit(file):
        return _OwnSource(text, is_authors_text=True)
    return _OwnSource(_DEFAULT_SYNTAX + text.removeprefix("\ufeff"), is_authors_text=True, lines_before=1)


def _are_complete(file: File, reached: Mapping[str, File]) -> bool:
    """Return whether all that the files import is among those that are reached, or protoc's own."""
    return all(
        imported.path in reached or imported.path.startswith(PROTOC_OWN)
        for importing in (file, *reached.values())
        for imported in importing.imports
    )


def _sources(file: File, imported: Mapping[str, File]) -> dict[str, str]:
    return {path: _source(imported_file) for path, imported_file in _reach(file, imported)}


def _share_source(file: File, shared: SharedReferences | None) -> str:
    # The file is kept with its source, so that no other one gets its identity.
    return share(shared, (_source, id(file)), lambda: (file, _source(file)))[1]


def _reach(file: File, imported: Mapping[str, File]) -> list[tuple[str, File]]:
    return [(path, imported[path]) for path in reachable(file, imported)]


def _source(file: File) -> str:
    return ("" if _is_explicit(file) else _DEFAULT_SYNTAX) + print_file(file)


def _is_explicit(file: File) -> bool:
    return file.syntax is not None or file.edition is not None
