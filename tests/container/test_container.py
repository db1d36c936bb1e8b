"""The container's files, without a container engine: judged by their schemas and a linter, and built in a folder."""

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from karapace_like import config
from karapace_like.kafka.cluster import Cluster
from tests.container.installed_packages import serve_index
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
    """Passes if the linter ends with 0."""
    run(str(BIN / "hadolint"), str(CONTAINERFILE))


def test_the_compose_file_follows_its_schema() -> None:
    """Passes if the validator ends with 0."""
    run(str(BIN / "check-jsonschema"), "--builtin-schema", "vendor.compose-spec", str(CONTAINER / "compose.yaml"))


@pytest.mark.parametrize(
    "path", [each for each in MANIFESTS if each.name != "kustomization.yaml"], ids=lambda each: each.name
)
def test_a_manifest_follows_kubernetes_schema(path: Path) -> None:
    """Strictly: a field that Kubernetes does not know is a mistake. Passes if the validator ends with 0."""
    run(str(BIN / "kubernetes-validate"), "--strict", str(path))


def test_the_base_names_every_manifest() -> None:
    base = yaml.safe_load((CONTAINER / "kubernetes/kustomization.yaml").read_text())
    assert sorted([*base["resources"], "kustomization.yaml"]) == [each.name for each in MANIFESTS]


def test_every_setting_that_they_name_exists() -> None:
    known = {f"KARAPACE_{each.name.upper()}" for each in config.describe_settings()}
    named = {
        each
        for path in (CONTAINERFILE, *CONTAINER.rglob("*.yaml"))
        for each in re.findall(r"\bKARAPACE_\w+", path.read_text())
    }
    assert named
    assert named <= known


def test_both_stages_have_the_base_that_is_pinned_at_the_build() -> None:
    """The digest is the registry's to say: `.ci/image` asks for it, and builds on that."""
    steps = instructions()
    assert [words.split()[0] for name, words in steps if name == "FROM"] == ["${BASE}"] * 2
    script = (ROOT / ".ci" / "image").read_text()
    assert '--build-arg "BASE=$base"' in script
    assert "RepoDigests" in script


def test_without_a_builder_the_image_is_not_built(tmp_path: Path) -> None:
    """One sentence says so; only CI may go on without it."""
    for name in ("bash", "dirname", "sed"):
        (tmp_path / name).symlink_to(shutil.which(name) or "")
    command = [str(ROOT / ".ci" / "image")]
    for arguments, code in (([], 1), (["--if-possible"], 0)):
        environment = {"PATH": str(tmp_path)}
        done = subprocess.run(
            ["bash", *command, *arguments], capture_output=True, text=True, check=False, env=environment
        )
        assert done.returncode == code
        assert "No container builder runs here" in done.stderr


def test_the_image_has_no_privileges_and_no_build_tools() -> None:
    """The last stage takes the finished environment only, as a user that is not root."""
    steps = instructions()
    last = steps[max(index for index, (name, _) in enumerate(steps) if name == "FROM") :]
    assert [words for name, words in last if name in ("COPY", "RUN", "ADD")] == ["--from=build /app /app"]
    assert ("USER", "10001:10001") in last


@pytest.mark.long
def test_the_build_steps_give_a_service_that_serves(tmp_path: Path, kafka: Cluster) -> None:
    """In a clean virtual environment: what is copied is enough, and the entry point and the health check work."""
    source, app = tmp_path / "src", tmp_path / "app"
    source.mkdir()
    steps = instructions()
    build = steps[: max(index for index, (name, _) in enumerate(steps) if name == "FROM")]
    with serve_index() as index:
        for name, words in build:
            if name == "COPY":
                copy(words, source)
            if name == "RUN":
                # The inventory's tool is not installed here.
                own = {"PIP_INDEX_URL": index} if "constraints.txt" in words else {}
                environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1", **own}
                run("sh", "-ec", in_folder(words, tmp_path), cwd=source, env=environment)
    arguments = {name: words for name, words in steps if name in ("ENTRYPOINT", "HEALTHCHECK")}
    entry_point = json.loads(arguments["ENTRYPOINT"])
    check = json.loads(arguments["HEALTHCHECK"].split(" CMD ")[1])
    with ServiceProcess(kafka.bootstrap_servers, program=[str(app / "bin" / entry_point[0])]) as service:
        run(str(app / "bin" / check[0]), *(each.replace("http://127.0.0.1:8081", service.url) for each in check[1:]))
        told = "\n".join(service.lines)
        assert f"API documentation: {service.url}/docs" in told
        for path, holds in {
            "/docs": b"<html",
            "/openapi.json": b'"openapi"',
            "/docs/swagger-ui.css": b"swagger",
        }.items():
            with urllib.request.urlopen(service.url + path) as answer:
                assert holds in answer.read()
    text = (app / "sbom.cdx.json").read_text()
    inventory = json.loads(text)
    assert inventory["bomFormat"] == "CycloneDX"
    assert JsonStrictValidator(SchemaVersion.from_version(inventory["specVersion"])).validate_str(text) is None
    assert {"karapace-like", "aiohttp", "confluent-kafka"} <= {each["name"] for each in inventory["components"]}


def in_folder(command: str, folder: Path) -> str:
    """The command of a build step with this folder as the root, and the Python of the tests as that of the base."""
    command = re.sub(r"(?<![\w.])/(app|sbom)\b", rf"{folder}/\1", command)
    command = re.sub(r"(?<!\S)pip ", f"{sys.executable} -m pip ", command.replace("--no-cache-dir ", ""))
    return re.sub(r"(?<!\S)python ", f"{sys.executable} ", command)


def copy(words: str, source: Path) -> None:
    *names, target = words.split()
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / target)
