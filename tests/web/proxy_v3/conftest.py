"""REST v3 on a port of its own, with a real broker behind it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import ClientResponse

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from tests.web.proxy.conftest import ProxyApi, running

JSON = "application/json"


class V3Api:
    """A client of the API that answers (status, body) as it is described; paths begin behind the cluster."""

    def __init__(self, api: ProxyApi, cluster: str) -> None:
        self.api = api
        self.client = api.client
        self.cluster = cluster
        self.root = str(api.client.make_url("/v3"))
        self.url = f"{self.root}/clusters/{cluster}"

    async def __call__(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        return await self.api(method, f"/v3/clusters/{self.cluster}{path}", body, sent_as=JSON)

    async def response(
        self, method: str, path: str, body: object = None, *, sent_as: str | None = JSON
    ) -> ClientResponse:
        return await self.api.response(method, f"/v3/clusters/{self.cluster}{path}", body, sent_as=sent_as)

    async def produce(self, topic: str, *records: object) -> list[Any]:
        """Stream records, given as objects or as text; the results."""
        texts = [each if isinstance(each, bytes) else msgspec.json.encode(each) for each in records]
        answer = await self.response("POST", f"/topics/{topic}/records", b"".join(texts))
        assert answer.status == 200, await answer.text()
        return [msgspec.json.decode(line) for line in (await answer.read()).splitlines()]

    async def create_topic(self, name: str, **wanted: Any) -> Any:
        """Make a topic through the API; what it shows of it."""
        status, made = await self("POST", "/topics", {"topic_name": name, **wanted})
        assert status == 201, made
        return made


async def v3_api(api: ProxyApi) -> V3Api:
    answer = await api.response("GET", "/v3/clusters", sent_as=None)
    listed = await answer.json()
    assert answer.status == 200, listed
    return V3Api(api, listed["data"][0]["cluster_id"])


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def v3(kafka: Cluster) -> AsyncIterator[V3Api]:
    """One API for the whole run: tests share it like the broker."""
    async with running(kafka, ProxySettings()) as api:
        yield await v3_api(api)


@pytest.fixture
def topic_of(v3: V3Api, topic: Callable[[], str]) -> Callable[..., str]:
    """Make a topic that nobody else uses: (partitions, config) -> its name."""
    return lambda partitions=1, **config: v3.api.create_topic(topic(), partitions, **config)
