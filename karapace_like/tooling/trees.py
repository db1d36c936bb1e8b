"""The schema files of a folder or of a Git revision, here or at another address, as bytes by path.

A revision is read from Git's object store, without a checkout. Of another repository, only its tree is fetched.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from karapace_like.schema import limits
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, SUFFIXES

Tree = Mapping[str, bytes]
"""Path below the tree's folder, with slashes -> content of the file."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
_LINK_MODE = b"120000"
"""Git's mode of a symbolic link."""
_GIT_SECONDS = 60
_FETCH_SECONDS = 300
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://\S|[\w.-]+@[\w.-]+:\S")


def read_folder(folder: Path) -> Tree:
    """Return every possible schema file below the folder, and the settings file; raises ToolError."""
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder. Name a folder of schemas.")
    files: dict[str, bytes] = {}
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_skipped(name))
        for name in sorted(names):
            path = Path(where, name)
            if is_wanted(name) and path.is_file():
                files[check_name(path.relative_to(folder).as_posix())] = _read(path)
    return files


def _read(path: Path) -> bytes:
    """Return the content, cut off one byte after the limit of a schema; raises ToolError."""
    try:
        with path.open("rb") as file:
            return file.read(limits.MAX_BYTES + 1)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}.") from error


def check_name(path: str) -> str:
    """Return the path; raises ToolError if it cannot be printed."""
    if not path.isprintable():
        raise ToolError(f"{path!r}: the name is not UTF-8, or holds control characters. Rename the file.")
    return path


def read_revision(folder: Path, revision: str) -> Tree:
    """Return the same files of the folder in a Git revision, and in its submodules; raises ToolError.

    A link is followed to a file of the same revision. A submodule is read where it is checked out in the folder.
    """
    commit = _resolve_commit(folder, revision)
    objects: dict[str, bytes] = {}
    links: list[str] = []
    files: dict[str, bytes] = {}
    for entry in _git(folder, "ls-tree", "-r", "-z", commit, ".").split(b"\0")[:-1]:
        attributes, _, name = entry.partition(b"\t")
        mode, kind, object_id = attributes.split()
        path = name.decode(errors="surrogateescape")
        if kind == b"commit" and not _is_in_skipped_folder(f"{path}/") and (folder / path / ".git").exists():
            submodule = read_revision(folder / path, object_id.decode())
            files.update((f"{path}/{below}", content) for below, content in submodule.items())
        elif kind == b"blob" and is_wanted(path):
            objects[check_name(path)] = object_id
            if mode == _LINK_MODE:
                links.append(path)
    if links:
        # Git follows links in paths from the top of the repository only, not in the ids of objects.
        top = PurePosixPath(find_prefix(folder))
        objects.update((path, f"{commit}:{top / path}".encode(errors="surrogateescape")) for path in links)
    contents = _read_blobs(folder, list(objects.values()))
    files.update((path, content) for path, content in zip(objects, contents, strict=True) if content is not None)
    return files


def is_remote(against: str) -> bool:
    """Return whether the text is the address of a Git repository, as `git clone` takes it."""
    return _REMOTE.match(against) is not None


def hide_credentials(address: str) -> str:
    """Return the address without user and password, for messages."""
    return re.sub(r"(?<=://)[^/@]*@", "", address)


def read_remote_revision(address: str) -> Tree:
    """Return the same files of `URL[#REVISION]`, fetched without its history; raises ToolError."""
    url, _, revision = address.partition("#")
    with tempfile.TemporaryDirectory(prefix="karapace-like-") as folder:
        there = Path(folder)
        _git(there, "init", "--quiet", "--bare")
        try:
            _git(
                there,
                "fetch",
                "--quiet",
                "--depth=1",
                "--no-tags",
                "--end-of-options",
                url,
                revision or "HEAD",
                seconds=_FETCH_SECONDS,
            )
        except _GitError as error:
            reason = hide_credentials(" ".join(error.output.split())).rstrip(".")
            raise ToolError(
                f"Git cannot fetch {revision or 'HEAD'} from {hide_credentials(url)}: {reason}. "
                "Expected URL#REVISION, where REVISION is a branch or a tag."
            ) from error
        return read_revision(there, "FETCH_HEAD")


