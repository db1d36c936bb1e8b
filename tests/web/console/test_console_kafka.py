"""The console's topics, records, groups and connectors in a real browser, over a real broker."""

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Browser, expect
from prometheus_client import CollectorRegistry

from karapace_like.kafka.cluster import Cluster
from karapace_like.proxy.settings import ProxySettings
from karapace_like.web.app import make_app
from karapace_like.web.console.settings import ConsoleSettings
from karapace_like.web.operations.exposition import Exposition
from tests.forms import IS_LONG
from tests.web.conftest import Server, policies_in_memory
from tests.web.console.conftest import reading
from tests.web.console.looks import look_at
from tests.web.halves import both_halves

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.kafka]
SCRIPT = "<script>alert(1)</script>"
JSON_RECORDS = {"Content-Type": "application/vnd.kafka.json.v2+json"}
CONNECTOR = "<img src=x onerror=alert(1)>"
TOPIC = "console-lifts"
TIMES = "console-times"
"""A topic with one record of each of three years."""
GROUP = "console-readers"
LIFT: dict[str, Any] = {
    "type": "record",
    "name": "Lift",
    "fields": [
        {"name": "floor", "type": "int", "doc": SCRIPT},
        {"name": "note", "type": ["null", "string"], "default": None},
    ],
}


