"""The proxy's API on a port of its own: a real broker behind it, and a registry whose schemas topic is in memory."""

import io
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web import files as files_api
from karapace_like.web import proxy as proxy_api
from karapace_like.web import proxy_v1 as proxy_v1_api
from karapace_like.web import proxy_v3 as proxy_v3_api
from karapace_like.web import queues as queues_api
from karapace_like.web import request_reply as request_reply_api
from karapace_like.web import sockets as sockets_api
from karapace_like.web.callers.access import ACCESS, OpenAccess
from karapace_like.web.callers.usage import USAGE, UsageTable
from karapace_like.web.http.errors import errors_middleware
from karapace_like.web.proxy.requests import PROXY
from karapace_like.web.routing import add_routes
from tests.waiting import until
from tests.web.conftest import Server
from tests.web.described import proxy_description
from tests.web.halves import both_halves

MAX_BODY_BYTES = 4_000_000
KAFKA_V2 = "application/vnd.kafka.v2+json"


def media_type(embedded: str) -> str:
    return f"application/vnd.kafka.{embedded}.v2+json"


def create_topic(admin: AdminClient, name: str, partitions: int = 1, **config: str) -> str:
    """Make a topic, and return its name once each partition has a leader."""
    topic = NewTopic(name, partitions, 1, config={key.replace("_", "."): value for key, value in config.items()})
    admin.create_topics([topic])[name].result()
    described = admin.list_topics(name).topics[name]
    while described.error is not None or any(each.leader < 0 for each in described.partitions.values()):
        described = admin.list_topics(name).topics[name]
    return name


class ProxyApi:
    """A client of the proxy that answers (status, body) as it is described."""

    def __init__(self, client: TestClient[Any, Any], bootstrap_servers: str) -> None:
        self.client = client
        self.bootstrap_servers = bootstrap_servers
        self.admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    async def __call__(
        self, method: str, path: str, body: object = None, *, sent_as: str | None = KAFKA_V2, accept: str = "*/*"
    ) -> tuple[int, Any]:
        answer = await self.response(method, path, body, sent_as=sent_as, accept=accept)
        text = await answer.read()
        told = msgspec.json.decode(text) if text else None
        proxy_description().check(method, answer.url.raw_path, answer.status, told)
        return answer.status, told

    async def response(
        self, method: str, path: str, body: object = None, *, sent_as: str | None = KAFKA_V2, accept: str = "*/*"
    ) -> ClientResponse:
        """`body` is sent as JSON, or as it is if it is bytes."""
        text = body if isinstance(body, bytes) or body is None else msgspec.json.encode(body)
        headers = {"Accept": accept} | ({"Content-Type": sent_as} if sent_as else {})
        skipped = () if sent_as else ("Content-Type",)
        data = None if text is None else io.BytesIO(text)
        return await self.client.request(method, path, data=data, headers=headers, skip_auto_headers=skipped)

    async def produce(self, topic: str, *records: dict[str, Any], embedded: str = "json", **schemas: Any) -> Any:
        """Produce records that are accepted; their offsets."""
        status, report = await self(
            "POST", f"/topics/{topic}", {"records": records, **schemas}, sent_as=media_type(embedded)
        )
        assert status == 200, report
        assert [each["error"] for each in report["offsets"]] == [None] * len(records)
        return report

    async def consumer(self, group: str, **options: Any) -> str:
        """Make an instance that reads from the beginning; its path."""
        wanted = {"format": "json", "auto.offset.reset": "earliest", **options}
        status, made = await self("POST", f"/consumers/{group}", wanted)
        assert status == 200, made
        return f"/consumers/{group}/instances/{made['instance_id']}"

    async def poll(self, instance: str, embedded: str = "json", *, count: int = 1, **query: Any) -> list[Any]:
        """Poll until there are `count` records; once for none."""
        asked = "&".join(f"{name}={value}" for name, value in {"timeout": 500, **query}.items())
        found: list[Any] = []

        async def has_all() -> bool:
            status, records = await self("GET", f"{instance}/records?{asked}", accept=media_type(embedded))
            assert status == 200, records
            found.extend(records)
            return len(found) >= count

        await until(has_all)
        return found

    def create_topic(self, name: str, partitions: int = 1, **config: str) -> str:
        """Make a topic; config names are written with `_` for `.`."""
        return create_topic(self.admin, name, partitions, **config)

    def stored(self, topic: str, count: int, partition: int = 0) -> list[Any]:
        """The first messages of a partition, as another client reads them."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap_servers, "group.id": "stored"})
        try:
            consumer.assign([TopicPartition(topic, partition, 0)])
            return consumer.consume(count, timeout=120)
        finally:
            consumer.close()


Start = Callable[..., Awaitable[ProxyApi]]


@asynccontextmanager
async def running(kafka: Cluster, settings: ProxySettings, **times: float) -> AsyncIterator[ProxyApi]:
    """`times` are those of `both_halves`."""
    app = web.Application(middlewares=[errors_middleware], client_max_size=MAX_BODY_BYTES)
    app[ACCESS], app[USAGE] = OpenAccess(), UsageTable()
    add_routes(app, proxy_v1_api.translate_routes(proxy_api.ROUTES))
    add_routes(app, proxy_v1_api.ROUTES)
    add_routes(app, proxy_v3_api.ROUTES)
    add_routes(app, queues_api.ROUTES)
    add_routes(app, request_reply_api.ROUTES)
    add_routes(app, files_api.ROUTES)
    add_routes(app, sockets_api.ROUTES)
    async with both_halves(kafka, settings, **times) as halves:
        app[PROXY] = halves.proxy
        async with TestClient(Server(app)) as client:
            yield ProxyApi(client, kafka.bootstrap_servers)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def proxy(kafka: Cluster) -> AsyncIterator[ProxyApi]:
    """One proxy for the whole run: tests share it like the broker."""
    async with running(kafka, ProxySettings()) as api:
        yield api


@pytest.fixture
def topic_of(proxy: ProxyApi, topic: Callable[[], str]) -> Callable[..., str]:
    """Make a topic that nobody else uses: (partitions, config) -> its name."""
    return lambda partitions=1, **config: proxy.create_topic(topic(), partitions, **config)


@pytest.fixture
def group() -> str:
    return f"group-{secrets.token_hex(6)}"
