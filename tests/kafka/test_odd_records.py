"""Somebody writes odd records into the schemas topic: nothing is lost, no id is given twice, and operators are told."""

import itertools
import re
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster import forgetful_node
from tests.cluster.registry_nodes import RegistryNodes
from tests.command_line import Outcome, run
from tests.odd_records import ODD, write
from tests.scraping import scraped, values_by_labels
from tests.service_process import ServiceProcess
from tests.waiting import wait_until
from tests.web.schemas_topics import version_key

FOREIGN = (b'{"keytype":"EXPORTER","subject":"odd","magic":0}', b"{}")
"""No fault: other registries keep such things for themselves."""


def warning(node: ServiceProcess) -> str | None:
    """Of a node that is ready all the same."""
    body = call(node.url, "GET", "/health/ready")
    assert body["ready"]
    found: str | None = body["warning"]
    return found


def doctor(kafka: Cluster, node: ServiceProcess, *flags: str) -> Outcome:
    place = ("--bootstrap-uri", kafka.bootstrap_servers, "--topic-name", node.topic, "--group-id", node.group)
    return run("doctor", *place, *flags)


def registered(node: ServiceProcess, subject: str, number: int) -> dict[str, Any]:
    """What a client knows once it is acknowledged."""
    text = f'{{"type":"fixed","name":"f{number}","size":4}}'
    found = call(node.url, "POST", f"/subjects/{subject}/versions", {"schema": text})
    return {"subject": subject, "version": found["version"], "id": found["id"], "schema": text}


def listed(node: ServiceProcess) -> list[dict[str, Any]]:
    entries = call(node.url, "GET", "/schemas?deleted=true")
    return [{name: each[name] for name in ("subject", "version", "id", "schema")} for each in entries]


def holds(node: ServiceProcess, known: list[dict[str, Any]]) -> bool:
    return listed(node) == known


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=pytest.mark.long)])
def test_odd_records_lose_no_schema_and_are_told(kafka: Cluster, count: int) -> None:
    """While the nodes run and after they have replayed the topic, on one node and on three."""
    numbers = itertools.count()
    with RegistryNodes(kafka.bootstrap_servers, count, session_timeout_ms=6_000) as nodes:
        call(nodes.all[0].url, "PUT", "/config", {"compatibility": "NONE"})
        turns = itertools.cycle(nodes.all)
        known = [registered(next(turns), "kept", next(numbers))]
        # Under the key of what is served: compaction would keep this one, until the doctor has written the other again.
        hiding = (version_key("kept", 1), b'{"id":2147483648}')
        offsets: list[int] = []
        for odd in (*ODD, FOREIGN, hiding):
            found = write(kafka.bootstrap_servers, nodes.topic, odd)
            offsets += found if odd is not FOREIGN else []
            known.append(registered(next(turns), "kept", next(numbers)))

        def check() -> None:
            assert len({each["id"] for each in known}) == len(known)
            for node in nodes.all:
                wait_until(partial(holds, node, known))
                told = warning(node) or ""
                assert (
                    f"left out: {len(offsets)}, the first at offset {offsets[0]}, the last at offset {offsets[-1]}"
                    in told
                )
                unknown = values_by_labels(scraped(node), "registry_unknown_records_total")
                assert [*unknown.values()] == [len(offsets) + 1] * node.workers
                logged = re.findall(
                    r"record at offset (\d+) of the schemas topic cannot be read: .", "\n".join(node.lines)
                )
                assert [*dict.fromkeys(map(int, logged))] == offsets

        check()
        for node in nodes.all:
            node.stop()
            node.lines.clear()
        for node in nodes.all:
            node.start(wait=False)
        for node in nodes.all:
            node.wait()
        check()
        known += [registered(node, f"later-{number}", next(numbers)) for number, node in enumerate(nodes.all)]
        check()
        examined = doctor(kafka, nodes.all[0], "--verbose")
        assert examined.code == 1
        assert f"unreadable record: {len(offsets)}\n" in examined.out
        assert all(f"cannot read it, at offset {each}: " in examined.out for each in offsets)


def test_what_is_deleted_or_written_anew_is_no_warning_any_more(kafka: Cluster) -> None:
    """And the doctor saves what would be gone with the next compaction."""
    with ServiceProcess(kafka.bootstrap_servers) as node:
        kept = registered(node, "kept", 1)
        write(kafka.bootstrap_servers, node.topic, (version_key("kept", 1), b"?"), (b"odd", b"{}"))
        wait_until(lambda: "left out: 2" in (warning(node) or ""))
        found = doctor(kafka, node)
        assert "repair: write again what the registry serves, before compaction removes it" in found.out
        assert doctor(kafka, node, "--repair", "--force").code == 1
        wait_until(lambda: "left out: 1" in (warning(node) or ""))
        write(kafka.bootstrap_servers, node.topic, (b"odd", None))
        wait_until(lambda: warning(node) is None)
        assert listed(node) == [kept]
        assert doctor(kafka, node) == (0, "No faults found\n", "")


def test_very_many_do_not_fill_the_log(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as node:
        write(kafka.bootstrap_servers, node.topic, *((b"odd%d" % number, b"?") for number in range(1_000)))
        wait_until(lambda: "left out: 1000" in (warning(node) or ""))
        lines = [each for each in node.lines if "cannot be read" in each]
        assert len(lines) < 300
        assert any("are counted and not logged" in each for each in lines)


@pytest.fixture
def forgetful(kafka: Cluster) -> Iterator[ServiceProcess]:
    program = (sys.executable, "-m", "tests.cluster.forgetful_node")
    service = ServiceProcess(kafka.bootstrap_servers, program=program, workers=1)
    with service:
        yield service


def test_a_node_without_memory_ends_and_the_next_one_has_it_all(kafka: Cluster, forgetful: ServiceProcess) -> None:
    """It goes on with nothing that comes after the record that it could not apply."""
    kept = registered(forgetful, "kept", 1)
    value = b'{"id":%d,"schema":"\\"int\\""}'
    later = [(version_key(name, 1), value % 7) for name in (forgetful_node.SUBJECT, "later")]
    write(kafka.bootstrap_servers, forgetful.topic, *later)
    assert forgetful.ended() == 1
    assert any("CRITICAL" in line and "MemoryError" in line for line in forgetful.lines)
    assert "could not be applied" in forgetful.lines[-1]
    with ServiceProcess(kafka.bootstrap_servers, topic_name=forgetful.topic) as healthy:
        assert kept in listed(healthy)
        assert len(listed(healthy)) == 3
