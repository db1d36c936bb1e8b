"""Export, import and verify on real registries, through the command line: large ones, interrupted ones, faulty ones."""

import json
import os
import resource
import secrets
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cli.large_registry import registry_records, write
from tests.command_line import run, started
from tests.service_process import ServiceProcess

SCHEMAS = int(os.environ.get("BACKUP_SCHEMAS", "300"))
"""`make backup` takes 10,000: more than a minute of a small machine."""


def test_a_registry_is_exported_imported_and_equal(kafka: Cluster, tmp_path: Path) -> None:
    topic = f"_schemas-{secrets.token_hex(6)}"
    write(kafka.bootstrap_servers, topic, registry_records(SCHEMAS))
    archive, again, by_topic = (tmp_path / name for name in ("registry.jsonl", "again.jsonl", "topic.jsonl"))
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as full:
        export = started("export", archive, "--registry", full.url)
        assert export.communicate()[1] == ""  # no progress bar without a terminal
        assert export.returncode == 0
    with ServiceProcess(kafka.bootstrap_servers) as wiped:
        imported = run("import", archive, "--registry", wiped.url)
        assert (imported.code, imported.err) == (0, "")
        assert imported.out.startswith(f"{SCHEMAS} versions registered")
        assert run("verify", archive, "--registry", wiped.url) == (0, "Equal\n", "")
        assert run("export", again, "--registry", wiped.url).code == 0
        modes = [
            call(wiped.url, "GET", f"/mode/{place}?defaultToGlobal=true") for place in ("orders-2", ":.eu:orders-2")
        ]
        assert modes == [{"mode": "READWRITE"}] * 2
    assert again.read_bytes() == archive.read_bytes()
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    source = ("--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", topic)
    assert run("verify", archive, *source) == (0, "Equal\n", "")
    assert run("export", by_topic, *source).code == 0
    assert by_topic.read_bytes() == archive.read_bytes()


def test_a_folder_keeps_the_newest_archives(kafka: Cluster, tmp_path: Path) -> None:
    """It removes its own only, and an archive is named by the second."""
    kept = ["registry-20200101T000000Z.jsonl", "registry-20200102T000000Z.jsonl"]
    for name in (*kept, "other.jsonl"):
        (tmp_path / name).write_text("")
    with ServiceProcess(kafka.bootstrap_servers) as service:
        source = ("--registry", service.url, "--keep", "2")
        assert run("export", tmp_path, *source).code == 0
        repeated = started("export", tmp_path, *source, "--every", "1")
        assert repeated.stdout is not None
        assert repeated.stdout.readline() == "Unchanged since the newest archive\n"
        repeated.terminate()
        repeated.communicate()
        names = sorted(path.name for path in tmp_path.iterdir())
        assert (names[0], names[1]) == ("other.jsonl", kept[1])
        assert len(names) == 3
        (tmp_path / "registry-29990101T000000Z.jsonl").write_text("")
        for arguments, message in (
            ([tmp_path, *source], "is of a later time than now"),
            ([tmp_path / "missing", *source], "is not a folder"),
            ([tmp_path / "a.jsonl", "--registry", service.url, "--every", "5"], "--every needs --keep"),
        ):
            refused = run("export", *arguments)
            assert (refused.code, message in refused.err) == (2, True), refused


def test_associations_are_exported_compared_and_restored(kafka: Cluster, tmp_path: Path) -> None:
    archive = tmp_path / "registry.jsonl"
    with ServiceProcess(kafka.bootstrap_servers) as service:
        source = ("--registry", service.url)
        call(service.url, "POST", "/subjects/shared/versions", {"schema": '"int"'})
        associated = {"orders": {"subject": "shared"}, "bills": {"schema": {"schema": '"long"'}}}
        for name, association in associated.items():
            resource = {"resourceName": name, "resourceNamespace": "lkc", "resourceId": name, "resourceType": "topic"}
            call(service.url, "POST", "/associations", {**resource, "associations": [association]})
        assert run("export", archive, *source).code == 0
        assert run("verify", archive, *source) == (0, "Equal\n", "")
        topic = ("--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", service.topic)
        assert run("verify", archive, *topic) == (0, "Equal\n", "")
        before = call(service.url, "GET", "/associations/resources/-/-")
        for name in associated:
            call(service.url, "DELETE", f"/associations/resources/{name}?cascadeLifecycle=true")
        assert run("verify", archive, *source).out.splitlines() == [
            ":.lkc:bills-value version 1: missing in the registry",
            "association of topic bills (lkc), value with :.lkc:bills-value: missing in the registry",
            "association of topic orders (lkc), value with shared: missing in the registry",
        ]
        imported = run("import", archive, *source)
        counts = "1 versions registered, 0 soft-deleted, 0 configs set, 2 associations created\n"
        assert imported == (0, counts, "")
        assert run("verify", archive, *source) == (0, "Equal\n", "")
        after = call(service.url, "GET", "/associations/resources/-/-")
    unstable = dict.fromkeys(("guid", "createTs", "updateTs"))
    assert [{**one, **unstable} for one in after] == [{**one, **unstable} for one in before]


