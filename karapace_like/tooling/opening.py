"""From what a user names (files, folders, a Git revision) to workspaces."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from karapace_like.tooling import project, trees
from karapace_like.tooling.baselines import FilesBaseline
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, Project
from karapace_like.tooling.trees import Tree
from karapace_like.tooling.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Opened:
    """A folder of schemas, and which of them are meant."""

    root: Path
    workspace: Workspace
    paths: Sequence[str]
    """Below the root; none for all."""
    passed_over: Sequence[str] = ()
    """Files that were named and are no schemas, as a hook names whatever was changed."""

    @property
    def shown_root(self) -> str:
        """The root, as the user would call it from where the command runs."""
        return Path(os.path.relpath(self.root)).as_posix()


def open_workspace(paths: Sequence[Path], settings: Path | None, against: str | None = None) -> Opened:
    """The folder of the settings file, or else the current one; raises ToolError.

    A folder that is named to be compared with another one, or that is elsewhere, stands alone.
    """
    named = [each.resolve() for each in paths]
    beside = named[0] if named else Path.cwd()
    found = settings or project.find(beside if beside.is_dir() else beside.parent)
    if found is not None:
        root = found.resolve().parent
    else:
        is_elsewhere = (against is not None and Path(against).is_dir()) or not beside.is_relative_to(Path.cwd())
        root = named[0] if len(named) == 1 and named[0].is_dir() and is_elsewhere else Path.cwd()
    tree = trees.folder_tree(root)
    rules = Project() if found is None else project.read(found.read_bytes(), str(found))
    workspace = Workspace(tree, rules)
    workspace.check_settings()
    if not (workspace.subjects or rules.subjects) and all(each.is_dir() for each in named):
        raise _no_schemas(root)
    below = [_below(each, root) for each in named if each != root]
    without = [each for each in below if not workspace.selected([each], referring=False)]
    for each in without:
        if (root / each).is_dir():
            raise _no_schemas(root / each)
    return Opened(root, workspace, below, without)


def _no_schemas(folder: Path) -> ToolError:
    return ToolError(
        f"There are no schemas below {folder}: .avsc and .proto files, and .json files that say $schema or are "
        f"called *.schema.json. Name the folder that they are in, or list others as `include` in {FILE_NAME}."
    )


def open_baseline(opened: Opened, against: str) -> FilesBaseline:
    """The files as they are in another folder, or were in a Git revision; raises ToolError."""
    folder = Path(against)
    if folder.is_dir():
        tree = trees.folder_tree(folder)
    elif folder.is_file():
        raise ToolError(f"{against} is a file: name a folder or a Git revision. `karapace-like diff` compares files.")
    else:
        tree = trees.revision_tree(opened.root, against)
    return FilesBaseline(against, Workspace(tree, _settings_in(tree, opened.workspace.project, against)))


def _settings_in(tree: Tree, otherwise: Project, name: str) -> Project:
    """Of these files: which subject a file was is theirs to say."""
    own = tree.get(FILE_NAME)
    return otherwise if own is None else project.read(own, f"{name}:{FILE_NAME}")


def _below(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        raise ToolError(
            f"{path} is not below {root}, the folder of the schemas: references are looked for there. Run the "
            f"command in a folder above both, or put a {FILE_NAME} there."
        ) from None
