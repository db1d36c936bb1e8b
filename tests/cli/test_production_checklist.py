"""The production checklist of docs/: every item is a command, and those that need no cluster are run here."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.prometheus_tools import find_program
from tests.service_process import ServiceProcess
from tests.waiting import wait_until
from tests.web.access.certificates import Authority

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "production.md"
PASSWORD = "correct horse"
SECTIONS = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL))


def commands(section: str) -> list[str]:
    """The commands of a section, one of each item."""
    return re.findall(r"^```bash\n(.*?)^```$", SECTIONS[section], flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_item_is_a_command(section: str) -> None:
    """A sentence that ends with a colon, and a block that a shell can read."""
    items = re.sub(r"^```bash\n.*?^```$", "<command>", SECTIONS[section], flags=re.MULTILINE | re.DOTALL)
    assert re.fullmatch(r"\s*([^\n<]+:\n(?=<command>)<command>\s*)+", items), items
    for command in commands(section):
        subprocess.run(["bash", "-n", "-c", command], check=True)


def run(command: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **variables}
    return subprocess.run(
        ["bash", "-ec", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def find_item(section: str, program: str) -> str:
    """The only command of a section that runs this program."""
    (command,) = (command for command in commands(section) if command.startswith(program))
    return command


@pytest.fixture
def authfile(tmp_path: Path) -> Path:
    """Of one user, who may do everything."""
    passwd = subprocess.run(
        [sys.executable, "-m", "karapace_like", "passwd", "admin"],
        input=f"{PASSWORD}\n", capture_output=True, text=True, check=True,
    )  # fmt: skip
    grant = {"username": "admin", "operation": "Write", "resource": ".*"}
    file = tmp_path / "authfile.json"
    file.write_text(json.dumps({"users": [json.loads(passwd.stdout)], "permissions": [grant]}))
    return file


@pytest.mark.long
def test_the_items_of_the_service_hold_for_one_that_is_set_up(kafka: Cluster, authfile: Path, tmp_path: Path) -> None:
    """With access control; a service without it fails one of them."""
    certificate = Authority("of-clients").issue(tmp_path / "server.pem", "CN=registry", days=90)
    listeners = "http://127.0.0.1:0,https://127.0.0.1:0"
    with ServiceProcess(
        kafka.bootstrap_servers, listeners=listeners, server_tls_certfile=certificate, registry_authfile=authfile
    ) as service:
        (https,) = set(re.findall(r"https://(127\.0\.0\.1:\d+)", "\n".join(service.lines)))
        variables = {
            "REGISTRY": service.url,
            "HTTPS": https,
            "KAFKA": kafka.bootstrap_servers,
            "KARAPACE_LIKE_REGISTRY": service.url,
            "KARAPACE_LIKE_USER": "admin",
            "KARAPACE_LIKE_PASSWORD": PASSWORD,
            "KARAPACE_TOPIC_NAME": service.topic,
        }
        openssl = find_item("Kafka and the network", "openssl")
        for command in [*commands("The service"), *([openssl] if shutil.which("openssl") else [])]:
            done = run(command, tmp_path, **variables)
            assert done.returncode == 0, (command, done.stdout, done.stderr)
        Authority("of-clients").issue(certificate, "CN=registry", days=29)
        if shutil.which("openssl"):
            wait_until(lambda: run(openssl, tmp_path, **variables).returncode == 1)


def test_the_alert_rules_are_valid() -> None:
    find_program("promtool")
    done = run(find_item("Kafka and the network", "promtool"), ROOT)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_reads_the_fields_that_the_items_judge(tmp_path: Path) -> None:
    """It prints them of files in place of a cluster's objects, by the paths of the page."""
    image, budget = (
        re.findall(r"--output (jsonpath='[^']+')", command)[0]
        for command in commands("Kubernetes")
        if "jsonpath" in command
    )
    deployment = ROOT / "container" / "kubernetes" / "deployment.yaml"
    pinned = f"kubectl set image --local -f {deployment} karapace-like=a/b@sha256:00 --output {image}"
    assert run(pinned, tmp_path).stdout == "a/b@sha256:00"
    kind = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "karapace-like"}}
    (tmp_path / "budget.json").write_text(json.dumps({**kind, "status": {"disruptionsAllowed": 1}}))
    assert run(f"kubectl annotate --local -f budget.json a=b --output {budget}", tmp_path).stdout == "1"
