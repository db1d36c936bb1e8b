"""The brokers get certificates of another authority, and later so does the service, which goes on without a restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.waiting import until
from tests.web.access.certificates import Authority

pytestmark = pytest.mark.long

AVRO = "application/vnd.kafka.avro.v2+json"
V2 = {"Content-Type": "application/vnd.kafka.v2+json"}
_SECONDS = 120


class Files:
    """What broker and service are shown, each of one authority."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.issue_for_broker(Authority("first"))
        self.issue_for_service(self.authority)

    def issue_for_broker(self, authority: Authority) -> None:
        self.authority = authority
        self.broker = authority.issue(self.folder / "broker.pem", "CN=broker")
        self.broker_trusts = authority.write(self.folder / "broker-ca.pem")

    def issue_for_service(self, authority: Authority) -> None:
        self.service = authority.issue(self.folder / "service.pem", "CN=service")
        self.service_trusts = authority.write(self.folder / "service-ca.pem")

    def cluster(self) -> Cluster:
        tls = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": self.broker,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self.broker_trusts,
            "listener.name.tls.ssl.client.auth": "required",
        }
        return Cluster(listeners={"TLS": "SSL"}, properties=tls)

    def settings(self) -> dict[str, Any]:
        return {
            "security_protocol": "SSL",
            "ssl_cafile": self.service_trusts,
            "ssl_certfile": self.service,
            "ssl_keyfile": self.service,
            "producer_delivery_timeout_ms": 2_000,
        }


class Calls:
    """Of one service, to one topic and an instance that reads it."""

    def __init__(self, session: ClientSession, topic: str) -> None:
        self._session = session
        self._topic = topic
        self._instance = f"/consumers/{topic}/instances/one"
        self._pushed = ""

    async def begin(self) -> None:
        wanted = {"name": "one", "format": "avro", "auto.offset.reset": "earliest"}
        for path, body in (
            (f"/consumers/{self._topic}", wanted),
            (f"{self._instance}/subscription", {"topics": [self._topic]}),
        ):
            async with self._session.post(path, json=body, headers=V2) as answer:
                assert answer.status in {200, 204}, await answer.text()

    async def is_produced(self, value: object, schema: str) -> bool:
        """With a schema that is registered for it: both need the brokers."""
        body = {"value_schema": schema, "records": [{"value": value}]}
        async with self._session.post(f"/topics/{self._topic}", json=body, headers={"Content-Type": AVRO}) as answer:
            told = await answer.json(content_type=None)
            return answer.status == 200 and told["offsets"][0].get("offset") is not None

    async def polled(self) -> list[Any]:
        async with self._session.get(f"{self._instance}/records", headers={"Accept": AVRO}) as answer:
            return [each["value"] for each in await answer.json(content_type=None)] if answer.status == 200 else []

    async def has_polled(self, value: object) -> bool:
        return value in await self.polled()

    async def follow(self) -> None:
        """Take what is pushed of the topic, without a consumer instance."""
        kinds = {"Accept": "application/x-ndjson"}
        async with self._session.get(
            f"/topics/{self._topic}/records?format=avro&from=earliest", headers=kinds
        ) as answer:
            async for line in answer.content:
                self._pushed += line.decode()

    async def is_pushed(self, value: str) -> bool:
        return f'"{value}"' in self._pushed

    async def lists_topics(self) -> bool:
        async with self._session.get("/topics") as answer:
            return answer.status == 200 and self._topic in await answer.json(content_type=None)


@pytest.mark.kafka
async def test_kafka_clients_take_other_files_into_use(tmp_path: Path, topic: Callable[[], str]) -> None:
    """Every client is cut off when the broker comes back with another authority, until the service's files change."""
    files = Files(tmp_path)
    with files.cluster() as cluster, ServiceProcess(cluster.servers("TLS"), **files.settings()) as service:
        async with ClientSession(service.url) as session:
            calls = Calls(session, topic())
            assert await calls.is_produced("first", '"string"')
            await calls.begin()
            assert await until(calls.polled) == ["first"]
            following = asyncio.create_task(calls.follow())
            await until(lambda: calls.is_pushed("first"))
            second = Authority("second")
            files.issue_for_broker(second)
            await asyncio.to_thread(cluster.brokers[0].stop)
            await asyncio.to_thread(cluster.brokers[0].start)
            assert not await calls.is_produced("lost", '"string"')
            files.service_trusts.write_text("no certificate")
            await until(lambda: _has_line(service, "the previous content stays in use"))
            files.issue_for_service(second)
            evolved = '["string", "null"]'
            await until(lambda: calls.is_produced({"string": "second"}, evolved))
            # What was read before may come again: whether it was committed in time, nobody says.
            await until(lambda: calls.has_polled("second"))
            await until(lambda: calls.is_pushed("second"))
            await until(calls.lists_topics)
            following.cancel()


async def _has_line(service: ServiceProcess, text: str) -> bool:
    return any(text in each for each in service.lines)
