"""The pictures of the README and the documentation: `make screenshots` takes them, and what they show is there."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.web.conftest import Api
from tests.web.console.conftest import console_over_memory, reading
from tests.web.console.looks import FOLDER

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]
SIZE = {"width": 1200, "height": 760}
LIFT: dict[str, Any] = {
    "type": "record",
    "name": "Lift",
    "namespace": "house",
    "fields": [{"name": "floor", "type": "int"}, {"name": "weight", "type": ["null", "double"], "default": None}],
}


def _record(name: str, **types: str) -> str:
    fields = [{"name": field, "type": kind} for field, kind in types.items()]
    return json.dumps({"type": "record", "name": name, "namespace": "house", "fields": fields})


async def _register(api: Api, subject: str, schema: str, *needs: tuple[str, str], **others: str) -> None:
    references = [{"name": name, "subject": needed, "version": 1} for name, needed in needs]
    body = {"schema": schema, "references": references, **others}
    status, answer = await api("POST", f"/subjects/{subject}/versions", body)
    assert status == 200, answer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house() -> AsyncIterator[Api]:
    """A registry with the schemas of a house."""
    async with console_over_memory() as api:
        await _register(api, "lifts-value", json.dumps({**LIFT, "fields": LIFT["fields"][:1]}))
        await _register(api, "lifts-value", json.dumps(LIFT))
        lift = ("house.Lift", "lifts-value")
        await _register(api, "alarms-value", _record("Alarm", lift="house.Lift", text="string"), lift)
        await _register(api, "towers-value", _record("Tower", lift="house.Lift"), lift)
        tower = ("house.Tower", "towers-value")
        await _register(api, "streets-value", _record("Street", tower="house.Tower"), lift, tower)
        schema = '{"type": "object", "properties": {"celsius": {"type": "number"}}}'
        await _register(api, "metrics-value", schema, schemaType="JSON")
        await _register(api, "doors-value", 'syntax = "proto3";\nmessage Door { int32 id = 1; }', schemaType="PROTOBUF")
        await _register(api, ":.north:lifts-value", _record("Lift", floor="int"))
        await api("PUT", "/config/lifts-value", {"compatibility": "FULL_TRANSITIVE"})
        yield api


async def _take(page: Page, name: str) -> None:
    if FOLDER:
        await page.wait_for_timeout(500)  # for fonts and transitions
        await page.screenshot(path=Path(FOLDER, f"console-{name}.png"))


async def test_pictures_of_the_documentation(chromium: Browser, house: Api) -> None:
    async with reading(chromium, str(house.client.make_url("/")), viewport=SIZE) as reader:
        page = await reader.open("subjects")
        await expect(page.get_by_role("region", name="Subjects").get_by_role("link")).to_have_count(7)
        await _take(page, "subjects")
        await reader.open("subject/lifts-value?tab=references")
        await expect(page.get_by_role("region", name="Graph of references").get_by_role("link")).to_have_count(0)
        await reader.open("subject/lifts-value/1?tab=references")
        await expect(page.get_by_role("region", name="Graph of references").get_by_role("link")).to_have_count(3)
        await _take(page, "references")
        await reader.open("diff/lifts-value/1/2")
        await expect(page.get_by_role("region", name="Changes")).to_contain_text("house.Lift.weight")
        await _take(page, "compare")
        await reader.open("check?subject=lifts-value")
        await expect(page.get_by_text("Valid, and compatible")).to_be_visible()
        await page.get_by_role("textbox", name="Schema to check").click()
        await page.keyboard.press("Control+a")
        changed = [{"name": "floor", "type": "string"}, *LIFT["fields"][1:], {"name": "operator", "type": "string"}]
        await page.keyboard.insert_text(json.dumps({**LIFT, "fields": changed}, indent=2))
        reasons = page.locator(".reasons").first
        await expect(reasons).to_contain_text("READER_FIELD_MISSING_DEFAULT_VALUE")
        await expect(reasons).to_contain_text("A record of version 2 that readers with this schema cannot read")
        await _take(page, "check")
