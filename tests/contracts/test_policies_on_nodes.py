"""Policies on several processes: each of them knows a change when it is answered, or within a second."""

import json
import urllib.error
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.registry_nodes import RegistryNodes
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

_ATTEMPTS = 20
"""Connections, so that every worker answers some."""


def _find_mode(url: str, name: str) -> str | None:
    try:
        return str(call(url, "GET", f"/policies/{name}")["mode"])
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.NOT_FOUND:
            raise
        return None


def _is_observed(url: str, name: str) -> bool:
    return _find_mode(url, name) == "observe"


@pytest.mark.long
def test_every_worker_knows_a_policy_once_it_is_answered(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=2, topic_policies_enabled=True) as node:
        for at in range(_ATTEMPTS):
            mode = ("observe", "enforce")[at % 2]
            answer: Any = call(node.url, "PUT", "/policies/lifts", {"mode": mode})
            assert answer["mode"] == mode
            assert [_find_mode(node.url, "lifts") for _ in range(5)] == [mode] * 5


def find_violations_of_both(primary: str, follower: str) -> None:
    """Let each node see a violation: both answer with both."""
    call(primary, "PUT", "/policies/halls", {"mode": "observe", "value": {"plain": "refuse"}})
    wait_until(partial(_is_observed, follower, "halls"))
    for url in (primary, follower):
        body = {"records": [{"value": 1}]}
        call(url, "POST", "/topics/halls", body, content_type="application/vnd.kafka.json.v2+json")
    for url in (primary, follower):
        report: Any = call(url, "GET", "/policies/halls/violations")
        assert report["nodes"] == {"answered": 2, "known": 2}
        assert [(count["reason"], count["count"]) for count in report["counts"]] == [("plain", 2)]
        times = [example["timestamp"] for example in report["examples"]]
        assert (len(times), times) == (2, sorted(times, reverse=True))


def test_policies_follow_the_primary(kafka: Cluster) -> None:
    with RegistryNodes(kafka.bootstrap_servers, 2, topic_policies_enabled=True) as nodes:
        primary = nodes.primary()
        (follower,) = nodes.others(primary)
        for node, other, name in ((primary, follower, "lifts"), (follower, primary, "stairs")):
            call(node.url, "PUT", f"/policies/{name}", {"mode": "observe"})
            wait_until(partial(_is_observed, other.url, name))
        find_violations_of_both(primary.url, follower.url)
        primary.stop()
        report: Any = call(follower.url, "GET", "/policies/halls/violations")
        assert report["counts"][0]["count"] == 1, "what the other node has counted is gone with it"
        call(follower.url, "PUT", "/policies/roofs", {})
        listed: Any = call(follower.url, "GET", "/policies")
        assert [policy["name"] for policy in listed["data"]] == ["halls", "lifts", "roofs", "stairs"], json.dumps(
            listed
        )
