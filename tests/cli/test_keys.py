"""`karapace-like keys` on a service with a DEK registry."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.command_line import Outcome, run
from tests.kafka.test_keys import ENABLED, is_served
from tests.service_process import ServiceProcess
from tests.waiting import wait_until
from tests.web.keys.conftest import KEKS, kek
from tests.web.keys.test_deks import DEKS, LOCAL, dek


@pytest.fixture
def registry(kafka: Cluster) -> Iterator[str]:
    """A registry with a shared KEK and one that is not."""
    with ServiceProcess(kafka.bootstrap_servers, **ENABLED) as node:
        wait_until(lambda: is_served(node.url))
        call(node.url, "POST", KEKS, kek(**LOCAL))
        call(node.url, "POST", KEKS, kek("own"))
        for subject, algorithm in (("s1", "AES256_GCM"), ("s2", "AES256_SIV")):
            call(node.url, "POST", f"{DEKS}/{subject}", dek(None, algorithm=algorithm))
        yield node.url


def keys(registry: str, *arguments: str) -> Outcome:
    return run("keys", *arguments, environment={"KARAPACE_LIKE_REGISTRY": registry})


def test_keys_are_listed_rotated_and_rewrapped(registry: str) -> None:
    listed = keys(registry, "list")
    lines = [
        "k1  local-kms://mykey shared",
        "  s1  AES256_GCM  versions 1",
        "  s2  AES256_SIV  versions 1",
        "own  local-kms://mykey",
    ]
    assert (listed.code, listed.out.splitlines()) == (0, lines)
    assert keys(registry, "list", "own").out == "own  local-kms://mykey\n"
    assert [kek["deks"] for kek in keys(registry, "list", "--format", "json").json()] == [
        [
            {"kek_name": "k1", "subject": "s1", "algorithm": "AES256_GCM", "versions": [1]},
            {"kek_name": "k1", "subject": "s2", "algorithm": "AES256_SIV", "versions": [1]},
        ],
        [],
    ]
    before = call(registry, "GET", f"{DEKS}/s1")
    assert keys(registry, "rotate", "k1", "--subject", "s1").out == "s1  AES256_GCM  version 2\n"
    assert (
        keys(registry, "rewrap", "k1").out == "s1  AES256_GCM  2 versions wrapped\ns2  AES256_SIV  1 versions wrapped\n"
    )
    after = call(registry, "GET", f"{DEKS}/s1")
    assert after["keyMaterial"] == before["keyMaterial"]
    assert after["encryptedKeyMaterial"] != before["encryptedKeyMaterial"]
    rotated = keys(registry, "rotate", "k1", "--subject", "s2", "--format", "json").json()
    assert rotated == {"subject": "s2", "algorithm": "AES256_SIV", "version": 2}
    rewrapped = keys(registry, "rewrap", "k1", "--subject", "s2", "--format", "yaml").out
    assert rewrapped == "- subject: s2\n  algorithm: AES256_SIV\n  versions_wrapped: 2\n"
    none = keys(registry, "rotate", "k1", "--algorithm", "AES128_GCM")
    assert (none.code, none.out, none.err) == (0, "", "The KEK k1 has no such DEK.\n")


def test_keys_are_exported_compared_and_restored(registry: str, tmp_path: Path) -> None:
    archive, complete = str(tmp_path / "keys.jsonl"), str(tmp_path / "complete.jsonl")
    call(registry, "DELETE", f"{KEKS}/own")
    assert keys(registry, "export", archive) == (0, f"4 keys written to {archive}\n", "")
    exported = keys(registry, "export", complete, "--secrets", "--format", "json").json()
    assert exported == {"file": complete, "keys": 4}
    text = Path(archive).read_text()
    assert (text.count("s3cret"), Path(complete).read_text().count("s3cret")) == (0, 1)
    key = call(registry, "GET", f"{DEKS}/s1")
    assert key["encryptedKeyMaterial"] in text
    assert key["keyMaterial"] not in text
    for file in (archive, complete):
        assert keys(registry, "verify", file) == (0, "Equal\n", "")
    for place in ("k1/deks/s1", "k1/deks/s2?algorithm=AES256_SIV", "k1", "own"):
        separator = "&" if "?" in place else "?"
        for suffix in ("", f"{separator}permanent=true"):
            call(registry, "DELETE", f"{KEKS}/{place}{suffix}")
    assert [line.split(":")[0] for line in keys(registry, "verify", archive).out.splitlines()] == [
        "KEK k1",
        "DEK of s1 for KEK k1, AES256_GCM version 1",
        "DEK of s2 for KEK k1, AES256_SIV version 1",
        "KEK own",
    ]
    assert len(keys(registry, "verify", archive, "--format", "json").json()["differences"]) == 4
    masked = keys(registry, "import", archive)
    assert (masked.code, masked.out) == (1, "2 KEKs and 0 DEKs created\n")
    assert "local-kms needs the property secret" in masked.err
    call(registry, "PUT", f"{KEKS}/k1", {"kmsProps": LOCAL["kmsProps"]})
    assert keys(registry, "import", archive) == (0, "0 KEKs and 2 DEKs created\n", "")
    assert keys(registry, "verify", complete) == (0, "Equal\n", "")
    assert keys(registry, "import", archive, "--format", "json").json() == {"keks": 0, "deks": 0, "refused": []}
    assert call(registry, "GET", f"{DEKS}/s1")["keyMaterial"] == key["keyMaterial"]
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text("".join(text.splitlines(keepends=True)[:-1]))
    refused = keys(registry, "import", str(damaged))
    assert (refused.code, "is truncated" in refused.err) == (2, True)
    damaged.write_text('{"format":"karapace-like archive","version":1}\n')
    assert "is no archive of keys" in keys(registry, "verify", str(damaged)).err


def test_mistakes_are_explained(registry: str, kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, dek_registry_enabled=False) as without:
        _check_mistakes(registry, without.url)


def _check_mistakes(registry: str, without: str) -> None:
    for url, arguments, reason in (
        (registry, ("rotate", "own"), "The KEK own is not shared"),
        (registry, ("rewrap", "nothing"), "Key 'nothing' not found"),
        (without, ("list",), "The registry has no DEK registry. Set dek_registry_enabled=true"),
    ):
        ended = keys(url, *arguments)
        assert (ended.code, reason in ended.err, "Traceback" in ended.err) == (2, True, False), ended.err
