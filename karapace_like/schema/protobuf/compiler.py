"""protoc: the judge of validity, and the maker of descriptors.

In-process, grpcio-tools' calls that import modules are used: they give errors as objects. Both answer with generated
Python code. The one for services is the judge, because its time grows with the schema; the one for messages takes the
square of it, but its code holds the serialized descriptors, as bytes literals. They hold the interpreter's lock: the
judge for 0.2 ms with a small schema, 3 ms with 300 messages. Long sources therefore go to a protoc in a process of its
own.

protoc reads files, so the sources go to a private folder that lives as long as the call; only checked paths are
written, and protoc itself refuses paths that are absolute or climb up.
"""

import ast
import re
import subprocess
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory, mkdtemp
from typing import Any
from weakref import finalize

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

from karapace_like.schema.model import InvalidSchemaError
from karapace_like.schema.protobuf.imports import PROTOC_FOLDER, PROTOC_OWN, is_safe
from karapace_like.schema.protobuf.syntax_tree import derive_json_name

MAIN = "default"
"""The file name of the compiled schema itself, the same as in Confluent's registry."""
MAX_FILES = 1000
"""Imported files in one compilation. protoc recurses once for each link of a chain of imports: 8,000 links fit into the
stack of a thread, of 8 MB, and 16,000 do not."""
_MAX_ERRORS = 3
_MAX_MESSAGE = 500
_MAX_IN_PROCESS = 50_000
"""Characters of all sources together; the judge holds the interpreter's lock for about 20 ms with so many."""
_CHILD_SECONDS = 120
_CHILD_ERROR = re.compile(r"(?P<file>.*?):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<message>.*)")
_DESCRIPTOR = re.compile(rb"AddSerializedFile\((b'.*')\)\n")


def judge(
    text: str, imported: Mapping[str, str], *, lines_before: int = 0, sources: "SourceFolder | None" = None
) -> None:
    """Raise InvalidSchemaError, with lines and columns, unless protoc accepts the text.

    `imported` holds the text of every file that may be imported, except protoc's own. `lines_before` are those of
    the text that its author does not know of. `sources` is a folder that many judgements share; everything that the
    text imports, directly or not, has to be in `imported` then.
    """
    with _sources(text, imported) if sources is None else sources.write(text, imported) as folder:
        if _are_long(text, imported):
            _compile_in_child(folder, lines_before)
            return
        try:
            _protoc().get_services(MAIN.encode(), _search_path(folder))
        except _protoc().ProtocErrors as error:
            raise _refusal(error, lines_before) from error


def compile_text(
    text: str, imported: Mapping[str, str], *, retains_source_options: bool = False
) -> list[FileDescriptorProto]:
    """The descriptors of a text and of all that it imports, dependencies first, the text's own (MAIN) last.

    Options whose retention is the source are left out, as in generated code, unless `retains_source_options`, for which
    a process is started. Raises InvalidSchemaError as `judge` does.
    """
    with _sources(text, imported) as folder:
        if retains_source_options or _are_long(text, imported):
            return _compile_in_child(folder, 0, retains_source_options=retains_source_options)
        try:
            modules = _protoc().get_protos(MAIN.encode(), _search_path(folder))
        except _protoc().ProtocErrors as error:
            raise _refusal(error, 0) from error
    return [FileDescriptorProto.FromString(_descriptor(code)) for _, code in modules]


@cache
def _protoc() -> Any:
    """The compiler's module, loaded for the first schema: 7 MB that who has no Protobuf does not need."""
    from grpc_tools import _protoc_compiler  # noqa: PLC0415 - of that size

    # An unused import is no reason to refuse a schema.
    warnings.filterwarnings("ignore", category=_protoc_compiler.ProtocWarning)
    return _protoc_compiler


def _are_long(text: str, imported: Mapping[str, str]) -> bool:
    return len(text) + sum(map(len, imported.values())) > _MAX_IN_PROCESS


@contextmanager
def _sources(text: str, imported: Mapping[str, str]) -> Iterator[str]:
    """A folder with every source in its place."""
    _check_number(imported)
    with TemporaryDirectory(prefix="protoc-") as folder:
        for path, source in {**imported, MAIN: text}.items():
            _write_source(folder, path, source)
        yield folder


