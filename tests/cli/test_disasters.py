"""The page about disasters: its blocks are run in a shell against a real registry and a real Kafka."""

import json
import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.cluster import Cluster
from karapace_like.registry import records
from karapace_like.registry.records import Record
from tests.calling import call
from tests.cli.large_registry import write
from tests.markdown_examples import PAGES
from tests.service_process import ServiceProcess

_SECTIONS = {
    title: re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for title, text in re.findall(
        r"^## (.*?)\n(.*?)(?=^## |\Z)", (PAGES / "disasters.md").read_text(), re.MULTILINE | re.DOTALL
    )
}
WRONG = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": "int"}]}
RIGHT = {"type": "record", "name": "Order", "fields": [{"name": "id", "type": ["int", "string"]}]}


class Shell:
    """Runs blocks of the page."""

    def __init__(self, kafka: Cluster, folder: Path) -> None:
        self.folder = folder
        self.variables = {"KAFKA": kafka.bootstrap_servers, "BACKUP": str(folder)}

    def use(self, service: ServiceProcess) -> None:
        self.variables |= {"KARAPACE_LIKE_REGISTRY": service.url, "TOPIC": service.topic}

    def run(self, title: str, number: int = 0, *, fails: int = 0) -> str:
        commands = Path(sys.executable).parent
        environment = {**os.environ, **self.variables, "PATH": f"{commands}:{os.environ['PATH']}"}
        block = ["bash", "-euo", "pipefail", "-c", _SECTIONS[title][number]]
        ended = subprocess.run(
            block, env=environment, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120
        )
        assert ended.returncode == fails, (ended.returncode, ended.stdout, ended.stderr)
        return ended.stdout


@pytest.fixture
def shell(kafka: Cluster, tmp_path: Path) -> Shell:
    return Shell(kafka, tmp_path)


def register(service: ServiceProcess, subject: str, schema: object) -> int:
    body = {"schema": json.dumps(schema)}
    return int(call(service.url, "POST", f"/subjects/{subject}/versions", body)["id"])


def delete_topic(kafka: Cluster, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.delete_topics([name])[name].result()


def test_every_block_is_run() -> None:
    """Those of a section that no test names would be untested."""
    text = Path(__file__).read_text()
    assert [title for title, blocks in _SECTIONS.items() if blocks and f'"{title}"' not in text] == []


def test_archives_are_kept_compared_and_removed(kafka: Cluster, shell: Shell) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        register(service, "orders-value", WRONG)
        assert "Written to" in shell.run("Before: a backup every hour")
        assert shell.run("Before: a backup every hour") == "Unchanged since the newest archive\n"
        assert shell.run("Before: a backup every hour", 1) == "Equal\n"
        register(service, "orders-value", RIGHT)
        assert "not in the backup" in shell.run("Before: a backup every hour", 1, fails=1)


def test_a_deleted_topic_is_restored_from_the_memory_of_a_node(kafka: Cluster, shell: Shell) -> None:
    topic = f"_schemas-{secrets.token_hex(6)}"
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as service:
        shell.use(service)
        first = register(service, "orders-value", WRONG)
        delete_topic(kafka, topic)
        shell.run("The schemas topic was deleted")
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as service:
        shell.use(service)
        assert "Equal" in shell.run("The schemas topic was deleted", 1)
        assert call(service.url, "GET", "/subjects/orders-value/versions/1")["id"] == first


def test_a_lost_cluster_is_replaced_from_the_newest_archive(kafka: Cluster, shell: Shell) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        first = register(service, "orders-value", WRONG)
        shell.run("Before: a backup every hour")
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        assert "Equal" in shell.run("All brokers of the topic were lost")
        assert call(service.url, "GET", "/subjects/orders-value/versions/1")["id"] == first
        shell.run("All brokers of the topic were lost", 1)
        assert call(service.url, "GET", "/schemas/ids/4711")["schema"] == '"string"'
        assert register(service, "lost-value", "string") == 4711


def test_a_topic_is_moved_to_another_registry(kafka: Cluster, shell: Shell) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as before:
        first = register(before, "orders-value", WRONG)
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        shell.variables["TOPIC"] = before.topic
        assert "Equal" in shell.run("The topic is on another cluster")
        assert call(service.url, "GET", "/subjects/orders-value/versions/1")["id"] == first


@pytest.mark.parametrize(("workers", "kilobytes"), [(1, 0), (2, 1)])
def test_a_node_without_space_on_its_disk_works(kafka: Cluster, shell: Shell, workers: int, kilobytes: int) -> None:
    """No file of the process can grow, as on a full disk; that of 48 bytes, which workers share, is there before."""
    limit = f'ulimit -f {kilobytes}; exec {sys.executable} -m karapace_like "$@"'
    program = ("bash", "-c", limit, "karapace-like")
    with ServiceProcess(kafka.bootstrap_servers, program=program, workers=workers) as service:
        shell.use(service)
        assert register(service, "orders-value", WRONG) == 1
        assert json.loads(shell.run("The disk of a node is full"))["ready"] is True


def test_diverged_ids_are_found_and_repaired(kafka: Cluster, shell: Shell) -> None:
    topic = f"_schemas-{secrets.token_hex(6)}"
    write(kafka.bootstrap_servers, topic, iter([_version("a", "int"), _version("b", "long")]))
    shell.variables["TOPIC"] = topic
    assert "duplicate id: 1\n  b version 1\n" in shell.run("Ids have diverged", fails=1)
    assert "1 repaired, 0 remain" in shell.run("Ids have diverged", 1)
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as service:
        ids = [call(service.url, "GET", f"/subjects/{name}/versions/1")["id"] for name in "ab"]
    assert ids[0] == 1
    assert ids[1] > 1


def _version(subject: str, schema: str) -> Record:
    key = {"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1}
    value = {"subject": subject, "version": 1, "id": 1, "schema": json.dumps(schema), "deleted": False}
    return records.decode(json.dumps(key, separators=(",", ":")).encode(), json.dumps(value).encode())


def test_a_wrong_schema_is_hidden_and_stays_readable(kafka: Cluster, shell: Shell) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        register(service, "orders-value", WRONG)
        call(service.url, "PUT", "/config/orders-value", {"compatibility": "NONE"})
        wrong = register(service, "orders-value", {**WRONG, "fields": [{"name": "id", "type": "bytes"}]})
        call(service.url, "PUT", "/config/orders-value", {"compatibility": "BACKWARD"})
        (shell.folder / "orders-value.avsc").write_text(json.dumps(RIGHT))
        shell.run("A wrong schema was registered and is in use")
        assert call(service.url, "GET", "/subjects/orders-value/versions") == [1, 3]
        assert call(service.url, "GET", f"/schemas/ids/{wrong}")["schema"]


def test_the_state_of_a_moment_is_looked_at_in_a_context(kafka: Cluster, shell: Shell) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        shell.use(service)
        register(service, "orders-value", WRONG)
        shell.run("Before: a backup every hour")
        register(service, "orders-value", RIGHT)
        assert "string" in shell.run("Restore to a moment in time")
        assert call(service.url, "GET", "/subjects/:.before:orders-value/versions") == [1]
