"""Every way to use a topic or group over HTTP, derived from the route tables, and what must stay as it is then."""

import http.client
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, ConfigResource, ResourceType  # type: ignore[attr-defined]

from karapace_like.web import files as files_api
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v1 as proxy_v1_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import queues as queues_api
from karapace_like.web import request_reply as request_reply_api
from karapace_like.web import sockets as sockets_api
from karapace_like.web.operations import openapi
from karapace_like.web.routing import Route

V2 = "application/vnd.kafka.v2+json"
JSON_V2 = "application/vnd.kafka.json.v2+json"
JSON = "application/json"
ROUTES: Sequence[Route] = (
    *proxy_api.ROUTES,
    *proxy_v1_api.ROUTES,
    *proxy_v3_api.ROUTES,
    *queues_api.ROUTES,
    *request_reply_api.ROUTES,
    *files_api.ROUTES,
    *sockets_api.ROUTES,
)
_V3 = "/v3/clusters/{cluster}"
_INSTANCE = "/consumers/{group}/instances/{instance}"
_GROUP = f"{_V3}/consumer-groups/{{group}}"

DESCRIPTIONS = {
    ("GET", "/topics/{topic}"),
    ("GET", "/topics/{topic}/partitions"),
    ("GET", "/topics/{topic}/partitions/{partition}"),
    *(
        ("GET", f"{_V3}/topics/{{topic}}{rest}")
        for rest in (
            "",
            "/configs",
            "/configs/{config}",
            "/partitions",
            "/partitions/{partition}",
            "/partitions/-/reassignment",
            "/partitions/{partition}/reassignment",
            "/partitions/{partition}/replicas",
            "/partitions/{partition}/replicas/{broker}",
            "/replica-sizes",
        )
    ),
    *(
        ("GET", f"{_GROUP}{rest}")
        for rest in (
            "",
            "/consumers",
            "/consumers/{consumer}",
            "/consumers/{consumer}/assignments",
            "/consumers/{consumer}/assignments/{topic}/partitions/{partition}",
        )
    ),
}
"""Calls that only tell what there is: of internal topics and groups, too."""

_RECEIPT = "0123abcd.0-" + "0" * 24 + "-0"
_CHANGE = [{"name": "retention.ms", "value": "1000"}]
ACL = {
    "resource_type": "TOPIC",
    "pattern_type": "LITERAL",
    "principal": "User:x",
    "host": "*",
    "operation": "ALL",
    "permission": "DENY",
}
BODIES: Mapping[tuple[str, str], Callable[[str], Sequence[tuple[Any, str]]]] = {
    ("POST", "/records"): lambda topic: [
        ({"records": [{"topic": "ordinary", "value": 1}, {"topic": topic, "value": 1}]}, JSON_V2),
        (
            {"value_schema": '"int"', "records": [{"topic": topic, "value": 1}]},
            "application/vnd.kafka.avro.v2+json",
        ),
    ],
    ("POST", f"{_INSTANCE}/records"): lambda topic: [({"records": [{"topic": topic, "value": 1}]}, JSON_V2)],
    ("POST", f"{_INSTANCE}/subscription"): lambda topic: [({"topics": ["ordinary", topic]}, V2)],
    ("POST", f"{_INSTANCE}/assignments"): lambda topic: [({"partitions": [{"topic": topic, "partition": 0}]}, V2)],
    ("POST", f"{_INSTANCE}/offsets"): lambda topic: [
        ({"offsets": [{"topic": topic, "partition": 0, "offset": 0}]}, V2)
    ],
    ("GET", f"{_INSTANCE}/offsets"): lambda topic: [({"partitions": [{"topic": topic, "partition": 0}]}, V2)],
    ("POST", f"{_INSTANCE}/positions"): lambda topic: [
        ({"offsets": [{"topic": topic, "partition": 0, "offset": 0}]}, V2),
        ({"timestamps": [{"topic": topic, "partition": 0, "timestamp": 0}]}, V2),
    ],
    ("POST", f"{_INSTANCE}/positions/beginning"): lambda topic: [({"partitions": [{"topic": topic}]}, V2)],
    ("POST", f"{_INSTANCE}/positions/end"): lambda topic: [({"partitions": [{"topic": topic}]}, V2)],
    ("POST", f"{_V3}/topics"): lambda topic: [
        ({"topic_name": topic}, JSON),
        ({"topic_name": topic, "validate_only": True}, JSON),
    ],
    ("POST", f"{_V3}/topics/-/configs:alter"): lambda topic: [
        ({"data": [{"topic_name": "ordinary", "configs": _CHANGE}, {"topic_name": topic, "configs": _CHANGE}]}, JSON)
    ],
    ("POST", f"{_GROUP}/offsets:alter"): lambda topic: [
        ({"data": [{"topic_name": topic, "partition_id": 0, "offset": 0}]}, JSON)
    ],
    ("POST", "/queues/{group}/receive"): lambda topic: [({"topics": ["ordinary", topic], "wait_ms": 0}, JSON)],
    ("POST", "/queues/{group}/acknowledge"): lambda topic: [
        ([{"receipt": _RECEIPT, "outcome": "reject", "dead_letter_topic": topic}], JSON)
    ],
    ("POST", "/topics/{topic}/requests"): lambda topic: [
        ({"record": {"value": 1}, "reply_topic": topic, "timeout_ms": 0, "value_format": "json"}, JSON)
    ],
    ("POST", f"{_V3}/acls"): lambda topic: [
        ({**ACL, "resource_name": topic}, JSON),
        ({**ACL, "resource_name": topic[:3], "pattern_type": "PREFIXED"}, JSON),
    ],
    ("POST", f"{_V3}/acls:batch"): lambda topic: [
        ({"data": [{**ACL, "resource_name": "ordinary"}, {**ACL, "resource_name": topic}]}, JSON)
    ],
}
"""Calls whose body names topics -> bodies that name this one."""
_NAMING = re.compile(r'"(topic|topics|dead_letter_topic|reply_topic|topic_name|resource_name)"')