class SourceFolder:
    """A folder in which the files stay that many schemas import, so that each is written once."""

    def __init__(self) -> None:
        self._path = mkdtemp(prefix="protoc-")
        self._written: dict[str, str] = {}
        """Path -> the only text that it may have here."""
        self._there: set[str] = set()
        finalize(self, rmtree, self._path, ignore_errors=True)

    @contextmanager
    def write(self, text: str, imported: Mapping[str, str]) -> Iterator[str]:
        """Yield a folder with every source in its place: this one, unless a file of it has another text."""
        _check_number(imported)
        if not self._add(imported):
            with _sources(text, imported) as folder:
                yield folder
            return
        _write_source(self._path, MAIN, text)
        yield self._path

    def _add(self, imported: Mapping[str, str]) -> bool:
        """Write the files that are not there yet; return False where one does not fit beside the others."""
        for path, source in imported.items():
            if self._written.setdefault(path, source) != source or path.partition("/")[0] == MAIN:
                return False
        for path in imported.keys() - self._there:
            try:
                _write_source(self._path, path, imported[path])
            except InvalidSchemaError:
                return False
            self._there.add(path)
        return True


def _check_number(imported: Mapping[str, str]) -> None:
    if len(imported) > MAX_FILES:
        raise InvalidSchemaError(f"the schema imports more than {MAX_FILES} files")


def _write_source(folder: str, path: str, source: str) -> None:
    if is_safe(path) and not path.startswith(PROTOC_OWN):
        _write(Path(folder, path), source)


def _search_path(folder: str) -> list[bytes]:
    return [str(PROTOC_FOLDER).encode(), folder.encode()]


def _compile_in_child(
    folder: str, lines_before: int, *, retains_source_options: bool = False
) -> list[FileDescriptorProto]:
    """Return what `compile_text` returns, from a process: the interpreter's lock is free meanwhile."""
    with TemporaryDirectory(prefix="protoc-out-") as out:
        made = Path(out, "descriptors")
        options = [f"-I{path.decode()}" for path in _search_path(folder)]
        options += ["--retain_options"] if retains_source_options else []
        options += ["--include_imports", f"--descriptor_set_out={made}", MAIN]
        ended = subprocess.run(  # noqa: S603 - this very interpreter, and paths of our own making
            [sys.executable, "-m", "grpc_tools.protoc", *options],
            capture_output=True,
            timeout=_CHILD_SECONDS,
            check=False,
        )
        if ended.returncode != 0:
            output = ended.stderr.decode(errors="replace").replace(f"{folder}/", "")
            raise _child_refusal(output, lines_before)
        files = list(FileDescriptorSet.FromString(made.read_bytes()).file)
    for file in files:
        _drop_default_json_names(file.message_type, file.extension)
    return files


def _drop_default_json_names(messages: Iterable[DescriptorProto], fields: Iterable[FieldDescriptorProto]) -> None:
    """The command line of protoc spells out every JSON name; a descriptor has those that the source gives."""
    for field in fields:
        if field.json_name == derive_json_name(field.name):
            field.ClearField("json_name")
    for message in messages:
        _drop_default_json_names(message.nested_type, [*message.field, *message.extension])


def _child_refusal(output: str, lines_before: int) -> InvalidSchemaError:
    matches = [
        match for match in map(_CHILD_ERROR.fullmatch, output.splitlines()) if match and "warning" not in match[0]
    ]
    sentences = [
        _sentence(match["file"], int(match["line"] or 0), int(match["column"] or 0), match["message"], lines_before)
        for match in matches[:_MAX_ERRORS]
    ]
    return InvalidSchemaError("; ".join(sentences) or "protoc refuses the schema")


def _refusal(error: Any, lines_before: int) -> InvalidSchemaError:
    sentences = [
        _sentence(
            fault.filename.decode(errors="replace"),
            fault.line + 1,
            fault.column + 1,
            fault.message.decode(errors="replace"),
            lines_before,
        )
        for fault in error.errors()[:_MAX_ERRORS]
    ]
    return InvalidSchemaError("; ".join(sentences))


def _write(path: Path, source: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source, encoding="utf-8")
    except OSError as error:
        raise InvalidSchemaError(f"a reference's name is no path for a file: {error.strerror}") from error


def _sentence(file: str, line: int, column: int, message: str, lines_before: int) -> str:
    where = []
    if file == MAIN:
        line -= lines_before
    else:
        where.append(f'in "{file}"')
    if line > 0:
        where.append(f"line {line}, column {column}")
    return f"{', '.join(where)}: {message[:_MAX_MESSAGE]}" if where else message[:_MAX_MESSAGE]


def _descriptor(code: bytes) -> bytes:
    literal = _DESCRIPTOR.search(code)
    assert literal is not None, "a generated module without a descriptor"
    value = ast.literal_eval(literal[1].decode())
    assert isinstance(value, bytes)
    return value
