"""What `diff` compares: a file, a file as it was in a Git revision, or a version in a registry."""

from pathlib import Path
from typing import NamedTuple

from karapace_like.tooling import project, trees
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, Project
from karapace_like.tooling.trees import Tree
from karapace_like.tooling.workspace import Workspace


class RegisteredName(NamedTuple):
    """`SUBJECT@VERSION`."""

    subject: str
    version: int | str


def registered_name(operand: str) -> RegisteredName | None:
    """What the operand says of a registry; None if it is a file's name."""
    subject, mark, version = operand.rpartition("@")
    if not mark or Path(operand).exists() or not (version == "latest" or version.isdecimal()):
        return None
    return RegisteredName(subject, int(version) if version.isdecimal() else version)


def in_files(operand: str) -> Earlier:
    """The file `PATH`, or `REVISION:PATH`; raises ToolError, InvalidSchemaError."""
    path = Path(operand)
    if path.is_file():
        root = _root_of(path)
        tree = trees.folder_tree(root)
        return _found(Workspace(tree, _rules(tree, FILE_NAME)), path.resolve().relative_to(root).as_posix(), operand)
    revision, mark, inside = operand.partition(":")
    if not mark:
        raise ToolError(
            f"There is no file {operand!r}. A version is a file, REVISION:PATH of a Git revision, or SUBJECT@VERSION "
            "of a registry (with --registry)."
        )
    root = _root_of(Path(inside))
    tree = trees.revision_tree(root, revision)
    below = (Path.cwd() / inside).resolve().relative_to(root).as_posix()
    if below not in tree:
        raise ToolError(f"{revision} has no schema {inside!r}.")
    return _found(Workspace(tree, _rules(tree, f"{revision}:{FILE_NAME}")), below, operand)


def _root_of(path: Path) -> Path:
    """The folder that the path is looked for in, with what it may refer to."""
    folder = (Path.cwd() / path).resolve().parent
    found = project.find(folder)
    if found is not None:
        return found.parent
    return Path.cwd().resolve() if folder.is_relative_to(Path.cwd().resolve()) else folder


def _rules(tree: Tree, name: str) -> Project:
    own = tree.get(FILE_NAME)
    return Project() if own is None else project.read(own, name)


def _found(workspace: Workspace, path: str, name: str) -> Earlier:
    file = workspace.file(path)
    if file is None:
        raise ToolError(f"{name} is no schema: it is to be called .avsc, .json or .proto.")
    linked = workspace.link(file)
    return Earlier(file.type, linked.source, linked.paths)
