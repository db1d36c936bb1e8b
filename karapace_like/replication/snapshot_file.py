"""A file of blocks with checksums, replaced as a whole or not at all, which only this user may read and write.

The checksum of each block covers all blocks before it, and the last block is empty: so a file that is cut off, or whose
blocks are out of order, is damaged. The file holds bytes; `snapshots.py` gives them a meaning.
"""

import fcntl
import os
import stat
import struct
import sys
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MAGIC = f"karapace-like snapshot 2 {sys.byteorder}-endian\n".encode()
"""The first bytes; the number is that of the format, of the blocks' contents too, which may have integers in them as
this machine has them."""
_HEAD = struct.Struct(">II")
"""The length of a block and its checksum."""
_OTHERS = 0o077


class DamagedFileError(Exception):
    """The file cannot be used; the message says why."""


def prepare_directory(path: Path) -> None:
    """Create the directory if it is missing; raise OSError for one that other users may read or change."""
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    _require_private(path.lstat(), stat.S_IFDIR, "directory")


def write_blocks(path: Path, blocks: Iterable[bytes]) -> int:
    """Replace the file by one with these blocks, none of which is empty; return its size in bytes.

    Raises OSError, BlockingIOError where another process writes it at the moment. The file is as before then.
    """
    new = path.with_name(f"{path.name}.new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        _lock(file, new)
        try:
            file.truncate(0)  # what a process has left that was killed
            _write(file, blocks)
            file.flush()
            os.fsync(descriptor)
            new.replace(path)
        except BaseException:
            new.unlink()
            raise
        _sync_directory(path.parent)
        return file.tell()


def read_blocks(path: Path) -> Iterator[bytes]:
    """Yield the blocks. Raises FileNotFoundError, and DamagedFileError as soon as a block is not as it was written."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        _require_private(status, stat.S_IFREG, "file")
        if file.read(len(_MAGIC)) != _MAGIC:
            raise DamagedFileError("it is of another format")
        yield from _read(file, status.st_size)


def _require_private(status: os.stat_result, kind: int, name: str) -> None:
    if stat.S_IFMT(status.st_mode) != kind:
        raise PermissionError(f"it is no {name}")
    if status.st_uid != os.geteuid():
        raise PermissionError(f"the {name} belongs to the user {status.st_uid}, and not to {os.geteuid()}")
    if status.st_mode & _OTHERS:
        mode = stat.S_IMODE(status.st_mode)
        raise PermissionError(f"other users may use the {name}: its mode is {mode:o}, and must be {mode & ~_OTHERS:o}")


def _lock(file: BinaryIO, path: Path) -> None:
    """Raise BlockingIOError where another process writes the file, or has just moved it away."""
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(file.fileno()), path.lstat()):
            return
    raise BlockingIOError("another process has just written it")


def _write(file: BinaryIO, blocks: Iterable[bytes]) -> None:
    file.write(_MAGIC)
    checksum = 0
    for block in blocks:
        checksum = zlib.crc32(block, checksum)
        file.write(_HEAD.pack(len(block), checksum))
        file.write(block)
    file.write(_HEAD.pack(0, checksum))


def _read(file: BinaryIO, size: int) -> Iterator[bytes]:
    checksum = 0
    while True:
        head = file.read(_HEAD.size)
        if len(head) < _HEAD.size:
            raise DamagedFileError("it is cut off")
        length, expected = _HEAD.unpack(head)
        if length > size:
            raise DamagedFileError("it is cut off, or a block of it has changed")
        block = file.read(length)
        checksum = zlib.crc32(block, checksum)
        if len(block) < length or checksum != expected:
            raise DamagedFileError("a block of it has changed")
        if not block:
            return
        yield block


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
