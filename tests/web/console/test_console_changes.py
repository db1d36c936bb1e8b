"""From a change to the reason why it is incompatible, and versions compared, in a real browser."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from tests.web.conftest import Api
from tests.web.console.conftest import console_over_memory, reading
from tests.web.console.looks import find_faults

pytestmark = pytest.mark.asyncio(loop_scope="module")
PATH = "/subjects/lifts-value/versions"


def _lift(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Lift", "fields": [{"name": "floor", "type": "int"}, *fields]})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with console_over_memory() as api:
        await api("POST", PATH, {"schema": _lift()})
        await api("POST", PATH, {"schema": _lift({"name": "weight", "type": "int", "default": 0})})
        await api("POST", "/subjects/towers-value/versions", {"schema": _lift({"name": "height", "type": "int"})})
        lift = [{"name": "Lift", "subject": "lifts-value", "version": 2}]
        house = {"type": "record", "name": "House", "fields": [{"name": "lift", "type": "Lift"}]}
        await api("POST", "/subjects/houses-value/versions", {"schema": json.dumps(house), "references": lift})
        await api("POST", "/subjects/proto-value/versions", {"schema": 'syntax = "proto3";', "schemaType": "PROTOBUF"})
        yield api


async def test_a_newcomer_learns_why_a_change_is_incompatible(chromium: Browser, api: Api) -> None:
    """In less than ten clicks and without curl; then they mend it and register it."""
    async with reading(chromium, str(api.client.make_url("/"))) as reader:
        page = await reader.open()
        await page.get_by_role("link", name="lifts-value").click()
        await page.get_by_role("link", name="Change").click()
        editor = page.get_by_role("textbox", name="Schema to check")
        await expect(page.get_by_text("Valid, and compatible")).to_be_visible()
        await editor.click()
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text(_lift({"name": "doors", "type": "string"}))
        breaks = page.get_by_role("heading", name="What breaks with version 2")
        await expect(breaks).to_be_visible()
        await expect(page.locator(".reasons").first).to_contain_text("READER_FIELD_MISSING_DEFAULT_VALUE")
        await expect(page.locator(".reasons").first).to_contain_text("/fields/1")
        await expect(page.locator(".reasons").first).to_contain_text('"weight": 1')
        await expect(page.locator(".reasons").first).to_contain_text("No default value for field doors")
        old = page.get_by_role("textbox", name="Version 2, with the same places")
        await expect(old.locator(".cm-lintRange-error")).not_to_have_count(0)
        await expect(page.get_by_role("list", name="Affected subjects")).to_contain_text("would break")
        await expect(page.get_by_role("button", name="Register…")).to_be_disabled()
        assert await find_faults(page, "light") == []
        await editor.click()
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text('{"type": "record",\n "name": }')
        await expect(page.get_by_role("alert")).to_contain_text("Not valid")
        await editor.click()
        await page.keyboard.press("Control+a")
        await page.keyboard.insert_text(_lift({"name": "doors", "type": "int", "default": 2}))
        await page.get_by_role("button", name="Register…").click()
        dialog = page.get_by_role("dialog", name="Register this schema")
        await expect(dialog).to_contain_text("valid and compatible")
        await dialog.get_by_role("button", name="Register", exact=True).click()
        await expect(page.get_by_text("Registered with the id")).to_be_visible()
        assert (await api("GET", PATH))[1] == [1, 2, 3]
        await page.get_by_role("link", name="Open the subject").click()
        await page.get_by_role("link", name="Compare").click()
        changes = page.get_by_role("region", name="Changes")
        await expect(changes.get_by_role("row", name="Lift.doors")).to_contain_text("added")
        await expect(changes.get_by_role("row", name="Lift.weight")).to_contain_text("removed")
        await expect(page.get_by_role("region", name="Line by line")).to_contain_text('"name": "doors"')
        await page.get_by_label("From version").select_option("1")
        await expect(changes.get_by_role("row", name="Lift.weight")).to_have_count(0)


async def test_versions_of_two_subjects_are_compared(chromium: Browser, api: Api) -> None:
    async with reading(chromium, str(api.client.make_url("/"))) as reader:
        page = await reader.open("subject/towers-value")
        await page.get_by_role("link", name="Compare").click()
        await expect(page.get_by_text("Nothing differs but the layout.")).to_be_visible()
        other = page.get_by_label("Other subject")
        await other.fill("lifts")
        await expect(page.locator("#other-subjects option")).to_have_attribute("value", "lifts-value")
        await other.fill("lifts-value")
        await page.get_by_role("button", name="Compare with this subject").click()
        await page.get_by_label("To version").select_option("2")
        changes = page.get_by_role("region", name="Changes")
        await expect(changes.get_by_role("row", name="Lift.height")).to_contain_text("removed")
        await expect(changes.get_by_role("row", name="Lift.weight")).to_contain_text("added")
        lines = page.get_by_role("region", name="Line by line").get_by_role("columnheader")
        await expect(lines).to_have_text(["towers-value 1", "lifts-value 2"])
        await page.reload()
        await expect(lines).to_have_text(["towers-value 1", "lifts-value 2"])
        await other.fill("nowhere")
        await other.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text("40401")


@pytest.mark.parametrize(
    ("path", "status", "expected"),
    [
        ("/1/diff/2", 200, {"sign": "added", "kind": "field", "name": "Lift.weight", "new": "int, default 0"}),
        ("/2/diff/1", 200, {"sign": "removed", "kind": "field", "name": "Lift.weight", "old": "int, default 0"}),
        ("/1/diff/latest?subject=towers-value", 200, {"sign": "added", "kind": "field", "name": "Lift.height"}),
        ("/1/diff/99", 404, 40402),
        ("/1/diff/two", 422, 42202),
        ("/1/diff/1?subject=nowhere", 404, 40401),
        ("/1/diff/1?subject=proto-value", 422, 422),
    ],
)
async def test_differences_over_http(api: Api, path: str, status: int, expected: Any) -> None:
    answered, answer = await api("GET", PATH + path)
    assert answered == status, answer
    if status != 200:
        assert answer["error_code"] == expected
        return
    assert any(expected.items() <= change.items() for change in answer["changes"]), answer
    assert isinstance(answer["backward"], list)
