"""The embedded Kafka, run for real."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient

from karapace_like.kafka.broker_error import BrokerError
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.jars import can_archive_classes, find_class_archive, find_jars
from karapace_like.kafka.java import find_java
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka

_SECONDS = 120.0


def _produce(bootstrap_servers: str, topic: str, value: bytes) -> None:
    failures: list[object] = []
    producer = Producer({"bootstrap.servers": bootstrap_servers, "log_level": 0, "acks": "all"})
    producer.produce(topic, value, on_delivery=lambda error, _: failures.append(error) if error else None)
    assert producer.flush(_SECONDS) == 0
    assert not failures


def _values(bootstrap_servers: str, topic: str, count: int) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap_servers, "log_level": 0, "group.id": topic, "auto.offset.reset": "earliest"}
    )
    consumer.subscribe([topic])
    try:
        return [message.value() for message in consumer.consume(count, _SECONDS)]
    finally:
        consumer.close()


def _listens(address: str) -> bool:
    host, port = address.split(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


@contextmanager
def _command(*arguments: str, temporary: Path | None = None) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """`karapace-like kafka` in a process of its own, and the address that it printed."""
    environment = {**os.environ, "TMPDIR": str(temporary)} if temporary else None
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell, and processes inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", "karapace_like", "kafka", *arguments], stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdout
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.terminate()


def test_a_record_comes_back(kafka: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    _produce(kafka.bootstrap_servers, name, b"hello")
    assert _values(kafka.bootstrap_servers, name, 1) == [b"hello"]


@pytest.mark.long
def test_the_command_ends_in_order_on_both_signals_and_goes_on_with_the_kept_data_of_its_own_cluster_only(
    tmp_path: Path, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first end leaves an archive of Java's classes, which every later start uses while it is undamaged."""
    java = find_java()
    downloaded = find_jars(java, lambda _: None)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("KAFKA_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    jars = tmp_path / "home" / "libs"
    jars.symlink_to(downloaded)
    assert find_class_archive(java, jars) is None
    data, name = tmp_path / "a folder, kept", topic()
    for i, number in enumerate((signal.SIGINT, signal.SIGTERM)):
        with _command("--data", str(data)) as (process, address):
            _produce(address, name, bytes([i]))
            with pytest.raises(BrokerError, match=r"A running Kafka uses the data folder .*: stop it"):
                Cluster(data=data).start()
            process.send_signal(number)
            assert process.wait(_SECONDS) == 0
            assert not _listens(address)
        assert [path for path in (data, *data.rglob("*")) if path.stat().st_mode & 0o077] == []  # nobody else's to read
        assert [path.name for path in data.rglob("*.jsa")] == []
    archive = find_class_archive(java, jars)
    assert (archive is not None) == can_archive_classes(java)
    assert list((tmp_path / "cache").rglob("*.*")) == [archive] * (archive is not None)
    told: list[str] = []
    with Cluster(data=data, progress=told.append) as kafka:
        assert _values(kafka.bootstrap_servers, name, 2) == [b"\x00", b"\x01"]
        maps = Path(f"/proc/{kafka.brokers[0].pid}/maps")
        assert archive is None or not maps.exists() or str(archive) in maps.read_text()
    assert len(told) == 2, told
    with pytest.raises(BrokerError, match=r"belongs to another cluster \(number of brokers: 1, not 2\): start as many"):
        Cluster(data=data, brokers=2).start()
    meta = data / "broker-1" / "data" / "meta.properties"
    meta.write_text(re.sub(r"cluster\.id=.*", "cluster.id=abcdefghijklmnopqrstuv", meta.read_text()))
    with pytest.raises(BrokerError, match="broker-1/data belongs to cluster abcdefghijklmnopqrstuv, not"):
        Cluster(data=data).start()


@pytest.mark.long
def test_a_killed_program_takes_its_broker_and_its_ephemeral_data_along(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _command("--ephemeral", "--port", str(port), temporary=tmp_path) as (process, address):
        assert address == f"127.0.0.1:{port}"
        assert _listens(address)
        assert list(tmp_path.iterdir())
        process.kill()
        process.wait()
        wait_until(lambda: not _listens(address))
        wait_until(lambda: not list(tmp_path.iterdir()))


@pytest.mark.long
def test_a_lost_port_is_replaced_and_a_broker_that_dies_is_told_and_its_ephemeral_data_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cluster, "temporary_folder", tmp_path)
    addresses: list[str] = []
    with ExitStack() as other_program:

        def take_first_port(line: str) -> None:
            address = line.removeprefix("Starting Kafka at ")
            if address != line and not addresses:
                host, port = address.split(":")
                other_program.enter_context(socket.create_server((host, int(port))))
            addresses.append(address)

        with Cluster(progress=take_first_port) as kafka:
            assert kafka.bootstrap_servers == addresses[1] != addresses[0]
            assert list(tmp_path.iterdir())
            os.kill(kafka.brokers[0].pid, signal.SIGKILL)
            with pytest.raises(BrokerError, match="Kafka broker 1 ended"):
                kafka.watch()
    assert not list(tmp_path.iterdir())


def test_one_replica_in_a_cluster_of_several_brokers_is_a_warning(three_brokers: Cluster) -> None:
    """When the registry creates its topic, and at every later start; three replicas are none."""
    warning = "has one replica in a cluster of 3 brokers"
    with ServiceProcess(three_brokers.bootstrap_servers, replication_factor=1) as service:
        assert any(warning in line for line in service.lines)
        service.stop()
        service.lines.clear()
        service.start()
        assert any(warning in line for line in service.lines)
    with ServiceProcess(three_brokers.bootstrap_servers, replication_factor=3) as service:
        assert not any(warning in line for line in service.lines)


def test_a_replicated_topic_survives_the_kill_of_its_leader(three_brokers: Cluster, topic: Callable[[], str]) -> None:
    name = topic()
    servers = three_brokers.bootstrap_servers
    _produce(servers, name, b"before")
    partition = AdminClient({"bootstrap.servers": servers}).list_topics(name).topics[name].partitions[0]
    assert sorted(partition.replicas) == [1, 2, 3]
    leader = three_brokers.brokers[partition.leader - 1]
    leader.kill()
    assert not _listens(leader.address)
    _produce(servers, name, b"after")
    assert _values(servers, name, 2) == [b"before", b"after"]
    leader.start()
    wait_until(lambda: leader.is_ready_for([1, 2, 3]))


def test_a_broker_can_be_paused_resumed_stopped_and_started(three_brokers: Cluster) -> None:
    broker = three_brokers.brokers[0]
    broker.pause()
    assert {_read_state(thread) for thread in Path(f"/proc/{broker.pid}/task").iterdir()} <= {"T"}
    assert _listens(broker.address)
    assert not broker.is_ready_for([])
    broker.resume()
    wait_until(lambda: broker.is_ready_for([1, 2, 3]))
    broker.stop()
    assert not broker.is_running
    assert not _listens(broker.address)
    broker.start()
    wait_until(lambda: broker.is_ready_for([1, 2, 3]))


def _read_state(thread: Path) -> str:
    return (thread / "stat").read_text().rpartition(") ")[2][:1]


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(BrokerError, match=rf"Port {port} of 127\.0\.0\.1 is not available .*choose another port"):
            Cluster(port=port, data=tmp_path).start()


def test_a_folder_of_other_files_is_left_alone(tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.touch()
    with pytest.raises(BrokerError, match="holds files that are not of a Kafka of this program: choose another"):
        Cluster(data=tmp_path).start()
    assert list(tmp_path.iterdir()) == [letter]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (
            ["--data", __file__],
            1,
            f"Error: The data folder {__file__} cannot be created (File exists): choose another folder.\n",
        ),
        (
            ["--data", ".", "--ephemeral"],
            2,
            "Error: --ephemeral and --data exclude each other: leave one of them out.\n",
        ),
    ],
)
def test_the_command_says_on_standard_error_why_it_cannot_start(arguments: list[str], code: int, said: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "karapace_like", "kafka", *arguments], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (code, "")
    assert ended.stderr.endswith(said)


def test_a_data_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(BrokerError, match="cannot be created"):
        Cluster(data=file / "data").start()
