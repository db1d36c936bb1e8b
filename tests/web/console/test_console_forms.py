"""Forms for nested values, and keys that are no text, in a real browser over a real broker."""

import asyncio
import json
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import pytest
from playwright.async_api import Browser, Page, expect

from tests.service_process import ServiceProcess
from tests.web.console.conftest import reading
from tests.web.console.looks import find_faults

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.kafka]
JSON_RECORDS = "application/vnd.kafka.json.v2+json"


def _avro(name: str, **types: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": field, "type": kind} for field, kind in types.items()]}


def _object(**types: Any) -> dict[str, Any]:
    return {"type": "object", "properties": types, "required": list(types)}


AVRO_LIFT = _avro(
    "house.Lift",
    floor="int",
    state={"type": "enum", "name": "State", "symbols": ["UP", "DOWN"]},
    motor=_avro("Motor", watts="long"),
    note=["null", "string"],
    doors={"type": "array", "items": _avro("Door", width="double")},
    labels={"type": "map", "values": "string"},
    spare=["null", "Motor", "Lift"],
)
JSON_LIFT = {
    **_object(
        floor={"type": "integer"},
        state={"enum": ["UP", "DOWN"]},
        motor={"$ref": "#/$defs/Motor"},
        note={"type": ["string", "null"]},
        doors={"type": "array", "items": _object(width={"type": "number"})},
        labels={"type": "object", "additionalProperties": {"type": "string"}},
        spare={"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Motor"}]},
    ),
    "$defs": {"Motor": _object(watts={"type": "integer"})},
}
PROTOBUF_LIFT = """syntax = "proto3";
package house;
message Lift {
  int32 floor = 1; // where it is
  enum State { UP = 0; DOWN = 1 [deprecated = true]; }
  State state = 2;
  message Motor { int32 watts = 1; }
  .house.Lift.Motor motor = 3;
  oneof words { string note = 4; int32 code = 5; }
  repeated Door doors = 6;
  map<string, string> labels = 7;
  reserved 8, 9 to 11;
  Lift spare = 12;
}
message Door { double width = 1; }
"""


class Form(NamedTuple):
    """A schema, and what its form looks like."""

    schema: str
    note: str = "note"
    """The group of the alternatives, of which one is the note."""
    branch: str = "string"
    closed: tuple[str, ...] = ()
    """Parts that may be left out."""
    spare: str | None = None
    """The branch of the spare motor."""


FORMS = {
    "AVRO": Form(json.dumps(AVRO_LIFT), spare="house.Motor"),
    "JSON": Form(json.dumps(JSON_LIFT), spare="Motor"),
    "PROTOBUF": Form(PROTOBUF_LIFT, "words", "note", ("motor", "doors", "labels")),
}


async def _send(service: ServiceProcess, path: str, body: object, content_type: str = "application/json") -> Any:
    headers = {"Content-Type": content_type}
    async with aiohttp.ClientSession(service.url, headers=headers) as session:
        while True:
            async with session.post(path, json=body) as response:
                answer = await response.json(content_type=None)
            if response.status != 503:  # on a busy machine: "it is safe to retry"
                assert response.status == 200, answer
                return answer
            await asyncio.sleep(0.2)


@pytest.mark.parametrize("schema_type", FORMS)
async def test_a_form_has_every_part_of_a_nested_value(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str], schema_type: str
) -> None:
    name, form = topic(), FORMS[schema_type]
    body = {"schema": form.schema, "schemaType": schema_type}
    await _send(service, f"/subjects/{name}-value/versions", body)
    # The topic is created by the first record.
    await _send(service, f"/topics/{name}", {"records": [{"value": 1}]}, JSON_RECORDS)
    async with reading(chromium, service.url) as reader:
        page = await reader.open(f"topic/{name}/produce")
        for part in form.closed:
            await page.get_by_role("button", name=f"Set {part}", exact=True).click()
        await page.get_by_label("floor").first.fill("7")
        await page.get_by_label("state").first.select_option("DOWN")
        motor = page.get_by_role("group", name="motor", exact=True)
        await motor.get_by_label("watts").fill("much")
        await _fill_variable_parts(page, form)
        assert await find_faults(page, "light") == []
        await page.set_viewport_size({"width": 390, "height": 800})
        assert await page.evaluate("document.documentElement.scrollWidth") == 390
        await page.get_by_role("button", name="Produce").click()
        await expect(page.get_by_role("alert")).to_contain_text('motor, watts is "much"; expected: a number.')
        await motor.get_by_label("watts").fill("900")
        await page.get_by_role("button", name="Produce").click()
        await page.get_by_role("link", name="Show the record").click()
        records = page.get_by_role("region", name="Records")
        await expect(records).to_contain_text(schema_type.lower())
        for part in ('"floor":7', '"watts":900', '"slow"', '"doors":[{"width":0.5}]', '"labels":{"hall":"north"}'):
            await expect(records).to_contain_text(part)
        await expect(records).to_contain_text("DOWN")
        if form.spare is not None:
            await expect(records).to_contain_text('"watts":300')