@pytest.mark.parametrize("kills", [(75,), pytest.param((1, 75, 149), marks=pytest.mark.long)])
def test_an_import_that_is_killed_anywhere_goes_on_when_it_is_run_again(
    kafka: Cluster, archive: Path, kills: tuple[int, ...]
) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as target:
        for versions in kills:
            process = started("import", archive, "--registry", target.url)
            while process.poll() is None and len(call(target.url, "GET", "/schemas?deleted=true")) < versions:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.communicate()
        assert call(target.url, "GET", "/mode") in ({"mode": "IMPORT"}, {"mode": "READWRITE"})
        assert run("import", archive, "--registry", target.url).code == 0
        assert run("verify", archive, "--registry", target.url).code == 0
        again = run("import", archive, "--registry", target.url)
        assert again.out == "0 versions registered, 0 soft-deleted, 0 configs set\n"


def test_a_context_is_restored_under_another_name(
    service: ServiceProcess, archive: Path, context: Callable[[], str]
) -> None:
    name = context()
    selection = ("--context", ".eu", "--as", name, "--registry", service.url)
    assert run("import", archive, *selection).code == 0
    assert run("verify", archive, *selection) == (0, "Equal\n", "")
    version = call(service.url, "GET", f"/subjects/:{name}:orders-1/versions/2")
    assert version["references"] == [{"name": "Money", "subject": "money", "version": 1}]


def test_differences_are_listed(service: ServiceProcess, archive: Path, context: Callable[[], str]) -> None:
    name = context()
    selection = ("--context", ".eu", "--as", name, "--registry", service.url)
    assert run("import", archive, *selection).code == 0
    call(service.url, "DELETE", f"/subjects/:{name}:orders-2/versions/2")
    call(service.url, "POST", f"/subjects/:{name}:more/versions", {"schema": '"int"'})
    call(service.url, "PUT", f"/config/:{name}:orders-0", {"compatibility": "FORWARD"})
    found = run("verify", archive, *selection)
    assert found.code == 1
    assert found.out.splitlines() == [
        f":{name}:orders-2 version 2: live in the backup, soft-deleted in the registry",
        f":{name}:more version 1: not in the backup",
        (
            f'config of :{name}:orders-0: {{"compatibilityLevel":"BACKWARD_TRANSITIVE"}} in the backup, '
            '{"compatibilityLevel":"FORWARD"} in the registry'
        ),
    ]
    as_json = run("verify", archive, *selection, "--format", "json")
    assert as_json.code == 1
    assert json.loads(as_json.out)[1] == {"place": f":{name}:more version 1", "what": "not in the backup"}


def test_a_registry_with_other_contents_is_left_alone(
    service: ServiceProcess, archive: Path, context: Callable[[], str]
) -> None:
    name = context()
    call(service.url, "POST", f"/subjects/:{name}:money/versions", {"schema": '"int"'})
    before = call(service.url, "GET", f"/schemas?subjectPrefix=:{name}:")
    found = run("import", archive, "--context", ".eu", "--as", name, "--registry", service.url)
    assert found.code == 2
    assert f":{name}:money version 1 has another schema, with id 1, than in the backup, with id 1" in found.err
    assert "Nothing was imported" in found.err
    assert call(service.url, "GET", f"/schemas?subjectPrefix=:{name}:") == before
    assert call(service.url, "GET", f"/mode/:{name}:?defaultToGlobal=true") == {"mode": "READWRITE"}


