"""Schemas that other products have stored in their own spellings: read, looked up, registered, deleted, exported.

All of them answer as our own would. `make interchange` runs this module, and the topics of `test_interchange.py`.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from karapace_like.backup import registry_state
from karapace_like.backup.state import build_store, list_records
from karapace_like.client.registry_client import RegistryClient
from karapace_like.registry import engine_jobs, records
from karapace_like.registry.engine_jobs import ResolvedSchema
from karapace_like.registry.engines import Engines
from karapace_like.schema.model import ParsedSchema
from tests.web.conftest import Api
from tests.web.dialects import CONFLUENT, KARAPACE, PRODUCTS, Product

Start = Callable[..., Awaitable[Api]]

ORDER = {
    "AVRO": """{
      "type": "record", "namespace": "org.shop", "name": "Order", "doc": "Of a customer\\u0021",
      "fields": [
        {"name": "number", "type": {"type": "long"}, "order": "ascending"},
        {"name": "price", "type": "double", "default": 1e10, "unit": {"b": 1, "a": 2}},
        {"name": "tags", "type": {"type": "map", "values": "string"}, "default": {"z": "1", "a": "2"}},
        {"name": "state", "type": {"type": "enum", "name": "State", "symbols": ["OPEN", "DONE"], "default": "OPEN"}}
      ]}""",
    "JSON": """{
      "type": "object", "title": "Order", "required": ["number"], "additionalProperties": false,
      "properties": {"number": {"type": "integer"}, "caf\\u00e9": {"type": "string"}, "part": {"multipleOf": 0.10}}
    }""",
    "PROTOBUF": """syntax = "proto3";
      package org.shop;
      // The order of a customer.
      message Order { int64 number = 1; map<string, string> tags = 2; oneof more { string note = 3; bytes blob = 4; } }
    """,
}
SECOND = {
    "AVRO": '{"type":"record","name":"Other","fields":[{"name":"a","type":"int","default":0}]}',
    "JSON": '{"type":"object","properties":{"other":{"type":"string"}}}',
    "PROTOBUF": 'syntax = "proto3"; message Other { string a = 1; }',
}
TYPES = tuple(ORDER)


def reordered(schema_type: str, text: str, *, values_too: bool) -> str:
    """The same schema as another client sends it: keys in the opposite order, or other whitespace."""
    if schema_type == "PROTOBUF":
        return re.sub(r"\n\s*", "\n\n\t", text)

    def turn(value: Any) -> Any:
        if isinstance(value, list):
            return [turn(each) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            key: value[key] if key in {"default", "unit"} and not values_too else turn(value[key])
            for key in reversed(value)
        }

    return json.dumps(turn(json.loads(text)), indent=1)


def sent(schema_type: str, text: str) -> dict[str, Any]:
    return {"schemaType": schema_type, "schema": text}


@pytest.fixture(params=PRODUCTS, ids=[each.name for each in PRODUCTS])
def product(request: pytest.FixtureRequest) -> Product:
    written: Product = request.param
    return written


@pytest.mark.parametrize("schema_type", TYPES)
@pytest.mark.parametrize("is_indexed", [True, False], ids=["indexed", "not yet indexed"])
async def test_a_stored_schema_is_found_and_registered_as_what_it_is(
    start: Start, product: Product, schema_type: str, *, is_indexed: bool
) -> None:
    """As sent, in other words, and normalized; by a look-up and by a registration, which writes nothing."""
    api = await start()
    await api.log.append(product.store("order", 1, 7, schema_type, ORDER[schema_type]))
    if not is_indexed:
        api.registry.store.fingerprints = None
    texts = [ORDER[schema_type]]
    if product is KARAPACE or schema_type != "JSON":  # what is stored in a client's order is told apart by it
        texts.append(reordered(schema_type, ORDER[schema_type], values_too=product is KARAPACE))
    before = len(api.log.records)
    for text in texts:
        for query in ("", "?normalize=true"):
            if query and (product is CONFLUENT or texts[1:] == []):
                continue  # the normalized text of what is stored in its canonical form is another one, as for our own
            status, found = await api("POST", f"/subjects/order{query}", sent(schema_type, text))
            assert (status, found.get("id"), found.get("version")) == (200, 7, 1), (query, text, found)
            status, known = await api("POST", f"/subjects/order/versions{query}", sent(schema_type, text))
            assert (status, known.get("id"), known.get("version")) == (200, 7, 1), (query, text, known)
    assert len(api.log.records) == before
    for another in (SECOND[schema_type], SECOND[schema_type].replace('"a"', '"b"').replace("Other", "Another")):
        assert (await api("POST", "/subjects/order", sent(schema_type, another)))[0] == 404


@pytest.mark.parametrize("schema_type", TYPES)
async def test_a_schema_has_one_id_in_all_subjects(api: Api, product: Product, schema_type: str) -> None:
    """It is written with the text that the id has already: another product drops a second text of one id."""
    await api.log.append(product.store("order", 1, 7, schema_type, ORDER[schema_type]))
    status, copy = await api("POST", "/subjects/copy/versions", sent(schema_type, ORDER[schema_type]))
    assert (status, copy["id"], copy["version"]) == (200, 7, 1)
    original, written = (
        json.loads(value)["schema"] for _, value, *_ in api.log.records if value and b"schema" in value
    )
    assert written == original == copy["schema"]
    assert (await api("POST", "/subjects/copy/versions", sent(schema_type, SECOND[schema_type])))[0] in {200, 409}
    assert (await api("POST", "/subjects/new/versions", sent(schema_type, SECOND[schema_type])))[1]["id"] == 8


@pytest.mark.parametrize("schema_type", TYPES)
async def test_what_another_primary_writes_with_our_ids_is_kept(api: Api, product: Product, schema_type: str) -> None:
    """Registrations, soft deletions and permanent ones; no number is given out twice."""
    ours = (await api("POST", "/subjects/a/versions", sent(schema_type, ORDER[schema_type])))[1]
    for subject in "bc":
        await api.log.append(product.store(subject, 1, ours["id"], schema_type, ORDER[schema_type]))
    assert await api("GET", f"/schemas/ids/{ours['id']}/subjects") == (200, ["a", "b", "c"])
    assert (await api("POST", "/subjects/b", sent(schema_type, ORDER[schema_type])))[1]["version"] == 1
    await api.log.append(product.store("b", 1, ours["id"], schema_type, ORDER[schema_type], deleted=True))
    await api.log.append(product.store("a", 1, ours["id"], schema_type, ORDER[schema_type], deleted=True))
    assert await api("GET", "/subjects") == (200, ["c"])
    again = (await api("POST", "/subjects/b/versions", sent(schema_type, ORDER[schema_type])))[1]
    assert (again["id"], again["version"]) == (ours["id"], 2)
    await api.log.append([(product.key("c", 1), product.tombstone)])
    assert await api("GET", "/subjects") == (200, ["b"])
    await api.registry.conflict_watch.look()
    assert api.registry.conflict_watch.conflicts == ()


async def test_two_schemas_of_one_id_are_both_kept_and_told(api: Api, product: Product) -> None:
    """The id means the first; the second is in its subject, and is registered again with an id of its own."""
    first, second = (f'{{"type":"fixed","name":"F","size":{size}}}' for size in (4, 8))
    await api("POST", "/subjects/a/versions", sent("AVRO", first))
    await api.log.append(product.store("b", 1, 1, "AVRO", second))
    assert json.loads((await api("GET", "/schemas/ids/1"))[1]["schema"])["size"] == 4
    assert json.loads((await api("GET", "/subjects/b/versions/1"))[1]["schema"])["size"] == 8
    assert (await api("POST", "/subjects/b", sent("AVRO", second)))[0] == 404
    healed = (await api("POST", "/subjects/b/versions", sent("AVRO", second)))[1]
    assert (healed["id"], healed["version"]) == (2, 2)
    await api.registry.conflict_watch.look()
    assert [str(each) for each in api.registry.conflict_watch.conflicts] == [
        "b version 1 has the id 1, which means the schema of a version 1"
    ]
    warning = api.registry.conflict_watch.warning or ""
    assert warning.startswith("1 versions have an id that means another schema, such as the id 1;")


@pytest.mark.parametrize("schema_type", TYPES)
async def test_what_is_exported_by_the_api_is_what_the_topic_holds(
    api: Api, product: Product, schema_type: str
) -> None:
    log = [
        *product.store("order", 1, 7, schema_type, ORDER[schema_type]),
        *product.store("order", 2, 8, schema_type, SECOND[schema_type], deleted=True),
        *product.store("gone", 1, 8, schema_type, SECOND[schema_type], deleted=True),
        (product.key("dropped", 1), product.tombstone),
    ]
    await api.log.append(log)
    async with RegistryClient(str(api.client.make_url("/"))) as client:
        by_api = await registry_state.read(client, lambda *_: None)
    by_topic = build_store(records.decode(key, value) for key, value in log)
    assert list(list_records(by_api)) == list(list_records(by_topic))


async def test_a_deletion_by_us_is_read_by_the_other_product(api: Api, product: Product) -> None:
    """Its text is written back as it was, so that its own equality holds."""
    await api.log.append(product.store("order", 1, 7, "AVRO", ORDER["AVRO"]))
    assert await api("DELETE", "/subjects/order/versions/1") == (200, 1)
    (_, before, *_), (_, after, *_) = api.log.records
    assert json.loads(after or b"")["schema"] == json.loads(before or b"")["schema"]
    assert await api("DELETE", "/subjects/order/versions/1?permanent=true") == (200, 1)
    assert api.log.records[-1][:2] == (product.key("order", 1), None)


async def test_an_import_with_an_id_that_has_another_spelling_takes_that(api: Api) -> None:
    await api.log.append(KARAPACE.store("order", 1, 7, "AVRO", ORDER["AVRO"]))
    await api("PUT", "/mode?force=true", {"mode": "IMPORT"})
    body = {**sent("AVRO", ORDER["AVRO"]), "id": 7, "version": 1}
    assert (await api("POST", "/subjects/copy/versions", body))[1]["id"] == 7
    texts = {json.loads(value)["schema"] for _, value, *_ in api.log.records if value and b'"schema"' in value}
    assert len(texts) == 1
    other = {**sent("AVRO", SECOND["AVRO"]), "id": 7, "version": 2}
    assert (await api("POST", "/subjects/copy/versions", other))[1]["error_code"] == 42205


async def test_a_first_registration_parses_none_of_the_other_texts(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does the start: only what has the fingerprint of the schema that is sent."""
    parsed: list[str] = []
    parse = engine_jobs.parse

    def note(schema: ResolvedSchema) -> ParsedSchema:
        parsed.append(schema.text)
        return parse(schema)

    monkeypatch.setattr(engine_jobs, "parse", note)
    api = await start()
    for number in range(300):
        text = f'{{"type":"record","name":"R{number}","fields":[{{"name":"a","type":"int"}}]}}'
        await api.log.append(KARAPACE.store(f"s{number}", 1, number + 1, "AVRO", text))
    await api.log.append(KARAPACE.store("order", 1, 777, "AVRO", ORDER["AVRO"]))
    assert isinstance(api.registry.engines, Engines)
    assert parsed == []
    assert (await api("POST", "/subjects/new/versions", sent("AVRO", SECOND["AVRO"])))[1]["id"] == 778
    assert set(parsed) == {SECOND["AVRO"]}
    assert (await api("POST", "/subjects/copy/versions", sent("AVRO", ORDER["AVRO"])))[1]["id"] == 777
    assert not any("R1" in each for each in parsed)
