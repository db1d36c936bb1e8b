"""WebSocket connections over a real broker: credit, acknowledgements, resume, produce, and bad messages."""

import asyncio
import re
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from karapace_like.proxy.push import hub
from tests.markdown_examples import PAGES
from tests.web.proxy.conftest import ProxyApi

Topics = Callable[..., str]

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.kafka]


class Socket:
    """A connection, as a client uses it."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send_json(message)

    async def receive(self) -> Any:
        return await self.socket.receive_json(timeout=60)

    async def ask(self, **message: Any) -> Any:
        await self.send(**message)
        return await self.receive()

    async def records(self, count: int) -> list[Any]:
        return [(await self.receive())["record"]["value"] for _ in range(count)]

    async def is_silent(self) -> bool:
        """Whether nothing comes before the answer to a message that was sent after."""
        return "error" in await self.ask(nothing=1)


@pytest.fixture
async def connect(proxy: ProxyApi) -> Any:
    opened: list[aiohttp.ClientWebSocketResponse] = []

    async def connect(topic: str) -> Socket:
        opened.append(await proxy.client.ws_connect(f"/topics/{topic}/socket"))
        return Socket(opened[-1])

    yield connect
    for socket in opened:
        await socket.close()


Connect = Callable[[str], Any]


async def test_records_come_as_there_is_credit(connect: Connect, topic_of: Topics) -> None:
    topic = topic_of()
    reader, writer = await connect(topic), await connect(topic)
    assert await reader.ask(subscribe={"credit": 2}) == {"subscribed": {"id": "0:0"}}
    for value in range(5):
        produced = await writer.ask(produce={"id": f"p{value}", "records": [{"value": value}]})
        result = {"partition": 0, "offset": value, "error_code": None, "error": None}
        assert produced == {"produced": {"id": f"p{value}", "offsets": [result]}}
    assert await reader.records(2) == [0, 1]
    assert await reader.is_silent()
    await reader.send(credit=1)
    assert await reader.records(1) == [2]
    await reader.send(credit=10)
    assert await reader.records(2) == [3, 4]
    assert (await writer.ask(produce={"records": [{"value": 5}]}))["produced"]["offsets"][0]["offset"] == 5
    assert await reader.records(1) == [5]


async def test_a_client_resumes_by_id_and_by_group(
    proxy: ProxyApi, connect: Connect, topic_of: Topics, group: str
) -> None:
    topic = topic_of(2)
    await proxy.produce(topic, *({"key": None, "value": number, "partition": number % 2} for number in range(6)))
    first = await connect(topic)
    assert (await first.ask(subscribe={"from": "earliest", "group": group, "credit": 3}))["subscribed"][
        "id"
    ] == "0:0,1:0"
    got = [await first.receive() for _ in range(3)]
    last = got[-1]["id"]
    assert await first.ask(ack=last) == {"acknowledged": last}
    assert (await first.ask(ack="0:99"))["error"]["error_code"] == 422
    rest = set(range(6)) - {message["record"]["value"] for message in got}
    for start in ({"resume": last}, {"group": group, "from": "latest"}):
        again = await connect(topic)
        assert (await again.ask(subscribe={**start, "credit": 10}))["subscribed"]["id"] == last
        assert set(await again.records(3)) == rest
        assert await again.is_silent()


async def test_a_slow_client_gets_every_record(
    proxy: ProxyApi, connect: Connect, topic_of: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that the service does not hold any more: it reads them from Kafka again."""
    monkeypatch.setattr(hub, "_MOST_RECORDS", 10)
    topic = topic_of()
    slow, quick = await connect(topic), await connect(topic)
    await slow.ask(subscribe={})
    await quick.ask(subscribe={"credit": 1_000})
    for start in range(0, 90, 30):
        await proxy.produce(topic, *({"key": None, "value": number} for number in range(start, start + 30)))
        assert await quick.records(30) == list(range(start, start + 30))
    await slow.send(credit=50)
    assert await slow.records(50) == list(range(50))
    await slow.send(credit=50)
    assert await slow.records(40) == list(range(50, 90))
    await proxy.produce(topic, {"key": None, "value": "last"})
    assert await slow.records(1) == ["last"]
    assert await quick.records(1) == ["last"]


