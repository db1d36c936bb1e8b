"""`karapace-like doctor` on topics with each known fault, on a real broker: found, explained, repaired."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.command_line import Outcome, run
from tests.forms import shorten
from tests.scraping import scraped, sum_of
from tests.service_process import ServiceProcess
from tests.web.schemas_topics import KARAPACE, Log, version_key

Made = Callable[..., str]


@pytest.fixture
def made(kafka: Cluster, topic: Callable[[], str]) -> Made:
    """Make a schemas topic with these records."""

    def make(log: Log, *, partitions: int = 1, policy: str = "compact") -> str:
        name = topic()
        admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
        new = NewTopic(name, num_partitions=partitions, replication_factor=1, config={"cleanup.policy": policy})
        admin.create_topics([new])[name].result(30)
        producer = Producer({"bootstrap.servers": kafka.bootstrap_servers})
        for key, content in log:
            producer.produce(name, key=key, value=content, partition=0)
        assert producer.flush(30) == 0
        return name

    return make


@pytest.fixture
def doctor(kafka: Cluster) -> Callable[..., Outcome]:
    """Look at a topic that no registry uses."""

    def look(topic: str, *flags: str) -> Outcome:
        source = ("--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", topic)
        return run("doctor", *source, "--group-id", f"registry-of-{topic}", *flags)

    return look


def version(subject: str, number: int, schema_id: int, text: str = '"int"', **more: object) -> tuple[bytes, bytes]:
    value = {"subject": subject, "version": number, "id": schema_id, "schema": text, "deleted": False, **more}
    return version_key(subject, number), json.dumps(value).encode()


GLOBAL = b'{"keytype":"CONFIG","magic":0}'
FAULTS: dict[str, tuple[Log, str, str]] = {
    "empty tombstone": ([version("a", 1, 1), (version_key("a", 1), b"")], "a version 1", "a real tombstone"),
    "twin keys": (
        [(GLOBAL, b'{"compatibilityLevel":"FULL"}'), *KARAPACE[5:6]],
        "config of the default context",
        "keep the last written value",
    ),
    "legacy key": (KARAPACE[:1], "user version 1", "under the key that this registry writes"),
    "legacy key of Redpanda": (
        [(b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1,"seq":0,"node":1}', version("a", 1, 1)[1])],
        "a version 1",
        "under the key that this registry writes",
    ),
    "duplicate id": ([version("a", 1, 1), version("b", 1, 1, '"long"')], "b version 1", "give it the id 100"),
    "duplicate id over a version": (
        [version("a", 1, 1), version("b", 1, 2, '"long"'), version("b", 1, 1, '"long"')],
        "b version 1",
        "give it the id 2;",
    ),
    "orphan setting": (
        [
            version("a", 1, 1),
            (b'{"keytype":"CONFIG","subject":"a","magic":0}', b'{"compatibilityLevel":"FULL"}'),
            (version_key("a", 1), None),
        ],
        "config of a",
        "delete it",
    ),
    "forgotten id": ([version("a", 1, 100), (version_key("a", 1), None)], "ids of context .", "write down"),
}


@pytest.mark.parametrize("name", shorten(FAULTS, 3))
def test_a_fault_is_found_explained_and_repaired(made: Made, doctor: Callable[..., Outcome], name: str) -> None:
    log, place, remedy = FAULTS[name]
    topic = made([version("kept", 1, 99, '"bytes"'), *log])
    kind = name.partition(" of ")[0].partition(" over ")[0]
    for _ in range(2):  # looking changes nothing
        found = doctor(topic)
        assert found.code == 1
        assert found.out.startswith(f"{kind}: 1\n  {place}\n")
        assert remedy in found.out
        assert found.out.endswith("Nothing was changed. 1 of 1 can be repaired: run it again with --repair\n")
    repaired = doctor(topic, "--repair")
    assert (repaired.code, repaired.err) == (0, "")
    assert repaired.out.endswith("1 repaired, 0 remain\n")
    assert doctor(topic) == (0, "No faults found\n", "")


def served(registry: ServiceProcess) -> dict[str, Any]:
    return {
        path: [{**each, "ts": 0} if isinstance(each, dict) else each for each in call(registry.url, "GET", path)]
        for path in ("/schemas?deleted=true", "/subjects", "/contexts")
    } | {path: call(registry.url, "GET", path) for path in ("/config", "/config/user")}


@pytest.mark.long
def test_a_repair_changes_nothing_of_what_is_served(kafka: Cluster, made: Made, doctor: Callable[..., Outcome]) -> None:
    """All faults of a topic that Karapace has written, in one go."""
    topic = made(KARAPACE)
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as registry:
        before = served(registry)
    while (repaired := doctor(topic, "--repair")).code == 2:
        assert "are running" in repaired.err  # the group has not noticed yet that its only node is gone
    assert repaired.code == 0
    assert doctor(topic).out == "No faults found\n"
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as registry:
        assert served(registry) == before


def test_what_only_a_person_can_decide_is_told(made: Made, doctor: Callable[..., Outcome]) -> None:
    reference: dict[str, Any] = {"references": [{"name": "x", "subject": "gone", "version": 3}]}
    far = version(":.far:a", 1, 2**31 - 1), version(":.few:a", 1, 2**30 - 1)
    topic = made(
        [version("a", 1, 1, **reference), (version_key("b", 1), b"no JSON"), (b"no JSON", b"{}"), *far], partitions=2
    )
    found = doctor(topic, "--repair")
    assert found.code == 1
    assert [line for line in found.out.splitlines() if not line.startswith("    ")] == [
        "wrong topic setting: 1",
        "  2 partitions",
        "unreadable record: 2",
        '  {"keytype":"SCHEMA","subject":"b","version":1,"magic":1}',
        "  no JSON",
        "orphan reference: 1",
        "  a version 1",
        "id beyond the counter: 1",
        "  ids of context .far",
        "few ids left: 1",
        "  ids of context .few",
    ]
    assert "refers to gone version 3, which is not there" in found.out
    assert "such as 2147483647" in found.out
    assert found.out.count("by hand: ") == 6


def test_a_topic_whose_schemas_would_be_deleted_is_made_compacted(made: Made, doctor: Callable[..., Outcome]) -> None:
    topic = made([version("a", 1, 1)], policy="delete")
    found = doctor(topic, "--repair")
    assert (found.code, found.err) == (0, "")
    assert found.out.startswith("wrong topic setting: 1\n  cleanup.policy=delete\n")
    assert doctor(topic).out == "No faults found\n"


def test_a_healthy_registry_has_no_fault_whatever_it_was_asked(kafka: Cluster, doctor: Callable[..., Outcome]) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as registry:
        call(registry.url, "PUT", "/config/later", {"compatibility": "FULL"})
        for subject in ("a", "b", ":.eu:c"):
            call(registry.url, "POST", f"/subjects/{subject}/versions", {"schema": '"int"'})
            call(registry.url, "PUT", f"/config/{subject}", {"compatibility": "NONE"})
            call(registry.url, "POST", f"/subjects/{subject}/versions", {"schema": '"string"'})
        call(registry.url, "DELETE", "/subjects/a/versions/1")
        call(registry.url, "DELETE", "/subjects/b")
        call(registry.url, "DELETE", "/subjects/b?permanent=true")
        call(registry.url, "PUT", "/config/b", {"compatibility": "FULL"})  # it is to come again
        for path in ("/subjects/:.eu:c", "/subjects/:.eu:c?permanent=true", "/contexts/.eu"):
            call(registry.url, "DELETE", path)
        assert doctor(registry.topic) == (0, "No faults found\n", "")


def test_a_repair_is_refused_while_nodes_run_unless_it_is_forced(
    kafka: Cluster, made: Made, doctor: Callable[..., Outcome]
) -> None:
    topic = made(FAULTS["legacy key"][0])
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as registry:
        call(registry.url, "POST", "/subjects/first/versions", {"schema": '"int"'})
        refused = doctor(topic, "--repair")
        assert refused.code == 2
        assert "1 nodes of the group" in refused.err
        assert doctor(topic).out.startswith("legacy key: 1\n  user version 1")
        assert doctor(topic, "--repair", "--force").code == 0
        # The primary was fenced: it takes over again with its next write, and nothing is lost.
        call(registry.url, "POST", "/subjects/second/versions", {"schema": '"int"'})
        assert call(registry.url, "GET", "/subjects") == ["first", "second", "user"]
        assert sum_of(scraped(registry), "registry_fenced_writes_total") >= 1
        assert doctor(topic).out == "No faults found\n"


def test_many_faults_are_counted_by_kind(made: Made, doctor: Callable[..., Outcome]) -> None:
    """Three of each kind are shown, all with --verbose; JSON has all, and what remains after a repair."""
    dropped = [
        each for number in range(5) for each in (version("a", number + 1, 1), (version_key("a", number + 1), b""))
    ]
    topic = made([*dropped, version("b", 1, 1, '"long"'), version("c", 1, 1), version("c", 1, 1, '"string"')])
    short = doctor(topic).out.splitlines()
    assert short[0] == "duplicate id: 1"
    assert short[4] == "empty tombstone: 5"
    assert "  and 2 more; --verbose lists them" in short
    assert sum(line.startswith("  a version") for line in doctor(topic, "--verbose").out.splitlines()) == 5
    shown = json.loads(doctor(topic, "--format", "json").out)
    assert shown["counts"] == {"duplicate id": 1, "empty tombstone": 5}
    assert (len(shown["faults"]), shown["remaining"]) == (6, 6)
    assert shown["faults"][0]["place"] == "c version 1"
    assert all(fault["repairable"] and fault["remains"] for fault in shown["faults"])
    repaired = doctor(topic, "--repair", "--format", "json")
    assert repaired.code == 0
    assert json.loads(repaired.out)["remaining"] == 0
    assert doctor(topic, "--format", "json").out == '{\n  "counts": {},\n  "remaining": 0,\n  "faults": []\n}\n'


def test_a_repair_of_a_duplicate_id_brings_nothing_back(
    kafka: Cluster, made: Made, doctor: Callable[..., Outcome]
) -> None:
    """What another primary has soft-deleted stays so, and no acknowledged version is overwritten."""
    topic = made(
        [
            version("a", 1, 1),
            version("b", 1, 1, '"int" '),  # the same in another spelling: no fault
            version("b", 2, 1, '"long"', deleted=True),
            version("b", 3, 2, '"string"'),
        ]
    )
    assert json.loads(doctor(topic, "--format", "json").out)["counts"] == {"duplicate id": 1}
    assert doctor(topic, "--repair").code == 0
    with ServiceProcess(kafka.bootstrap_servers, topic_name=topic) as registry:
        versions = [
            (each["version"], each["id"], each["deleted"])
            for each in call(registry.url, "GET", "/schemas?deleted=true&subjectPrefix=b")
        ]
        assert versions == [(1, 1, False), (2, 3, True), (3, 2, False)]


@pytest.mark.long
def test_it_says_what_is_missing(doctor: Callable[..., Outcome]) -> None:
    assert "does not host this topic" in doctor(f"none-{secrets.token_hex(4)}").err
    away = run("doctor", "--bootstrap-uri", "127.0.0.1:9")
    assert away.code == 2
    assert "Kafka at 127.0.0.1:9: " in away.err
    assert "Check --bootstrap-uri" in away.err


def test_a_transaction_that_was_left_open_is_named(kafka: Cluster, made: Made, doctor: Callable[..., Outcome]) -> None:
    """Nobody reads the topic beyond its first record. One that was begun just now is somebody's at work."""
    name = made([version("a", 1, 1)])
    hanging = Producer({"bootstrap.servers": kafka.bootstrap_servers, "transactional.id": name})
    hanging.init_transactions()
    hanging.begin_transaction()
    hanging.produce(name, b"value", b"key", partition=0)
    hanging.flush(30)
    assert "open transaction" not in doctor(name).out
    hanging.produce(name, b"value", b"key", partition=0, timestamp=int((time.time() - 120) * 1000))
    hanging.flush(30)
    found = doctor(name)
    assert found.code == 1
    assert "open transaction: 1\n  offset 1\n" in found.out
    assert "kafka-transactions.sh" in found.out
    hanging.abort_transaction(30)
    assert "open transaction" not in doctor(name).out
