"""/health/nodes: every node names all of them, the primary, and how far each has read."""

import secrets

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

pytestmark = pytest.mark.kafka


def test_nodes_list_each_other_with_the_primary_and_their_workers(kafka: Cluster) -> None:
    names = {"topic_name": f"_schemas-{secrets.token_hex(6)}", "group_id": f"nodes-{secrets.token_hex(6)}"}
    with (
        ServiceProcess(kafka.bootstrap_servers, **names, workers=2) as first,
        ServiceProcess(kafka.bootstrap_servers, **names, workers=1) as second,
    ):
        call(first.url, "POST", "/subjects/lifts/versions", {"schema": '"int"'})

        def are_known() -> bool:
            """Whether both list both and one primary: there is none while it moves, as the second joins."""
            listings = [call(node.url, "GET", "/health/nodes")["nodes"] for node in (first, second)]
            return all(sorted(node["is_primary"] is True for node in nodes) == [False, True] for nodes in listings)

        wait_until(are_known)
        for node, others in ((first, second), (second, first)):
            listed = call(node.url, "GET", "/health/nodes")
            assert listed["is_known"] is True
            by_url = {each["url"]: each for each in listed["nodes"]}
            assert by_url.keys() == {node.url, others.url}
            assert [each["url"] for each in listed["nodes"] if each["is_this"]] == [node.url]
            assert all(each["answers"] and each["healthy"] and each["problem"] is None for each in listed["nodes"])
            assert all(0 < each["position"] <= each["end"] for each in listed["nodes"])
        workers = call(first.url, "GET", "/health/nodes")["workers"]
        assert [(worker["worker"], worker["serves"]) for worker in workers] == [(0, True), (1, True)]
        assert len(call(second.url, "GET", "/health/nodes")["workers"]) == 1
