"""The operands of `diff`: a file, a file of a Git revision, or a version in a registry."""

from pathlib import Path
from typing import NamedTuple

from karapace_like.tooling import project, trees
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, Project
from karapace_like.tooling.trees import Tree
from karapace_like.tooling.workspace import Workspace


class RegisteredName(NamedTuple):
    """A version in a registry: `SUBJECT@VERSION`."""

    subject: str
    version: int | str


def parse_registered_name(operand: str) -> RegisteredName | None:
    """Return the subject and version that the operand names; None if it names a file."""
    subject, mark, version = operand.rpartition("@")
    if not mark or Path(operand).exists() or not (version == "latest" or version.isdecimal()):
        return None
    return RegisteredName(subject, int(version) if version.isdecimal() else version)


def read_file_version(operand: str) -> Earlier:
    """Return the version in the file `PATH` or `REVISION:PATH`; raises ToolError, InvalidSchemaError."""
    path = Path(operand)
    if path.is_file():
        root = _find_root(path)
        tree = trees.read_folder(root)
        return _find(Workspace(tree, _rules(tree, FILE_NAME)), path.resolve().relative_to(root).as_posix(), operand)
    revision, mark, inside = operand.partition(":")
    if not mark:
        raise ToolError(
            f"There is no file {operand!r}. A version is a file, REVISION:PATH of a Git revision, or SUBJECT@VERSION "
            "of a registry (with --registry)."
        )
    root = _find_root(Path(inside))
    tree = trees.read_revision(root, revision)
    below = (Path.cwd() / inside).resolve().relative_to(root).as_posix()
    if below not in tree:
        raise ToolError(f"{revision} has no schema {inside!r}.")
    return _find(Workspace(tree, _rules(tree, f"{revision}:{FILE_NAME}")), below, operand)


def _find_root(path: Path) -> Path:
    """Return the folder that holds the file and its references."""
    folder = (Path.cwd() / path).resolve().parent
    settings_file = project.find_file(folder)
    if settings_file is not None:
        return settings_file.parent
    return Path.cwd().resolve() if folder.is_relative_to(Path.cwd().resolve()) else folder


def _rules(tree: Tree, name: str) -> Project:
    own = tree.get(FILE_NAME)
    return Project() if own is None else project.parse(own, name)


def _find(workspace: Workspace, path: str, name: str) -> Earlier:
    file = workspace.file(path)
    if file is None:
        raise ToolError(f"{name} is not a schema file: the name must end with .avsc, .json or .proto.")
    linked = workspace.link(file)
    return Earlier(file.type, linked.source, linked.paths)
