"""Starting on topics that end or have holes where a reader would not expect it: the service gets ready on each."""

import itertools
import json
import urllib.error
from collections.abc import Callable, Iterator

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.registry_nodes import health
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

_MANY = 100_000


def schema_record(number: int, text: str = '\\"int\\"') -> tuple[bytes, bytes]:
    """Key and value of version 1 of a subject, with the number as id."""
    return (
        b'{"keytype":"SCHEMA","subject":"s%d","version":1,"magic":1}' % number,
        b'{"subject":"s%d","version":1,"id":%d,"schema":"%s","deleted":false}' % (number, number, text.encode()),
    )


def fixed(number: int) -> str:
    return f'{{\\"type\\":\\"fixed\\",\\"name\\":\\"f{number}\\",\\"size\\":4}}'


class Topic:
    """A compacted topic that a test writes to."""

    def __init__(self, kafka: Cluster, name: str, **config: str) -> None:
        self.name = name
        self._servers: dict[str, str | int | float | bool] = {"bootstrap.servers": kafka.bootstrap_servers}
        topic = NewTopic(name, 1, 1, config={"cleanup.policy": "compact", **config})
        admin = AdminClient(self._servers)
        admin.create_topics([topic])[name].result()

    def write(self, *records: tuple[bytes, bytes]) -> None:
        producer = Producer({**self._servers, "linger.ms": 20, "queue.buffering.max.messages": 2 * _MANY})
        for key, value in records:
            producer.produce(self.name, value, key)
        producer.flush()

    def write_in_transaction(self, *records: tuple[bytes, bytes], commit: bool) -> None:
        producer = Producer({**self._servers, "transactional.id": self.name})
        producer.init_transactions()
        producer.begin_transaction()
        for key, value in records:
            producer.produce(self.name, value, key)
        producer.flush()
        producer.commit_transaction() if commit else producer.abort_transaction()

    def offsets(self) -> Iterator[int]:
        """Of the records that are there."""
        consumer = Consumer({**self._servers, "group.id": self.name, "enable.partition.eof": True})
        try:
            consumer.assign([TopicPartition(self.name, 0, 0)])
            while (message := consumer.poll(30)) is not None and message.error() is None:
                yield message.offset() or 0
        finally:
            consumer.close()


@pytest.mark.parametrize("commit", [True, False], ids=["committed", "aborted"])
def test_a_transaction_marker_at_the_end_does_not_keep_it_from_starting(
    kafka: Cluster, topic: Callable[[], str], *, commit: bool
) -> None:
    """The last record's offset never reaches the end; what was aborted is not there."""
    made = Topic(kafka, topic())
    made.write(schema_record(1))
    made.write_in_transaction(schema_record(2, fixed(2)), commit=commit)
    with ServiceProcess(kafka.bootstrap_servers, topic_name=made.name) as service:
        assert call(service.url, "GET", "/subjects") == (["s1", "s2"] if commit else ["s1"])
        wait_until(lambda: has_read_all(service))  # what the new primary writes is there before it is read
        assert call(service.url, "POST", "/subjects/new/versions", {"schema": '"long"'})["id"] == 2 + commit


def test_holes_that_compaction_has_left_are_passed_over(kafka: Cluster, topic: Callable[[], str]) -> None:
    """In the middle, and before a marker at the end."""
    config = {"segment.ms": "1", "min.cleanable.dirty.ratio": "0.0", "max.compaction.lag.ms": "1"}
    made = Topic(kafka, topic(), **config)
    made.write(schema_record(1))
    tries = itertools.count()

    def is_compacted() -> bool:
        made.write(schema_record(2, fixed(next(tries))))  # each in a segment of its own
        found = list(made.offsets())
        return len(found) < found[-1] - 1

    wait_until(is_compacted)
    last = next(tries) - 1
    made.write_in_transaction(schema_record(3, fixed(-1)), commit=False)
    with ServiceProcess(kafka.bootstrap_servers, topic_name=made.name) as service:
        assert call(service.url, "GET", "/schemas/ids/2")["schema"] == fixed(last).replace("\\", "")
        assert call(service.url, "POST", "/subjects/new/versions", {"schema": '"long"'})["id"] == 3


def test_an_empty_topic_is_started_on(kafka: Cluster, topic: Callable[[], str]) -> None:
    with ServiceProcess(kafka.bootstrap_servers, topic_name=Topic(kafka, topic()).name) as service:
        assert call(service.url, "GET", "/subjects") == []
        assert call(service.url, "POST", "/subjects/new/versions", {"schema": '"long"'})["id"] == 1


@pytest.mark.long
def test_many_records_are_read_and_progress_is_told(kafka: Cluster, topic: Callable[[], str]) -> None:
    """In the log, and in the health, whoever asks before it is ready; what is asked for then is refused."""
    made = Topic(kafka, topic())
    made.write(*(schema_record(number, fixed(number)) for number in range(1, _MANY + 1)))
    service = ServiceProcess(kafka.bootstrap_servers, topic_name=made.name, workers=1)  # each gets ready by itself
    reasons: set[str | None] = set()
    try:
        service.start(wait=False)
        while (reason := ready(service)) is not None:
            reasons.add(reason)
        service.wait()  # what it says is read on a thread
        assert call(service.url, "GET", f"/schemas/ids/{_MANY}")["schema"] == fixed(_MANY).replace("\\", "")
        assert call(service.url, "POST", "/subjects/new/versions", {"schema": '"long"'})["id"] == _MANY + 1
    finally:
        service.stop()
    assert all(each == "Kafka has not been reached yet" or "at offset" in str(each) for each in reasons)
    assert f"Replaying {_MANY} records of the schemas topic" in service.lines


def has_read_all(service: ServiceProcess) -> bool:
    status = health(service)
    return bool(status["schema_registry_reader_current_offset"] == status["schema_registry_reader_highest_offset"])


def ready(service: ServiceProcess) -> str | None:
    """Why it is not; None if it is."""
    try:
        call(service.url, "GET", "/health/ready")
    except urllib.error.HTTPError as error:
        with error:
            return str(json.loads(error.read())["reason"])
    return None