async def _fill_variable_parts(page: Page, form: Form) -> None:
    """Fill alternatives, lists and maps: parts are added, removed and chosen."""
    note = page.get_by_role("group", name=form.note, exact=True)
    await note.get_by_label(f"Type of {form.note}").select_option(form.branch)
    await note.get_by_role("textbox", name=form.branch).fill("slow")
    add = page.get_by_role("button", name="Add to doors", exact=True).first
    await add.click()
    await add.click()
    await page.get_by_role("button", name="Remove doors 1").click()
    await page.get_by_role("group", name="doors 1", exact=True).get_by_label("width").fill("0.5")
    await page.get_by_role("button", name="Add to labels", exact=True).first.click()
    await page.get_by_label("Key 1").fill("hall")
    await page.get_by_role("textbox", name="labels 1").fill("north")
    spare = page.get_by_role("group", name="spare", exact=True)
    if form.spare is None:  # of the same type as what it is in
        await spare.get_by_role("button", name="Set spare").click()
        await expect(spare.get_by_label("floor")).to_be_visible()
        await spare.get_by_role("button", name="Leave spare out").click()
        return
    await spare.get_by_label("Type of spare").select_option(form.spare)
    await spare.get_by_label("watts").fill("300")


KEYS: dict[str, tuple[str | None, Any]] = {
    "json": (None, 7),
    "avro": (json.dumps(_avro("Id", id="int")), {"id": 5}),
    "jsonschema": (json.dumps(_object(id={"type": "integer"})), {"id": 5}),
    "protobuf": ('syntax = "proto3";\nmessage Id { int32 id = 1; }', {"id": 5}),
}
"""Format of a key -> the schema and a key."""


async def test_records_are_found_by_keys_that_are_no_text(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    async with reading(chromium, service.url) as reader:
        for key_format, (schema, key) in KEYS.items():
            name = topic()
            body: dict[str, Any] = {"key_format": key_format, "value_format": "json"}
            if schema is not None:
                schema_type = {"jsonschema": "JSON"}.get(key_format, key_format.upper())
                versions = f"/subjects/{name}-key/versions"
                stored = await _send(service, versions, {"schema": schema, "schemaType": schema_type})
                body["key_schema_id"] = stored["id"]
            body["records"] = [{"key": key, "value": value} for value in ("early", "late")]
            await _send(service, f"/topics/{name}", body, JSON_RECORDS)
            page = await reader.open(f"topic/{name}/records")
            records = page.get_by_role("region", name="Records")
            await expect(records).to_contain_text("early")
            await page.get_by_label("Key format").select_option(key_format)
            await page.get_by_label("Latest of the key").fill(json.dumps(key))
            await page.keyboard.press("Tab")
            await expect(records).not_to_contain_text("early")
            await expect(records).to_contain_text("late")
        await page.get_by_label("Latest of the key").fill("{")
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("alert")).to_contain_text("must be JSON with key_format=protobuf")
        await reader.open(f"topic/{name}/records")
        await records.get_by_role("button").first.click()
        await page.get_by_role("button", name="Show the latest record of this key").click()
        await expect(records).to_contain_text("late")
        await expect(records).not_to_contain_text("early")


async def test_a_record_is_produced_with_a_key_by_its_schema(
    chromium: Browser, service: ServiceProcess, topic: Callable[[], str]
) -> None:
    name = topic()
    schema, _ = KEYS["avro"]
    await _send(service, f"/subjects/{name}-key/versions", {"schema": schema})
    await _send(service, f"/topics/{name}", {"records": [{"value": 1}]}, JSON_RECORDS)
    async with reading(chromium, service.url) as reader:
        page = await reader.open(f"topic/{name}/produce")
        await page.get_by_label("The key is").select_option("avro")
        await page.get_by_role("textbox", name="Key").fill('{"id": ')
        await page.get_by_label("Value", exact=True).fill('"first"')
        await page.get_by_role("button", name="Produce").click()
        await expect(page.get_by_role("alert")).to_contain_text("The key is no JSON")
        await page.get_by_role("textbox", name="Key").fill('{"id": 5}')
        await page.get_by_role("button", name="Produce").click()
        await page.get_by_role("link", name="Show the record").click()
        records = page.get_by_role("region", name="Records")
        await expect(records).to_contain_text('"id": 5')
