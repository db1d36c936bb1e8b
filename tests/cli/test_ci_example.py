"""The repository in examples/ci: its breaking pull request fails with annotations, its good one passes.

The scripts of the GitHub Action, of the GitLab pipeline and of the pre-commit hooks are run as those would run them,
by the command line only, in a clone whose origin has the branch that the pull request goes to.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.command_line import Repository, run
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.slow

TOP = Path(__file__).parents[2]
EXAMPLE = TOP / "examples" / "ci"
BROKEN = [
    ("schemas/common/address.avsc", 9, "READER_FIELD_MISSING_DEFAULT_VALUE", "address, orders-value"),
    ("schemas/parcels-value.proto", 9, "FIELD_SCALAR_KIND_CHANGED", "parcels-value"),
]
_ANNOTATION = re.compile(r"::error file=([^,]+),line=(\d+),col=\d+,title=([^:]+)::([^:]+): ")


class Ended(NamedTuple):
    code: int
    out: str

    def annotations(self) -> list[tuple[str, int, str, str]]:
        """(file, line, rule, subject) of each error."""
        return [(found[1], int(found[2]), found[3], found[4]) for found in _ANNOTATION.finditer(self.out)]


def yaml(path: Path) -> Any:
    return msgspec.yaml.decode(path.read_bytes())


def shell(script: str, folder: Path, environment: Mapping[str, str]) -> Ended:
    """The script as a CI system runs it, with this project's command line in the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout + done.stderr)


