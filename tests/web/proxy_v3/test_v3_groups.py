"""Consumer groups over HTTP, with consumers of another client in them."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from confluent_kafka import Consumer
from confluent_kafka import TopicPartition as ClientPartition

from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.settings import KafkaSettings
from tests.waiting import until
from tests.web.proxy_v3.conftest import V3Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


@contextmanager
def consumer(v3: V3Api, group: str, topic: str, instance: str, *, protocol: str = "classic") -> Iterator[Consumer]:
    """A static member of the group, with partitions assigned."""
    member = Consumer(
        {
            "bootstrap.servers": v3.api.bootstrap_servers,
            "group.id": group,
            "group.protocol": protocol,
            "group.instance.id": instance,
            "client.id": "a-client",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    try:
        member.subscribe([topic])
        give_up = time.monotonic() + 120
        while not member.assignment() and time.monotonic() < give_up:
            member.poll(0.1)
        yield member
    finally:
        member.close()


async def is_stable(v3: V3Api, path: str) -> bool:
    return bool((await v3("GET", path))[1]["state"] == "STABLE")


async def is_gone(v3: V3Api, path: str) -> bool:
    return (await v3("GET", path))[0] == 404


async def test_a_group_is_told_with_members_assignments_and_lags(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of(2)
    group = f"group-{name}"
    records = [{"partition_id": at, "value": {"type": "JSON", "data": 1}} for at in (0, 0, 0, 1)]
    await v3.produce(name, *records)
    with consumer(v3, group, name, "static-1") as member:
        member.commit(offsets=[ClientPartition(name, 0, 1), ClientPartition(name, 1, 1)], asynchronous=False)
        path, url = f"/consumer-groups/{group}", f"{v3.url}/consumer-groups/{group}"
        status, found = await v3("GET", path)
        assert status == 200
        assert found == {
            "kind": "KafkaConsumerGroup",
            "metadata": {"self": url, "resource_name": f"crn:///kafka={v3.cluster}/consumer-group={group}"},
            "cluster_id": v3.cluster,
            "consumer_group_id": group,
            "is_simple": False,
            "type": "CLASSIC",
            "is_mixed_consumer_group": False,
            "partition_assignor": "range",
            "state": "STABLE",
            "coordinator": {"related": f"{v3.url}/brokers/1"},
            "consumers": {"related": f"{url}/consumers"},
            "lag_summary": {"related": f"{url}/lag-summary"},
        }
        assert found in (await v3("GET", "/consumer-groups"))[1]["data"]

        (one,) = (await v3("GET", f"{path}/consumers"))[1]["data"]
        assert (one["instance_id"], one["client_id"]) == ("static-1", "a-client")
        here = f"{path}/consumers/{one['consumer_id']}"
        assert await v3("GET", here) == (200, one)
        assignments = (await v3("GET", f"{here}/assignments"))[1]["data"]
        assert [(each["topic_name"], each["partition_id"]) for each in assignments] == [(name, 0), (name, 1)]
        assert await v3("GET", f"{here}/assignments/{name}/partitions/1") == (200, assignments[1])
        assert (await v3("GET", f"{here}/assignments/{name}/partitions/2"))[0] == 404
        assert (await v3("GET", f"{path}/consumers/nobody"))[0] == 404

        lags = (await v3("GET", f"{path}/lags"))[1]["data"]
        assert [(each["current_offset"], each["log_end_offset"], each["lag"]) for each in lags] == [
            (1, 3, 2),
            (1, 1, 0),
        ]
        assert {each["consumer_id"] for each in lags} == {one["consumer_id"]}
        assert (await v3("GET", f"{path}/lags/{name}"))[1]["data"] == lags
        assert (await v3("GET", f"{path}/lags/elsewhere"))[1]["data"] == []
        assert await v3("GET", f"{path}/lags/{name}/partitions/0") == (200, lags[0])
        assert (await v3("GET", f"{path}/lags/{name}/partitions/7"))[0] == 404
        _, summary = await v3("GET", f"{path}/lag-summary")
        assert (summary["kind"], summary["max_lag"], summary["total_lag"]) == ("KafkaConsumerGroupLagSummary", 2, 2)
        assert (summary["max_lag_topic_name"], summary["max_lag_partition_id"]) == (name, 0)
        assert (summary["max_lag_consumer_id"], summary["max_lag_instance_id"]) == (one["consumer_id"], "static-1")
        assert summary["max_lag_consumer"] == {"related": f"{url}/consumers/{one['consumer_id']}"}

        taken = {"data": [{"topic_name": name, "partition_id": 0, "offset": 0}]}
        assert (await v3("POST", f"{path}/offsets:alter", taken))[0] == 409
        assert (await v3("DELETE", f"{path}/offsets"))[0] == 409


async def test_a_group_whose_coordinator_assigns_the_partitions_is_told_alike(
    v3: V3Api, topic_of: Callable[..., str]
) -> None:
    name = topic_of(2)
    group = f"group-{name}"
    path = f"/consumer-groups/{group}"
    await v3.produce(name, {"partition_id": 1, "value": {"type": "JSON", "data": 1}})
    with consumer(v3, group, name, "static-1", protocol="consumer") as member:
        member.commit(offsets=[ClientPartition(name, 1, 0)], asynchronous=False)
        await until(lambda: is_stable(v3, path))  # the coordinator is told later that the partitions are taken
        _, found = await v3("GET", path)
        assert (found["is_simple"], found["partition_assignor"]) == (False, "uniform")
        assert (found["type"], found["is_mixed_consumer_group"]) == ("CONSUMER", False)
        assert found["coordinator"] == {"related": f"{v3.url}/brokers/1"}
        assert found in (await v3("GET", "/consumer-groups"))[1]["data"]
        (one,) = (await v3("GET", f"{path}/consumers"))[1]["data"]
        assert (one["instance_id"], one["client_id"]) == ("static-1", "a-client")
        assignments = (await v3("GET", f"{path}/consumers/{quote(one['consumer_id'], safe='')}/assignments"))[1]["data"]
        assert [(each["topic_name"], each["partition_id"]) for each in assignments] == [(name, 0), (name, 1)]
        (lag,) = (await v3("GET", f"{path}/lags"))[1]["data"]
        assert (lag["partition_id"], lag["lag"], lag["consumer_id"]) == (1, 1, one["consumer_id"])
        taken = {"data": [{"topic_name": name, "partition_id": 0, "offset": 0}]}
        assert (await v3("POST", f"{path}/offsets:alter", taken))[0] == 409
        assert (await v3("DELETE", f"{path}/offsets"))[0] == 409


async def test_a_group_of_others_than_consumers_is_not_told_and_not_changed(
    v3: V3Api, topic_of: Callable[..., str]
) -> None:
    name = topic_of()
    path = f"/consumer-groups/group-{name}"
    settings = GroupSettings(id=f"group-{name}", session_timeout_ms=60_000)
    group = Group(KafkaSettings(bootstrap_servers=v3.api.bootstrap_servers), settings)
    try:
        await group.join(b"")
        assert (await v3("GET", path))[0] == 404
        listed = (await v3("GET", "/consumer-groups"))[1]["data"]
        assert f"group-{name}" not in {each["consumer_group_id"] for each in listed}
        taken = {"data": [{"topic_name": name, "partition_id": 0, "offset": 0}]}
        assert (await v3("POST", f"{path}/offsets:alter", taken))[0] == 409
        assert (await v3("DELETE", f"{path}/offsets"))[0] == 404
    finally:
        await group.leave()


async def test_an_assignment_that_nobody_can_read_is_told_as_none(
    v3: V3Api, topic: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a group's leader assigns is bytes to the broker; here a group of consumers gets some that mean nothing."""
    monkeypatch.setattr("karapace_like.kafka.group.PROTOCOL_TYPE", "consumer")
    name = topic()
    settings = GroupSettings(id=name, session_timeout_ms=60_000)
    group = Group(KafkaSettings(bootstrap_servers=v3.api.bootstrap_servers), settings)
    try:
        generation = await group.join(b"")
        await group.sync(generation, {generation.member_id: b"no assignment"})
        here = f"/consumer-groups/{name}/consumers/{generation.member_id}"
        assert (await v3("GET", here))[0] == 200
        assert (await v3("GET", f"{here}/assignments"))[1]["data"] == []
    finally:
        await group.leave()


