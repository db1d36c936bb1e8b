"""Produce requests with a head that was seen before take a shortcut, and are answered as the first one was."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from karapace_like.web.server import connection
from tests.waiting import until
from tests.web.proxy.conftest import ProxyApi, media_type
from tests.web.test_shortcuts import Line, line, request

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The body of each request that has taken a shortcut."""
    found: list[bytes] = []
    answer = connection.Connection._answer

    async def counted(self: connection.Connection, *args: Any) -> None:
        found.append(args[-1])
        await answer(self, *args)

    monkeypatch.setattr(connection.Connection, "_answer", counted)
    return found


def produced(topic: str, *values: object, embedded: str = "json", query: str = "", **fields: object) -> bytes:
    body = {**fields, "records": [{"value": value} for value in values]}
    return request("POST", f"/topics/{topic}{query}", body, Content_Type=media_type(embedded))


async def _offsets(here: Line, asked: bytes) -> list[int]:
    answer = await here.ask(asked)
    assert answer.status == 200, answer.body
    return [each["offset"] for each in answer.json["offsets"]]


async def test_bodies_of_any_length_take_the_shortcut(
    proxy: ProxyApi, topic: Callable[[], str], taken: list[bytes]
) -> None:
    name = proxy.create_topic(topic())
    async with line(proxy) as here:
        assert await _offsets(here, produced(name, 1)) == [0]
        assert await _offsets(here, produced(name, "more", {"a": 2})) == [1, 2]
        assert await _offsets(here, produced(name, "x" * 50_000)) == [3]
        assert len(taken) == 2
    stored = [json.loads(each.value()) for each in proxy.stored(name, 4)]
    assert stored == [1, "more", {"a": 2}, "x" * 50_000]


async def test_failures_are_told_as_without_a_shortcut(proxy: ProxyApi, topic: Callable[[], str]) -> None:
    name = proxy.create_topic(topic())
    bad = [b"", b"{", b'{"records":[]}', b'{"records":[{"valu":1}]}', b'{"records":[{"value":1,"partition":99}]}']
    head = {"Content_Type": media_type("json")}
    async with line(proxy) as here:
        first = [await here.ask(request("POST", f"/topics/{name}", each, **head)) for each in bad]
        await here.ask(produced(name, 1))
        again = [await here.ask(request("POST", f"/topics/{name}", each, **head)) for each in bad]
        assert [each.status for each in first] == [422, 400, 422, 422, 200]
        assert [(each.status, each.body) for each in again] == [(each.status, each.body) for each in first]
        assert [each.headers["content-type"] for each in again] == [each.headers["content-type"] for each in first]
        strict = [await here.ask(request("POST", f"/topics/{name}?strict=true", bad[-1], **head)) for _ in range(2)]
        assert [each.status for each in strict] == [422, 422]


async def test_a_schema_that_is_gone_or_superseded_is_not_used_any_more(
    proxy: ProxyApi, topic: Callable[[], str], taken: list[bytes]
) -> None:
    name = proxy.create_topic(topic())
    schema = {"type": "record", "name": "R", "fields": [{"name": "a", "type": "int"}]}
    report = await proxy.produce(name, {"value": {"a": 1}}, embedded="avro", value_schema=json.dumps(schema))
    made = report["value_schema_id"]
    latest, by_id = (
        produced(name, {"a": 2}, embedded="avro"),
        produced(name, {"a": 2}, embedded="avro", value_schema_id=made),
    )
    async with line(proxy) as here:
        for _ in range(3):
            assert (await here.ask(latest)).json["value_schema_id"] == made
            assert (await here.ask(by_id)).json["value_schema_id"] == made
        schema["fields"] = [*schema["fields"], {"name": "b", "type": "int", "default": 0}]
        wider = produced(name, {"a": 1, "b": 1}, embedded="avro", value_schema=json.dumps(schema))
        newer = (await here.ask(wider)).json["value_schema_id"]
        assert newer != made
        assert (await here.ask(produced(name, {"a": 2, "b": 2}, embedded="avro"))).json["value_schema_id"] == newer
        assert (await here.ask(by_id)).json["value_schema_id"] == made
    assert len(taken) == 8


async def test_pipelined_produce_requests_are_answered_in_order(
    proxy: ProxyApi, topic: Callable[[], str], taken: list[bytes]
) -> None:
    name = proxy.create_topic(topic())
    async with line(proxy) as here:
        await here.ask(produced(name, 0))
        await here.send(produced(name, 1))
        await asyncio.sleep(0)
        await here.send(produced(name, 2) + request("GET", "/topics/absent-topic"), produced(name, 3))
        answers = [await here.answer() for _ in range(4)]
        assert [each.status for each in answers] == [200, 200, 404, 200]
        assert [each.json["offsets"][0]["offset"] for each in answers if each.status == 200] == [1, 2, 3]
    assert taken


async def test_a_body_above_the_limit_is_refused(proxy: ProxyApi, topic: Callable[[], str]) -> None:
    name = proxy.create_topic(topic())
    async with line(proxy) as here:
        await here.ask(produced(name, 1))
        assert (await here.ask(produced(name, "x" * 4_100_000))).status == 413


async def test_nothing_is_left_of_a_connection_that_has_ended(
    proxy: ProxyApi, topic: Callable[[], str], taken: list[bytes]
) -> None:
    """Also where the client leaves before its answer: what it sent is written."""
    name = proxy.create_topic(topic())
    before = answering()
    for leaves_early in (False, True):
        async with line(proxy) as here:
            await here.ask(produced(name, 1))
            await here.ask(produced(name, 2))
            assert answering() > before
            if leaves_early:
                await here.send(produced(name, 3))
        await until(partial(_has_gone, before))
    assert len(taken) == 4
    assert len(proxy.stored(name, 5)) == 5


def answering() -> int:
    """How many connections have a task of their own."""
    return sum("_answer_requests" in repr(each.get_coro()) for each in asyncio.all_tasks())


async def _has_gone(before: int) -> bool:
    return answering() == before
