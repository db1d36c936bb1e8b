"""Archives: one file of JSON lines, with equal bytes for equal states, replaced atomically.

The first line names the format and its version. Each further line holds one record of the schemas topic as
`{"key":…,"value":…}`, as the registry writes them. The last line has the number of records and the SHA-256 of all lines
before it, which detects truncation and changes. Archives hold no times, so that two archives of an unchanged registry
are equal. `karapace_files.py` reads the files of Karapace's tool.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from karapace_like.backup import karapace_files
from karapace_like.backup.errors import ArchiveError
from karapace_like.backup.state import build_store, list_records
from karapace_like.errors import NOT_JSON
from karapace_like.process.file_modes import open_private
from karapace_like.registry import records
from karapace_like.registry.records import Record, UnknownRecord
from karapace_like.registry.store import Store

FORMAT = "karapace-like archive"
VERSION = 1


class _Header(msgspec.Struct):
    format: str
    version: int


class _Line(msgspec.Struct):
    key: msgspec.Raw
    value: msgspec.Raw


class _Trailer(msgspec.Struct, forbid_unknown_fields=True):
    records: int
    sha256: str


def check_writable(path: Path) -> None:
    """Raise ArchiveError if the archive could not be written; checked before a registry is read."""
    if not path.parent.is_dir():
        raise ArchiveError(
            f"{path} cannot be written: there is no folder {path.parent}. Create it, or name another file."
        )
    if path.exists() and not path.is_file():
        raise ArchiveError(f"{path} is not a regular file, and the archive would replace it. Name another file.")


def write(path: Path, store: Store) -> int:
    """Write the state and return its number of records; a failure leaves the file at `path` as it was."""
    return write_entries(path, FORMAT, map(records.encode, list_records(store)))


def write_entries(path: Path, name: str, entries: Iterable[tuple[bytes, bytes | None]]) -> int:
    """Write an archive of the format with this name; `entries` are keys and values of its records. See `write`."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    count = 0
    digest = hashlib.sha256()
    try:
        with open_private(temporary) as file:
            for line in _encode_lines(name, entries):
                digest.update(line)
                file.write(line)
                count += 1
            count -= 1  # the header
            file.write(_encode(_Trailer(count, digest.hexdigest())))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count


def read(path: Path) -> Store:
    """Return the state in an archive, or in a backup of Karapace's tool; raises ArchiveError."""
    try:
        foreign = karapace_files.read(path)
        return build_store(_read_records(path) if foreign is None else foreign)
    except OSError as error:
        raise ArchiveError(f"{path} cannot be read: {error.strerror or error}") from error


def _encode_lines(name: str, entries: Iterable[tuple[bytes, bytes | None]]) -> Iterator[bytes]:
    yield _encode(_Header(name, VERSION))
    for key, value in entries:
        yield b'{"key":%b,"value":%b}\n' % (key, value or b"null")


def _encode(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _read_records(path: Path) -> Iterator[Record]:
    """Yield the records of an archive; raises ArchiveError where the iteration reaches the fault."""
    for number, key, value in read_entries(path, FORMAT):
        record = records.decode(key, value)
        if isinstance(record, UnknownRecord):
            raise ArchiveError(f"{path}, line {number}: {record.reason}")
        yield record


def read_entries(path: Path, name: str) -> Iterator[tuple[int, bytes, bytes | None]]:
    """Yield (line, key, value) of an archive of the format with this name; raises ArchiveError at the fault."""
    digest = hashlib.sha256()
    count = 0
    line_decoder = msgspec.json.Decoder(_Line)
    with path.open("rb") as file:
        header = file.readline()
        _check_header(path, header, name)
        digest.update(header)
        line = b""
        for number, line in enumerate(file, start=2):
            if not line.startswith(b'{"key":') or not line.endswith(b"\n"):
                break
            try:
                entry = line_decoder.decode(line)
            except NOT_JSON as error:
                raise ArchiveError(f"{path}, line {number}: {error}") from error
            digest.update(line)
            count += 1
            yield number, bytes(entry.key), None if entry.value == b"null" else bytes(entry.value)
        _check_trailer(path, line, _Trailer(count, digest.hexdigest()), rest=file.read(1))


def _check_header(path: Path, line: bytes, name: str) -> None:
    try:
        header = msgspec.json.decode(line, type=_Header)
    except NOT_JSON:
        header = None
    if header is None or header.format != name:
        if name != FORMAT:
            raise ArchiveError(f"{path} is no archive of keys, as `karapace-like keys export` writes one.")
        raise ArchiveError(f"{path} is neither an archive of `karapace-like export` nor a backup of Karapace.")
    if header.version != VERSION:
        raise ArchiveError(f"{path} has version {header.version} of the format; this program reads version {VERSION}.")


def _check_trailer(path: Path, line: bytes, expected: _Trailer, *, rest: bytes) -> None:
    try:
        trailer = msgspec.json.decode(line, type=_Trailer)
    except NOT_JSON as error:
        raise ArchiveError(f"{path} is truncated: its last line is missing.") from error
    if trailer != expected or rest:
        raise ArchiveError(f"{path} was changed or damaged: its checksum does not match.")
