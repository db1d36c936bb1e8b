"""The same policy in the REST proxy: topics, groups, and the subjects of what is produced."""

import json
from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from tests.web.access.conftest import basic, written
from tests.web.access.guarded import Guarded, serving

ROOT, CALLER = basic("root", "r"), basic("caller", "c")
KINDS = ("subject", "topic", "group")
OPERATIONS = ["read", "write", "delete", "config"]


def grant(*operations: str, resource: str, name: str) -> dict[str, Any]:
    return {"principals": ["caller"], "operations": operations, "resource": resource, "name": name, "match": "prefix"}


AUTHFILE = written(
    {"root": "r", "caller": "c"},
    [
        *({"principals": ["root"], "operations": OPERATIONS, "resource": kind} for kind in KINDS),
        grant("read", "write", resource="topic", name="mine-"),
        grant("write", resource="topic", name="inbox-"),
        grant("read", resource="group", name="mine-"),
        grant("write", resource="subject", name="mine-"),
        grant("write", resource="subject", name=":.x:mine-"),
        grant("read", resource="subject", name="inbox-"),
    ],
)
V2 = {"Content-Type": "application/vnd.kafka.v2+json"}
JSON = {"Content-Type": "application/vnd.kafka.json.v2+json"}
AVRO = {"Content-Type": "application/vnd.kafka.avro.v2+json"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    async with serving(kafka, AUTHFILE) as application:
        yield application


@pytest.fixture
def mine(topic: Callable[[], str]) -> str:
    return f"mine-{topic()}"


async def ask(guarded: Guarded, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
    async with guarded.client.request(method, path, json=body, headers={**CALLER, **headers}) as answer:
        return answer.status, await answer.json(content_type=None) if answer.status != 204 else None


@pytest.mark.asyncio(loop_scope="module")
async def test_records_are_written_and_read_where_it_is_granted(guarded: Guarded, mine: str) -> None:
    """Elsewhere nothing is written, and it is not told whether there is such a topic."""
    record = {"records": [{"value": {"a": 1}}]}
    other, inbox = f"other-{mine}", f"inbox-{mine}"
    assert (await ask(guarded, "POST", f"/topics/{mine}", record, **JSON))[0] == 200
    assert (await ask(guarded, "POST", f"/topics/{inbox}", record, **JSON))[0] == 200
    async with guarded.client.post(f"/topics/{other}", json=record, headers={**ROOT, **JSON}) as answer:
        assert answer.status == 200
    for name in (other, f"absent-{mine}"):
        assert (await ask(guarded, "POST", f"/topics/{name}", record, **JSON))[0] == 403
        assert (await ask(guarded, "GET", f"/topics/{name}"))[0] == 403
        assert (await ask(guarded, "GET", f"/topics/{name}/partitions/0/records?offset=0"))[0] == 403
    several = {"records": [{"topic": mine, "value": 1}, {"topic": other, "value": 1}]}
    assert (await ask(guarded, "POST", "/records", several, **JSON))[0] == 403
    assert (await ask(guarded, "GET", f"/topics/{mine}/partitions/0/offsets"))[1]["end_offset"] == 1
    assert (await ask(guarded, "GET", f"/topics/{inbox}/partitions/0/records?offset=0"))[0] == 403
    assert (await ask(guarded, "GET", f"/topics/{inbox}/partitions"))[0] == 200
    shown = (await ask(guarded, "GET", "/topics"))[1]
    assert {mine, inbox} <= set(shown)
    assert all(each.startswith(("mine-", "inbox-")) for each in shown)


@pytest.mark.asyncio(loop_scope="module")
async def test_what_a_consumer_instance_is_told_is_audited(
    guarded: Guarded, mine: str, caplog: pytest.LogCaptureFixture
) -> None:
    """One line for each write, and none for what is only read."""
    group, instance = f"/consumers/{mine}", f"/consumers/{mine}/instances/one"
    record = {"records": [{"value": {"a": 1}}]}
    assert (await ask(guarded, "POST", f"/topics/{mine}", record, **JSON))[0] == 200
    offsets = {"offsets": [{"topic": mine, "partition": 0, "offset": 0}]}
    partitions = {"partitions": [{"topic": mine, "partition": 0}]}
    calls = (
        ("POST", group, {"name": "one", "format": "json"}, 200),
        ("POST", f"{instance}/assignments", partitions, 204),
        ("GET", f"{instance}/assignments", None, 200),
        ("GET", f"{instance}/records", None, 200),
        ("POST", f"{instance}/offsets", offsets, 200),
        ("POST", f"{instance}/positions/beginning", partitions, 204),
        ("DELETE", instance, None, 204),
    )
    caplog.clear()
    for method, path, body, expected in calls:
        headers = JSON if path.endswith("/records") else V2
        assert (await ask(guarded, method, path, body, **headers, Accept=headers["Content-Type"]))[0] == expected, path
    told = [json.loads(each.getMessage()) for each in caplog.records if each.name == "karapace_like.audit"]
    assert [(each["method"], each["path"]) for each in told] == [each[:2] for each in calls if each[0] != "GET"]
    assert {(each["principal"], each["result"]) for each in told} == {("caller", "done")}


@pytest.mark.asyncio(loop_scope="module")
async def test_a_reply_is_given_to_the_caller_of_its_request_only(guarded: Guarded, mine: str) -> None:
    """A request needs to read the topic of the reply; whoever else knows the id gets nothing."""
    inbox = f"inbox-{mine}"
    for name in (mine, inbox):
        assert (await ask(guarded, "POST", f"/topics/{name}", {"records": [{"value": 1}]}, **JSON))[0] == 200
    body = {"record": {"value": 1}, "reply_topic": mine, "timeout_ms": 0}
    path = f"/topics/{inbox}/requests"
    unreadable = {**body, "reply_topic": inbox}
    assert (await ask(guarded, "POST", f"/topics/{mine}/requests", unreadable, **JSON))[0] == 403
    assert (await ask(guarded, "POST", f"/topics/other-{mine}/requests", body, **JSON))[0] == 403
    async with guarded.client.post(path, json=body, headers={**CALLER, **JSON}) as answer:
        assert answer.status == 504
        late = answer.headers["Location"]
    reply = {"record": {"value": 2}, "correlation_id": b64encode(late.rpartition("/")[2].encode()).decode()}
    assert (await ask(guarded, "POST", f"/topics/other-{mine}/replies", reply, **JSON))[0] == 403
    assert (await ask(guarded, "POST", f"/topics/{mine}/replies", reply, **JSON))[0] == 200
    status, answer_of_caller = await ask(guarded, "GET", f"{late}?wait_ms=60000")
    assert (status, answer_of_caller["reply"]["value"]) == (200, 2)
    async with guarded.client.get(late, headers=ROOT) as answer:
        assert answer.status == 404


@pytest.mark.asyncio(loop_scope="module")
async def test_a_consumer_reads_the_topics_of_its_caller(guarded: Guarded, mine: str) -> None:
    """The group and the topics must both be granted; a pattern could lead anywhere."""
    assert (await ask(guarded, "POST", f"/consumers/other-{mine}", {}, **V2))[0] == 403
    made = await ask(guarded, "POST", f"/consumers/{mine}", {"format": "json"}, **V2)
    instance = f"/consumers/{mine}/instances/{made[1]['instance_id']}"
    other = {"partitions": [{"topic": f"other-{mine}", "partition": 0}]}
    for path, body in (
        ("subscription", {"topics": [mine, f"other-{mine}"]}),
        ("subscription", {"topic_pattern": "mine-.*"}),
        ("assignments", other),
        ("offsets", {"offsets": [{**other["partitions"][0], "offset": 0}]}),
    ):
        assert (await ask(guarded, "POST", f"{instance}/{path}", body, **V2))[0] == 403, path
    assert (await ask(guarded, "POST", f"{instance}/subscription", {"topics": [mine]}, **V2))[0] == 204
    assert (await ask(guarded, "DELETE", instance, **V2))[0] == 204


@pytest.mark.asyncio(loop_scope="module")
async def test_schemas_of_other_subjects_are_not_used_or_registered(guarded: Guarded, mine: str) -> None:
    """A text needs the right to write; what is registered already, the right to read it."""
    inbox = f"inbox-{mine}"
    text = {"value_schema": '"long"', "records": [{"value": 1}]}
    assert (await ask(guarded, "POST", f"/topics/{mine}", text, **AVRO))[0] == 200
    incompatible = {"value_schema": '"boolean"', "records": [{"value": True}]}
    status, told = await ask(guarded, "POST", f"/topics/{mine}", incompatible, **AVRO)
    assert (status, told["error_code"], "long" in told["message"]) == (422, 42207, False)
    assert (await ask(guarded, "POST", f"/topics/{inbox}", text, **AVRO))[0] == 403
    latest = {"records": [{"value": 1}]}
    async with guarded.client.post(
        f"/subjects/{inbox}-value/versions", json={"schema": '"long"'}, headers=ROOT
    ) as answer:
        found = (await answer.json(content_type=None))["id"]
    by_id = {"value_schema_id": found, "records": [{"value": 1}]}
    for _ in range(2):
        assert (await ask(guarded, "POST", f"/topics/{inbox}", latest, **AVRO))[0] == 200
        assert (await ask(guarded, "POST", f"/topics/{inbox}", by_id, **AVRO))[0] == 200
        elsewhere = {**by_id, "value_subject": f"other-{mine}"}
        assert (await ask(guarded, "POST", f"/topics/{inbox}", elsewhere, **AVRO))[0] == 403
        assert (await ask(guarded, "POST", f"/topics/{mine}", latest, **AVRO))[0] == 403
    cluster = (await ask(guarded, "GET", "/v3/clusters"))[1]["data"][0]["cluster_id"]
    path = f"/v3/clusters/{cluster}/topics/{inbox}/records:batch"
    entry = {"id": "a", "value": {"type": "AVRO", "schema": '"long"', "data": 1}}
    status, told = await ask(guarded, "POST", path, {"entries": [entry]})
    assert (status, told["failures"][0]["error_code"]) == (207, 403)


@pytest.mark.asyncio(loop_scope="module")
async def test_references_are_permitted_where_they_lead(guarded: Guarded, mine: str) -> None:
    """In the context of the subject that the schema is registered in, not in the default one."""
    for subject in (f"inbox-{mine}", f":.x:inbox-{mine}"):
        body = {"schema": '{"type":"record","name":"Floor","fields":[]}'}
        async with guarded.client.post(f"/subjects/{subject}/versions", json=body, headers=ROOT) as answer:
            assert answer.status == 200
    produced = {
        "value_schema": '{"type":"record","name":"Lift","fields":[{"name":"floor","type":"Floor"}]}',
        "value_references": [{"name": "Floor", "subject": f"inbox-{mine}", "version": 1}],
        "records": [{"value": {"floor": {}}}],
    }
    statuses = [
        (await ask(guarded, "POST", f"/topics/{mine}", {**produced, "value_subject": subject}, **AVRO))[0]
        for subject in (f"{mine}-value", f":.x:{mine}-value")
    ]
    assert statuses == [200, 403]


@pytest.mark.asyncio(loop_scope="module")
async def test_an_alias_is_no_way_to_a_subject_that_is_not_permitted(guarded: Guarded, mine: str) -> None:
    """Whoever may set it, and whatever was permitted to others before."""
    secret = f"secret-{mine}"
    body = {"schema": '"int"'}
    async with guarded.client.post(f"/subjects/{secret}/versions", json=body, headers=ROOT) as answer:
        assert answer.status == 200
    alias = f"{mine}-value"
    async with guarded.client.put(f"/config/{alias}", json={"alias": secret}, headers=ROOT) as answer:
        assert answer.status == 200
    for body in ({"value_schema": '"int"'}, {"value_schema": '"long"'}, {}):
        produced = {**body, "records": [{"value": 1}]}
        async with guarded.client.post(f"/topics/{mine}", json=produced, headers={**ROOT, **AVRO}) as answer:
            assert answer.status == 200
        status, answer = await ask(guarded, "POST", f"/topics/{mine}", produced, **AVRO)
        assert (status // 100, answer.get("offsets")) == (4, None)
    async with guarded.client.get(f"/subjects/{secret}/versions", headers=ROOT) as answer:
        assert await answer.json() == [1, 2]
