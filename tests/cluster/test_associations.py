"""Associations on two nodes: a follower forwards what changes them, and every node finds them."""

from typing import Any

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.registry_nodes import RegistryNodes
from tests.waiting import wait_until

INT = {"schema": '"int"'}


def _resource(name: str, *associations: dict[str, Any]) -> dict[str, Any]:
    named = {"resourceName": name, "resourceNamespace": "lkc", "resourceId": f"{name}-id"}
    return {**named, "associations": list(associations)}


def _subjects(url: str, name: str) -> list[str]:
    return [found["subject"] for found in call(url, "GET", f"/associations/resources/-/{name}")]


def test_a_follower_forwards_changes(kafka: Cluster) -> None:
    with RegistryNodes(kafka.bootstrap_servers, 2, schema_validation="reference") as nodes:
        primary = nodes.primary()
        (follower,) = nodes.others(primary)
        both = ({"associationType": part, "schema": INT} for part in ("key", "value"))
        created = call(follower.url, "POST", "/associations", _resource("a", *both))
        assert [info["subject"] for info in created["associations"]] == [":.lkc:a-key", ":.lkc:a-value"]
        assert _subjects(follower.url, "a") == [":.lkc:a-key", ":.lkc:a-value"]
        wait_until(lambda: len(_subjects(primary.url, "a")) == 2)
        call(follower.url, "POST", "/subjects/s/versions", INT)
        ops = _resource("b", {"opType": "CREATE", "subject": "s"}, {"opType": "DELETE", "associationType": "value"})
        batch = {"requests": [ops, _resource("c", {"opType": "UPSERT", "subject": "s"})]}
        results = call(follower.url, "POST", "/associations:batchMutate", batch)["results"]
        assert ["associations" in result["result"] for result in results] == [False, True]
        assert (_subjects(follower.url, "b"), _subjects(follower.url, "c")) == ([], ["s"])
        primary.stop()
        assert _subjects(follower.url, "c") == ["s"]
        call(follower.url, "DELETE", "/associations/resources/a-id?cascadeLifecycle=true")
        assert (_subjects(follower.url, "a"), call(follower.url, "GET", "/subjects?deleted=true")) == ([], ["s"])
