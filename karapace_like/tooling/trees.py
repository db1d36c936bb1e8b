"""The schema files of a folder or of a Git revision, here or at another address, as bytes by path.

A revision is read from Git's object store, without a checkout. Of another repository, only its tree is fetched.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from karapace_like.schema import limits
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, SUFFIXES

Tree = Mapping[str, bytes]
"""Path below the tree's folder, with slashes -> content of the file."""

_SKIPPED_FOLDERS = frozenset({"node_modules", "__pycache__"})
_GIT_SECONDS = 60
_FETCH_SECONDS = 300
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://\S|[\w.-]+@[\w.-]+:\S")


def read_folder(folder: Path) -> Tree:
    """Return every possible schema file below the folder, and the settings file; raises ToolError."""
    if not folder.is_dir():
        raise ToolError(f"{folder} is not a folder. Name a folder of schemas.")
    files: dict[str, bytes] = {}
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in _SKIPPED_FOLDERS)
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
    """Return the same files of the folder in a Git revision; raises ToolError."""
    listed = _git(folder, "ls-tree", "-r", "-z", _resolve_commit(folder, revision), ".")
    blobs: dict[str, bytes] = {}
    for entry in listed.split(b"\0")[:-1]:
        attributes, _, path = entry.partition(b"\t")
        mode, kind, name = attributes.split()
        where = path.decode(errors="surrogateescape")
        if kind == b"blob" and mode != b"120000" and is_wanted(where.rpartition("/")[2]):
            blobs[check_name(where)] = name
    contents = _read_blobs(folder, list(blobs.values()))
    return dict(zip(blobs, contents, strict=True))


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
            reason = hide_credentials(error.output)
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


def _read_blobs(folder: Path, blobs: Sequence[bytes]) -> list[bytes]:
    """Return the contents of the objects, all read by one process."""
    output = _git(folder, "cat-file", "--batch", standard_input=b"".join(name + b"\n" for name in blobs))
    contents: list[bytes] = []
    position = 0
    for _ in blobs:
        end = output.index(b"\n", position)
        size = int(output[position:end].split()[2])
        contents.append(output[end + 1 : end + 1 + size])
        position = end + size + 2
    return contents


def is_wanted(name: str) -> bool:
    """Return whether a file of this name may be a schema, or is the settings file."""
    return name == FILE_NAME or os.path.splitext(name)[1] in SUFFIXES  # noqa: PTH122 - of a name, not of a path
