"""Opens the workspace of the files, folders or Git revision that a user names."""

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
    """A folder of schemas, and the paths that the user named."""

    root: Path
    workspace: Workspace
    paths: Sequence[str]
    """Paths below the root; empty for all schemas."""
    skipped: Sequence[str] = ()
    """Named files that are not schemas; a hook names every changed file."""

    @property
    def shown_root(self) -> str:
        """The root, relative to the current folder."""
        return Path(os.path.relpath(self.root)).as_posix()


def open_workspace(paths: Sequence[Path], settings: Path | None, against: str | None = None) -> Opened:
    """Open the folder of the settings file, or else the current one; raises ToolError.

    A named folder is the root itself if it is compared with another folder or lies outside the current one. The
    settings file, which a hook names when it changes, stands for all schemas.
    """
    named = [path.resolve() for path in paths]
    beside = named[0] if named else Path.cwd()
    settings_file = settings or project.find_file(beside if beside.is_dir() else beside.parent)
    if settings_file is not None:
        root = settings_file.resolve().parent
    else:
        is_elsewhere = (against is not None and Path(against).is_dir()) or not beside.is_relative_to(Path.cwd())
        root = named[0] if len(named) == 1 and named[0].is_dir() and is_elsewhere else Path.cwd()
    tree = trees.read_folder(root)
    rules = Project() if settings_file is None else project.parse(settings_file.read_bytes(), str(settings_file))
    workspace = Workspace(tree, rules)
    workspace.check_settings()
    if rules.accept:
        from karapace_like.tooling.checking import is_acceptable  # noqa: PLC0415 - most settings accept nothing
        from karapace_like.tooling.lint_rules import RULES  # noqa: PLC0415 - as above

        workspace.acceptances.check_rules(lambda rule: rule in RULES or is_acceptable(rule))
    if not (workspace.subjects or rules.subjects) and all(path.is_dir() for path in named):
        raise _no_schemas(root)
    is_whole = settings_file is not None and settings_file.resolve() in named
    below = [] if is_whole else [_make_relative(path, root) for path in named if path != root]
    without = [path for path in below if not workspace.select([path], referring=False)]
    for path in without:
        if (root / path).is_dir():
            raise _no_schemas(root / path)
    return Opened(root, workspace, below, without)


def _no_schemas(folder: Path) -> ToolError:
    return ToolError(
        f"There are no schemas below {folder}: .avsc and .proto files, and .json files with a $schema of "
        f"json-schema.org or the name *.schema.json. Name the folder of the schemas, or list other files "
        f"as `include` in {FILE_NAME}."
    )


def open_baseline(opened: Opened, against: str) -> FilesBaseline:
    """Return the files of another folder, an archive, or a Git revision, here or elsewhere; raises ToolError."""
    name = trees.hide_credentials(against)
    tree = _read_tree(opened, against)
    return FilesBaseline(name, Workspace(tree, _read_settings(tree, opened.workspace.project, name)))


def _read_tree(opened: Opened, against: str) -> Tree:
    if not against:
        raise ToolError(
            "--against is empty: name a folder, a Git revision or an archive. Is the variable of the pipeline set?"
        )
    path = Path(against)
    if path.is_dir():
        return trees.read_folder(path)
    if path.is_file():
        from karapace_like.tooling import archives  # noqa: PLC0415 - most checks read none

        if not path.name.endswith(archives.SUFFIXES):
            raise ToolError(
                f"{against} is a file: name a folder, a Git revision or an archive ({', '.join(archives.SUFFIXES)}). "
                "`karapace-like diff` compares files."
            )
        tree = _strip_top(archives.read_archive(path), opened.root)
    elif trees.is_remote(against):
        tree = trees.read_remote_revision(against)
    else:
        return trees.read_revision(opened.root, against)
    return trees.descend(tree, trees.find_prefix(opened.root))


def _strip_top(tree: Tree, root: Path) -> Tree:
    """Return the tree without the one folder that archives of repositories put around everything."""
    tops = {path.partition("/")[0] if "/" in path else "" for path in tree}
    top = next(iter(tops)) if len(tops) == 1 else ""
    return tree if not top or (root / top).is_dir() else trees.descend(tree, top)


def _read_settings(tree: Tree, otherwise: Project, name: str) -> Project:
    """Return the settings in the tree, which decide the subjects of its files; else `otherwise`."""
    own = tree.get(FILE_NAME)
    return otherwise if own is None else project.parse(own, f"{name}:{FILE_NAME}")


def _make_relative(path: Path, root: Path) -> str:
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        raise ToolError(
            f"{path} is not below {root}, the folder of the schemas and their references. Run the command in a folder "
            f"above both, or put a {FILE_NAME} there."
        ) from None
