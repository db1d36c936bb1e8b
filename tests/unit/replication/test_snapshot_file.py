"""The file of a snapshot: whole or not at all, for its user alone, and never taken for another."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.replication.snapshot_file import DamagedFileError, prepare_directory, read_blocks, write_blocks

BLOCKS = [b"first", b"second" * 1000, b"third"]
_KILLED = """
import os, signal, sys
from pathlib import Path
from karapace_like.replication.snapshot_file import write_blocks

def blocks():
    yield b"new" * 100_000
    os.kill(os.getpid(), signal.SIGKILL)

write_blocks(Path(sys.argv[1]), blocks())
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "state.snapshot"
    assert write_blocks(found, BLOCKS) == found.stat().st_size
    return found


def test_blocks_are_read_as_they_were_written(path: Path) -> None:
    assert list(read_blocks(path)) == BLOCKS
    write_blocks(path, [])
    assert list(read_blocks(path)) == []


def test_every_changed_byte_and_every_end_before_the_last_is_noticed(path: Path) -> None:
    write_blocks(path, [b"one", b"two"])
    content = path.read_bytes()
    for at in range(len(content)):
        for changed in (content[:at], content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]):
            path.write_bytes(changed)
            with pytest.raises(DamagedFileError):
                list(read_blocks(path))


def test_blocks_in_another_order_are_noticed(path: Path) -> None:
    """Each of them is whole."""
    write_blocks(path, [b"one", b"two"])
    content = path.read_bytes()
    head, tail = content.index(b"one") - 8, content.index(b"two") + 3
    first, second = content[head : head + 11], content[head + 11 : tail]
    path.write_bytes(content[:head] + second + first + content[tail:])
    with pytest.raises(DamagedFileError):
        list(read_blocks(path))


def test_a_process_that_is_killed_while_it_writes_leaves_the_file_as_it_was(path: Path) -> None:
    """The next one writes over what was left."""
    killed = subprocess.run([sys.executable, "-c", _KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(read_blocks(path)) == BLOCKS
    assert len(list(path.parent.iterdir())) == 2
    write_blocks(path, [b"next"])
    assert list(read_blocks(path)) == [b"next"]
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_while_it_is_written_leaves_the_file_as_it_was(path: Path) -> None:
    def fail() -> Iterator[bytes]:
        yield b"new"
        raise OverflowError

    with pytest.raises(OverflowError):
        write_blocks(path, fail())
    assert list(read_blocks(path)) == BLOCKS
    assert list(path.parent.iterdir()) == [path]


def test_two_processes_do_not_write_at_once(path: Path) -> None:
    def write_again() -> Iterator[bytes]:
        with pytest.raises(BlockingIOError):
            write_blocks(path, [b"second writer"])
        yield b"first writer"

    write_blocks(path, write_again())
    assert list(read_blocks(path)) == [b"first writer"]


def test_what_others_may_use_is_refused(path: Path) -> None:
    path.chmod(0o640)
    with pytest.raises(PermissionError, match="mode is 640, and must be 600"):
        list(read_blocks(path))
    path.unlink()
    path.symlink_to(path.with_name("elsewhere"))
    with pytest.raises(OSError, match="symbolic links"):
        list(read_blocks(path))


def test_a_directory_is_for_its_user_alone(tmp_path: Path) -> None:
    directory = tmp_path / "snapshots"
    prepare_directory(directory)
    prepare_directory(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.chmod(0o755)
    with pytest.raises(PermissionError, match="mode is 755, and must be 700"):
        prepare_directory(directory)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    with pytest.raises(PermissionError, match="no directory"):
        prepare_directory(link)
    with pytest.raises(FileNotFoundError):
        prepare_directory(tmp_path / "missing" / "snapshots")
