"""The files that a .proto text imports, and the names under which others import it."""

from karapace_like.schema.files import Need
from karapace_like.schema.protobuf.parser import parse_file


def offers(text: str, path: str) -> list[str]:  # noqa: ARG001 - a file is imported by its path
    """Every end of the path: which folder imports start in is not written anywhere."""
    folders = path.split("/")
    return ["/".join(folders[start:]) for start in range(len(folders))]


def needs(text: str, seen_as: str, path: str) -> list[Need]:  # noqa: ARG001 - an import means the same everywhere
    """The imported paths; raises InvalidSchemaError."""
    return [Need(each.path, (each.path,)) for each in parse_file(text).imports]