async def test_many_connections_get_the_same_records(proxy: ProxyApi, connect: Connect, topic_of: Topics) -> None:
    topic = topic_of()
    sockets = [await connect(topic) for _ in range(20)]
    for socket in sockets:
        await socket.ask(subscribe={"credit": 100})
    await proxy.produce(topic, *({"key": None, "value": number} for number in range(30)))
    for received in await asyncio.gather(*(socket.records(30) for socket in sockets)):
        assert received == list(range(30))


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 400),
        ("[]", 400),
        ("{}", 422),
        ('{"more": 1}', 422),
        ('{"credit": 1, "ack": "0:1"}', 422),
        ('{"credit": -1}', 422),
        ('{"credit": null}', 422),
        ('{"credit": 10000000}', 422),
        ('{"credit": "x"}', 400),
        ('{"ack": "0:1"}', 422),
        ('{"subscribe": 1}', 400),
        ('{"subscribe": {"from": "now"}}', 422),
        ('{"subscribe": {"more": 1}}', 422),
        ('{"subscribe": {"resume": "x"}}', 422),
        ('{"subscribe": {"timestamp": -1}}', 422),
        ('{"subscribe": {"format": "xml"}}', 422),
        ('{"subscribe": {"group": "\\u0000"}}', 422),
        ('{"subscribe": {"credit": -1}}', 422),
        ('{"produce": 1}', 400),
        ('{"produce": {}}', 422),
        ('{"produce": {"records": []}}', 422),
        ('{"produce": {"records": [{"value": 1, "more": 1}]}}', 422),
        ('{"produce": {"id": "' + "x" * 101 + '", "records": [{"value": 1}]}}', 422),
        ("[" * 5_000, 400),
    ],
)
async def test_bad_messages_are_refused_and_the_connection_stays(
    connect: Connect, topic_of: Topics, message: str, code: int
) -> None:
    socket = await connect(topic_of())
    await socket.socket.send_str(message)
    answer = await socket.receive()
    assert str(answer["error"]["error_code"])[:3] == str(code), answer
    assert "produced" in await socket.ask(produce={"records": [{"value": 1}]})


async def test_what_else_is_refused(proxy: ProxyApi, connect: Connect, topic_of: Topics) -> None:
    """Plain requests, bytes, a second subscription, topics that are missing, and pages of other origins."""
    topic = topic_of()
    answer = await proxy.response("GET", f"/topics/{topic}/socket")
    assert (answer.status, (await answer.json(content_type=None))["error_code"]) == (426, 426)
    socket = await connect(topic)
    await socket.socket.send_bytes(b"{}")
    assert (await socket.receive())["error"]["error_code"] == 400
    await socket.ask(subscribe={})
    assert (await socket.ask(subscribe={}))["error"]["error_code"] == 40901
    assert (await socket.ask(ack="0:0"))["error"]["error_code"] == 422
    missing = await connect("no-such-topic")
    assert (await missing.ask(subscribe={}))["error"]["error_code"] == 40403
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await proxy.client.ws_connect(f"/topics/{topic}/socket", origin="https://elsewhere.example")
    assert refusal.value.status == 403


async def test_connections_are_bounded(connect: Connect, topic_of: Topics) -> None:
    topic = topic_of()
    for _ in range(40):
        await connect(topic)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await connect(topic)
    assert refusal.value.status == 429


async def test_the_program_of_the_page_runs(proxy: ProxyApi) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", (PAGES / "websocket.md").read_text(), re.MULTILINE | re.DOTALL)
    url = str(proxy.client.make_url("")).rstrip("/")
    code = code.replace("http://127.0.0.1:8082", url)
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    output, _ = await program.communicate()
    lines = output.decode().splitlines()
    assert (program.returncode, len(lines)) == (0, 3), lines
    assert '"value": {"floor": 3}' in lines[2]
