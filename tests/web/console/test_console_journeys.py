"""What a person looks for in the console of a whole service: a process of its own, over a real broker."""

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess
from tests.web.console.conftest import cancel_loading, reading
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


@pytest.mark.long
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


class Clicks:
    """The clicks of a person: those that Playwright makes, wherever they lead."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.count = 0

    async def on(self, role: str, name: str, *, within: str = "main", exact: bool = False) -> None:
        self.count += 1
        await self._page.locator(within).get_by_role(role, name=name, exact=exact).click()  # type: ignore[arg-type] # a role of ARIA


async def _learn_why(page: Page, subject: str) -> int:
    """Go from the start page of an empty registry to the reason why a change is incompatible; returns the clicks."""
    clicks = Clicks(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Subjects")
    await clicks.on("link", "Check a schema")
    await clicks.on("textbox", "Subject", exact=True)
    await page.keyboard.insert_text(subject)
    await clicks.on("button", "Check against this subject")
    await expect(page.get_by_text("It would be the first version.")).to_be_visible()
    await clicks.on("button", "Register…")
    await clicks.on("button", "Register", within="dialog", exact=True)
    await expect(page.get_by_text("Registered with the id")).to_be_visible()
    await clicks.on("textbox", "Schema to check")
    await page.keyboard.press("Control+a")
    fields = [{"name": "id", "type": "long"}, {"name": "colour", "type": "string"}]
    await page.keyboard.insert_text(json.dumps({"type": "record", "name": "Example", "fields": fields}, indent=2))
    reasons = page.locator(".reasons").first
    await expect(reasons).to_contain_text(
        "The field 'colour' at path '/fields/1' in the new schema has no default value"
    )
    await expect(reasons).to_contain_text('{"id": ')
    await expect(reasons).to_contain_text("No default value for field colour in Example")
    await expect(reasons).to_contain_text("What helps: give the field a default.")
    return clicks.count


async def test_a_newcomer_learns_why_a_change_is_incompatible(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Without curl, in at most ten clicks."""
    async with reading(chromium, service.url) as reader:
        assert await _learn_why(await reader.open(), f"{topic()}-value") <= 10


@asynccontextmanager
async def _make_run() -> AsyncIterator[str]:
    """What `make run` starts, with data that is deleted at the end, on a free port."""
    command = (sys.executable, "-m", "karapace_like", "serve", "--dev", "--ephemeral", "--port", "0")
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
    assert process.stderr is not None
    try:
        async for line in process.stderr:
            if line.startswith(b"Ready at "):
                yield line.split()[-1].decode()
                break
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        await process.communicate()


@pytest.mark.long
async def test_from_make_run_to_the_reason(chromium: Browser) -> None:
    """From an empty service with a Kafka of its own: at most ten clicks, too."""
    async with _make_run() as url, reading(chromium, url) as reader:
        page = await reader.open()
        await expect(page.get_by_text("There is no schema yet.")).to_be_visible()
        assert await _learn_why(page, "example-value") <= 10


async def test_a_view_that_waits_for_kafka_says_why(chromium: Browser, breakable_kafka: Cluster) -> None:
    with ServiceProcess(breakable_kafka.bootstrap_servers) as service:
        async with reading(chromium, service.url) as reader:
            page = await reader.open("subjects")
            await expect(page.get_by_text("There is no schema yet.")).to_be_visible()
            await _send(
                service, "POST", "/topics/waiting", {"records": [{"value": "one"}, {"value": "two"}]}, **V2_JSON
            )
            await reader.open("topic/waiting")
            await expect(page.get_by_role("region", name="Records")).to_contain_text("two")
            for broker in breakable_kafka.brokers:
                broker.pause()
            try:
                await page.get_by_label("Offset").fill("1")
                await page.get_by_label("Offset").press("Enter")
                await cancel_loading(page, "/topics/waiting/partitions/0/records")
                while await _send(service, "GET", "/health/ready?writes=true", None) == 200:
                    await asyncio.sleep(0.2)
                await page.get_by_role("navigation", name="Views").get_by_role("link", name="Topics").click()
                await expect(page.locator(".waiting")).to_contain_text("The broker cannot be reached")
                await page.get_by_role("button", name="Cancel").click()
                await expect(page.get_by_role("alert")).to_contain_text("You have cancelled it.")
                await page.get_by_role("button", name="Try again").click()
                await expect(page.locator(".waiting")).to_be_visible()
                await expect(page.get_by_role("alert")).to_be_visible()
                await page.get_by_role("link", name="Cluster").click()
                await expect(page.locator("main")).to_contain_text("no writes")
                await expect(page.locator("main .problem").first).to_contain_text("The broker cannot be reached")
            finally:
                for broker in breakable_kafka.brokers:
                    broker.resume()
