"""What a person looks for in the console of a whole service: a process of its own, over a real broker."""

import json
from collections.abc import Callable

import aiohttp
import pytest
from playwright.async_api import Browser, expect

from tests.service_process import ServiceProcess
from tests.web.console.conftest import reading
from tests.web.console.looks import find_faults

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.kafka]
LIFT = {"type": "record", "name": "Lift", "fields": [{"name": "floor", "type": "int"}]}
V2_JSON = {"Content-Type": "application/vnd.kafka.json.v2+json"}


async def _send(service: ServiceProcess, method: str, path: str, body: object, **headers: str) -> int:
    async with aiohttp.request(method, service.url + path, json=body, headers=headers or None) as response:
        await response.read()
        return response.status


async def test_violations_of_a_policy_are_told_with_reason_and_sentence(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    name = topic()
    await _send(service, "POST", f"/subjects/{name}-value/versions", {"schema": json.dumps(LIFT)})
    policy = {"mode": "enforce", "value": {"plain": "encode"}}
    assert await _send(service, "PUT", f"/policies/{name}", policy) == 200
    bad = {"records": [{"value": {"floor": "high"}}]}
    assert await _send(service, "POST", f"/topics/{name}", bad, **V2_JSON) == 422
    async with reading(chromium, service.url) as reader:
        page = await reader.open(f"topic/{name}/policy")
        counted = page.get_by_role("region", name="Violations by reason")
        await expect(counted.get_by_role("row", name="invalid")).to_contain_text("refused")
        await expect(page.locator(".reasons")).to_contain_text(f"Topic {name} does not accept this value")
        await expect(page.locator(".reasons")).to_contain_text("floor")


async def test_a_queue_is_shown_and_configured(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    name, queue = topic(), f"queue-{topic()}"
    await _send(service, "PUT", f"/queues/{queue}/config", {"start": "earliest"})
    await _send(service, "POST", f"/topics/{name}", {"records": [{"value": 1}, {"value": 2}]}, **V2_JSON)
    receive = {"topics": [name], "max_records": 1, "wait_ms": 30_000}
    assert await _send(service, "POST", f"/queues/{queue}/receive", receive) == 200
    async with reading(chromium, service.url) as reader:
        page = await reader.open(f"queues?query={queue}")
        await page.get_by_role("link", name=queue).click()
        await expect(page.get_by_role("region", name="Progress by partition")).to_contain_text(name)
        await page.get_by_role("button", name="Configure…").click()
        dialog = page.get_by_role("dialog", name="Configure the queue")
        await dialog.get_by_label("Lock duration (ms)").fill("1")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog.get_by_role("alert")).to_contain_text("share.record.lock.duration.ms")
        await dialog.get_by_label("Lock duration (ms)").fill("45000")
        await dialog.get_by_role("button", name="Save").click()
        await expect(dialog).to_have_count(0)
        await expect(page.locator(".facts")).to_contain_text("45000")
        assert await find_faults(page, "light") == []


async def test_the_cluster_shows_who_is_primary_and_what_it_is_doing(
    chromium: Browser, service: ServiceProcess
) -> None:
    async with reading(chromium, service.url) as reader:
        page = await reader.open("cluster")
        nodes = page.get_by_role("region", name="Nodes", exact=True)
        await expect(nodes.get_by_role("row", name=service.url)).to_contain_text("primary")
        await expect(page.locator("main")).to_contain_text("reads are served")
        await expect(page.locator("main")).to_contain_text("writes are served")
        for caption in ("Requests: ", "Server errors: 0/s", "Time of a request, at most: "):
            await expect(page.locator("figcaption").filter(has_text=caption)).not_to_contain_text("being measured")
        await expect(page.get_by_role("region", name="Brokers")).to_contain_text("127.0.0.1")
        assert await find_faults(page, "light") == []
