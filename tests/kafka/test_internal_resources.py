"""The service's own topics and groups, and Kafka's: described by the REST proxy, and not used by anybody through it."""

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.kafka.internal_uses import (
    ACL,
    BODIES,
    DESCRIPTIONS,
    JSON_V2,
    ROUTES,
    V2,
    Caller,
    named_in_bodies,
    named_in_paths,
    snapshot,
)
from tests.service_process import ServiceProcess
from tests.waiting import until, wait_until
from tests.web.access.conftest import basic, written

_KINDS = ("subject", "context", "config", "topic", "group", "cluster")
_RIGHTS = ["describe", "read", "write", "register_existing", "delete", "config"]


def everything(principal: str, **terms: str) -> list[dict[str, Any]]:
    return [{"principals": [principal], "operations": _RIGHTS, "resource": kind, **terms} for kind in _KINDS]


@pytest.fixture(scope="module")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    with ServiceProcess(kafka.bootstrap_servers) as process:
        prepare(kafka, process)
        yield process


@pytest.fixture(scope="module")
def guarded(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """Root may do everything by patterns."""
    with ServiceProcess(kafka.bootstrap_servers, registry_authfile=authfile(tmp_path_factory.mktemp("a"))) as process:
        prepare(kafka, process, "root")
        yield process


@pytest.fixture(scope="module")
def allowing(kafka: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """The same where the setting allows it; Ann has grants that name the service's own topic and group."""
    file = tmp_path_factory.mktemp("allowing")
    with ServiceProcess(
        kafka.bootstrap_servers,
        registry_authfile=authfile(file, topic="_schemas-allowing", group="registry-allowing"),
        rest_internal_resources="true",
        topic_name="_schemas-allowing",
        group_id="registry-allowing",
    ) as process:
        prepare(kafka, process, "root")
        yield process


def authfile(folder: Path, topic: str = "none", group: str = "none") -> Path:
    ann = [
        {"principals": ["ann"], "operations": _RIGHTS, "resource": kind, "name": name}
        for kind, name in (("topic", topic), ("group", group))
    ]
    grants = [
        *everything("root"),
        *everything("root", name="_", match="prefix"),
        *everything("root", name=".*", match="pattern"),
        *ann,
    ]
    file = folder / "authfile.json"
    permissions = [{"username": "root", "operation": "Write", "resource": ".*"}]
    file.write_bytes(written({"root": "root-password", "ann": "ann-password"}, grants, permissions=permissions))
    return file


def prepare(kafka: Cluster, service: ServiceProcess, caller: str | None = None) -> None:
    """Let there be a schema, an ordinary topic, and an ordinary instance."""
    ask = caller_of(service, caller)
    assert ask("POST", "/subjects/first/versions", {"schema": '"string"'}).status == 200
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    if "ordinary" not in admin.list_topics(timeout=60).topics:
        admin.create_topics([NewTopic("ordinary", 1, 1)])["ordinary"].result()
    assert ask("POST", "/consumers/ordinary", {"name": "one", "format": "json"}, V2).status == 200


def caller_of(service: ServiceProcess, name: str | None = None) -> Caller:
    return Caller(service.url, None if name is None else basic(name, f"{name}-password")["Authorization"])


def internal_names(service: ServiceProcess) -> dict[str, list[str]]:
    """By the variable of a path, as a path may spell them."""
    spelled = "".join(f"%{ord(each):02X}" for each in service.topic)
    return {
        "topic": [service.topic, spelled, "__consumer_offsets", "__not-there"],
        "group": [service.group, f"{service.topic}-reader"],
    }


def is_refused(status: int, told: Any) -> bool:
    return status == 403 and told["error_code"] == 403 and "rest_internal_resources=true" in told["message"]


def test_the_table_has_every_route() -> None:
    """A new route that names topics or groups is refused for internal ones, or is one of the descriptions here."""
    described = {(route.method, route.path) for route in ROUTES if route.permission and route.permission.is_description}
    named = {(route.method, route.path) for route, _ in named_in_paths()}
    assert described & named == DESCRIPTIONS
    assert named_in_bodies() == BODIES.keys()


@pytest.mark.parametrize("who", ["anybody", "root"])
def test_no_path_leads_to_them(kafka: Cluster, service: ServiceProcess, guarded: ServiceProcess, who: str) -> None:
    target = service if who == "anybody" else guarded
    ask = caller_of(target, None if who == "anybody" else who)
    before = snapshot(kafka.bootstrap_servers, target.topic)
    wrong = []
    for route, variable in named_in_paths():
        for name in internal_names(target)[variable]:
            for path in (ask.path(route.path, **{variable: name}), ask.path(route.path, **{variable: name}) + "/"):
                answer = ask(route.method, path, {"value": "1"})
                is_description = (route.method, route.path) in DESCRIPTIONS
                if is_refused(*answer) is is_description or (is_description and answer.status not in {200, 400, 404}):
                    wrong.append((route.method, path, answer))
    assert wrong == []
    assert is_refused(*ask("DELETE", ask.path("/v3/clusters/another/topics/{topic}", topic=target.topic)))
    assert snapshot(kafka.bootstrap_servers, target.topic) == before


@pytest.mark.parametrize("who", ["anybody", "root"])
def test_no_body_leads_to_them(kafka: Cluster, service: ServiceProcess, guarded: ServiceProcess, who: str) -> None:
    """Nothing is done for the ordinary topics beside them either, and no schema is registered on the way."""
    target = service if who == "anybody" else guarded
    ask = caller_of(target, None if who == "anybody" else who)
    before = snapshot(kafka.bootstrap_servers, target.topic)
    ordinary = snapshot(kafka.bootstrap_servers, "ordinary")
    wrong = []
    for (method, path), bodies in BODIES.items():
        # Kafka's client takes the null character for the end of a name.
        for name in (target.topic, f"{target.topic}\0x", "__consumer_offsets", "__not-there"):
            for body, sent_as in bodies(name):
                answer = ask(method, ask.path(path), body, sent_as)
                if not is_refused(*answer):
                    wrong.append((method, path, body, answer))
    assert wrong == []
    assert snapshot(kafka.bootstrap_servers, target.topic) == before
    assert snapshot(kafka.bootstrap_servers, "ordinary") == ordinary
    assert ask("GET", "/subjects").body == ["first"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("TOPIC", "{topic}"), ("GROUP", "{group}"), ("GROUP", "{topic}-reader"), ("TRANSACTIONAL_ID", "{group}-{topic}")],
)
def test_acls_of_them_are_not_changed(service: ServiceProcess, kind: str, name: str) -> None:
    ask = caller_of(service)
    named = name.format(topic=service.topic, group=service.group)
    for pattern, spelled in (("LITERAL", named), ("PREFIXED", named[:-1]), ("PREFIXED", named)):
        acl = {**ACL, "resource_type": kind, "resource_name": spelled, "pattern_type": pattern}
        assert is_refused(*ask("POST", ask.path("/v3/clusters/{cluster}/acls"), acl)), acl
        query = f"resource_type={kind}&resource_name={spelled}&operation=ANY&permission=ANY"
        for wanted in (pattern, "ANY"):
            url = ask.path("/v3/clusters/{cluster}/acls") + f"?{query}&pattern_type={wanted}"
            if (wanted, spelled == named) != ("ANY", False):
                assert is_refused(*ask("DELETE", url)), url


def test_they_are_described(service: ServiceProcess) -> None:
    """As before: lists have them, with what they are made of."""
    ask = caller_of(service)
    assert service.topic in ask("GET", "/topics").body
    assert ask("GET", f"/topics/{service.topic}").body["name"] == service.topic
    listed = ask("GET", ask.path("/v3/clusters/{cluster}/topics")).body["data"]
    assert {service.topic, "ordinary"} <= {each["topic_name"] for each in listed}
    assert ask("GET", ask.path("/v3/clusters/{cluster}/consumer-groups")).status == 200


def test_a_pattern_finds_every_topic_but_them(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Neither does what looks like a pattern to Kafka's client where a name is expected."""
    ask, name = caller_of(service), topic()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    assert ask("POST", f"/topics/{name}", {"records": [{"value": "mine"}]}, JSON_V2).status == 200
    instance = f"/consumers/{name}/instances/one"
    wanted = {"name": "one", "format": "binary", "auto.offset.reset": "earliest"}
    assert ask("POST", f"/consumers/{name}", wanted, V2).status == 200
    answer = ask("POST", f"{instance}/subscription", {"topics": [f"^{service.topic}"]}, V2)
    assert (answer.status, answer.body["error_code"]) == (400, 40002)
    pattern = f"{name}|{service.topic}.*|__.*"
    assert ask("POST", f"{instance}/subscription", {"topic_pattern": pattern}, V2).status == 204
    found: list[Any] = []

    def polled() -> bool:
        answer = ask("GET", f"{instance}/records?timeout=500")
        assert answer.status == 200, answer
        found.extend(answer.body)
        return bool(found)

    wait_until(polled)
    assert {each["topic"] for each in found} == {name}
    assigned = ask("GET", f"{instance}/assignments").body["partitions"]
    assert assigned == [{"topic": name, "partition": 0}]
    assert ask("DELETE", instance).status == 204


class Leader(RangePartitionAssignor):  # type: ignore[misc]
    """A member that has every other one read the internal topic, if it leads the group."""

    topic = ""
    own = ""

    @classmethod
    def assign(cls, _: Any, members: Any) -> Any:
        cls.own = cls.own or next(iter(members))
        return {
            each: ConsumerProtocolMemberAssignment(cls.version, [] if each == cls.own else [(cls.topic, [0])], b"")
            for each in members
        }


async def test_what_a_foreign_leader_assigns_is_not_read(
    kafka: Cluster, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Whoever may join a group of the proxy's would read by it what he may not read himself."""
    ask, group = caller_of(service), topic()
    Leader.topic = service.topic
    leader = AIOKafkaConsumer(
        "ordinary",
        bootstrap_servers=kafka.bootstrap_servers,
        group_id=group,
        partition_assignment_strategy=[Leader],
        heartbeat_interval_ms=200,
    )
    await leader.start()
    try:
        wanted = {"name": "one", "format": "binary", "auto.offset.reset": "earliest"}
        instance = f"/consumers/{group}/instances/one"
        assert (await asyncio.to_thread(ask, "POST", f"/consumers/{group}", wanted, V2)).status == 200
        subscribed = await asyncio.to_thread(ask, "POST", f"{instance}/subscription", {"topics": ["ordinary"]}, V2)
        assert subscribed.status == 204

        async def refused() -> bool:
            """Until the leader has assigned it."""
            await leader.getmany(timeout_ms=10)
            answer = await asyncio.to_thread(ask, "GET", f"{instance}/records?timeout=200")
            assert answer.body == [] or is_refused(*answer), answer
            return is_refused(*answer)

        await until(refused)
        assert (await asyncio.to_thread(ask, "DELETE", instance)).status == 204
    finally:
        await leader.stop()


def test_the_offsets_of_an_ordinary_group_are_shown_without_theirs(kafka: Cluster, service: ServiceProcess) -> None:
    ask = caller_of(service)
    offsets = [{"topic_name": "ordinary", "partition_id": 0, "offset": 0}]
    group = ask.path("/v3/clusters/{cluster}/consumer-groups/{group}", group="of-ordinary")
    assert ask("POST", f"{group}/offsets:alter", {"data": offsets}).status == 204
    commit_beside(kafka, "of-ordinary", service.topic)
    for call_ in ("offsets", "lags"):
        answer = ask("GET", f"{group}/{call_}")
        assert [each["topic_name"] for each in answer.body["data"]] == ["ordinary"]
    assert is_refused(*ask("GET", f"{group}/lags/{service.topic}"))


def commit_beside(kafka: Cluster, group: str, topic: str) -> None:
    """As a client of Kafka does it."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap_servers, "group.id": group})
    try:
        consumer.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    finally:
        consumer.close()


def test_where_they_are_allowed_only_grants_that_name_them_count(allowing: ServiceProcess) -> None:
    """Whatever patterns say: the setting is not for everybody who may do everything."""
    root, ann = caller_of(allowing, "root"), caller_of(allowing, "ann")
    record = {"records": [{"value": None}]}
    for ask, allowed in ((root, False), (ann, True)):
        offset = ask("GET", f"/topics/{allowing.topic}/partitions/0/records?offset=0&count=1")
        assert offset.status == (200 if allowed else 403), offset
        produced = ask("POST", "/records", {"records": [{"topic": allowing.topic, "value": None}]}, JSON_V2)
        assert produced.status == (200 if allowed else 403), produced
        assert ask("POST", f"/topics/{allowing.topic}", record, JSON_V2).status == (200 if allowed else 403)
        made = ask("POST", f"/consumers/{allowing.group}", {"name": "own"}, V2)
        assert made.status == (200 if allowed else 403), made
        assert ask("GET", f"/topics/{allowing.topic}").status == 200
    assert ann("GET", "/topics/__consumer_offsets/partitions/0/records").status == 403
    assert root("GET", "/topics/ordinary/partitions/0/records").status == 200
    assert ann("DELETE", f"/consumers/{allowing.group}/instances/own").status == 204
    assert json.dumps(root("GET", "/subjects").body) == '["first"]'