class Service(NamedTuple):
    client: TestClient[Any, Any]

    @property
    def address(self) -> str:
        return str(self.client.make_url("/"))

    async def __call__(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        async with self.client.request(method, path, json=body, headers=headers or None) as response:
            text = await response.text()
            assert response.status < 300, text
            return json.loads(text) if text else None


def _connect_worker() -> web.Application:
    """A Connect worker with one connector, whose name and failure hold a script."""
    status = {
        "name": CONNECTOR,
        "type": "sink",
        "connector": {"state": "RUNNING", "worker_id": "worker-1"},
        "tasks": [{"id": 0, "state": "FAILED", "worker_id": "worker-1", "trace": f"broken {SCRIPT}\n\tat line 1"}],
    }
    restarted = []

    async def answer(request: web.Request) -> web.Response:
        if request.method == "POST":
            restarted.append(request.path)
            status["tasks"] = [{"id": 0, "state": "RUNNING", "worker_id": "worker-1"}]
            return web.Response(status=204)
        if request.path.endswith("/status"):
            return web.json_response(status)
        if request.path.endswith("/config"):
            return web.json_response({"name": CONNECTOR, "database.password": "hunter2"})
        return web.json_response({CONNECTOR: {"status": status}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    return app


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def service(kafka: Cluster) -> AsyncIterator[Service]:
    async with AsyncExitStack() as stack:
        connect = await stack.enter_async_context(TestServer(_connect_worker()))
        registry, proxy = await stack.enter_async_context(both_halves(kafka, ProxySettings()))
        app = make_app(
            registry,
            proxy,
            console=ConsoleSettings(),
            policies=policies_in_memory(registry),
            connect_urls=[str(connect.make_url(""))],
            exposition=Exposition(CollectorRegistry()),
        )
        server = Server(app)
        await server.start_server()
        running = Service(await stack.enter_async_context(TestClient(server)))
        await _fill(running)
        yield running


async def _fill(service: Service) -> None:
    cluster = (await service("GET", "/v3/clusters"))["data"][0]["cluster_id"]
    await service("POST", f"/v3/clusters/{cluster}/topics", {"topic_name": TOPIC, "partitions_count": 1})
    await service("POST", f"/subjects/{TOPIC}-value/versions", {"schema": json.dumps(LIFT)})
    header = {"key": f"origin{SCRIPT}", "value": base64.b64encode(SCRIPT.encode()).decode()}
    records = [{"key": "a", "value": {"floor": 3, "note": {"string": SCRIPT}}, "headers": [header]}]
    body = {"records": records, "key_format": "string", "value_format": "avro", "value_subject": f"{TOPIC}-value"}
    produced = await service("POST", f"/topics/{TOPIC}", body, **JSON_RECORDS)
    assert produced["offsets"][0]["error"] is None, produced
    await service("POST", f"/v3/clusters/{cluster}/topics", {"topic_name": TIMES, "partitions_count": 1})
    for year in (2021, 2022, 2023):
        record = {"value": {"type": "JSON", "data": f"of {year}"}, "timestamp": f"{year}-06-01T12:00:00Z"}
        await service("POST", f"/v3/clusters/{cluster}/topics/{TIMES}/records", record)
    path = f"/v3/clusters/{cluster}/consumer-groups/{GROUP}/offsets:alter"
    await service("POST", path, {"data": [{"topic_name": TOPIC, "partition_id": 0, "offset": 1}]})


async def test_records_are_browsed_with_their_schemas(chromium: Browser, service: Service) -> None:
    async with reading(chromium, service.address) as reader:
        page = await reader.open("topics?query=console-")
        await page.get_by_role("link", name=TOPIC, exact=True).click()
        records = page.get_by_role("region", name="Records")
        await expect(records).to_contain_text(SCRIPT)
        await expect(records.get_by_role("link", name="avro 1")).to_be_visible()
        await records.get_by_role("button", name="0:0").click()
        record = page.get_by_role("dialog", name="Record 0:0")
        await expect(record).to_contain_text(f"{TOPIC}-value")
        await expect(record.locator(".headers")).to_contain_text(f"origin{SCRIPT}{SCRIPT}")
        await record.get_by_role("button", name="Show the bytes").click()
        await expect(record).to_contain_text("000000  00 00 00 00 01 06")
        await expect(record).to_contain_text("000000  61")
        await page.keyboard.press("Escape")
        await page.get_by_label("Latest of the key").fill("a")
        await page.keyboard.press("Tab")
        await expect(page).to_have_url(re.compile("key=a"))
        await expect(records).to_contain_text(SCRIPT)
        await page.get_by_label("Latest of the key").fill("nobody")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("alert")).to_contain_text("has no record with this key")
        for tab, content in (("Partitions", "all"), ("Configs", "cleanup.policy"), ("Policy", "no policy")):
            await page.get_by_role("navigation", name="Parts of the topic").get_by_role("link", name=tab).click()
            await expect(page.locator("main")).to_contain_text(content)
            if tab == "Partitions":
                await expect(page.locator(".facts")).to_contain_text(re.compile(r"Size\s*[1-9][0-9]* B"))
                await expect(page.locator("figcaption")).to_contain_text("/s records")


async def test_records_are_browsed_by_time(chromium: Browser, service: Service) -> None:
    """Times are entered in UTC, as they are shown, wherever the reader is."""
    async with reading(chromium, service.address, timezone_id="America/New_York") as reader:
        page = await reader.open(f"topic/{TIMES}")
        records = page.get_by_role("region", name="Records").get_by_role("button")
        await expect(records).to_have_text(["0:2", "0:1", "0:0"])
        time = page.get_by_label("Time in UTC")
        for at, offsets in (("2022-06-01T12:00:00", ["0:2", "0:1"]), ("2022-06-01T12:00:01", ["0:2"])):
            await time.fill(at)
            await time.press("Enter")
            await expect(records).to_have_text(offsets)
        await expect(page.get_by_role("region", name="Records")).to_contain_text("2023-06-01 12:00:00")
        await time.fill("2024-01-01T00:00")
        await time.press("Enter")
        await expect(page.get_by_text("No record is there: choose another offset or time.")).to_be_visible()
        await page.get_by_label("Offset").fill("0")
        await page.get_by_label("Offset").press("Enter")
        await expect(records).to_have_text(["0:2", "0:1", "0:0"])
        await expect(time).to_have_value("")


async def test_a_record_is_produced_with_the_form_and_seen_live(chromium: Browser, service: Service) -> None:
    async with reading(chromium, service.address) as reader:
        page = await reader.open(f"topic/{TOPIC}/produce")
        await expect(page.get_by_text(f"int · {SCRIPT}")).to_be_visible()
        await page.get_by_label("floor").fill("seven")
        await page.get_by_role("button", name="Produce").click()
        await expect(page.get_by_role("alert")).to_contain_text('floor is "seven"; expected: a number.')
        await page.get_by_label("floor").fill("7")
        await page.get_by_label("Headers").fill("origin: console")
        await page.get_by_role("button", name="Produce").click()
        await page.get_by_role("link", name="Show the record").click()
        await expect(page.get_by_role("region", name="Records")).to_contain_text('"floor":7')
        await page.get_by_role("button", name="Follow live").click()
        await expect(page.get_by_text("Waiting for records.")).to_be_visible()
        records = page.get_by_role("region", name="Records")
        # The stream begins at the end as it is when the request arrives: records are written until one is seen.
        for _ in range(120):
            await _produce_lifts(service, 9)
            if await records.count():
                break
            await page.wait_for_timeout(500)
        await expect(records).to_contain_text('"floor":9')
        await page.get_by_role("searchbox", name="Search the records shown").fill('"FLOOR": 11')
        await expect(page.get_by_text("No record that is shown contains this.")).to_be_visible()
        await _produce_lifts(service, *range(200, 500), 11, *range(500, 900))
        for _ in range(2):
            await expect(records.get_by_role("button")).to_have_count(1)
            await expect(records).to_contain_text('"floor":11')
            await _produce_lifts(service, 12, 13)
        await page.get_by_role("searchbox", name="Search the records shown").fill("")
        await expect(records).to_contain_text('"floor":13')
        await page.get_by_role("button", name="Stop following").click()
        await expect(page.get_by_text("offsets 0 to")).to_be_visible()


async def _produce_lifts(service: Service, *floors: int) -> None:
    records = [{"value": {"floor": floor, "note": None}} for floor in floors]
    body = {"records": records, "value_format": "avro", "value_subject": f"{TOPIC}-value"}
    await service("POST", f"/topics/{TOPIC}", body, **JSON_RECORDS)


async def test_offsets_are_reset_after_a_dry_run(chromium: Browser, service: Service) -> None:
    async with reading(chromium, service.address) as reader:
        page = await reader.open("groups?query=console-")
        await page.get_by_role("link", name=GROUP).click()
        await expect(page.get_by_role("region", name="Lag by partition")).to_contain_text(TOPIC)
        await page.get_by_role("button", name="Reset offsets…").click()
        dialog = page.get_by_role("dialog", name="Reset offsets")
        await dialog.get_by_role("button", name="Show what would change").click()
        await expect(dialog.get_by_role("region", name="Planned offsets")).to_contain_text("1 again")
        await dialog.get_by_role("button", name="Reset these offsets").click()
        await expect(dialog).to_have_count(0)
        lag = page.get_by_role("region", name="Lag by partition").get_by_role("row").last
        await expect(lag.get_by_role("cell").nth(2)).to_have_text("0")


async def test_members_are_shown_with_what_is_assigned_to_them(chromium: Browser, service: Service) -> None:
    consumer, v2 = "/consumers/console-members/instances/one", {"Content-Type": "application/vnd.kafka.v2+json"}
    await service("POST", "/consumers/console-members", {"name": "one", "auto.offset.reset": "earliest"}, **v2)
    try:
        await service("POST", f"{consumer}/subscription", {"topics": [TOPIC]}, **v2)
        while not await service("GET", f"{consumer}/records", Accept="application/vnd.kafka.binary.v2+json"):
            pass  # until the group has assigned the partition
        await service("POST", f"{consumer}/offsets", {}, **v2)
        async with reading(chromium, service.address) as reader:
            page = await reader.open("group/console-members")
            members = page.get_by_role("region", name="Members")
            await expect(members.get_by_role("row").last).to_contain_text(f"{TOPIC} 0")
            await expect(page.locator(".facts")).to_contain_text(re.compile(r"Members\s*1"))
    finally:
        await service("DELETE", consumer, **v2)


async def test_connectors_and_the_cluster_are_shown(chromium: Browser, service: Service) -> None:
    async with reading(chromium, service.address) as reader:
        page = await reader.open("connectors")
        await page.get_by_role("link", name=CONNECTOR).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(CONNECTOR)
        tasks = page.get_by_role("region", name="Tasks")
        await expect(tasks).to_contain_text(f"broken {SCRIPT}")
        await expect(page.get_by_role("region", name="Config")).not_to_contain_text("hunter2")
        await tasks.get_by_role("button", name="Restart").click()
        await expect(tasks).to_contain_text("RUNNING")
        await page.get_by_role("link", name="Cluster").click()
        await expect(page.get_by_role("region", name="Brokers")).to_contain_text("127.0.0.1")
        await expect(page.locator("figcaption").first).to_contain_text("requests")


VIEWS = {
    "subjects": "subjects",
    "subject": f"subject/{TOPIC}-value",
    "compare": f"diff/{TOPIC}-value/1/2",
    "check": f"check?subject={TOPIC}-value",
    "topics": "topics",
    "records": f"topic/{TOPIC}/records",
    "produce": f"topic/{TOPIC}/produce",
    "group": f"group/{GROUP}",
    "connectors": "connectors",
    "cluster": "cluster",
}
OTHER_VIEWS = {
    "groups": "groups",
    "queues": "queues",
    "partitions": f"topic/{TOPIC}/partitions",
    "configs": f"topic/{TOPIC}/configs",
    "policy": f"topic/{TOPIC}/policy",
    "connector": f"connector/{quote(CONNECTOR, safe='')}",
    "references": f"subject/{TOPIC}-value?tab=references",
    "settings": f"subject/{TOPIC}-value?tab=settings",
    "me": "me",
}


@pytest.mark.drawn
async def test_every_view_is_accessible_and_fits(chromium: Browser, service: Service) -> None:
    """No serious fault of WCAG AA, in both themes, and nothing wider than a phone."""
    wider = {**LIFT, "fields": [*LIFT["fields"], {"name": "speed", "type": "double", "default": 0.5, "doc": "In m/s."}]}
    await service("POST", f"/subjects/{TOPIC}-value/versions", {"schema": json.dumps(wider)})
    assert await _find_faults_of(list(VIEWS.items())[: None if IS_LONG else 3], chromium, service) == []


@pytest.mark.long
async def test_every_part_of_a_view_is_accessible_and_fits(chromium: Browser, service: Service) -> None:
    assert await _find_faults_of(list(OTHER_VIEWS.items()), chromium, service) == []


async def _find_faults_of(views: list[tuple[str, str]], chromium: Browser, service: Service) -> list[str]:
    faults = []
    async with reading(chromium, service.address) as reader:
        await reader.page.emulate_media(reduced_motion="reduce")  # colours change at once
        for name, view in views:
            faults += await look_at(await reader.open(view), name)
    return faults