@pytest.fixture
def pull_request(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A shallow clone, as CI systems make it, of a branch with one of the example's pull requests."""
    origin = Repository(tmp_path / "origin", {})
    shutil.copytree(EXAMPLE, origin.folder, dirs_exist_ok=True)
    origin.commit({})
    origin.git("checkout", "--quiet", "-b", "change")
    origin.git("apply", f"pull-requests/{request.param}.patch")
    origin.commit({})
    clone = tmp_path / "clone"
    origin.git("clone", "--quiet", "--depth=1", "--branch=change", origin.folder.as_uri(), str(clone))
    return clone


def github_action(folder: Path, temporary: Path, base: str = "main", **inputs: str) -> Ended:
    """The script of action.yml's last step, with inputs as its `env` hands them over; `base` is the target branch."""
    action = yaml(TOP / "action.yml")
    given = {name: str(each["default"]) for name, each in action["inputs"].items()} | inputs
    step = action["runs"]["steps"][-1]
    ours = {"server_url": "https://github.com", "action_repository": "shop/tools", "action_ref": "v1"}
    github = {f"github.{name}": value for name, value in {**ours, "base_ref": base}.items()}
    values = {**github, **{f"inputs.{name}": value for name, value in given.items()}}
    environment = {name: values[each[3:-2].strip()] for name, each in step["env"].items()}
    runner = {
        "RUNNER_TEMP": str(temporary),
        "GITHUB_STEP_SUMMARY": str(temporary / "summary.md"),
        "GITHUB_OUTPUT": str(temporary / "outputs"),
    }
    return shell(step["run"], folder, {**environment, **runner})


@pytest.mark.parametrize("pull_request", ["breaking"], indirect=True)
def test_the_action_fails_a_breaking_pull_request_with_annotations(pull_request: Path, tmp_path: Path) -> None:
    ended = github_action(pull_request, tmp_path, lint="true", sarif="schemas.sarif")
    assert ended.code == 1, ended.out
    assert ended.annotations() == BROKEN
    assert "| ❌ | orders-value | `schemas/orders-value.avsc` |" in (tmp_path / "summary.md").read_text()
    (sarif,) = msgspec.json.decode((pull_request / "schemas.sarif").read_bytes())["runs"]
    assert len(sarif["results"]) == len(BROKEN)
    pages = [rule["helpUri"] for rule in sarif["tool"]["driver"]["rules"]]
    assert all(page.startswith("https://github.com/shop/tools/blob/v1/docs/compatibility.md#") for page in pages)


@pytest.mark.parametrize("pull_request", ["good"], indirect=True)
def test_the_action_passes_a_good_pull_request(pull_request: Path, tmp_path: Path) -> None:
    ended = github_action(pull_request, tmp_path, lint="true")
    assert (ended.code, ended.annotations()) == (0, []), ended.out
    assert "5 schemas: 5 passed" in ended.out


@pytest.mark.parametrize("pull_request", ["breaking"], indirect=True)
def test_the_action_takes_levels_and_paths(pull_request: Path, tmp_path: Path) -> None:
    assert github_action(pull_request, tmp_path, level="NONE").code == 0
    ended = github_action(
        pull_request, tmp_path, paths="schemas/parcels-value.proto\nschemas/customers-value.schema.json\n"
    )
    assert ended.annotations() == BROKEN[1:]


@pytest.mark.parametrize("pull_request", ["breaking"], indirect=True)
def test_the_action_takes_paths_with_spaces_and_another_folder(pull_request: Path, tmp_path: Path) -> None:
    folder = pull_request / "schemas" / "of others"
    folder.mkdir()
    shutil.move(pull_request / "schemas" / "customers-value.schema.json", folder)
    ended = github_action(pull_request / "schemas", tmp_path, paths="of others\nparcels-value.proto")
    assert (ended.code, "2 schemas: 1 passed, 1 failed" in ended.out) == (1, True), ended.out
    assert ended.annotations() == BROKEN[1:], "the path is one of the repository"


@pytest.mark.parametrize("pull_request", ["breaking"], indirect=True)
def test_the_action_has_outputs(pull_request: Path, tmp_path: Path) -> None:
    github_action(pull_request, tmp_path)
    outputs = dict(line.split("=", 1) for line in (tmp_path / "outputs").read_text().splitlines())
    declared = yaml(TOP / "action.yml")["outputs"]
    assert {name: f"${{{{ steps.check.outputs.{name} }}}}" for name in outputs} == {
        name: output["value"] for name, output in declared.items()
    }
    assert {name: outputs[name] for name in ("passed", "failed", "unknown", "accepted")} == {
        "passed": "2",
        "failed": "3",
        "unknown": "0",
        "accepted": "0",
    }
    assert msgspec.json.decode(Path(outputs["report"]).read_bytes())["exit_code"] == 1
    assert Path(outputs["markdown"]).read_text().startswith("### Schemas, check")


@pytest.mark.parametrize("path", ["action.yml", "examples/ci/.github/workflows/schemas.yml", "docs/ci.md"])
def test_actions_are_pinned_by_digest(path: str) -> None:
    used = re.findall(r"uses: ([\w./-]+)@(\S+)", (TOP / path).read_text())
    others = [(name, version) for name, version in used if "your-organisation" not in name]
    assert others
    assert [name for name, version in others if not re.fullmatch("[0-9a-f]{40}", version)] == []


@pytest.mark.parametrize("pull_request", ["breaking"], indirect=True)
def test_the_action_tells_what_it_could_not_do(pull_request: Path, tmp_path: Path) -> None:
    ended = github_action(pull_request, tmp_path, registry="http://127.0.0.1:9")
    assert ended.code == 2
    assert "No registry answers at http://127.0.0.1:9" in ended.out
    pushed = github_action(pull_request, tmp_path, base="")
    assert (pushed.code, "Name the earlier versions" in pushed.out) == (2, True)


@pytest.mark.parametrize(("pull_request", "code"), [("breaking", 1), ("good", 0)], indirect=["pull_request"])
def test_the_gitlab_pipeline(pull_request: Path, code: int) -> None:
    job = yaml(EXAMPLE / ".gitlab-ci.yml")["check-schemas"]
    ended = shell("\n".join(job["script"]), pull_request, {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"})
    assert ended.code == code, ended.out
    assert (pull_request / job["artifacts"]["reports"]["junit"]).exists()
    assert (pull_request / job["artifacts"]["reports"]["codequality"]).exists()


@pytest.mark.parametrize(("patch", "code"), [("breaking", 1), ("good", 0)])
def test_the_pre_commit_hooks(tmp_path: Path, patch: str, code: int) -> None:
    """They are given the names of the changed files."""
    repository = Repository(tmp_path / "work", {})
    shutil.copytree(EXAMPLE, repository.folder, dirs_exist_ok=True)
    repository.commit({})
    repository.git("apply", "--index", f"pull-requests/{patch}.patch")
    hooks = {each["id"]: each for each in yaml(TOP / ".pre-commit-hooks.yaml")}
    used = [each["id"] for each in yaml(EXAMPLE / ".pre-commit-config.yaml")["repos"][0]["hooks"]]
    changed = repository.git("diff", "--cached", "--name-only").split()
    codes = {}
    for name in used:
        hook = hooks[name]
        files = [each for each in changed if re.search(hook["files"], each)]
        command = [*hook["entry"].split()[1:], *hook.get("args", ()), *files]
        codes[name] = run(*command, folder=repository.folder).code
    assert codes == {"karapace-like-check": code, "karapace-like-lint": 0}


def test_one_command_puts_the_place_and_version_of_the_tool_into_all_pipelines(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    (command,) = re.findall(r"^sed .*$", (EXAMPLE / "README.md").read_text(), re.MULTILINE)
    changed = command.replace("#v0.1.0#", "#v9.8.7#")
    assert shell(changed, tmp_path, {}).code == 0
    pipelines = changed.split("' ", 1)[1].split()
    hooks = yaml(tmp_path / ".pre-commit-config.yaml")["repos"][0]
    assert (hooks["repo"], hooks["rev"]) == ("https://github.com/acme/karapace_like", "v9.8.7")
    named = [re.findall(r"\S*/karapace_like\S*", (tmp_path / each).read_text()) for each in pipelines]
    assert [len(each) for each in named] == [1, 1, 2]
    texts = "".join((tmp_path / each).read_text() for each in pipelines)
    assert "your-organisation" not in texts
    assert "v0.1.0" not in texts
    workflow = (tmp_path / ".github/workflows/schemas.yml").read_text()
    assert workflow.count("acme/karapace_like@v9.8.7") == 2


@pytest.mark.long
def test_what_is_merged_is_registered(tmp_path: Path, service: ServiceProcess) -> None:
    """The last step of both pipelines, with subjects that no other test has."""
    shutil.copytree(EXAMPLE, tmp_path, dirs_exist_ok=True)
    settings = tmp_path / "karapace-like.toml"
    own = settings.read_text().replace("[subjects.parcels-value]", f'[subjects."{tmp_path.name}.parcels"]')
    settings.write_text(f'subject = "{tmp_path.name}.{{stem}}"\n{own}')
    job = yaml(EXAMPLE / ".gitlab-ci.yml")["register-schemas"]
    workflow = yaml(EXAMPLE / ".github" / "workflows" / "schemas.yml")["jobs"]["register"]["steps"][-1]
    assert job["script"] == [workflow["run"]]
    environment = {"KARAPACE_LIKE_REGISTRY": service.url}
    first, again = (shell(workflow["run"], tmp_path, environment) for _ in range(2))
    assert (first.code, first.out.count("done: + register")) == (0, 5), first.out
    assert again.out == "No changes: the registry matches the files.\n"
