"""REST v1 as its clients speak it: the page's examples, the other formats, and what is refused."""

import base64
from typing import Any

import msgspec
import pytest

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.markdown_examples import Example, examples
from tests.waiting import until
from tests.web.proxy.conftest import ProxyApi, running

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]

V1 = "application/vnd.kafka.v1+json"
JSON_V1 = "application/vnd.kafka.json.v1+json"
OF_THE_DAY = "application/vnd.kafka.v1+json, application/vnd.kafka+json, application/json"
"""The `Accept` of the examples in the first version's documentation."""


async def test_every_example_of_the_page_is_answered_as_shown(kafka: Cluster) -> None:
    async with running(kafka, ProxySettings(base_uri="http://127.0.0.1:8082")) as proxy:
        proxy.create_topic("lift-log")
        shown = list(examples("rest-v1.md"))
        assert len(shown) > 5
        for example in shown:

            async def is_answered(example: Example = example) -> bool:
                # A group needs its time: before, a read has no records.
                is_read = "/topics/lift-log" in example.path and "/instances/" in example.path
                response = await proxy.client.request(
                    example.method, example.path, data=example.body, headers=example.headers
                )
                text = await response.read()
                assert response.status == example.status, (example, text)
                if text:
                    assert response.content_type == example.headers["Accept"].partition(",")[0]
                if is_read and text == b"[]":
                    return False
                assert example.answer is None or msgspec.json.decode(text) == example.answer, example
                return True

            await until(is_answered)


@pytest.mark.parametrize("embedded", ["json", "avro"])
async def test_records_are_written_and_read_in_a_format(proxy: ProxyApi, embedded: str) -> None:
    topic = proxy.create_topic(f"v1-{embedded}")
    sent_as = f"application/vnd.kafka.{embedded}.v1+json"
    schemas = {"value_schema": '"int"'} if embedded == "avro" else {}
    status, report = await proxy(
        "POST", f"/topics/{topic}", {**schemas, "records": [{"value": 7}]}, sent_as=sent_as, accept=OF_THE_DAY
    )
    assert (status, report["offsets"][0]["offset"]) == (200, 0)
    status, records = await proxy("GET", f"/topics/{topic}/partitions/0/messages?offset=0&count=5", accept=sent_as)
    assert (status, records) == (200, [{"key": None, "value": 7, "partition": 0, "offset": 0}])
    status, made = await proxy(
        "POST", f"/consumers/v1-{embedded}", {"format": embedded, "auto.offset.reset": "SMALLEST"}, sent_as=V1
    )
    assert status == 200, made
    path = f"/consumers/v1-{embedded}/instances/{made['instance_id']}"
    read: list[Any] = []

    async def has_read() -> bool:
        status, records = await proxy("GET", f"{path}/topics/{topic}", accept=sent_as)
        assert status == 200, records
        read.extend(records)
        return bool(read)

    await until(has_read)
    assert read == [{"key": None, "value": 7, "partition": 0, "offset": 0}]
    assert (await proxy("GET", f"{path}/topics/{topic}", accept="application/vnd.kafka.binary.v1+json"))[1][
        "error_code"
    ] == 40601
    # The same instance is one of v2.
    assert (await proxy("GET", f"{path}/subscription"))[1] == {"topics": [topic]}
    assert (await proxy("DELETE", path, accept=V1))[0] == 204


async def test_largest_starts_at_the_end(proxy: ProxyApi) -> None:
    topic = proxy.create_topic("v1-largest")
    await proxy.produce(topic, {"value": "before"})
    wanted = {"format": "json", "auto.offset.reset": "largest"}
    _, made = await proxy("POST", "/consumers/v1-largest", wanted, sent_as=V1)
    path = f"/consumers/v1-largest/instances/{made['instance_id']}"

    async def is_assigned() -> bool:
        assert (await proxy("GET", f"{path}/topics/{topic}", accept=JSON_V1))[1] == []
        return bool((await proxy("GET", f"{path}/assignments"))[1]["partitions"])

    await until(is_assigned)
    assert (await proxy("POST", f"{path}/offsets", accept=OF_THE_DAY))[0] == 200
    await proxy.produce(topic, {"value": "after"})
    read: list[Any] = []

    async def has_read() -> bool:
        read.extend((await proxy("GET", f"{path}/topics/{topic}", accept=JSON_V1))[1])
        return bool(read)

    await until(has_read)
    assert [record["value"] for record in read] == ["after"]


@pytest.mark.parametrize("sent_as", [V1, "application/vnd.kafka+json", "application/vnd.kafka.binary+json"])
async def test_a_body_that_names_no_format_has_binary_records(proxy: ProxyApi, sent_as: str) -> None:
    topic = proxy.create_topic(f"v1-binary-{sent_as.count('.')}-{len(sent_as)}")
    value = base64.b64encode(b"\x00\x01").decode()
    response = await proxy.response("POST", f"/topics/{topic}", {"records": [{"value": value}]}, sent_as=sent_as)
    assert (response.status, response.content_type) == (200, V1)
    (message,) = proxy.stored(topic, 1)
    assert message.value() == b"\x00\x01"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("GET", "/topics/v1-absent", None, 404, 40401),
        ("GET", "/topics/v1-absent/partitions/0/messages?offset=0", None, 404, 40401),
        ("GET", "/topics/v1-refused/partitions/7/messages?offset=0", None, 404, 40402),
        ("GET", "/topics/v1-refused/partitions/0/messages", None, 422, 422),
        ("GET", "/topics/v1-refused/partitions/0/messages?offset=-1", None, 422, 422),
        ("GET", "/topics/v1-refused/partitions/0/messages?offset=x", None, 404, 404),
        ("GET", "/consumers/v1-none/instances/none/topics/v1-refused", None, 404, 40403),
        ("POST", "/consumers/v1-none/instances/none/offsets", None, 404, 40403),
        ("DELETE", "/consumers/v1-none/instances/none", None, 404, 40403),
        ("POST", "/consumers/v1-none", {"auto.offset.reset": "middle"}, 422, 42204),
        ("POST", "/consumers/v1-none", {"zookeeper": "x"}, 422, 422),
        ("POST", "/topics/v1-refused", {"records": [{"value": "no base64!"}]}, 400, 400),
    ],
)
async def test_a_refusal_has_the_shape_and_the_type_of_the_api(
    proxy: ProxyApi, method: str, path: str, body: object, status: int, code: int
) -> None:
    if "v1-refused" in path and "v1-refused" not in proxy.admin.list_topics().topics:
        proxy.create_topic("v1-refused")
    response = await proxy.response(method, path, body, sent_as=None if body is None else V1, accept=V1)
    refusal = await response.json(content_type=None)
    assert (response.status, refusal["error_code"]) == (status, code), refusal
    assert response.content_type == V1
    assert refusal["message"]


async def test_a_client_of_v2_gets_v2(proxy: ProxyApi) -> None:
    for accept in ("*/*", "application/vnd.kafka.v2+json", f"{V1}, application/vnd.kafka.v2+json"):
        response = await proxy.response("GET", "/topics", accept=accept)
        assert response.content_type == "application/vnd.kafka.v2+json"
    assert (await proxy.response("GET", "/topics", accept=f"{V1};q=0")).status == 406
    assert (await proxy("POST", "/consumers/v1-v2", {"auto.offset.reset": "smallest"}))[0] == 422