async def test_a_group_without_members_goes_on_where_it_is_told(v3: V3Api, topic_of: Callable[..., str]) -> None:
    name = topic_of()
    path = f"/consumer-groups/group-{name}"
    await v3.produce(name, *({"value": {"type": "JSON", "data": each}} for each in range(5)))
    wanted = {"data": [{"topic_name": name, "partition_id": 0, "offset": 3}]}
    assert await v3("POST", f"{path}/offsets:alter", wanted) == (204, None)
    (offset,) = (await v3("GET", f"{path}/offsets"))[1]["data"]
    assert (offset["topic_name"], offset["partition_id"], offset["offset"]) == (name, 0, 3)
    _, found = await v3("GET", path)
    assert (found["state"], found["is_simple"]) == ("EMPTY", True)
    _, summary = await v3("GET", f"{path}/lag-summary")
    assert (summary["total_lag"], summary["max_lag_consumer_id"], summary["max_lag_instance_id"]) == (2, "", None)
    assert summary["max_lag_consumer"]["related"].endswith("/consumers")
    assert await v3("DELETE", f"{path}/offsets") == (204, None)
    await until(lambda: is_gone(v3, f"{path}/offsets"))
    assert (await v3("DELETE", f"{path}/offsets"))[0] == 404


@pytest.mark.parametrize(
    "body", [{}, {"data": [{}]}, {"data": [{"topic_name": "t", "partition_id": -1, "offset": 0}]}, {"data": 1}]
)
async def test_offsets_that_cannot_be_are_refused(v3: V3Api, body: object) -> None:
    assert (await v3("POST", "/consumer-groups/nobody/offsets:alter", body))[0] == 400


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "Consumer Group nobody could not be found."),
        ("/consumers", "Consumer Group nobody does not exist."),
        ("/consumers/c", "Consumer Group nobody does not exist."),
        ("/consumers/c/assignments", "Consumer Group nobody does not exist."),
        ("/lag-summary", "Consumer Group nobody could not be found."),
        ("/lags", "Consumer Group nobody could not be found."),
        ("/lags/t/partitions/0", "Consumer Group nobody could not be found."),
        ("/offsets", "Consumer Group nobody could not be found."),
    ],
)
async def test_a_group_that_does_not_exist_is_not_found(v3: V3Api, path: str, message: str) -> None:
    error = {"error_code": 404, "message": message}
    assert await v3("GET", f"/consumer-groups/nobody{path}") == (404, error)


async def test_groups_are_not_deleted_by_their_own_path(v3: V3Api) -> None:
    assert (await v3("DELETE", "/consumer-groups/nobody"))[0] == 405
    assert (await v3("POST", "/consumer-groups", {}))[0] == 405