def test_what_the_registry_refuses_is_named_and_the_rest_is_restored(
    service: ServiceProcess, tmp_path: Path, context: Callable[[], str]
) -> None:
    """A backup of a topic may hold a schema that refers to a version which is gone."""
    name = context()
    pairs = [
        (
            f'{{"keytype":"SCHEMA","subject":":{name}:{subject}","version":1,"magic":1}}',
            json.dumps({"subject": f":{name}:{subject}", "version": 1, "id": number, "schema": '"int"', **more}),
        )
        for number, (subject, more) in enumerate(
            [("orphan", {"references": [{"name": "x", "subject": "gone", "version": 1}]}), ("whole", {})], start=1
        )
    ]
    backup = tmp_path / "karapace.log"
    backup.write_text(json.dumps(pairs))
    found = run("import", backup, "--registry", service.url)
    assert found.code == 1
    assert found.out.startswith("1 versions registered")
    assert f":{name}:orphan version 1: " in found.err
    assert call(service.url, "GET", f"/subjects?subjectPrefix=:{name}:") == [f":{name}:whole"]
    assert call(service.url, "GET", f"/mode/:{name}:?defaultToGlobal=true") == {"mode": "READWRITE"}


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda content: content[: len(content) // 2], "truncated"),
        (lambda content: content.replace(b"cents", b"cases"), "checksum does not match"),
        (lambda content: content + b"x", "checksum does not match"),
        (lambda content: content.replace(b'"version":1}', b'"version":9}', 1), "version 9 of the format"),
        (lambda content: content.replace(b'"SCHEMA"', b'"OTHER"', 1), "key of an unknown kind"),
        (lambda content: content.replace(b'"value":{', b'"value":', 1), "line 2"),
        (lambda content: content.replace(b'"value":{', b'"value":' + b"[" * 100_000, 1), "line 2"),
        (lambda _: b"{}", "neither an archive"),
        (lambda _: b'{"format":"\xff","version":1}\n', "neither an archive"),
        (lambda _: b'[["\xff", "a"]]', "not a backup of Karapace, version 1"),
        (lambda _: b"[]", "has no records"),
        (lambda _: b'[["a", "b"]]', "record 1 has the key a; expected a JSON object with a keytype"),
        (lambda _: b"/V2\n", "has no records"),
        (lambda _: b"/V2 is what the notes begin with\n", "neither an archive"),
        (lambda _: b"/V2\r\nnull\tnull\n", "neither an archive"),
        (lambda _: b"/V2\nnull\tnull\n", "record 1 has the key null"),
        (lambda _: b"/V2\n7B7D\t7B7D\n", "record 1 has the key {}"),
        (lambda _: b"/V2\n" + b'{"keytype":"NOOP"}'.hex().encode() + b"\tnull", "truncated"),
        (lambda _: b"/V2\na letter\n", "line 2"),
        (lambda _: b"/V3\n", "truncated or damaged"),
        (lambda _: b"", "neither an archive"),
    ],
    ids=[
        "cut",
        "changed",
        "longer",
        "newer",
        "unknown record",
        "no JSON",
        "deep",
        "other file",
        "no UTF-8",
        "no text",
        "version 1 without records",
        "version 1 of another topic",
        "version 2 without records",
        "begins as version 2",
        "begins as version 2 by another line end",
        "version 2 without keys",
        "version 2 of another topic",
        "version 2 that is cut",
        "version 2 with a line of text",
        "version 3 without anything",
        "empty",
    ],
)
def test_a_damaged_backup_is_refused(
    archive: Path, tmp_path: Path, damage: Callable[[bytes], bytes], told: str
) -> None:
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_bytes(damage(archive.read_bytes()))
    found = run("verify", damaged, "--registry", "http://127.0.0.1:9")
    assert found.code == 2
    assert told in found.err


def test_a_backup_that_cannot_be_finished_leaves_the_old_one(filled: ServiceProcess, tmp_path: Path) -> None:
    old = tmp_path / "registry.jsonl"
    old.write_text("the backup of yesterday")
    ran = subprocess.run(
        [sys.executable, "-m", "karapace_like", "export", old, "--registry", filled.url],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)),  # as a full disk
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert "cannot be written: File too large" in ran.stderr
    assert [each.name for each in tmp_path.iterdir()] == ["registry.jsonl"]
    assert old.read_text() == "the backup of yesterday"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("export", "x.jsonl"), "either --registry URL or --bootstrap-uri"),
        (("export", "x.jsonl", "--registry", "http://a", "--bootstrap-uri", "b:1"), "either --registry"),
        (("export", "x.jsonl", "--registry", "localhost:8081"), "expected http://"),
        (("export", "x.jsonl", "--registry", "http://127.0.0.1:9"), "No registry answers at http://127.0.0.1:9"),
        (("import", "missing.jsonl", "--registry", "http://a"), "does not exist"),
        (
            (
                "import",
                "{archive}",
            ),
            "Missing option '--registry'",
        ),
        (("import", "{archive}", "--registry", "http://a", "--as", ".b"), "--as needs --context"),
        (("import", "{archive}", "--registry", "http://a", "--context", "eu"), "begins with a dot"),
        (("import", "{archive}", "--registry", "http://a", "--context", ".none"), "Existing contexts: ., .eu, .us"),
        (("verify", "{archive}", "--config", "missing.json"), "does not exist"),
    ],
)
def test_wrong_arguments_say_what_to_do(archive: Path, arguments: tuple[str, ...], told: str) -> None:
    found = run(*(each.format(archive=archive) for each in arguments))
    assert found.code == 2
    assert told in found.err
    assert "Traceback" not in found.err


def test_a_topic_that_is_not_there_is_named(kafka: Cluster, tmp_path: Path, topic: Callable[[], str]) -> None:
    file = tmp_path / "x.jsonl"
    found = run("export", file, "--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", topic())
    assert found.code == 2
    assert "does not host this topic" in found.err
    assert not file.exists()
