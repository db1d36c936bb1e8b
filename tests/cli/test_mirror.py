"""`karapace-like mirror` between real registries: killed, tried in vain, promoted, and refused."""

import json
import secrets
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.command_line import run, started
from tests.service_process import ServiceProcess


@pytest.fixture
def copy(filled: ServiceProcess, service: ServiceProcess, context: Callable[[], str], tmp_path: Path) -> list[object]:
    """The options of a mirror of one context in another registry."""
    names = ("--context", ".eu", "--as", context())
    return ["--from", filled.url, "--to", service.url, *names, "--state", tmp_path / "state.json"]


def test_a_mirror_is_killed_goes_on_and_is_promoted(
    copy: list[object], service: ServiceProcess, filled: ServiceProcess, tmp_path: Path
) -> None:
    name = str(copy[7])
    metrics = tmp_path / "mirror.prom"
    planned = run("mirror", *copy, "--dry-run")
    assert planned.code == 1
    assert f"register :{name}:orders-0 version 1 with id" in planned.out
    assert call(service.url, "GET", f"/subjects?subjectPrefix=:{name}:") == []
    changes = run("mirror", *copy, "--dry-run", "--format", "json").json()["changes"]
    assert changes == planned.out.splitlines()
    process = started("mirror", *copy, "--interval", "0.2", "--metrics-file", metrics)
    while len(call(service.url, "GET", f"/schemas?subjectPrefix=:{name}:&deleted=true")) < 5:
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert run("mirror", *copy, "--once", "--metrics-file", metrics).code == 0
    assert "karapace_like_mirror_up 1" in metrics.read_text()
    assert "karapace_like_mirror_rejected_changes 0" in metrics.read_text()
    assert run("mirror", *copy, "--dry-run") == (0, "", "Nothing to change\n")
    archive = tmp_path / "source.jsonl"
    assert run("export", archive, "--registry", filled.url).code == 0
    promoted = run("mirror", *copy, "--promote")
    assert (promoted.code, promoted.out.splitlines()[-1]) == (
        0,
        "Promoted: the target takes writes, and this mirror has ended.",
    )
    equal = run("verify", archive, *copy[4:8], "--registry", service.url)
    assert equal == (0, "Equal\n", "")
    assert call(service.url, "POST", f"/subjects/:{name}:after/versions", {"schema": '"int"'})["id"] > 0
    again = run("mirror", *copy, "--once")
    assert again.code == 2
    assert "This mirror was promoted." in again.err


def test_a_mirror_of_a_lost_source_is_promoted_without_it(copy: list[object], service: ServiceProcess) -> None:
    once = run("mirror", *copy, "--once", "--format", "json")
    assert (once.code, once.json()["rejected"], once.json()["registered"]) == (0, [], once.json()["source_versions"])
    lost = ["--from", "http://127.0.0.1:9", *copy[2:]]
    in_vain = run("mirror", *lost, "--promote")
    assert in_vain.code == 2
    assert "No registry answers at http://127.0.0.1:9" in in_vain.err
    assert run("mirror", *lost, "--promote", "--without-source").code == 0
    assert call(service.url, "POST", f"/subjects/:{copy[7]}:after/versions", {"schema": '"int"'})["id"] > 0


def test_keys_and_policies_are_copied_unless_they_are_left_out(
    service: ServiceProcess, kafka: Cluster, tmp_path: Path
) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as source:
        kek = {"name": f"kek-{secrets.token_hex(4)}", "kmsType": "local-kms", "kmsKeyId": "mine"}
        topic = f"topic-{secrets.token_hex(4)}"
        call(source.url, "POST", "/dek-registry/v1/keks", kek)
        call(source.url, "PUT", f"/policies/{topic}", {"value": {"plain": "refuse"}})
        copy = ("--from", source.url, "--to", service.url, "--state", tmp_path / "state.json")
        context = ("--context", ".eu")
        planned = run("mirror", *copy, *context, "--dry-run", "--without", "policies")
        assert (planned.code, planned.out) == (1, f"create KEK {kek['name']}\n")
        assert run("mirror", *copy, *context, "--dry-run", "--without", "keys").code == 0
        done = run("mirror", *copy, *context, "--once")
        assert (done.code, "1 associations, keys and policies changed" in done.out) == (0, True), done
    assert kek["name"] in call(service.url, "GET", "/dek-registry/v1/keks")


def test_versions_of_others_are_named_and_left_alone(copy: list[object], service: ServiceProcess) -> None:
    call(service.url, "POST", f"/subjects/:{copy[7]}:theirs/versions", {"schema": '"int"'})
    refused = run("mirror", *copy)
    assert refused.code == 2
    assert f":{copy[7]}:theirs version 1 is not in the source, and not of this mirror" in refused.err
    assert "Nothing was changed" in refused.err
    assert call(service.url, "GET", f"/subjects?subjectPrefix=:{copy[7]}:") == [f":{copy[7]}:theirs"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--as", ".b"], "--as needs --context"),
        (["--context", "eu"], "'eu' is not a context"),
        (["--without-source"], "--without-source needs --promote"),
        (["--bootstrap-uri", "127.0.0.1:9"], "Name the registry"),
        (["--interval", "0"], "0.0 is not in the range"),
    ],
)
def test_wrong_options_are_named(options: list[str], message: str, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    given = ["--from", "http://127.0.0.1:9", "--to", "http://127.0.0.1:9", "--state", state, *options]
    refused = run("mirror", *given)
    assert refused.code == 2
    assert message in refused.err


def test_a_file_of_another_kind_is_no_state(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    for content in ("[]", json.dumps({"format": "other"}), '{"version": 2}'):
        state.write_text(content)
        refused = run("mirror", "--from", "http://127.0.0.1:9", "--to", "http://127.0.0.1:9", "--state", state)
        assert refused.code == 2
        assert f"{state} " in refused.err
        assert state.read_text() == content
