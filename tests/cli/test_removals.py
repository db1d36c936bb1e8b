"""`check` sees deleted and renamed schemas, and compares with archives and with repositories elsewhere."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from karapace_like.tooling import archives
from tests.cli.shop import ADDRESS, ADDRESS_WITH_CITY, ADDRESS_WITH_ZIP, ORDER
from tests.cli.test_check import PARCEL, SIZE
from tests.command_line import Outcome, Repository, run, write

RULE = "READER_FIELD_MISSING_DEFAULT_VALUE"
OTHER = '{"type": "record", "name": "Bill", "namespace": "shop", "fields": [{"name": "total", "type": "long"}]}\n'


def check(folder: Path, old: Mapping[str, str], new: Mapping[str, str], *arguments: object) -> Outcome:
    write(folder / "old", old)
    write(folder / "new", new)
    return run("check", "new", "--against", "old", *arguments, folder=folder)


def rules(ended: Outcome) -> list[tuple[str, str, str, str]]:
    """(subject, verdict, rule, severity) of each problem."""
    return [
        (case["subject"], case["verdict"], problem["rule"], problem["severity"])
        for case in ended.json()["cases"]
        for problem in case["problems"]
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "reported"),
    [
        ([], 0, [("order", "passed", "SCHEMA_DELETED", "warning")]),
        (["--deleted", "error"], 1, [("order", "failed", "SCHEMA_DELETED", "error")]),
        (["--deleted", "ignore"], 0, []),
    ],
)
def test_a_deleted_schema_is_reported(tmp_path: Path, arguments: list[str], code: int, reported: list[Any]) -> None:
    old = {"address.avsc": ADDRESS, "order.avsc": ORDER}
    ended = check(tmp_path, old, {"address.avsc": ADDRESS}, *arguments, "--format", "json")
    assert (ended.code, rules(ended)) == (code, reported)


def test_the_severity_of_a_deletion_stands_in_the_settings_and_it_may_be_accepted(tmp_path: Path) -> None:
    settings = 'deleted = "error"\n'
    new = {"address.avsc": ADDRESS, "karapace-like.toml": settings}
    ended = check(tmp_path, {"address.avsc": ADDRESS, "order.avsc": ORDER}, new)
    assert ended.code == 1
    assert ended.out.splitlines() == [
        "new/order.avsc:1:1: error: SCHEMA_DELETED",
        ("  The schema of order is deleted. The subject keeps its versions in a registry until `apply --delete order`"),
        "  old old:order.avsc:1 | {",
        "  new new/order.avsc:1 | (missing)",
        "  to do: restore the file, or accept the deletion (`[[accept]]`)",
        "  order (new/order.avsc): failed, deleted since old",
        "",
        "2 schemas: 1 passed, 1 failed",
    ]
    accept = '[[accept]]\nsubject = "order"\nrule = "SCHEMA_DELETED"\nuntil = 9999-12-31\nreason = "Unused."\n'
    assert check(tmp_path, {}, {"karapace-like.toml": settings + accept}).code == 0


def test_paths_limit_which_deletions_are_reported(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"a/one.avsc": ADDRESS, "a/two.avsc": '"int"', "b/three.avsc": '"long"'})
    (tmp_path / "a/two.avsc").unlink()
    (tmp_path / "b/three.avsc").unlink()
    write(tmp_path, {"b/four.avsc": '"string"'})
    ended = repository.run("check", "a", "--against", "HEAD", "--format", "json")
    assert [subject for subject, *_ in rules(ended)] == ["two"]
    ended = repository.run("check", "--against", "HEAD", "--format", "json")
    assert [subject for subject, *_ in rules(ended)] == ["three", "two"]


@pytest.mark.parametrize(
    ("text", "breaks"), [(ADDRESS, []), (ADDRESS_WITH_CITY, []), (ADDRESS_WITH_ZIP, [RULE]), (OTHER, None)]
)
def test_a_renamed_schema_is_judged_by_its_earlier_version(tmp_path: Path, text: str, breaks: list[str] | None) -> None:
    ended = check(tmp_path, {"address.avsc": ADDRESS}, {"place.avsc": text}, "--format", "json")
    if breaks is None:
        assert rules(ended) == [("address", "passed", "SCHEMA_DELETED", "warning")], "it has nothing in common"
        return
    verdict = "failed" if breaks else "passed"
    assert rules(ended) == [
        *(("place", verdict, rule, "error") for rule in breaks),
        ("place", verdict, "SCHEMA_RENAMED", "warning"),
    ]
    assert ended.json()["cases"][0]["summary"] == "BACKWARD with old, where it is address"


def test_a_rename_is_found_among_others_and_in_each_format(tmp_path: Path) -> None:
    person = '{"$schema": "http://json-schema.org/draft-07/schema#", "properties": {"name": {}, "age": {}}}'
    old = {"address.avsc": ADDRESS, "bill.avsc": OTHER, "person.json": person, "size.proto": SIZE}
    new = {
        "invoice.avsc": OTHER.replace('"total"', '"total", "doc": "In cents."'),
        "place.avsc": ADDRESS,
        "human.json": person.replace('"age"', '"size": {}, "age"'),
        "weight.proto": SIZE.replace("Grams", "In grams"),
        "parcel.proto": PARCEL.replace("common/size", "weight"),
    }
    ended = check(tmp_path, old, new, "--format", "json")
    summaries = {case["subject"]: case["summary"] for case in ended.json()["cases"]}
    assert summaries == {
        "human": "BACKWARD with old, where it is person",
        "invoice": "BACKWARD with old, where it is bill",
        "parcel": "new, not in old",
        "place": "BACKWARD with old, where it is address",
        "weight": "BACKWARD with old, where it is size",
    }


def test_another_pattern_of_subjects_renames_all_schemas(tmp_path: Path) -> None:
    files = {"address.avsc": ADDRESS, "bill.avsc": OTHER}
    (tmp_path / "old").mkdir()
    write(tmp_path / "old", {"karapace-like.toml": ""})
    ended = check(tmp_path, files, {**files, "karapace-like.toml": 'subject = "{stem}-value"'}, "--format", "json")
    assert {rule for _, _, rule, _ in rules(ended)} == {"SCHEMA_RENAMED"}
    assert [subject for subject, *_ in rules(ended)] == ["address-value", "bill-value"]


@pytest.fixture
def broken(tmp_path: Path) -> Repository:
    """A repository whose folder has a break, and the file of its first commit is in `schemas/`."""
    repository = Repository(tmp_path / "work", {"schemas/address.avsc": ADDRESS})
    write(repository.folder, {"schemas/address.avsc": ADDRESS_WITH_ZIP})
    return repository


@pytest.mark.parametrize("revision", ["", "#main", "#v1"])
@pytest.mark.parametrize("folder", [".", "schemas"])
def test_the_earlier_versions_are_fetched_from_a_repository_elsewhere(
    broken: Repository, revision: str, folder: str
) -> None:
    broken.git("tag", "v1")
    bare = broken.folder.parent / "bare.git"
    broken.git("clone", "--quiet", "--bare", ".", str(bare))
    url = f"{bare.as_uri()}{revision}"
    ended = run("check", "--against", url, "--format", "json", folder=broken.folder / folder)
    assert rules(ended) == [("address", "failed", RULE, "error")]
    old = ended.json()["cases"][0]["problems"][0]["old"]["path"]
    assert old == f"{url}:{'schemas/' if folder == '.' else ''}address.avsc"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("file:///nowhere/at/all.git", "Git cannot fetch HEAD from file:///nowhere/at/all.git: "),
        ("https://someone:secret@127.0.0.1:9/x.git#v2", "Git cannot fetch v2 from https://127.0.0.1:9/x.git: "),
    ],
)
def test_a_repository_that_cannot_be_read_is_named_without_its_password(
    broken: Repository, url: str, sentence: str
) -> None:
    ended = broken.run("check", "--against", url)
    assert ended.code == 2
    assert sentence in ended.err
    assert "Expected URL#REVISION" in ended.err
    assert "secret" not in ended.err


def tar(path: Path, files: Mapping[str, str]) -> Path:
    mode: Any = f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w"
    with tarfile.open(path, mode) as archive:
        for name, text in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return path


def zip_(path: Path, files: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("top", ["", "schemas-1.0/", "./"])
@pytest.mark.parametrize("name", ["old.tar", "old.tar.gz", "old.tar.xz", "old.zip"])
def test_the_earlier_versions_are_read_from_an_archive(broken: Repository, name: str, top: str) -> None:
    """With and without the folder that archives of repositories put around everything."""
    files = {f"{top}schemas/address.avsc": ADDRESS, f"{top}README.md": "text", "../outside.avsc": '"int"'}
    path = (zip_ if name.endswith("zip") else tar)(broken.folder.parent / name, files)
    ended = broken.run("check", "--against", path, "--format", "json")
    assert rules(ended) == [("address", "failed", RULE, "error")]
    assert ended.json()["cases"][0]["problems"][0]["old"]["path"] == f"{path}:schemas/address.avsc"


@pytest.mark.parametrize("name", ["old.tar", "old.tar.gz", "old.zip"])
@pytest.mark.parametrize("content", [b"", b"no archive", bytes(range(255, 155, -1))], ids=["empty", "text", "bytes"])
def test_what_is_no_archive_is_an_error(broken: Repository, name: str, content: bytes) -> None:
    path = broken.folder.parent / name
    path.write_bytes(content)
    ended = broken.run("check", "--against", path)
    assert ended.code == 2
    assert "is not an archive that can be read" in ended.err


@pytest.mark.parametrize("name", ["old.tar", "old.zip"])
def test_the_members_and_the_content_of_an_archive_are_bounded(
    broken: Repository, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    files = {f"{number}.avsc": '"int"' for number in range(20)}
    path = (zip_ if name.endswith("zip") else tar)(broken.folder.parent / name, files)
    for bound, value, sentence in (("_MAX_MEMBERS", 10, "more than 10 members"), ("_MAX_KEPT", 50, "MB of schemas")):
        with monkeypatch.context() as patched:
            patched.setattr(archives, bound, value)
            ended = broken.run("check", "--against", path)
        assert (ended.code, sentence in ended.err) == (2, True), ended
