"""The files that an `import` can name: the schema's references and the built-in ones, never files of the host.

Always there are the well-known types (`google/protobuf/*`, as protoc ships them), `google/type/*` and Confluent's
`confluent/meta.proto`, `confluent/type/decimal.proto` and `confluent/type/variant.proto`. A reference of the same name
wins over a shipped file, except for `google/protobuf/`, which protoc itself relies on.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import grpc_tools

from karapace_like.schema.protobuf.parser import parse_file
from karapace_like.schema.protobuf.syntax_tree import File

PROTOC_FOLDER = Path(grpc_tools.__file__).parent / "_proto"
_SHIPPED_FOLDER = Path(__file__).parent / "shipped"
PROTOC_OWN = "google/protobuf/"
"""Import paths that start so are protoc's own files."""
_MAX_PATH_BYTES = 1024
_MAX_NAME_BYTES = 255


def visible_files(file: File, references: Mapping[str, File]) -> dict[str, File]:
    """Import path -> file: all the references, and the shipped files that any of them or `file` import."""
    texts = {path: text for path, text in references.items() if not path.startswith(PROTOC_OWN)}
    pending = [file, *texts.values()]
    while pending:
        for imported in pending.pop().imports:
            if imported.path in texts:
                continue
            shipped = _find_shipped_file(imported.path)
            if shipped is not None:
                texts[imported.path] = shipped
                pending.append(shipped)
    return texts


def is_safe(path: str) -> bool:
    """Return whether the path stays inside of the folder that it is looked up in, and can be a file's name there."""
    names = path.split("/")
    return (
        len(path.encode()) <= _MAX_PATH_BYTES
        and all(name not in {"", ".", ".."} and len(name.encode()) <= _MAX_NAME_BYTES for name in names)
        and not any(character in path for character in "\\\0")
    )


def reachable(file: File, files: Mapping[str, File]) -> Iterable[str]:
    """Return the paths in `files` that `file` imports, directly or through others."""
    paths: dict[str, None] = {}
    pending = [file]
    while pending:
        for imported in pending.pop().imports:
            if imported.path in files and imported.path not in paths:
                paths[imported.path] = None
                pending.append(files[imported.path])
    return paths


@cache
def _shipped_paths() -> dict[str, Path]:
    folders = (PROTOC_FOLDER, _SHIPPED_FOLDER)
    return {path.relative_to(folder).as_posix(): path for folder in folders for path in folder.rglob("*.proto")}


@cache
def _find_shipped_file(path: str) -> File | None:
    source = _shipped_paths().get(path)
    return None if source is None else parse_file(source.read_text(encoding="utf-8"))
