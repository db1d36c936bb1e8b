"""The console's subjects in a real browser: what a person searches, opens and reads."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, expect

from tests.web.conftest import Api
from tests.web.console.conftest import cancel_loading, console_over_memory, reading
from tests.web.console.looks import find_faults

pytestmark = pytest.mark.asyncio(loop_scope="module")
SCRIPT = "<script>alert(1)</script>"


def _record(name: str, *fields: str, doc: str = "") -> str:
    parts = [{"name": field, "type": "int", "default": 0} for field in fields]
    return json.dumps({"type": "record", "name": name, "doc": doc, "fields": parts})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def api() -> AsyncIterator[Api]:
    async with console_over_memory() as api:
        for name in ("lifts-value", "floors-value", f"odd{SCRIPT.replace('/', '')}"):
            await _register(api, name, _record("Lift", "floor"))
        await _register(api, "lifts-value", _record("Lift", "floor", "weight", doc=SCRIPT))
        reference = {"name": "Lift", "subject": "lifts-value", "version": 2}
        tower = {"type": "record", "name": "Tower", "fields": [{"name": "lift", "type": "Lift"}]}
        await _register(api, "towers-value", json.dumps(tower), references=[reference])
        both = [reference, {"name": "Tower", "subject": "towers-value", "version": 1}]
        town = {"type": "record", "name": "Town", "fields": [{"name": "tower", "type": "Tower"}]}
        await _register(api, "towns-value", json.dumps(town), references=both)
        await _register(api, ":.north:lifts-value", _record("Lift", "floor"))
        await api("PUT", "/config/lifts-value", {"compatibility": "FULL"})
        yield api


async def _register(api: Api, subject: str, schema: str, **others: object) -> None:
    path = f"/subjects/{subject.replace('<', '%3C').replace('>', '%3E')}/versions"
    status, answer = await api("POST", path, {"schema": schema, **others})
    assert status == 200, answer


def _address(api: Api) -> str:
    return str(api.client.make_url("/"))


async def test_a_reader_searches_opens_and_reads_a_subject(chromium: Browser, api: Api) -> None:
    async with reading(chromium, _address(api)) as reader:
        page = await reader.open()
        table = page.get_by_role("region", name="Subjects")
        await expect(table.get_by_role("link")).to_have_count(6)
        await page.keyboard.press("/")
        await page.keyboard.type("field:weight")
        await expect(table.get_by_role("link")).to_have_text(["lifts-value"])
        await expect(table).to_contain_text("Lift.weight")
        await page.keyboard.press("Escape")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("heading", level=1)).to_have_text("lifts-value")
        versions = page.get_by_role("navigation", name="Versions")
        await expect(versions.get_by_role("link")).to_have_text(["Version 2", "Version 1"])
        await expect(page.get_by_role("textbox", name="Schema, version 2")).to_contain_text(SCRIPT)
        await versions.get_by_role("link", name="Version 1").click()
        await expect(page.get_by_role("textbox", name="Schema, version 1")).not_to_contain_text("weight")
        await page.go_back()
        await page.get_by_role("link", name="References").click()
        graph = page.get_by_role("region", name="Graph of references")
        await expect(graph.get_by_role("link")).to_have_count(2)
        await expect(graph.get_by_role("link", name="towns-value version 1")).to_be_visible()
        await expect(page.get_by_role("listitem").filter(has_text="through towers-value")).to_contain_text(
            "towns-value"
        )
        assert await find_faults(page, "light") == []
        await graph.get_by_role("link", name="towers-value").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("towers-value")
        await expect(graph.get_by_role("link", name="lifts-value version 2")).to_be_visible()
        await page.go_back()
        await page.get_by_role("link", name="Settings").click()
        await expect(page.locator("main")).to_contain_text("FULL set for this subject")
        await expect(page.locator("main")).to_contain_text("READWRITE set for everything")
        sizes = await page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.encodedBodySize)")
        assert sum(sizes) < 400_000


async def test_subjects_are_filtered_sorted_and_found_by_tag_and_guid(chromium: Browser, api: Api) -> None:
    rule = {"name": "floorIsPositive", "kind": "CONDITION", "mode": "WRITE", "type": "CEL", "expr": "message.floor > 0"}
    tags = {"Cellar.floor": ["DEEP"]}
    body = {"metadata": {"properties": {"owner": f"team {SCRIPT}"}, "tags": tags}, "ruleSet": {"domainRules": [rule]}}
    await _register(api, "cellars-value", _record("Cellar", "floor"), **body)
    guid = (await api("GET", "/subjects/cellars-value/versions/1"))[1]["guid"]
    async with reading(chromium, _address(api)) as reader:
        page = await reader.open()
        found = page.get_by_role("region", name="Subjects").get_by_role("link")
        for query in ("tag:DEEP", guid, "CELLARS"):
            await page.get_by_role("searchbox", name="Search subjects").fill(query)
            await expect(found).to_have_text(["cellars-value"])
        await found.click()
        await page.get_by_role("link", name="Metadata and rules").click()
        for text in (f"team {SCRIPT}", "DEEP", "floorIsPositive", "message.floor > 0"):
            await expect(page.locator("main")).to_contain_text(text)
        await reader.open("subjects?query=lifts")
        await expect(found).to_have_text([":.north:lifts-value", "lifts-value"])
        await page.get_by_label("Sort").select_option("Most versions")
        await expect(found).to_have_text(["lifts-value", ":.north:lifts-value"])
        await page.get_by_label("Context").select_option(".north")
        await expect(found).to_have_text([":.north:lifts-value"])
        await page.get_by_label("Context").select_option("Any context")
        await page.get_by_label("Level").select_option("FULL")
        await expect(found).to_have_text(["lifts-value"])
        await page.get_by_label("Format").select_option("JSON")
        await expect(page.get_by_text("No subject matches the search and the filters.")).to_be_visible()
    await api("DELETE", "/subjects/cellars-value")
    await api("DELETE", "/subjects/cellars-value?permanent=true")


async def test_the_root_leads_browsers_to_the_console(chromium: Browser, api: Api) -> None:
    async with reading(chromium, _address(api)) as reader:
        await reader.page.goto(_address(api))
        await expect(reader.page.get_by_role("heading", level=1)).to_have_text("Subjects")
        assert reader.page.url.partition("#")[0].endswith("/console")
        button, document = reader.page.get_by_role("button", name="Switch to the"), reader.page.locator("html")
        theme = "dark" if "dark" in (await button.get_attribute("aria-label") or "") else "light"
        await button.click()
        await expect(document).to_have_attribute("data-theme", theme)
        await reader.page.reload()
        await expect(document).to_have_attribute("data-theme", theme)
        await reader.page.keyboard.press("?")
        await _try_all_keys(reader.page)


async def _try_all_keys(page: Page) -> None:
    """Press every key that the help names; those of views that are not served are not named."""
    help_, main = page.get_by_role("dialog", name="Keyboard"), page.locator("main")
    keys = ["/", "j", "k", "Enter", "?", "Esc", "g s", "g c", "g m"]
    await expect(help_.get_by_role("rowheader")).to_have_text(keys)
    await page.keyboard.press("Escape")
    await expect(help_).to_have_count(0)
    for key, title in (("c", "Cluster"), ("m", "Who am I"), ("s", "Subjects")):
        await page.keyboard.press("g")
        await page.keyboard.press(key)
        await expect(page.get_by_role("heading", level=1)).to_have_text(title)
    rows = main.get_by_role("region", name="Subjects").get_by_role("link")
    await expect(rows).to_have_count(6)
    for key, row in (("j", 0), ("j", 1), ("k", 0)):
        await page.keyboard.press(key)
        await expect(rows.nth(row)).to_be_focused()
    await page.keyboard.press("/")
    await expect(main.get_by_role("searchbox")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(main.get_by_role("searchbox")).not_to_be_focused()
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading", level=1)).to_have_text(":.north:lifts-value")


async def test_a_deleted_subject_is_registered_again_and_erased(chromium: Browser, api: Api) -> None:
    for fields in (["stone"], ["stone", "year"], ["stone", "mason"]):
        await _register(api, "walls-value", _record("Wall", *fields))
    await api("DELETE", "/subjects/walls-value")
    async with reading(chromium, _address(api)) as reader:
        page = await reader.open("subjects?query=walls")
        await expect(page.get_by_text("No subject matches the search and the filters.")).to_be_visible()
        await page.get_by_label("Deleted").select_option("Deleted only")
        await expect(page.get_by_role("region", name="Subjects").get_by_role("row").last).to_contain_text("deleted")
        await page.get_by_role("link", name="walls-value").click()
        versions = page.get_by_role("navigation", name="Versions").get_by_role("link")
        await expect(versions).to_have_text(["Version 3 (deleted)", "Version 2 (deleted)", "Version 1 (deleted)"])
        await versions.last.click()
        await page.get_by_role("link", name="Register again").click()
        editor = page.get_by_role("textbox", name="Schema to check")
        await expect(editor).to_contain_text("stone")
        await expect(editor).not_to_contain_text("year")
        await page.get_by_role("button", name="Register…").click()
        await page.get_by_role("dialog").get_by_role("button", name="Register", exact=True).click()
        await page.get_by_role("link", name="Open the subject").click()
        await expect(versions).to_have_text(["Version 4", "Version 3 (deleted)", "Version 2 (deleted)"])
        await versions.nth(1).click()
        await _delete(page, "Delete permanently")
        await expect(versions).to_have_text(["Version 4", "Version 2 (deleted)"])
        await _delete(page, "Delete")
        await expect(versions).to_have_text(["Version 4 (deleted)", "Version 2 (deleted)"])
        await _delete(page, "Delete permanently", "All 2 versions of the subject")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Subjects")
        assert (await api("GET", "/subjects/walls-value/versions?deleted=true"))[0] == 404
        await reader.open("subject/lifts-value")
        await _delete(page, "Delete", "All 2 versions of the subject")
        await expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("42206")
        assert await find_faults(page, "light") == []


async def _delete(page: Page, word: str, what: str = "") -> None:
    await page.get_by_role("button", name=f"{word}…", exact=True).click()
    dialog = page.get_by_role("dialog", name=word, exact=True)
    if what:
        await dialog.get_by_label("What").select_option(what)
    await dialog.get_by_role("button", name=word, exact=True).click()


async def test_a_search_over_a_slow_network_is_cancelled(chromium: Browser, api: Api) -> None:
    async with reading(chromium, _address(api)) as reader:
        page = await reader.open()
        subjects = page.get_by_role("region", name="Subjects").get_by_role("link")
        await expect(subjects).to_have_count(6)
        network = await page.context.new_cdp_session(page)
        speed = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
        await network.send("Network.emulateNetworkConditions", {**speed, "latency": 600_000})
        await page.get_by_role("searchbox", name="Search subjects").fill("towers")
        await expect(page.get_by_text("Still loading.")).to_be_visible()
        await expect(subjects).to_have_count(6)
        await cancel_loading(page, "query=towers&offset=0&limit=50$")
        await network.send("Network.emulateNetworkConditions", {**speed, "latency": 0})
        await page.get_by_role("button", name="Try again").click()
        await expect(subjects).to_have_text(["towers-value"])


async def test_scripts_in_names_are_shown_as_text(chromium: Browser, api: Api) -> None:
    async with reading(chromium, _address(api)) as reader:
        page = await reader.open("subjects?query=odd")
        await page.get_by_role("link", name="odd<script>").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("odd<script>alert(1)<script>")


async def test_nothing_found_and_nothing_there_say_what_to_do(chromium: Browser, api: Api) -> None:
    async with reading(chromium, _address(api), viewport={"width": 390, "height": 800}) as reader:
        page = await reader.open("subjects?query=no-such-subject")
        await expect(page.get_by_text("No subject matches the search")).to_be_visible()
        await page.goto(f"{reader.address}/console#/subject/no-such-subject")
        await expect(page.get_by_role("alert")).to_contain_text("40401")
        await page.goto(f"{reader.address}/console#/elsewhere")
        await expect(page.get_by_role("heading", level=1)).to_have_text("Nothing here")
        await page.goto(f"{reader.address}/console#/subjects")
        await expect(page.get_by_role("link", name="towers-value")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("query=LIFTS", [":.north:lifts-value", "lifts-value"]),
        ("query=lifts&context=.north", [":.north:lifts-value"]),
        ("query=id:2", ["lifts-value"]),
        (
            "query=field:loor&sort=-name",
            ["odd<script>alert(1)<script>", "lifts-value", "floors-value", ":.north:lifts-value"],
        ),
        ("query=field:nothing-like-it", []),
        ("query=field:Lift", []),
        ("compatibility=FULL", ["lifts-value"]),
        ("schemaType=PROTOBUF", []),
        ("mode=READONLY", []),
        ("limit=1&offset=2", ["lifts-value"]),
        ("sort=size", "name, id, versions, time"),
        ("mode=SOMETIMES", "READWRITE"),
        (f"query={'a' * 300}", "at most 256"),
    ],
)
async def test_subjects_are_searched_over_http(api: Api, query: str, expected: object) -> None:
    status, answer = await api("GET", f"/subjects:search?{query}")
    if isinstance(expected, str):
        assert (status, answer["error_code"]) == (400, 400)
        assert expected in answer["message"]
        return
    assert [hit["subject"] for hit in answer["subjects"]] == expected
    assert answer["isComplete"] is True


async def test_tags_are_searched_in_metadata_and_texts(api: Api) -> None:
    tagged = {"type": "record", "name": "T", "fields": [{"name": "who", "type": "string", "confluent:tags": ["PII"]}]}
    await _register(api, "inline-value", json.dumps(tagged))
    await _register(api, "outside-value", _record("T", "who"), metadata={"tags": {"T.who": ["PII"]}})
    await _register(api, "mentioned-value", _record("T", "who", doc='no "PII" here'))
    _, answer = await api("GET", "/subjects:search?query=tag:PII")
    assert [(hit["subject"], hit.get("fields")) for hit in answer["subjects"]] == [
        ("inline-value", ["T.who"]),
        ("outside-value", None),
    ]
    for subject in ("inline-value", "outside-value", "mentioned-value"):
        await api("DELETE", f"/subjects/{subject}")
    _, answer = await api("GET", "/subjects:search?query=tag:PII&deletedOnly=true")
    assert answer["total"] == 2
