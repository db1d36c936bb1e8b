"""Claims of processes that share a file: one has a name at a time, and none keeps it when it ends."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator

import pytest

from karapace_like.process.shared_claims import SharedClaims

_OTHER = """
import sys
from karapace_like.process.shared_claims import SharedClaims
claims = SharedClaims(int(sys.argv[1]))
for line in sys.stdin:
    print(claims.claim(*line.split()), flush=True)
"""


class Other:
    """Another process with the same file."""

    def __init__(self, descriptor: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _OTHER, str(descriptor)],
            pass_fds=[descriptor], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def claim(self, *name: str) -> bool:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(*name, file=self._process.stdin, flush=True)
        return self._process.stdout.readline() == "True\n"

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def descriptor() -> Iterator[int]:
    with tempfile.TemporaryFile() as file:
        yield file.fileno()


@pytest.fixture
def other(descriptor: int) -> Iterator[Other]:
    process = Other(descriptor)
    yield process
    process.kill()


def test_a_name_is_one_processs_until_it_is_released_as_often_as_it_was_claimed(descriptor: int, other: Other) -> None:
    claims = SharedClaims(descriptor)
    assert claims.claim("group", "name")
    assert claims.claim("group", "name")
    assert not other.claim("group", "name")
    assert other.claim("group", "other")
    assert not claims.claim("group", "other")
    claims.release("group", "name")
    assert not other.claim("group", "name")
    claims.release("group", "name")
    assert other.claim("group", "name")


def test_the_names_of_a_process_that_is_killed_are_free(descriptor: int, other: Other) -> None:
    claims = SharedClaims(descriptor)
    assert other.claim("group", "name")
    assert not claims.claim("group", "name")
    other.kill()
    assert claims.claim("group", "name")


def test_names_of_two_scopes_are_two_names(descriptor: int, other: Other) -> None:
    claims = SharedClaims(descriptor)
    assert claims.within("alice").claim("group", "name")
    assert other.claim("group", "name")
    assert not claims.claim("group", "name")