def find_prefix(folder: Path) -> str:
    """Return the path of the folder below the top of its Git repository; empty where there is none."""
    try:
        return _git(folder, "rev-parse", "--show-prefix").decode(errors="surrogateescape").strip().rstrip("/")
    except ToolError:
        return ""


def descend(tree: Tree, prefix: str) -> Tree:
    """Return the part of the tree below the prefix, or all of it if nothing is there."""
    below = {path.removeprefix(f"{prefix}/"): tree[path] for path in tree if path.startswith(f"{prefix}/")}
    return below if prefix and below else tree


def _resolve_commit(folder: Path, revision: str) -> str:
    try:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except _GitError as error:
        if error.output:
            raise
        if revision == "HEAD" and not _git(folder, "rev-list", "--all", "--max-count=1"):
            # Before the first commit, HEAD means the empty tree, so that a hook passes.
            return _git(folder, "hash-object", "-t", "tree", "--stdin").decode().strip()
        raise ToolError(
            f"{revision!r} is neither a folder nor a Git revision in {folder}. Fetch it first (git fetch origin main; "
            "in CI, check out the whole history with fetch-depth: 0)."
        ) from error
    return commit.decode().strip()


class _GitError(ToolError):
    def __init__(self, output: str, folder: Path) -> None:
        super().__init__(
            f"Git cannot read {folder}: {output}. Run the command inside a repository, or compare with a folder."
        )
        self.output = output


def _git(folder: Path, *arguments: str, standard_input: bytes = b"", seconds: int = _GIT_SECONDS) -> bytes:
    try:
        ended = subprocess.run(  # noqa: S603 - arguments as a list, and no shell
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's own git
            input=standard_input,
            capture_output=True,
            timeout=seconds,
            check=False,
            # A fetch without credentials fails instead of asking for them.
            env={**os.environ, "GIT_TERMINAL_PROMPT": "0"},
        )
    except FileNotFoundError as error:
        raise ToolError("git is not installed, and a Git revision needs it. Install git, or name a folder.") from error
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"git {arguments[0]} did not end within {seconds} seconds.") from error
    if ended.returncode != 0:
        raise _GitError(ended.stderr.decode(errors="replace").strip(), folder)
    return ended.stdout


def _read_blobs(folder: Path, objects: Sequence[bytes]) -> list[bytes | None]:
    """Return the contents of the objects, all read by one process; None for a link that leads to no file."""
    names = b"".join(name + b"\n" for name in objects)
    output = _git(folder, "cat-file", "--batch", "--follow-symlinks", standard_input=names)
    contents: list[bytes | None] = []
    position = 0
    for _ in objects:
        end = output.index(b"\n", position)
        *_, kind, size = output[position:end].split(
            b" "
        )  # `ID blob SIZE`, `dangling SIZE` and others, or `NAME missing`
        position = end + 1
        if size == b"missing":
            contents.append(None)
            continue
        contents.append(output[position : position + int(size)] if kind == b"blob" else None)
        position += int(size) + 1
    return contents


def is_wanted(path: str) -> bool:
    """Return whether a file with this path below the tree's folder may be a schema, or is the settings file."""
    name = path.rpartition("/")[2]
    is_schema = os.path.splitext(name)[1] in SUFFIXES  # noqa: PTH122 - of a name, not of a path
    return (is_schema or name == FILE_NAME) and not _is_in_skipped_folder(path)


def _is_in_skipped_folder(path: str) -> bool:
    return any(map(_is_skipped, path.split("/")[:-1]))


def _is_skipped(folder: str) -> bool:
    return folder.startswith(".") or folder in _SKIPPED_FOLDERS
