"""The schema files of an archive, as bytes by path: tar in each compression that Python reads, and zip.

Nothing is unpacked to a disk. The number of members and the inflated size are bounded.
"""

import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from karapace_like.schema import limits
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.trees import Tree, check_name, is_wanted

SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")

_MAX_MEMBERS = 200_000
_MAX_INFLATED = 4 * 2**30
"""Bytes: a tar is inflated as a whole to find its members."""
_MAX_KEPT = 2**29
"""Bytes of all schema files."""


def read_archive(path: Path) -> Tree:
    """Return every possible schema file of the archive, and the settings file; raises ToolError."""
    files: dict[str, bytes] = {}
    kept = 0
    try:
        for name, content in _read_zip(path) if path.name.endswith(".zip") else _read_tar(path):
            files[check_name(name)] = content
            kept += len(content)
            if kept > _MAX_KEPT:
                raise ToolError(f"{path} holds more than {_MAX_KEPT // 2**20} MB of schemas. Name a smaller archive.")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise ToolError(f"{path} is not an archive that can be read: {error}.") from error
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror or error}.") from error
    return files


def _read_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    inflated = 0
    with tarfile.open(path, "r|*") as archive:
        for count, member in enumerate(archive):
            inflated += member.size
            _check_bounds(path, count, inflated)
            name = _clean_name(member.name)
            if member.isfile() and name is not None:
                file = archive.extractfile(member)
                assert file is not None
                yield name, _read_start(file)


def _read_zip(path: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        for count, member in enumerate(archive.infolist()):
            _check_bounds(path, count, 0)
            name = _clean_name(member.filename)
            is_link = stat.S_ISLNK(member.external_attr >> 16)
            if not member.is_dir() and not is_link and name is not None:
                with archive.open(member) as file:
                    yield name, _read_start(file)


def _check_bounds(path: Path, members: int, inflated: int) -> None:
    if members >= _MAX_MEMBERS or inflated > _MAX_INFLATED:
        raise ToolError(
            f"{path} has more than {_MAX_MEMBERS} members, or {_MAX_INFLATED // 2**30} GB of content. Name an archive "
            "of the schemas only."
        )


def _clean_name(name: str) -> str | None:
    """Return the path of a member; None for one that is not wanted, or that leads out of the archive."""
    parts = PurePosixPath(name).parts
    wanted = "/".join(parts)
    return None if parts[:1] == ("/",) or ".." in parts or not is_wanted(wanted) else wanted


def _read_start(file: IO[bytes]) -> bytes:
    """Return the content, cut off one byte after the limit of a schema."""
    return file.read(limits.MAX_BYTES + 1)
