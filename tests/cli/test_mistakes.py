"""Mistakes of a new user, command by command: each is told with the next step and exit code 2, and nothing is done.

What only one command can get wrong stands in that command's own tests.
"""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from karapace_like.cli import outcome
from tests.cli.shop import Shop
from tests.command_line import Outcome, Repository, run, write

AWAY = "http://127.0.0.1:9"
COMMANDS = (
    "apply", "check", "completion", "config", "diff", "doctor", "export", "impact", "import",
    "kafka", "lint", "passwd", "plan", "register", "serve", "verify",
)  # fmt: skip


def assert_told(ended: Outcome, *told: str) -> None:
    assert ended.code == 2, ended
    for each in told:
        assert each in ended.err
    assert "Traceback" not in ended.err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with two schemas, and beside them whatever a user may name by mistake."""
    repository = Repository(
        tmp_path, {"a.avsc": '"int"', "deep/b.avsc": '"int"', "package.json": "{}", "empty/notes.txt": ""}
    )
    write(tmp_path, {"broken.avsc": "{", "list.json": "[]", "cut.json": '{"port": 1', "plan.json": "plan"})
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe")
    return repository.folder


@pytest.mark.parametrize("command", COMMANDS)
def test_an_option_that_does_not_exist(folder: Path, command: str) -> None:
    assert_told(run(command, "--bogus", folder=folder), "No such option '--bogus'", f"karapace-like {command} --help")


@pytest.mark.parametrize("command", ["apply", "impact", "import", "plan", "register"])
def test_no_registry(folder: Path, command: str) -> None:
    file = ["a.avsc"] if command == "import" else []
    assert_told(
        run(command, *file, folder=folder), "Missing option '--registry'", "(env var: 'KARAPACE_LIKE_REGISTRY')"
    )


ON_REGISTRY = {
    "apply": [], "check": [], "diff": ["a@1", "a.avsc"], "export": ["new.jsonl"], "impact": [], "import": ["backup"],
    "plan": [], "register": [], "verify": ["backup"],
}  # fmt: skip


@pytest.fixture
def with_backup(folder: Path, archive: Path) -> Path:
    (folder / "broken.avsc").unlink()
    (folder / "backup").write_bytes(archive.read_bytes())
    return folder


@pytest.mark.parametrize("command", ON_REGISTRY)
@pytest.mark.parametrize(
    ("url", "told"),
    [
        (AWAY, f"No registry answers at {AWAY}: Connection refused. Check --registry"),
        ("localhost:8081", "'localhost:8081' is not the URL of a registry: expected http:// or https:// and a host"),
        ("{service}/elsewhere", "/elsewhere is not a schema registry. Check the path in --registry."),
    ],
)
def test_what_is_no_registry(with_backup: Path, shop: Shop, command: str, url: str, told: str) -> None:
    address = url.format(service=shop.url)
    ended = run(command, *ON_REGISTRY[command], "--registry", address, folder=with_backup)
    assert_told(ended, told)
    assert not (with_backup / "new.jsonl").exists()


@pytest.mark.parametrize(
    "command",
    [
        *(
            ["versions"],
            ["show"],
            ["delete", "--yes"],
            ["level", "--set", "NONE"],
            ["mode", "--set", "READONLY"],
            ["find"],
        ),
        *(["produce"], ["consume"], ["tail"], ["keys", "list"], ["keys", "rotate"], ["keys", "rewrap"]),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_does_not_mean_everything(folder: Path, command: list[str], name: str) -> None:
    """As of a variable that is not set: the global level and mode would be set, for one."""
    at = "--proxy" if command[0] in {"produce", "consume", "tail"} else "--registry"
    assert_told(run(*command, name, at, AWAY, folder=folder), "it is empty. Is the variable that it comes from set?")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nonsense"], "No such command 'nonsense'."),
        (["check", "--against", "HEAD", "--registry", AWAY], "--against and --registry exclude each other"),
        (["check", "empty", "--against", "HEAD"], "There are no schemas below "),
        (["check", "--against", "HEAD", "missing"], "'missing' does not exist"),
        (["check", "--against", "no-such"], "neither a folder nor a Git revision in"),
        (["lint", "empty"], "Name the folder of the schemas"),
        (["lint", "a.avsc", "empty"], "There are no schemas below "),
        (["lint", "--config", "deep"], "'deep' is a directory"),
        (["lint", "--config", "cut.json"], "cut.json is not TOML"),
        (["lint", "--rule", "field-doc"], "field-doc = '' is not a severity. Choose from error, warning, note, off"),
        (["lint", "--format", "json=/dev/full"], "cannot be written to /dev/full: No space left on device"),
        (["diff", "a.avsc"], "Missing argument 'NEW'"),
        (["diff", "a.avsc", "deep"], "There is no file 'deep'. A version is a file"),
        (["diff", "a.avsc", "broken.avsc"], "broken.avsc cannot be read: "),
        (["diff", "HEAD:none.avsc", "a.avsc"], "HEAD has no schema 'none.avsc'"),
        (["diff", "no-such:a.avsc", "a.avsc"], "neither a folder nor a Git revision in"),
        (["diff", "a@1", "a.avsc"], "name the registry with --registry URL"),
        (["impact", "missing", "--registry", AWAY], "'missing' does not exist"),
        (["register", "empty", "--registry", AWAY], "There are no schemas below "),
        (["plan", "a.avsc", "--registry", AWAY], "'a.avsc' is a file"),
        (["plan", "empty", "--registry", AWAY], "There are no schemas below "),
        (["plan", "--out", "deep", "--registry", AWAY], "'deep' is a directory"),
        (["apply", "--plan", "deep", "--registry", AWAY], "'deep' is a directory"),
        (["export"], "Missing argument 'FILE'"),
        (["export", "deep", "--registry", AWAY], "'deep' is a directory"),
        (["export", "no/where.jsonl", "--registry", AWAY], "there is no folder no. Create it, or name another"),
        (["export", "/dev/null", "--registry", AWAY], "/dev/null is not a regular file"),
        (["export", "x", "--config", "cut.json"], "cut.json cannot be read"),
        (["export", "x", "--config", "list.json"], "list.json must hold one JSON object"),
        (["import", "binary.json", "--registry", AWAY], "neither an archive of `karapace-like export` nor"),
        (["import", "empty", "--registry", AWAY], "empty is not a backup of Karapace"),
        (["verify", "missing", "--registry", AWAY], "'missing' does not exist"),
        (["verify", "package.json", "--registry", AWAY], "neither an archive of `karapace-like export` nor"),
        (["doctor", "--config", "cut.json"], "cut.json cannot be read"),
        (["serve", "deep"], "'deep' is a directory"),
        (["serve", "cut.json"], "cut.json cannot be read"),
        (["serve", "binary.json"], "binary.json cannot be read"),
        (["serve", "--listeners", "nonsense"], "'nonsense' is not an address. Write http://host:port"),
        (["serve", "--port", "99999"], "99999 is not in the range"),
        (["serve", "--data", "x"], "--data is for the embedded Kafka: add --dev, or leave --data out."),
        (["serve", "--ephemeral"], "--ephemeral is for the embedded Kafka: add --dev, or leave --ephemeral out."),
        (["serve", "--dev", "--data", "x", "--ephemeral"], "--data and --ephemeral exclude each other"),
        (["serve", "--dev", "--bootstrap-uri", "a:1"], "--dev and --bootstrap-uri exclude each other"),
        (["serve", "--listeners", "http://:8081"], "'http://:8081' has no host. Write http://0.0.0.0:8081 for every"),
        (["kafka", "--ephemeral", "--data", "x"], "--ephemeral and --data exclude each other"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_other_mistakes(folder: Path, arguments: list[str], told: str) -> None:
    assert_told(run(*arguments, folder=folder), told)


@pytest.mark.parametrize("content", [b"plan", b"[]", b'{"actions": 5}', b'{"actions":' + b"[" * 100_000, b"\xff", b""])
def test_a_plan_that_is_none(shop: Shop, content: bytes) -> None:
    shop.write({"a.avsc": '"int"'})
    (shop.folder / "plan.json").write_bytes(content)
    assert_told(
        shop.run("apply", "--plan", "plan.json", "--yes"), "plan.json is not a plan that `karapace-like plan --out`"
    )
    assert shop.subjects() == []


def test_a_plan_on_a_full_disk(shop: Shop) -> None:
    shop.write({"a.avsc": '"int"'})
    assert_told(
        shop.run("plan", "--out", "/dev/full"), "The plan cannot be saved as /dev/full: No space left on device"
    )


def test_a_file_that_is_no_schema_is_passed_over_and_told(folder: Path) -> None:
    """A hook names every file that was changed."""
    ended = run("check", "--against", "HEAD", "package.json", "a.avsc", folder=folder)
    assert (ended.code, ended.out) == (0, "1 schema: 1 passed\n")
    assert ended.err.startswith("Note: package.json is skipped. ")


@pytest.mark.parametrize("command", [["lint"], ["check", "--against", "HEAD"]])
def test_output_that_nobody_can_store(tmp_path: Path, command: list[str]) -> None:
    """It does not end with 1, which would say that the schemas are bad."""
    repository = Repository(tmp_path, {"a.avsc": '"int"'})
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "karapace_like", *command],
            cwd=repository.folder,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (2, "Error: No space left on device.\n")


@pytest.mark.parametrize("form", ["text", "json", "yaml", "markdown", "gitlab", "github", "junit", "sarif"])
def test_output_is_utf_8_whatever_the_locale_says(tmp_path: Path, form: str) -> None:
    """That of Windows has neither the signs of Markdown nor every letter of a name."""
    write(tmp_path, {"\u0142\xf3d\u017a.avsc": '{"type": "record", "name": "R", "fields": []}'})
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "lint", "--strict", "--rule=type-doc=error", "--format", form],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "latin-1"},
    )
    assert (ended.returncode, ended.stderr) == (1, b"")
    assert "\u0142\xf3d\u017a" in ended.stdout.decode()


@pytest.mark.parametrize("command", [["lint"], ["lint", "--list-rules"], ["diff", "a.avsc", "a.avsc"]])
def test_output_that_nobody_reads_on(folder: Path, command: list[str]) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as closed:
        ended = subprocess.run(
            [sys.executable, "-m", "karapace_like", *command],
            cwd=folder,
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert (ended.returncode, ended.stderr) == (141, "")


def test_a_fault_of_ours_is_no_verdict_on_the_schemas(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise LookupError("unforeseen")

    monkeypatch.setattr(outcome, "render", fail)
    ended = run("lint", "a.avsc", folder=folder)
    assert ended.code == 2
    assert "LookupError: unforeseen" in ended.err
    assert ended.err.endswith("Error: This is a bug in karapace-like. Please report it with the lines above.\n")


def test_no_git(folder: Path) -> None:
    ended = run("check", "a.avsc", "--against", "HEAD", folder=folder, environment={"PATH": ""})
    assert_told(ended, "git is not installed, and a Git revision needs it.")
