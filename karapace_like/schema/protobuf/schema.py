"""A Protobuf schema, parsed: its tree, the files that it can see, and what the type names in them mean."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet

from karapace_like.schema.model import Dependencies, InvalidSchemaError, SchemaType, Strictness
from karapace_like.schema.protobuf import compiler, descriptors, laxity
from karapace_like.schema.protobuf.imports import PROTOC_OWN, reachable, visible_files
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
        _judge(text, schema, shared)
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
    if descriptors.decode(text) is not None:
        return fold(_tree(text, references))
    return share(shared, (File, text), lambda: fold(parse_file(text)))


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


def _judge(text: str, schema: ParsedProtobuf, shared: SharedReferences | None) -> None:
    """Let protoc read the user's own text, for its lines and columns, or else what stands for it."""
    for placed in placed_fields(schema.file):
        # Of all that protoc refuses, only this is found by its command line and not by its compiler.
        if placed.field.number in _LIBRARY_NUMBERS:
            raise InvalidSchemaError(
                f"field {placed.field.name} of {placed.within}: the numbers {_LIBRARY_NUMBERS.start} to"
                f" {_LIBRARY_NUMBERS.stop - 1} are reserved for the Protocol Buffers library"
            )
    reached = _reach(schema.file, schema.imported)
    sources = {path: _share_source(imported, shared) for path, imported in reached}
    folder = None
    # A file of another schema must not be found where this one lacks it.
    if shared is not None and _are_complete([schema.file, *(imported for _, imported in reached)], sources):
        folder = shared.share(compiler.SourceFolder, compiler.SourceFolder)
    if schema.file != schema.written or descriptors.decode(text) is not None:
        compiler.judge(_source(schema.file), sources, sources=folder)
    elif _is_explicit(schema.file):
        compiler.judge(text, sources, sources=folder)
    else:
        compiler.judge(_DEFAULT_SYNTAX + text.removeprefix("\ufeff"), sources, lines_before=1, sources=folder)


def _are_complete(files: Iterable[File], sources: Container[str]) -> bool:
    """Return whether all that the files import is among the sources, or protoc's own."""
    return all(
        imported.path in sources or imported.path.startswith(PROTOC_OWN) for file in files for imported in file.imports
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
