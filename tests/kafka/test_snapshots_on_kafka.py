"""Local snapshots on a real broker: a restart uses one that is sure to be the topic's state, and no other."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)

from karapace_like.kafka.cluster import Cluster
from karapace_like.records import LogPosition
from karapace_like.replication.snapshot_file import read_blocks, write_blocks
from karapace_like.replication.snapshots import Header
from tests.calling import call
from tests.scraping import scraped, values_by_labels
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

POSITION = LogPosition._fields
PATHS = ("/subjects?deleted=true", "/schemas?deleted=true", "/contexts", "/config", "/config/b?defaultToGlobal=true")


def outcome(service: ServiceProcess) -> str:
    """What became of the snapshot at the last start, as every worker tells."""
    told = values_by_labels(scraped(service), "registry_snapshot")
    assert set(told.values()) == {1.0}
    assert len(told) == service.workers
    (found,) = {dict(labels)["outcome"] for labels in told}
    return found


def register(service: ServiceProcess, subject: str, text: str) -> Any:
    return call(service.url, "POST", f"/subjects/{subject}/versions", {"schema": text})["id"]


def read_all(service: ServiceProcess) -> list[Any]:
    return [call(service.url, "GET", path) for path in PATHS]


class Node(ServiceProcess):
    """A node with snapshots, which holds some of everything when it was stopped for the first time."""

    def __init__(self, kafka: Cluster, folder: Path, **settings: Any) -> None:
        self.file = folder / "snapshots" / "schemas.snapshot"
        super().__init__(kafka.bootstrap_servers, snapshot_directory=self.file.parent, **settings)

    def fill(self) -> None:
        register(self, "a", '"int"')
        register(self, "a", '"long"')
        register(self, "b", '"int"')
        register(self, ":.eu:c", '"string"')
        call(self.url, "PUT", "/config", {"compatibility": "FULL"})
        call(self.url, "PUT", "/config/b", {"compatibility": "NONE"})
        call(self.url, "DELETE", "/subjects/a/versions/1")
        call(self.url, "DELETE", "/subjects/:.eu:c")

    @property
    def header(self) -> Header:
        """That of the snapshot."""
        return msgspec.msgpack.decode(next(read_blocks(self.file)), type=Header)

    def change_header(self, **values: Any) -> None:
        """Write the snapshot with another header."""
        _, *parts = read_blocks(self.file)
        header = self.header
        position = header.position._replace(**{name: values.pop(name) for name in [*values] if name in POSITION})
        changed = msgspec.structs.replace(header, position=position, **values)
        write_blocks(self.file, [msgspec.msgpack.encode(changed), *parts])


@pytest.fixture
def node(kafka: Cluster, tmp_path: Path) -> Iterator[Node]:
    with Node(kafka, tmp_path) as service:
        assert outcome(service) == "missing"
        service.fill()
        yield service


def epoch_of_fence(node: Node) -> int:
    """The epoch of the last primary before the snapshot, which the next one has to know: it may have to fence it."""
    return int(node.header.position.fence.split(b":")[1])


def test_a_restart_loads_the_snapshot_and_continues_with_the_topic(node: Node, kafka: Cluster) -> None:
    """Others have written and deleted meanwhile."""
    before = read_all(node)
    assert node.stop() == 0
    assert node.file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in node.file.parent.iterdir()] == [node.file.name]
    node.start()
    assert outcome(node) == "used"
    assert read_all(node) == before
    assert register(node, "d", '"bytes"') == 3
    epoch = epoch_of_fence(node)
    node.stop()
    assert epoch_of_fence(node) == epoch + 1
    with ServiceProcess(kafka.bootstrap_servers, topic_name=node.topic, group_id=node.group) as other:
        call(other.url, "DELETE", "/subjects/a/versions/1?permanent=true")
        call(other.url, "DELETE", "/subjects/d")
        assert register(other, "e", '"float"') == 4
        after = read_all(other)
    node.start()
    assert outcome(node) == "used"
    assert read_all(node) == after
    assert register(node, "f", '"double"') == 5


def test_a_node_that_was_killed_loads_the_snapshot_of_its_last_orderly_stop(node: Node) -> None:
    """And reads from the topic what it had applied since."""
    node.stop()
    node.start()
    call(node.url, "DELETE", "/subjects/b")
    register(node, "d", '"bytes"')
    before = read_all(node)
    node.stop(signal.SIGKILL)
    node.start()
    assert outcome(node) == "used"
    assert read_all(node) == before
    assert register(node, "e", '"float"') == 4


def test_a_topic_that_was_recreated_has_no_snapshot(node: Node, kafka: Cluster) -> None:
    """It has the same name, and other records from the same offsets on."""
    node.stop()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.delete_topics([node.topic])[node.topic].result()
    wait_until(lambda: node.topic not in admin.list_topics().topics)
    with ServiceProcess(kafka.bootstrap_servers, topic_name=node.topic, group_id=node.group) as other:
        for number in range(10):
            register(other, f"s{number}", '"bytes"')
        expected = read_all(other)
    node.start()
    assert outcome(node) == "other_topic"
    assert read_all(node) == expected


@pytest.mark.kafka
@pytest.mark.long
def test_a_topic_that_has_lost_its_last_record_has_no_snapshot(tmp_path: Path) -> None:
    """A broker has lost what its disk did not have yet; others have written more records since."""
    with Cluster(data=tmp_path / "kafka") as kafka, Node(kafka, tmp_path) as node:
        node.fill()
    (tmp_path / "kafka" / "broker-1" / "data" / ".kafka_cleanshutdown").unlink()
    (log,) = tmp_path.glob(f"kafka/broker-1/data/{node.topic}-0/*.log")
    os.truncate(log, log.stat().st_size - 20)
    with Cluster(data=tmp_path / "kafka") as kafka:
        with ServiceProcess(kafka.bootstrap_servers, topic_name=node.topic, group_id=node.group) as other:
            for number in range(10):
                register(other, f"s{number}", '"bytes"')
            expected = read_all(other)
        with Node(kafka, tmp_path, topic_name=node.topic, group_id=node.group) as again:
            assert outcome(again) == "other_records"
            assert any("has lost records" in line for line in again.lines)
            assert read_all(again) == expected


def test_a_directory_that_others_may_use_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    serve = [sys.executable, "-m", "karapace_like", "serve"]
    environment = {**os.environ, "KARAPACE_SNAPSHOT_DIRECTORY": str(tmp_path), "KARAPACE_PORT": "0"}
    refused = subprocess.run(serve, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert f"snapshot_directory: {tmp_path} cannot hold snapshots: other users may use the directory" in refused.stderr
    assert "Name a directory that only the user of the service may use (mode 700)" in refused.stderr


def test_workers_share_a_snapshot(kafka: Cluster, tmp_path: Path) -> None:
    """One of them writes it; one process loads it for all, and all tell what became of it."""
    with Node(kafka, tmp_path, workers=2) as service:
        assert outcome(service) == "missing"
        service.fill()
        service.stop()
        service.start()
        assert outcome(service) == "used"
        assert len([line for line in service.lines if "was written" in line]) == 1
        assert len([line for line in service.lines if f"{service.file} was loaded" in line]) == 1
        assert len([line for line in service.lines if "in memory was loaded" in line]) == 2
        service.stop()
        change_a_byte(service, kafka)
        service.start()
        assert outcome(service) == "damaged"


def change_a_byte(node: Node, _: Cluster) -> None:
    content = bytearray(node.file.read_bytes())
    content[-100] ^= 1
    node.file.write_bytes(content)


def cut_off(node: Node, _: Cluster) -> None:
    node.file.write_bytes(node.file.read_bytes()[:-4])


def let_others_write(node: Node, _: Cluster) -> None:
    node.file.chmod(0o666)


def name_another_cluster(node: Node, _: Cluster) -> None:
    node.change_header(cluster_id="another")


def name_another_release(node: Node, _: Cluster) -> None:
    node.change_header(release="0.0.1")


def name_a_later_epoch(node: Node, _: Cluster) -> None:
    """No leader of this topic has written it."""
    node.change_header(leader_epoch=1_000)


def name_a_later_offset(node: Node, _: Cluster) -> None:
    """The topic has fewer records: it has lost some."""
    node.change_header(offset=1_000)


def shorten_the_time_of_tombstones(node: Node, kafka: Cluster) -> None:
    """Deletions from after the snapshot may be gone."""
    entry = ConfigEntry("delete.retention.ms", "0", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, node.topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.incremental_alter_configs([resource])[resource].result()


def name_another_begin(node: Node, _: Cluster) -> None:
    """Records were deleted from the beginning of the topic since."""
    node.change_header(start=1)


@pytest.mark.parametrize(
    ("doubt", "expected"),
    [
        (change_a_byte, "damaged"),
        (cut_off, "damaged"),
        (let_others_write, "damaged"),
        (name_another_release, "other_release"),
        (name_another_cluster, "other_topic"),
        (name_a_later_epoch, "other_records"),
        (name_a_later_offset, "other_records"),
        (name_another_begin, "other_records"),
        (shorten_the_time_of_tombstones, "too_old"),
    ],
)
def test_a_doubtful_snapshot_is_not_used(
    node: Node, kafka: Cluster, doubt: Callable[[Node, Cluster], None], expected: str
) -> None:
    """The topic is read instead, and the next snapshot takes its place."""
    before = read_all(node)
    node.stop()
    doubt(node, kafka)
    node.start()
    assert outcome(node) == expected
    assert any("is not used, and the topic is read instead" in line for line in node.lines)
    assert read_all(node) == before
    assert register(node, "d", '"bytes"') == 3
