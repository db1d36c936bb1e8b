"""Schema files as they lie in a folder, or lay in it in a Git revision: path -> bytes, nothing understood yet.

A revision is read from Git's own store, without a checkout.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from karapace_like.schema import limits
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, SUFFIXES

Tree = Mapping[str, bytes]
"""Path below the tree's folder, with slashes -> what the file holds."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
_GIT_SECONDS = 60


def folder_tree(folder: Path) -> Tree:
    """Every file below the folder that may be a schema, and its settings; raises ToolError."""
    if not folder.is_dir():
        raise ToolError(f"{folder} is no folder. Name one that holds schemas.")
    found: dict[str, bytes] = {}
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(each for each in folders if not each.startswith(".") and each not in _SKIPPED_FOLDERS)
        for name in sorted(names):
            path = Path(where, name)
            if _is_wanted(name) and path.is_file():
                found[_named(path.relative_to(folder).as_posix())] = _read(path)
    return found


def _read(path: Path) -> bytes:
    """No more than shows that it is too long for a schema."""
    try:
        with path.open("rb") as file:
            return file.read(limits.MAX_BYTES + 1)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error


def _named(path: str) -> str:
    """The path, if it can be shown to anybody."""
    if not path.isprintable():
        raise ToolError(f"{path!r}: the name is not UTF-8, or holds control characters. Rename the file.")
    return path


def revision_tree(folder: Path, revision: str) -> Tree:
    """The same as the folder was in a Git revision; raises ToolError."""
    listed = _git(folder, "ls-tree", "-r", "-z", _commit(folder, revision), ".")
    blobs: dict[str, bytes] = {}
    for entry in listed.split(b"\0")[:-1]:
        attributes, _, path = entry.partition(b"\t")
        mode, kind, name = attributes.split()
        where = path.decode(errors="surrogateescape")
        if kind == b"blob" and mode != b"120000" and _is_wanted(where.rpartition("/")[2]):
            blobs[_named(where)] = name
    contents = _contents(folder, list(blobs.values()))
    return dict(zip(blobs, contents, strict=True))


def _commit(folder: Path, revision: str) -> str:
    try:
        found = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except _GitError as error:
        if error.told:
            raise
        if revision == "HEAD" and not _git(folder, "rev-list", "--all", "--max-count=1"):
            # Before the first commit, so that a hook does not stand in its way.
            return _git(folder, "hash-object", "-t", "tree", "--stdin").decode().strip()
        raise ToolError(
            f"{revision!r} is neither a folder nor a Git revision that is known in {folder}. Fetch it first (git fetch "
            "origin main; in CI, check out with the whole history, fetch-depth: 0)."
        ) from error
    return found.decode().strip()


class _GitError(ToolError):
    def __init__(self, told: str, folder: Path) -> None:
        super().__init__(
            f"Git cannot be asked about {folder}: {told}. Run it inside of a repository, or compare with a folder."
        )
        self.told = told


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    try:
        ended = subprocess.run(  # noqa: S603 - arguments as a list, and no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            input=given,
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(
            "A Git revision was asked for, but there is no git here. Install it, or name a folder."
        ) from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"git {arguments[0]} did not end within {_GIT_SECONDS} seconds.") from error
    if ended.returncode != 0:
        raise _GitError(ended.stderr.decode(errors="replace").strip(), folder)
    return ended.stdout


def _contents(folder: Path, blobs: Sequence[bytes]) -> list[bytes]:
    """What the objects of these names hold, all read by one process."""
    answer = _git(folder, "cat-file", "--batch", given=b"".join(name + b"\n" for name in blobs))
    contents: list[bytes] = []
    position = 0
    for _ in blobs:
        end = answer.index(b"\n", position)
        size = int(answer[position:end].split()[2])
        contents.append(answer[end + 1 : end + 1 + size])
        position = end + size + 2
    return contents


def _is_wanted(name: str) -> bool:
    return name == FILE_NAME or os.path.splitext(name)[1] in SUFFIXES  # noqa: PTH122 - of a name, not of a path
