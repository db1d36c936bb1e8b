"""The check of commit subjects finds what CONTRIBUTING.md forbids, in the commits after its own."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

PROGRAM = Path(__file__).parents[2] / ".ci" / "commit_subjects.py"


@pytest.fixture
def check() -> ModuleType:
    spec = importlib.util.spec_from_file_location("commit_subjects", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    _git(tmp_path, "init", "--quiet")
    return tmp_path


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def _commit(folder: Path, subject: str, file: str = "file") -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(subject)
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", subject)


@pytest.mark.parametrize(
    "subject",
    [
        "Cache the running loop in SharedDeadline",
        "Embed the viewer of the OpenAPI document",
        "Bring the tests below seven minutes",
        "x" * 72,
    ],
)
def test_a_subject_in_the_imperative_is_allowed(check: ModuleType, subject: str) -> None:
    assert check.find_problems(subject) == []


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("x" * 73, "73 characters"),
        ("Let no worker wait for another", "begins with 'Let'"),
        ("Say where the data folder is", "begins with 'Say'"),
        ("Tell callers what was expected", "begins with 'Tell'"),
        ("Added a metric", "'Added'"),
        ("Adding a metric", "'Adding'"),
        ("Add a metric.", "full stop"),
    ],
)
def test_any_other_subject_is_a_problem(check: ModuleType, subject: str, problem: str) -> None:
    (found,) = check.find_problems(subject)
    assert problem in found


def test_commits_after_the_one_that_adds_the_check_are_looked_at(check: ModuleType, repository: Path) -> None:
    _commit(repository, "Said before there was a check.")
    _commit(repository, "Add the check", check.ITSELF)
    assert check.list_subjects(repository) == []
    _commit(repository, "Add a metric", "metric")
    _commit(repository, "Moved the check", check.ITSELF)
    assert [subject for _, subject in check.list_subjects(repository)] == ["Moved the check", "Add a metric"]


def test_a_shallow_clone_is_checked_as_far_as_it_goes(
    check: ModuleType, repository: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _commit(repository, "Add the check", check.ITSELF)
    for subject in ("Added too early", "Add a metric", "Add a setting"):
        _commit(repository, subject)
    clone = tmp_path_factory.mktemp("clone")
    _git(clone, "clone", "--quiet", "--depth", "2", f"file://{repository}", ".")
    assert [subject for _, subject in check.list_subjects(clone)] == ["Add a setting"]


def test_without_a_repository_there_is_nothing_to_check(check: ModuleType, tmp_path: Path) -> None:
    assert check.list_subjects(tmp_path) == []


def test_problems_fail_the_lint(
    check: ModuleType, repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(repository, "Add the check", check.ITSELF)
    _commit(repository, "Added a metric.")
    monkeypatch.setattr(check, "ROOT", repository)
    with pytest.raises(SystemExit) as ended:
        check.main()
    assert ended.value.code == 1
    printed = capsys.readouterr().out
    assert "Added a metric." in printed
    assert "full stop" in printed
    assert "imperative" in printed
