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


def test_policies_follow_the_primary(kafka: Cluster) -> None:
    with RegistryNodes(kafka.bootstrap_servers, 2, topic_policies_enabled=True) as nodes:
        primary = nodes.primary()
        (follower,) = nodes.others(primary)
        for node, other, name in ((primary, follower, "lifts"), (follower, primary, "stairs")):
            call(node.url, "PUT", f"/policies/{name}", {"mode": "observe"})
            wait_until(partial(_is_observed, other.url, name))
        primary.stop()
        call(follower.url, "PUT", "/policies/roofs", {})
        listed: Any = call(follower.url, "GET", "/policies")
        assert [policy["name"] for policy in listed["data"]] == ["lifts", "roofs", "stairs"], json.dumps(listed)
