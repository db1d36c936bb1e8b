"""Three nodes and one or three brokers, all real processes: any node takes any request, and one primary writes."""

import asyncio
import json
import time
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster import chaos, sleepy_node
from tests.cluster.clients import Client
from tests.cluster.faults import SESSION_MS, Faults
from tests.cluster.history import Action, Event, Outcome
from tests.cluster.registry_nodes import RegistryNodes, health, kill, pause, resume
from tests.cluster.report import Report
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module", params=["kafka", pytest.param("three_brokers", marks=pytest.mark.long)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """One broker; in the long form also three."""
    found: Cluster = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="module")
def nodes(cluster: Cluster) -> Iterator[RegistryNodes]:
    """Three nodes: a test that kills one starts it again."""
    replicas = max(1, len(cluster.brokers))
    with RegistryNodes(
        cluster.bootstrap_servers, 3, session_timeout_ms=SESSION_MS, replication_factor=replicas
    ) as found:
        yield found


def test_every_node_takes_writes_and_reads_what_was_written_through_it(nodes: RegistryNodes) -> None:
    ids = set()
    for number in range(9):
        node = nodes.all[number % 3]
        text = f'{{"type":"fixed","name":"every{number}","size":4}}'
        ids.add(found := call(node.url, "POST", f"/subjects/every{number}/versions", {"schema": text})["id"])
        assert call(node.url, "GET", f"/schemas/ids/{found}")["schema"] == text
    assert len(ids) == 9


def test_the_lowest_url_is_elected_and_all_agree(nodes: RegistryNodes) -> None:
    assert nodes.primary().url == min(node.url for node in nodes.all)


def test_a_proxy_beside_a_follower_registers_what_it_writes(cluster: Cluster, nodes: RegistryNodes) -> None:
    """The follower asks the primary, and knows the schema afterwards."""
    follower = nodes.others(nodes.primary())[0]
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
    admin.create_topics([NewTopic("proxied", 1, 1)])["proxied"].result()
    produced = call(
        follower.url,
        "POST",
        "/topics/proxied",
        {"value_schema": '"int"', "records": [{"value": 7}]},
        content_type="application/vnd.kafka.avro.v2+json",
    )
    found = call(follower.url, "GET", f"/schemas/ids/{produced['value_schema_id']}")
    assert found["schema"] == '"int"'


@pytest.mark.parametrize("documentation", [0, 30_000], ids=["light", "heavy"])
async def test_of_versions_that_exclude_each_other_one_is_registered(nodes: RegistryNodes, documentation: int) -> None:
    """Sent to all nodes at the same time, each compatible with the latest version and with no other of them."""
    subject = f"exclusive{documentation}"

    def schema(number: int) -> dict[str, str]:
        fields = [] if not number else [{"name": "a", "type": {"type": "fixed", "name": f"F{number}", "size": 4}}]
        fields = [{**each, "default": "aaaa", "doc": "x" * documentation} for each in fields]
        return {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}

    async with aiohttp.ClientSession() as session:

        async def register(number: int) -> int:
            url = f"{nodes.all[number % 3].url}/subjects/{subject}/versions"
            async with session.post(url, json=schema(number)) as answer:
                return answer.status

        assert await register(0) == 200
        assert sorted(await asyncio.gather(*map(register, range(1, 10)))) == [200] + [409] * 8
    # Whatever a node has acknowledged it shows; the registration below it has applied what came before.
    for number, node in enumerate(nodes.all):
        call(node.url, "POST", f"/subjects/{subject}-{number}/versions", schema(0))
        assert call(node.url, "GET", f"/subjects/{subject}/versions") == [1, 2]


def test_a_killed_primary_is_replaced_and_nothing_is_lost(nodes: RegistryNodes) -> None:
    """A write that comes meanwhile is slow, and not refused."""
    primary = nodes.primary()
    before = call(primary.url, "POST", "/subjects/killed/versions", {"schema": '"int"'})["id"]
    kill(primary)
    follower = nodes.others(primary)[0]
    begun = time.monotonic()
    after = call(follower.url, "POST", "/subjects/killed/versions", {"schema": '"long"'})["id"]
    print(f"the first write took {time.monotonic() - begun:.2f} s after the kill")  # noqa: T201 - shown with -s
    assert after not in {before, None}
    assert call(follower.url, "GET", f"/schemas/ids/{before}")["schema"] == '"int"'
    primary.start()
    assert call(primary.url, "GET", "/subjects/killed/versions") == [1, 2]


def test_a_paused_primary_is_replaced_and_cannot_write_when_it_wakes(nodes: RegistryNodes) -> None:
    """What it is asked then goes to its successor."""
    paused = nodes.primary()
    pause(paused)
    rest = nodes.others(paused)
    call(rest[0].url, "POST", "/subjects/paused/versions", {"schema": '"int"'})
    assert nodes.primary(rest) in rest
    resume(paused)
    answer = call(paused.url, "POST", "/subjects/paused/versions", {"schema": '"long"'})
    assert call(paused.url, "GET", "/subjects/paused/versions") == [1, 2]
    for node in rest:
        assert call(node.url, "GET", f"/schemas/ids/{answer['id']}")["schema"] == '"long"'


def test_a_stopped_node_leaves_at_once(nodes: RegistryNodes) -> None:
    """The others need not wait for the end of its session."""
    primary = nodes.primary()
    generation = health(primary)["schema_registry_coordinator_generation_id"]
    assert primary.stop() == 0
    rest = nodes.others(primary)
    call(rest[0].url, "POST", "/subjects/stopped/versions", {"schema": '"int"'})
    assert health(nodes.primary(rest))["schema_registry_coordinator_generation_id"] > generation
    primary.start()


@pytest.mark.long
@pytest.mark.parametrize("cluster", ["three_brokers"], indirect=True)
async def test_clients_see_no_broken_promise_while_nodes_and_brokers_fail(
    cluster: Cluster, nodes: RegistryNodes
) -> None:
    """The short form of `make chaos`, with one fault of each kind that hurts most."""

    def some(faults: Faults) -> None:
        for fault in (faults.pause_primary, faults.restart_broker, faults.kill_primary):
            fault()

    report = await chaos.run(cluster, nodes, some, seed=1)
    assert report.broken == []
    # Whether a write begins after the last fault, before the clients end, is the machine's to say.
    assert report.unavailability()


@pytest.mark.long
def test_a_node_without_fencing_writes_as_long_as_its_heartbeats_arrive(kafka: Cluster) -> None:
    with RegistryNodes(kafka.bootstrap_servers, 1, fencing="off") as nodes:
        url = nodes.all[0].url
        assert call(url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1
        assert call(url, "POST", "/subjects/a/versions", {"schema": '"long"'})["id"] == 2


@pytest.mark.long
@pytest.mark.parametrize(("fencing", "is_broken"), [("auto", False), ("off", True)])
async def test_only_fencing_keeps_a_primary_that_was_paused_from_writing(
    three_brokers: Cluster, fencing: str, *, is_broken: bool
) -> None:
    """It had planned its write, and was sure to be primary, when it was stopped. The checker finds what comes of it."""
    # Workers would be others than that program.
    settings: dict[str, Any] = {
        "session_timeout_ms": SESSION_MS,
        "replication_factor": 3,
        "fencing": fencing,
        "workers": 1,
    }
    report = Report()
    with RegistryNodes(three_brokers.bootstrap_servers, 3, module="tests.cluster.sleepy_node", **settings) as nodes:
        async with aiohttp.ClientSession() as session:
            client = Client(0, session, nodes, report.events)

            async def register(node: ServiceProcess, subject: str) -> Event:
                text = json.dumps({"type": "fixed", "name": subject, "size": 4}, separators=(",", ":"))
                asked = Event(action=Action.REGISTER, subject=subject, text=text, node=node.url)
                return await client.ask(asked, "POST", f"/subjects/{subject}/versions", {"schema": text})

            paused = nodes.primary()
            late = asyncio.create_task(register(paused, sleepy_node.SUBJECT))
            while not any(sleepy_node.ASLEEP in line for line in paused.lines):
                await asyncio.sleep(0.01)
            assert (await register(nodes.others(paused)[0], "awake")).outcome is Outcome.ACKNOWLEDGED
            resume(paused)
            await late
        await chaos.judge(nodes, report)
    assert bool(report.broken) is is_broken