def named_in_paths() -> Iterator[tuple[Route, str]]:
    """(route, variable) of every route that has a topic or group in its path."""
    for route in ROUTES:
        for variable in ("topic", "group"):
            if f"{{{variable}}}" in route.path:
                yield route, variable


def _describe_body(body: Any) -> str:
    """Return the description of a body with all objects that it refers to."""
    referred = [openapi._OBJECTS[name] for name in sorted(openapi._collect_references(body))]
    return json.dumps([body, *referred], default=dict)


def named_in_bodies() -> set[tuple[str, str]]:
    """The calls whose documented body names topics."""
    documented = {
        (route.method, route.path)
        for route in ROUTES
        if route.call.body and _NAMING.search(_describe_body(route.call.body))
    }
    return documented | {(method, path) for method, path in BODIES if method == "GET"}  # no GET documents a body


class Answer(NamedTuple):
    status: int
    body: Any


class Caller:
    """Calls with the path as it is spelled, and with an `Authorization` header, if any."""

    def __init__(self, url: str, authorization: str | None = None) -> None:
        self._address = urlsplit(url).netloc
        self._headers = {} if authorization is None else {"Authorization": authorization}
        status, found = self("GET", "/v3/clusters")
        assert status == 200, found
        self._values = {
            "cluster": found["data"][0]["cluster_id"],
            "topic": "ordinary",
            "group": "ordinary",
            "partition": "0",
            "broker": "1",
            "config": "retention.ms",
            "instance": "one",
            "consumer": "some",
            "key": "some",
            "id": "some",
        }

    def __call__(self, method: str, path: str, body: object = None, sent_as: str = JSON) -> Answer:
        connection = http.client.HTTPConnection(self._address, timeout=60)
        try:
            text = None if body is None else json.dumps(body).encode()
            connection.request(method, path, text, {**self._headers, "Content-Type": sent_as})
            answer = connection.getresponse()
            read = answer.read()
            return Answer(answer.status, json.loads(read) if read else None)
        finally:
            connection.close()

    def path(self, route: str, **values: str) -> str:
        """The route's path, with ordinary values but for these."""
        return route.format_map({**self._values, **values})


class Snapshot(NamedTuple):
    """What nobody may change."""

    end: int
    configs: Mapping[str, str | None]
    partitions: int
    topics: frozenset[str]


def snapshot(bootstrap_servers: str, topic: str) -> Snapshot:
    """The topic as it is now, and which internal topics there are."""
    admin = AdminClient({"bootstrap.servers": bootstrap_servers})
    consumer = Consumer({"bootstrap.servers": bootstrap_servers, "group.id": "unused"})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition(topic, 0), timeout=60)
    finally:
        consumer.close()
    resource = ConfigResource(ResourceType.TOPIC, topic)
    configs = admin.describe_configs([resource])[resource].result()
    topics = admin.list_topics(timeout=60).topics
    return Snapshot(
        end,
        {name: entry.value for name, entry in configs.items()},
        len(topics[topic].partitions),
        # Other services of the run create topics of their own meanwhile.
        frozenset(name for name in topics if name == topic or name.startswith("__")),
    )
