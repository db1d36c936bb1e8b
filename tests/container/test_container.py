"""The container's files, without a container engine: judged by their schemas and a linter, and built in a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from karapace_like import config
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "container"
CONTAINERFILE = CONTAINER / "Containerfile"
MANIFESTS = sorted(CONTAINER.glob("kubernetes/*.yaml"))
BIN = Path(sys.executable).parent


def instructions() -> list[tuple[str, str]]:
    """Name and arguments of each instruction, in order."""
    lines = re.sub(r"\\\n\s*", "", CONTAINERFILE.read_text()).splitlines()
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines if line and not line.startswith("#")]


def run(*command: str, **options: object) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_linter_has_nothing_to_say_of_the_containerfile() -> None:
    run(str(BIN / "hadolint"), str(CONTAINERFILE))


def test_the_compose_file_follows_its_schema() -> None:
    run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(CONTAINER / "compose.yaml"))


@pytest.mark.parametrize(
    "path", [each for each in MANIFESTS if each.name != "kustomization.yaml"], ids=lambda each: each.name
)
def test_a_manifest_follows_kubernetes_schema(path: Path) -> None:
    """Strictly: a field that Kubernetes does not know is a mistake."""
    run(str(BIN / "kubernetes-validate"), "--strict", str(path))


def test_the_base_names_every_manifest() -> None:
    base = yaml.safe_load((CONTAINER / "kubernetes/kustomization.yaml").read_text())
    assert sorted([*base["resources"], "kustomization.yaml"]) == [each.name for each in MANIFESTS]


def test_every_setting_that_they_name_exists() -> None:
    known = {f"KARAPACE_{each.name.upper()}" for each in config.described()}
    named = {
        each
        for path in (CONTAINERFILE, *CONTAINER.rglob("*.yaml"))
        for each in re.findall(r"\bKARAPACE_\w+", path.read_text())
    }
    assert named
    assert named <= known


def test_the_image_has_no_privileges_and_no_build_tools() -> None:
    """The last stage takes the finished environment only, as a user that is not root."""
    steps = instructions()
    last = steps[max(index for index, (name, _) in enumerate(steps) if name == "FROM") :]
    assert [words for name, words in last if name in ("COPY", "RUN", "ADD")] == ["--from=build /app /app"]
    assert ("USER", "10001:10001") in last


def test_the_build_steps_give_a_service_that_serves(tmp_path: Path, kafka: Cluster) -> None:
    """In a clean virtual environment: what is copied is enough, and the entry point and the health check work."""
    source, app = tmp_path / "src", tmp_path / "app"
    source.mkdir()
    steps = instructions()
    build = steps[: [name for name, _ in steps].index("FROM", 1)]
    for name, words in build:
        if name == "COPY":
            copy(words, source)
        if name == "RUN":
            command = words.replace("/app", str(app)).replace("python -m venv", f"{sys.executable} -m venv")
            command = command.replace("--no-cache-dir ", "")
            run("sh", "-ec", command, cwd=source, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    arguments = {name: words for name, words in steps if name in ("ENTRYPOINT", "HEALTHCHECK")}
    entry_point = json.loads(arguments["ENTRYPOINT"])
    check = json.loads(arguments["HEALTHCHECK"].split(" CMD ")[1])
    with ServiceProcess(kafka.bootstrap_servers, program=[str(app / "bin" / entry_point[0])]) as service:
        run(str(app / "bin" / check[0]), *(each.replace("http://127.0.0.1:8081", service.url) for each in check[1:]))


def copy(words: str, source: Path) -> None:
    *names, target = words.split()
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / target)
