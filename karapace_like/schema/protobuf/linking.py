"""The files that a .proto text imports, and the names under which others import it."""

from karapace_like.schema.files import FileNeed
from karapace_like.schema.protobuf.parser import parse_file


def list_offered_names(text: str, path: str) -> list[str]:  # noqa: ARG001 - a file is imported by its path
    """Return every end of the path, since the folder in which imports start is not known."""
    folders = path.split("/")
    return ["/".join(folders[start:]) for start in range(len(folders))]


def list_file_needs(text: str, seen_as: str, path: str) -> list[FileNeed]:  # noqa: ARG001 - an import means the same everywhere
    """Return the imported paths; raises InvalidSchemaError."""
    return [FileNeed(imported.path, (imported.path,)) for imported in parse_file(text).imports]
