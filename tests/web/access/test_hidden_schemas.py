"""No schema or offset is shown by a way round: produce errors, crafted records, references, groups."""

import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio

from karapace_like.kafka.cluster import Cluster
from tests.web.access.guarded import Guarded, serving
from tests.web.access.test_proxy_rights import AUTHFILE, AVRO, ROOT, V2, ask

MARKER = "zugspitze"
HIDDEN = json.dumps({"type": "record", "name": "Hidden", "fields": [{"name": MARKER, "type": "int"}]})
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[Guarded]:
    async with serving(kafka, AUTHFILE) as application:
        yield application


@pytest.fixture
def mine(topic: Callable[[], str]) -> str:
    return f"mine-{topic()}"


async def as_root(guarded: Guarded, method: str, path: str, body: object = None, **headers: str) -> Any:
    async with guarded.client.request(method, path, json=body, headers={**ROOT, **headers}) as answer:
        assert answer.status < 300, await answer.text()
        return None if answer.status == 204 else await answer.json(content_type=None)


async def register_hidden(guarded: Guarded, mine: str) -> int:
    """The id of a schema in a subject that the caller may not read."""
    return int((await as_root(guarded, "POST", f"/subjects/hidden-{mine}/versions", {"schema": HIDDEN}))["id"])


@pytest.mark.parametrize("strategy", [None, "TOPIC_NAME", "RECORD_NAME", "TOPIC_RECORD_NAME"])
async def test_an_error_of_producing_shows_no_schema(guarded: Guarded, mine: str, strategy: str | None) -> None:
    """A hidden id is answered as one that does not exist, whichever subject it would be used for."""
    hidden = await register_hidden(guarded, mine)
    found = []
    for schema_id in (hidden, 1_000_000):
        named = {"value_subject_name_strategy": strategy} if strategy else {"value_subject": f"{mine}-value"}
        body = {"value_schema_id": schema_id, "records": [{"value": {MARKER: 1}}], **named}
        status, told = await ask(guarded, "POST", f"/topics/{mine}", body, **AVRO)
        found.append((status, told["error_code"], told["message"].replace(str(schema_id), "ID")))
    assert found[0] == found[1]
    assert MARKER not in found[0][2]
    cluster = (await ask(guarded, "GET", "/v3/clusters"))[1]["data"][0]["cluster_id"]
    naming = {"subject_name_strategy": strategy} if strategy else {"subject": f"{mine}-value"}
    entry = {"id": "a", "value": {"schema_id": hidden, "data": {MARKER: 1}, **naming}}
    path = f"/v3/clusters/{cluster}/topics/{mine}/records:batch"
    status, told = await ask(guarded, "POST", path, {"entries": [entry]})
    assert (status, told["failures"][0]["error_code"]) == (207, 422)
    assert MARKER not in json.dumps(told)


async def test_a_crafted_record_is_not_decoded_with_a_hidden_schema(guarded: Guarded, mine: str) -> None:
    """Its names would be shown; whoever may read the subject sees the record. A topic's own schemas go with it."""
    hidden = await register_hidden(guarded, mine)
    crafted = base64.b64encode(b"\0" + hidden.to_bytes(4, "big") + b"\x02").decode()
    binary = {"Content-Type": "application/vnd.kafka.binary.v2+json"}
    await as_root(guarded, "POST", f"/topics/{mine}", {"records": [{"value": crafted}]}, **binary)
    read = f"/topics/{mine}/partitions/0/records?offset=0&undecodable=report"
    (shown,) = await as_root(guarded, "GET", read, Accept=AVRO["Content-Type"])
    assert shown["value"] == {MARKER: 1}
    status, (told,) = await ask(guarded, "GET", read, Accept=AVRO["Content-Type"])
    assert (status, told["error_code"], told["value"]) == (200, 40801, None)
    assert MARKER not in json.dumps(told)
    own = {"value_schema": '{"type":"record","name":"Own","fields":[{"name":"floor","type":"int"}]}'}
    assert (await ask(guarded, "POST", f"/topics/{mine}", {**own, "records": [{"value": {"floor": 7}}]}, **AVRO))[
        0
    ] == 200
    status, told = await ask(guarded, "GET", read, Accept=AVRO["Content-Type"])
    assert (status, told[1]["value"]) == (200, {"floor": 7})
    made = await ask(guarded, "POST", f"/consumers/{mine}", {"format": "avro", "undecodable": "report"}, **V2)
    instance = f"/consumers/{mine}/instances/{made[1]['instance_id']}"
    partitions = {"partitions": [{"topic": mine, "partition": 0}]}
    assert (await ask(guarded, "POST", f"{instance}/assignments", partitions, **V2))[0] == 204
    assert (await ask(guarded, "POST", f"{instance}/positions/beginning", partitions, **V2))[0] == 204
    polled: list[Any] = []
    while len(polled) < 2:
        polled += (await ask(guarded, "GET", f"{instance}/records", Accept=AVRO["Content-Type"]))[1]
    assert [record["value"] for record in polled] == [None, {"floor": 7}]
    assert (await ask(guarded, "DELETE", instance, **V2))[0] == 204


async def test_a_group_shows_no_offsets_of_hidden_topics(guarded: Guarded, mine: str) -> None:
    """Nor are they altered: the group is granted, the topic is not."""
    hidden = f"hidden-{mine}"
    for topic in (mine, hidden):
        await as_root(
            guarded,
            "POST",
            f"/topics/{topic}",
            {"records": [{"value": "eA=="}]},
            **{"Content-Type": "application/vnd.kafka.binary.v2+json"},
        )
    cluster = (await ask(guarded, "GET", "/v3/clusters"))[1]["data"][0]["cluster_id"]
    group = f"/v3/clusters/{cluster}/consumer-groups/{mine}"
    offsets = [{"topic_name": topic, "partition_id": 0, "offset": 0} for topic in (mine, hidden)]
    await as_root(guarded, "POST", f"{group}/offsets:alter", {"data": offsets})
    for path in ("lags", "offsets"):
        status, told = await ask(guarded, "GET", f"{group}/{path}")
        assert (status, [lag["topic_name"] for lag in told["data"]]) == (200, [mine])
    status, told = await ask(guarded, "GET", f"{group}/lag-summary")
    assert (status, told["total_lag"], told["max_lag_topic_name"]) == (200, 1, mine)
    for path in (f"lags/{hidden}", f"lags/{hidden}/partitions/0", f"consumers/x/assignments/{hidden}/partitions/0"):
        assert (await ask(guarded, "GET", f"{group}/{path}"))[0] == 403
    assert (await ask(guarded, "POST", f"{group}/offsets:alter", {"data": offsets}))[0] == 403
