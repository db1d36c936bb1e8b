"""`karapace-like passwd`: what it prints lets somebody in."""

import json
import subprocess
import sys

import msgspec
import pytest

from karapace_like.access import authfile
from karapace_like.access.passwords import User


def passwd(*arguments: str, given: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "karapace_like", "passwd", *arguments]
    return subprocess.run(command, input=given, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("algorithm", ["scrypt", "sha512", "sha256", "sha1"])
def test_an_entry_is_of_its_password_and_no_other(algorithm: str) -> None:
    """It goes into an authfile as it is, and has a salt of its own."""
    entries = [passwd("alice", "--algorithm", algorithm, given="päss word\n").stdout for _ in range(2)]
    found = [authfile.parse(f'{{"users": [{each}]}}'.encode()).users["alice"] for each in entries]
    for each in found:
        assert (each.has("päss word"), each.has("pass word"), each.has("")) == (True, False, False)
        assert each.password_hash not in repr(each)
    assert found[0].salt != found[1].salt


@pytest.mark.parametrize(
    ("name", "given"), [("", "x\n"), ("a:b", "x\n"), ("alice", "\n"), ("alice", ""), ("alice", "x\0\n")]
)
def test_what_could_never_log_in_is_refused(name: str, given: str) -> None:
    done = passwd(name, given=given)
    assert (done.returncode, done.stdout) == (2, "")


def test_karapaces_own_entries_are_understood() -> None:
    """Hashes as the format has them: PBKDF2 with 5000 rounds, and scrypt with n=16384, r=8, p=1, in base64."""
    # Made with hashlib and base64 alone, by the format's description.
    known = {
        "sha256": "7ZGPbVNZIB/myxbcOkz8BR/eQmW4Yy1zqkF3W7DSWMM=",
        "scrypt": ("Bf+uvMpBdwr0JdS6m057zf9TIjfcqTHBkqNtlNtzB9TC35XmBlFLQRPMs608GffKZI43OhEqa4KQ86aYGKqbfg=="),
    }
    for algorithm, expected in known.items():
        entry = {"username": "a", "algorithm": algorithm, "salt": "salt", "password_hash": expected}
        assert msgspec.json.decode(json.dumps(entry), type=User).has("secret")
