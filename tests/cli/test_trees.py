"""What a folder, a Git revision and an archive hold: the same files, so that no changed schema passes as a new one."""

import stat
import zipfile
from pathlib import Path

import pytest

from tests.cli.shop import ADDRESS, ADDRESS_WITH_ZIP
from tests.command_line import Outcome, Repository, run, write


def list_verdicts(ended: Outcome) -> dict[str, tuple[str, str]]:
    """Subject -> (verdict, rule of its first problem)."""
    return {
        case["subject"]: (case["verdict"], case["problems"][0]["rule"] if case["problems"] else "")
        for case in ended.json()["cases"]
    }


BROKEN = ("failed", "READER_FIELD_MISSING_DEFAULT_VALUE")


def test_a_schema_behind_a_link_is_compared_with_the_linked_file_of_the_revision(tmp_path: Path) -> None:
    repository = Repository(tmp_path, {"deep/common/address.avsc": ADDRESS, "deep/own/a.avsc": '"int"'})
    for name, target in (
        ("home", "../common/address.avsc"),
        ("gone", "gone.avsc"),
        ("loop", "loop.avsc"),
        ("up", ".."),
    ):
        (tmp_path / f"deep/own/{name}.avsc").symlink_to(target)
    repository.commit({})
    write(tmp_path, {"deep/common/address.avsc": ADDRESS_WITH_ZIP})
    for folder, others in (("deep", {"address": BROKEN}), ("deep/own", {})):
        ended = run("check", "--against", "HEAD", "--format", "json", folder=tmp_path / folder)
        assert list_verdicts(ended) == {"a": ("passed", ""), "home": BROKEN} | others


def test_schemas_of_a_submodule_are_compared_with_the_commit_that_the_revision_names(tmp_path: Path) -> None:
    Repository(tmp_path / "common", {"address.avsc": ADDRESS})
    repository = Repository(tmp_path / "all", {"a.avsc": '"int"'})
    repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(tmp_path / "common"), "sub")
    repository.commit({})
    write(repository.folder, {"sub/address.avsc": ADDRESS_WITH_ZIP})
    ended = repository.run("check", "--against", "HEAD", "--format", "json")
    assert list_verdicts(ended) == {"a": ("passed", ""), "address": BROKEN}


def test_folders_that_are_skipped_here_are_skipped_in_the_revision(tmp_path: Path) -> None:
    skipped = {f"{folder}/address.avsc": '"string"' for folder in (".hidden", "node_modules/x", "deep/.venv")}
    repository = Repository(tmp_path, {"address.avsc": ADDRESS, **skipped})
    write(tmp_path, {"address.avsc": ADDRESS_WITH_ZIP})
    archive = tmp_path / "old.zip"
    repository.git("archive", "--format=zip", f"--output={archive}", "HEAD")
    for against in ("HEAD", archive):
        ended = repository.run("check", "--against", against, "--format", "json")
        assert list_verdicts(ended) == {"address": BROKEN}


def test_a_link_in_an_archive_is_no_schema(tmp_path: Path) -> None:
    write(tmp_path, {"new/address.avsc": ADDRESS})
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        link = zipfile.ZipInfo("address.avsc")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "../other.avsc")
        archive.writestr("other.avsc", '"int"')
    ended = run("check", "new", "--against", "old.zip", "--format", "json", folder=tmp_path)
    assert list_verdicts(ended)["address"] == ("passed", "")


@pytest.mark.parametrize("against", ["HEAD", "nothing"])
def test_earlier_versions_without_any_schema_are_told(tmp_path: Path, against: str) -> None:
    (tmp_path / "nothing").mkdir()
    repository = Repository(tmp_path, {"README.md": ""})
    write(tmp_path, {"a.avsc": '"int"'})
    ended = repository.run("check", "--against", against)
    assert (ended.code, ended.out) == (0, "1 schema: 1 passed\n")
    assert ended.err == f"Note: {against} has no schemas: every schema here is new, and passes.\n"
