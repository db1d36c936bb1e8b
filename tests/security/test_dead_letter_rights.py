"""Under `rest_authorization`, dead letters are written as the caller: Kafka decides who may write to their topic."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from aiohttp import ClientSession

from tests.contracts.producing import read_all
from tests.forms import shorten
from tests.security.conftest import SecuredKafka
from tests.security.test_rest_authorization import JSON_V2, User, Users
from tests.service_process import ServiceProcess

JSON = "application/json"
SCHEMA: Mapping[str, Any] = {"schemaType": "JSON", "schema": '{"type": "object", "required": ["floor"]}'}
REFUSING = {"name": "none", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "false", "onFailure": "DLQ"}


@pytest.fixture
async def users(secured: SecuredKafka, guarded: ServiceProcess) -> AsyncIterator[Users]:
    async with ClientSession(guarded.url) as session:
        yield Users(secured, session)


async def register(user: User, subject: str, **more: Any) -> None:
    status, answer = await user("POST", f"/subjects/{subject}/versions", {**SCHEMA, **more}, JSON)
    assert status == 200, answer


async def produce(user: User, version: str, topic: str, value: object) -> tuple[int, str]:
    """Return (error code, message) of the only record; in v2, those of the request where it is refused."""
    if version == "v2":
        status, answer = await user("POST", f"/topics/{topic}", {"records": [{"value": value}]}, JSON_V2)
        if status != 200:
            return answer["error_code"], answer["message"]
        return answer["offsets"][0]["error_code"], answer["offsets"][0]["error"]
    clusters = (await user("GET", "/v3/clusters"))[1]["data"]
    path = f"/v3/clusters/{clusters[0]['cluster_id']}/topics/{topic}/records"
    _, answer = await user("POST", path, {"value": {"type": "JSON", "data": value}}, JSON)
    return answer["error_code"], answer["message"]


@pytest.mark.parametrize("version", shorten(["v2", "v3"]))
async def test_dead_letters_of_policies_are_written_as_the_caller(
    secured: SecuredKafka, users: Users, version: str
) -> None:
    name, dead = secured.topic_of("alice", "bob"), secured.topic_of("alice")
    await register(users.alice, f"{name}-value")
    policy = {"value": {"plain": "validate", "invalid": "dead_letter"}, "dead_letter_topic": dead}
    status, answer = await users.bob("PUT", f"/policies/{name}", policy, JSON)
    assert (status, f"write to topic {dead}" in answer["message"]) == (403, True)
    status, answer = await users.alice("PUT", f"/policies/{name}", policy, JSON)
    assert status == 200, answer

    code, message = await produce(users.alice, version, name, {"room": 1})
    assert (code, f"It is in the dead-letter topic {dead}: partition 0, offset 0." in message) == (422, True), message
    code, message = await produce(users.bob, version, name, {"room": 2})
    assert (code, f"It could not be written to the dead-letter topic {dead}: " in message) == (40301, True), message
    values = [record.value for record in read_all(secured.cluster, dead)]
    assert (values, read_all(secured.cluster, name)) == ([b'{"room":1}'], [])


@pytest.mark.parametrize("version", ["v2", "v3"])
async def test_dead_letters_of_rules_are_written_as_the_caller(
    secured: SecuredKafka, users: Users, version: str
) -> None:
    name, dead = secured.topic_of("alice", "bob"), secured.topic_of("alice")
    rule = {**REFUSING, "params": {"dlq.topic": dead}}
    await register(users.alice, f"{name}-value", ruleSet={"domainRules": [rule]})
    status, answer = await users.alice("PUT", f"/policies/{name}", {"value": {"plain": "encode"}}, JSON)
    assert status == 200, answer

    outcomes = {
        user: await produce(user, version, name, {"floor": floor})
        for floor, user in enumerate((users.alice, users.bob))
    }
    for user, outcome in (
        (users.alice, f"The record is in the dead-letter topic {dead}."),
        (users.bob, f"The record could not be written to the dead-letter topic {dead}: you may not write to it."),
    ):
        code, message = outcomes[user]
        assert (code in {422, 42230}, outcome in message) == (True, True), message
    values = [record.value for record in read_all(secured.cluster, dead)]
    assert (values, read_all(secured.cluster, name)) == ([b'{"floor":0}'], [])
