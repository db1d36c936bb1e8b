"""Topics and groups in the console of readers who may see one of them, in a real browser over a real broker."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from karapace_like.access import authfile
from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web.app import make_app
from karapace_like.web.callers.access import Access
from karapace_like.web.callers.authentication import Authentication
from karapace_like.web.console.settings import ConsoleSettings
from tests.web.access.conftest import basic, written
from tests.web.conftest import Server
from tests.web.console.conftest import reading
from tests.web.halves import both_halves

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.kafka]
OPEN, CLOSED = "rights-open", "rights-closed"
"""Names of topics, and of groups."""
PASSWORDS = {
    name: f"{name}-password" for name in ("root", "topic-reader", "topic-writer", "group-reader", "group-writer")
}
EVERYTHING = ["read", "write", "config", "delete"]
GRANTS: list[dict[str, Any]] = [
    *({"principals": ["root"], "operations": EVERYTHING, "resource": kind, "name": "*"} for kind in ("topic", "group")),
    {"principals": ["topic-reader"], "operations": ["read"], "resource": "topic", "name": OPEN},
    # Lag is shown to those who may describe the topic, too.
    {"principals": ["group-reader", "group-writer"], "operations": ["describe"], "resource": "topic", "name": OPEN},
    {"principals": ["topic-writer"], "operations": ["read", "write"], "resource": "topic", "name": OPEN},
    {"principals": ["group-reader"], "operations": ["read"], "resource": "group", "name": OPEN},
    {"principals": ["group-writer"], "operations": ["read", "write"], "resource": "group", "name": OPEN},
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(kafka: Cluster) -> AsyncIterator[str]:
    """The address of a service with two topics, and two groups that have read them."""
    access = Access(Authentication())
    access.use(authfile.parse(written(PASSWORDS, GRANTS)))
    async with both_halves(kafka, ProxySettings()) as (registry, proxy):
        server = Server(make_app(registry, proxy, console=ConsoleSettings(), access=access))
        server.admit = access.recognise
        await server.start_server()
        try:
            await _fill(str(server.make_url("/")))
            yield str(server.make_url("/"))
        finally:
            await server.close()


async def _fill(address: str) -> None:
    async with aiohttp.ClientSession(address, headers=basic("root", PASSWORDS["root"])) as session:

        async def send(method: str, path: str, body: object = None, **headers: str) -> Any:
            async with session.request(method, path, json=body, headers=headers) as response:
                assert response.status < 300, await response.text()
                return await response.json(content_type=None) if response.status == 200 else None

        cluster = (await send("GET", "/v3/clusters"))["data"][0]["cluster_id"]
        for name in (OPEN, CLOSED):
            await send("POST", f"/v3/clusters/{cluster}/topics", {"topic_name": name, "partitions_count": 1})
            records = {"records": [{"value": f"record of {name}"}]}
            await send("POST", f"/topics/{name}", records, **{"Content-Type": "application/vnd.kafka.json.v2+json"})
            offsets = {"data": [{"topic_name": name, "partition_id": 0, "offset": 1}]}
            await send("POST", f"/v3/clusters/{cluster}/consumer-groups/{name}/offsets:alter", offsets)


async def _log_in(page: Page, name: str) -> None:
    await page.get_by_label("User name").fill(name)
    await page.get_by_label("Password", exact=True).last.fill(PASSWORDS[name])
    await page.get_by_role("button", name="Log in").click()


@pytest.mark.parametrize("name", ["topic-reader", "topic-writer"])
async def test_a_reader_with_one_topic_sees_only_that(chromium: Browser, guarded: str, name: str) -> None:
    async with reading(chromium, guarded) as reader:
        page = await reader.open("topics")
        await _log_in(page, name)
        topics = page.get_by_role("region", name="Topics")
        await expect(topics.get_by_role("row")).to_have_count(2)  # with that of the titles
        await topics.get_by_role("link", name=OPEN, exact=True).click()
        await expect(page.get_by_role("region", name="Records")).to_contain_text(f"record of {OPEN}")
        produce = page.get_by_role("navigation", name="Parts of the topic").get_by_role("link", name="Produce")
        await expect(produce).to_have_count(1 if name == "topic-writer" else 0)
        await reader.open(f"topic/{OPEN}/produce")
        if name == "topic-writer":
            await page.get_by_role("button", name="Use this schema").wait_for()
        else:
            await expect(page.get_by_text("Producing to this topic is not offered to you.")).to_be_visible()
        for view in (f"topic/{CLOSED}/records", f"group/{OPEN}"):
            await reader.open(view)
            await expect(page.get_by_role("alert")).to_contain_text("no permission")
            await expect(page.locator("main")).not_to_contain_text(f"record of {CLOSED}")
        await reader.open("groups")
        await expect(page.get_by_text("There is no consumer group that you may see.")).to_be_visible()


@pytest.mark.parametrize("name", ["group-reader", "group-writer"])
async def test_a_reader_of_one_group_sees_only_that(chromium: Browser, guarded: str, name: str) -> None:
    async with reading(chromium, guarded) as reader:
        page = await reader.open("groups")
        await _log_in(page, name)
        groups = page.get_by_role("region", name="Groups")
        await expect(groups.get_by_role("row")).to_have_count(2)
        await groups.get_by_role("link", name=OPEN, exact=True).click()
        await expect(page.get_by_role("region", name="Lag by partition")).to_contain_text(OPEN)
        reset = page.get_by_role("button", name="Reset offsets…")
        await expect(reset).to_have_count(1 if name == "group-writer" else 0)
        await reader.open(f"group/{CLOSED}")
        await expect(page.get_by_role("alert")).to_contain_text("no permission")
