"""Configs of topics, of brokers and of the cluster over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import until
from tests.web.proxy_v3.conftest import V3Api

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def value_of(v3: V3Api, path: str) -> tuple[str, str]:
    """(value, source) of a config."""
    status, found = await v3("GET", path)
    assert status == 200, found
    return found["value"], found["source"]


async def becomes(v3: V3Api, path: str, expected: tuple[str, str]) -> None:
    """The config has the (value, source) as soon as the broker has taken note of it."""

    async def is_so() -> bool:
        return await value_of(v3, path) == expected

    await until(is_so)


async def answered(v3: V3Api, path: str, status: int) -> Any:
    """What stands at a path, as soon as it is answered with the status."""

    async def so() -> tuple[int, Any] | None:
        answer = await v3("GET", path)
        return answer if answer[0] == status else None

    found = await until(so)
    assert found is not None
    return found[1]


async def test_a_topic_s_config_is_set_and_reset(v3: V3Api, topic_of: Callable[..., str]) -> None:
    path = f"/topics/{topic_of()}/configs/retention.ms"
    default = await value_of(v3, path)
    assert await v3("PUT", path, {"value": "55000"}) == (204, None)
    expected = ("55000", "DYNAMIC_TOPIC_CONFIG")
    await becomes(v3, path, expected)
    _, found = await v3("GET", path)
    assert found["metadata"]["self"] == v3.url + path
    assert (found["value"], found["source"], found["is_default"]) == ("55000", "DYNAMIC_TOPIC_CONFIG", False)
    assert found["synonyms"][0] == {"name": "retention.ms", "value": "55000", "source": "DYNAMIC_TOPIC_CONFIG"}
    assert await v3("DELETE", path) == (204, None)
    await becomes(v3, path, default)


async def test_several_changes_are_made_together_or_not_at_all(v3: V3Api, topic_of: Callable[..., str]) -> None:
    path = f"/topics/{topic_of(retention_ms='1000')}/configs"
    good = {"name": "segment.ms", "value": "7000"}
    assert await v3("POST", f"{path}:alter", {"data": [good], "validate_only": True}) == (204, None)
    assert await value_of(v3, f"{path}/segment.ms") != ("7000", "DYNAMIC_TOPIC_CONFIG")
    bad = {"name": "max.message.bytes", "value": "many"}
    status, error = await v3("POST", f"{path}:alter", {"data": [good, bad]})
    assert (status, error["error_code"]) == (400, 40002)
    assert await value_of(v3, f"{path}/segment.ms") != ("7000", "DYNAMIC_TOPIC_CONFIG")
    assert (await v3("POST", f"{path}:alter", {"data": [good, good]}))[1]["error_code"] == 40002
    assert await v3("POST", f"{path}:alter", {"data": []}) == (204, None)
    both = {"data": [good, {"name": "retention.ms", "operation": "DELETE"}]}
    assert await v3("POST", f"{path}:alter", both) == (204, None)
    await becomes(v3, f"{path}/segment.ms", ("7000", "DYNAMIC_TOPIC_CONFIG"))
    await becomes(v3, f"{path}/retention.ms", ("604800000", "DEFAULT_CONFIG"))


async def test_several_topics_are_changed_each_by_its_own_changes(v3: V3Api, topic_of: Callable[..., str]) -> None:
    one, other = topic_of(), topic_of(retention_ms="1000")
    changes = [
        {"topic_name": one, "configs": [{"name": "segment.ms", "value": "7000"}]},
        {"topic_name": other, "configs": [{"name": "retention.ms", "operation": "DELETE"}]},
    ]
    alter = "/topics/-/configs:alter"
    assert await v3("POST", alter, {"data": changes, "validate_only": True}) == (204, None)
    assert await value_of(v3, f"/topics/{other}/configs/retention.ms") == ("1000", "DYNAMIC_TOPIC_CONFIG")
    assert await v3("POST", alter, {"data": changes}) == (204, None)
    await becomes(v3, f"/topics/{one}/configs/segment.ms", ("7000", "DYNAMIC_TOPIC_CONFIG"))
    await becomes(v3, f"/topics/{other}/configs/retention.ms", ("604800000", "DEFAULT_CONFIG"))


async def test_of_several_topics_those_that_cannot_be_changed_are_told(v3: V3Api, topic_of: Callable[..., str]) -> None:
    """The others are; a change without a topic reaches none, whatever it says."""
    good, bad = topic_of(), topic_of()
    change = {"name": "segment.ms", "value": "7000"}
    data = [
        {"topic_name": f"{good}-missing", "configs": [change]},
        {"topic_name": bad, "configs": [{"name": "nope", "value": "1"}]},
        {"topic_name": good, "configs": [change]},
    ]
    status, told = await v3("POST", "/topics/-/configs:alter", {"data": data})
    assert status == 207
    assert [(each["topic_name"], each["error_code"]) for each in told["failures"]] == [
        (f"{good}-missing", 40403),
        (bad, 404),
    ]
    await becomes(v3, f"/topics/{good}/configs/segment.ms", ("7000", "DYNAMIC_TOPIC_CONFIG"))
    for wrong, code in (([change], 422), ([{"topic_name": bad}], 400), ([{"configs": [change]}], 400), (None, 400)):
        status, error = await v3("POST", "/topics/-/configs:alter", {"data": wrong})
        assert (status, error["error_code"]) == (code, code)
    assert (await value_of(v3, f"/topics/{bad}/configs/segment.ms"))[1] == "DEFAULT_CONFIG"


async def test_a_config_that_all_brokers_share_is_set_and_reset(v3: V3Api) -> None:
    path = "/broker-configs/log.cleaner.backoff.ms"
    assert (await v3("GET", path))[0] == 404
    assert await v3("PUT", path, {"value": "15001"}) == (204, None)
    found = await answered(v3, path, 200)
    assert (found["kind"], found["config_type"], found["value"]) == ("KafkaClusterConfig", "BROKER", "15001")
    assert found in (await v3("GET", "/broker-configs"))[1]["data"]
    await becomes(v3, "/brokers/1/configs/log.cleaner.backoff.ms", ("15001", "DYNAMIC_DEFAULT_BROKER_CONFIG"))
    removal = {"data": [{"name": "log.cleaner.backoff.ms", "operation": "DELETE"}]}
    assert await v3("POST", "/broker-configs:alter", removal) == (204, None)
    assert (await answered(v3, path, 404))["error_code"] == 404


async def test_a_broker_s_config_is_set_and_reset(v3: V3Api) -> None:
    path = "/brokers/1/configs/num.io.threads"
    assert await v3("PUT", path, {"value": "9"}) == (204, None)
    await becomes(v3, path, ("9", "DYNAMIC_BROKER_CONFIG"))
    assert await v3("DELETE", path) == (204, None)
    await becomes(v3, path, ("8", "DEFAULT_CONFIG"))
    status, error = await v3("POST", "/brokers/1/configs:alter", {"data": [{"name": "broker.id", "value": "7"}]})
    assert (status, error["error_code"]) == (400, 40002)


@pytest.mark.long
async def test_configs_of_all_topics_and_all_brokers_are_listed_together(
    v3: V3Api, topic_of: Callable[..., str]
) -> None:
    name = topic_of(retention_ms="12345")
    _, topics = await v3("GET", "/topics/-/configs")
    assert topics["kind"] == "KafkaTopicConfigList"
    found: list[Any] = [
        each["value"] for each in topics["data"] if (each["topic_name"], each["name"]) == (name, "retention.ms")
    ]
    assert found == ["12345"]
    _, brokers = await v3("GET", "/brokers/-/configs")
    assert brokers["kind"] == "KafkaBrokerConfigList"
    assert {each["broker_id"] for each in brokers["data"]} == {1}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        ("PUT", "/topics/{topic}/configs/nope", {"value": "1"}, (404, 404)),
        ("DELETE", "/topics/{topic}/configs/nope", None, (404, 404)),
        ("PUT", "/topics/{topic}-missing/configs/retention.ms", {"value": "1"}, (404, 40403)),
        ("PUT", "/topics/{topic}/configs/retention.ms", {"value": "-5"}, (400, 40002)),
        ("PUT", "/topics/{topic}/configs/retention.ms", {"value": None}, (400, 40002)),
        ("PUT", "/topics/{topic}/configs/retention.ms", {}, (400, 40002)),
        ("PUT", "/topics/{topic}/configs/retention.ms", {"value": {}}, (400, 400)),
        ("POST", "/topics/{topic}/configs/retention.ms", {"value": "1"}, (405, 405)),
        ("POST", "/topics/{topic}/configs:alter", {}, (400, 400)),
        ("POST", "/topics/{topic}/configs:alter", {"data": [{"name": "retention.ms"}]}, (400, 40002)),
        ("POST", "/topics/{topic}/configs:alter", {"data": [{"name": "retention.ms", "operation": "ADD"}]}, (400, 400)),
        ("GET", "/brokers/999/configs", None, (500, 50003)),
        ("PUT", "/broker-configs/nope.nope", {"value": "1"}, (404, 404)),
    ],
)
async def test_what_cannot_be_changed_is_refused(
    v3: V3Api, topic_of: Callable[..., str], method: str, path: str, body: object, expected: tuple[int, int]
) -> None:
    status, error = await v3(method, path.format(topic=topic_of()), body)
    assert (status, error["error_code"]) == expected
