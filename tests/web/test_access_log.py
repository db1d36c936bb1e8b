"""The access log: one line for each request, without secrets, whether aiohttp or the response cache answers it."""

import asyncio
import json
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from karapace_like.process import logs
from karapace_like.serve.process import find_loop_factory
from karapace_like.web.app import OPEN
from karapace_like.web.callers.access import ACCESS
from karapace_like.web.callers.usage import USAGE, UsageTable
from karapace_like.web.server.access_log import AccessLog, Exchange, access_logger
from karapace_like.web.server.runner import Runner
from tests.web.conftest import Api

Start = Callable[..., Awaitable[Api]]
SCHEMA = {"schema": '"int"'}


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("handlers", "propagate", "level"):
        monkeypatch.setattr(access_logger, name, getattr(access_logger, name))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def exchange(**changes: Any) -> Exchange:
    plain = Exchange("GET", "/subjects", "10.0.0.1", None, "a-1", 200, 0.001, 0, 2)
    return plain._replace(**changes)


async def test_both_ways_to_an_answer_are_logged(start: Start, capsys: pytest.CaptureFixture[str]) -> None:
    api = await start(access_log=AccessLog(is_json=True, parameters=["deleted"]))
    await api("POST", "/subjects/s/versions", SCHEMA)
    secret = {"Authorization": "Bearer of-nobodys-business", "X-Request-ID": "a-1"}
    for _ in range(3):
        await api("GET", "/subjects/s/versions/-1?deleted=true&token=of-nobodys-business", headers=secret)
    await api("GET", "/no/such/path")
    found = lines(capsys)
    assert [(line["method"], line["status"], line["cached"]) for line in found] == [
        ("POST", 200, False),
        ("GET", 200, False),
        ("GET", 200, True),
        ("GET", 200, True),
        ("GET", 404, False),
    ]
    assert {(line["target"], line["request_id"]) for line in found[1:4]} == {
        ("/subjects/s/versions/-1?deleted=true&***", "a-1")
    }
    assert all(line["remote"] == "127.0.0.1" and line["principal"] == "-" for line in found)
    assert found[0]["request_bytes"] == len(json.dumps(SCHEMA))
    assert found[2]["response_bytes"] > 0
    assert "nobodys" not in json.dumps(found)


def test_a_line_cannot_be_forged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, access_logger.name):
        AccessLog(is_json=False).write(exchange(target='/a"\n200', method="G\x1b"))
        AccessLog(is_json=False).write(exchange(target="http://user:secret@host/a?pass#x", status=None))
    forged, proxied = caplog.messages
    assert '"G\\u001b /a\\"\\n200" 200' in forged
    assert '"GET /a?***" 499 ' in proxied


@pytest.mark.parametrize(("status", "is_logged"), [(200, False), (None, False), (404, False), (500, True)])
def test_failures_are_logged_whatever_the_sample_is(status: int | None, is_logged: bool) -> None:  # noqa: FBT001
    assert AccessLog(is_json=False, percent=1, random_number=lambda: 0.5).takes(status) is is_logged
    assert AccessLog(is_json=False, percent=51, random_number=lambda: 0.5).takes(status)


def test_lines_are_objects_though_the_log_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    AccessLog(is_json=True).write(exchange())
    (line,) = lines(capsys)
    assert (line["logger"], line["request_id"], line["milliseconds"]) == ("karapace_like.access", "a-1", 1.0)
    assert logs.request_id.get() is None


async def _respond(_: web.Request) -> web.Response:
    return web.Response()


async def _call_often(calls: int) -> None:
    app = web.Application()
    app[ACCESS], app[USAGE] = OPEN, UsageTable()
    app.router.add_get("/", _respond)
    runner = Runner(app, access_log=None, requests_log=AccessLog(is_json=True))
    await runner.setup()
    listening = socket.create_server(("127.0.0.1", 0))
    await runner.listen(listening)
    host, port = listening.getsockname()
    async with aiohttp.ClientSession() as session:
        for _ in range(calls):
            async with session.get(f"http://{host}:{port}/") as response:
                assert response.status == 200
    await runner.cleanup()


def test_times_are_finer_than_the_clock_of_the_event_loop(capsys: pytest.CaptureFixture[str]) -> None:
    """That of the service's own event loop ticks in whole milliseconds."""
    with asyncio.Runner(loop_factory=find_loop_factory()) as runner:
        runner.run(_call_often(20))
    times = [line["milliseconds"] for line in lines(capsys)]
    assert len(times) == 20
    assert any(milliseconds % 1 for milliseconds in times)
