"""Whatever is stored can be looked up, registered again, imported, referred to, and served in every format.

The schemas are those of the corpus, valid or not, as Confluent's registry accepts and stores them, and as topics of
other registries hold them. A registry that accepts new schemas by their specifications only has to work with them, too.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from karapace_like.registry.registration import Rules
from karapace_like.schema import formats
from karapace_like.schema.model import InvalidSchemaError, SchemaType, Strictness, UnparsedSchema
from tests.web.conftest import Api
from tests.web.dialects import CONFLUENT, KARAPACE, Product

Start = Callable[..., Awaitable[Api]]
_CORPUS = Path(__file__).parents[1] / "corpus"
_FILES = {SchemaType.AVRO: "avro.json", SchemaType.JSON: "json_schema.json", SchemaType.PROTOBUF: "protobuf.json"}
_FORMATS = {
    SchemaType.AVRO: ("resolved",),
    SchemaType.JSON: (),
    SchemaType.PROTOBUF: ("serialized", "ignore_extensions"),
}
_EVERY = 20
"""One of so many valid schemas of the corpus is used; the others differ from it in details."""


class Case(NamedTuple):
    schema_type: SchemaType
    text: str

    @property
    def body(self) -> dict[str, str]:
        return {"schemaType": self.schema_type, "schema": self.text}

    @property
    def is_valid(self) -> bool:
        """Whether the specification of the format allows the schema."""
        try:
            formats.parse(UnparsedSchema(self.schema_type, self.text), {}, Strictness.STRICT)
        except InvalidSchemaError:
            return False
        return True


def _read_corpus(schema_type: SchemaType) -> Iterator[Case]:
    corpus = json.loads((_CORPUS / _FILES[schema_type]).read_text(encoding="utf-8"))
    for schema in [case["schema"] for case in corpus.get("validity", ())] + corpus["schemas"][::_EVERY]:
        if schema_type is SchemaType.PROTOBUF:
            if isinstance(schema, str):
                yield Case(schema_type, schema)
        else:
            yield Case(schema_type, schema if str(schema)[:1] in {"{", "[", '"'} else json.dumps(schema))


def _refer_to(case: Case, subject: str) -> dict[str, Any] | None:
    """A schema that refers to the stored one; None where nothing can."""
    reference = {"name": "stored", "subject": subject, "version": 1}
    value = None if case.schema_type is SchemaType.PROTOBUF else json.loads(case.text)
    if case.schema_type is SchemaType.PROTOBUF:
        text = 'syntax = "proto3"; import "stored"; message OfTheReferrer {}'
    elif case.schema_type is SchemaType.JSON:
        draft = {"$schema": value["$schema"]} if isinstance(value, dict) and "$schema" in value else {}
        text = json.dumps({**draft, "properties": {"a": {"$ref": "stored"}}})
    elif isinstance(value, dict) and value.get("type") in {"record", "enum", "fixed", "error"}:
        name = value["name"]
        reference["name"] = name if "." in name else f"{value.get('namespace') or ''}.{name}".strip(".")
        fields = [{"name": "a", "type": reference["name"]}]
        text = json.dumps({"type": "record", "name": "of.the.Referrer", "fields": fields})
    else:
        return None
    return {"schemaType": case.schema_type, "schema": text, "references": [reference]}


class User:
    """Does with stored schemas all that can be done with them, and notes what fails."""

    def __init__(self, api: Api, *, accepts_invalid: bool) -> None:
        self._api = api
        self._accepts_invalid = accepts_invalid
        self.faults: list[tuple[str, str, int, Any]] = []

    async def use(self, number: int, case: Case) -> None:
        """Use version 1 of the subject, whose schema the case is."""
        subject = f"s-{number}"
        version = (await self._api("GET", f"/subjects/{subject}/versions/1"))[1]
        schema_id, body = version["id"], {"schemaType": case.schema_type, "schema": version["schema"]}

        async def expect(path: str, sent: object = None, expected: int = 200, **fields: Any) -> None:
            status, answer = await self._api("GET" if sent is None else "POST", path, sent)
            if status != expected or any(answer.get(name) != value for name, value in fields.items()):
                self.faults.append((path, case.text, status, answer))

        await expect(f"/schemas/ids/{schema_id}", schema=version["schema"])
        await expect(f"/subjects/{subject}", body, version=1)
        await expect(f"/subjects/{subject}/versions", body, id=schema_id)
        for form in _FORMATS[case.schema_type]:
            is_compiled = form == "serialized" and not case.is_valid
            await expect(f"/schemas/ids/{schema_id}?format={form}", expected=422 if is_compiled else 200)
        await expect(f"/subjects/:.imported:{subject}/versions", {**body, "id": schema_id}, id=schema_id)
        if self._accepts_invalid or case.is_valid:  # the others are new schemas there
            await expect(f"/subjects/other-{number}/versions", body, id=schema_id)
            await expect(f"/compatibility/subjects/{subject}/versions/1", body, is_compatible=True)
            if (referrer := _refer_to(case, subject)) is not None:
                await expect(f"/subjects/referrer-{number}/versions", referrer)
        numbers = await self._api("GET", f"/subjects/{subject}/versions")
        if numbers != (200, [1]):
            self.faults.append(("versions", case.text, *numbers))


async def _register_corpus(api: Api, schema_type: SchemaType) -> dict[int, Case]:
    """Register what of the corpus is accepted, each schema in a subject of its own."""
    cases: dict[int, Case] = {}
    texts: set[str] = set()
    for number, case in enumerate(_read_corpus(schema_type)):
        status, answer = await api("POST", f"/subjects/s-{number}/versions", case.body)
        if status == 200 and answer["schema"] not in texts:
            cases[number] = case
            texts.add(answer["schema"])
    assert len(cases) > 20
    return cases


async def _use_all(api: Api, cases: dict[int, Case], *, accepts_invalid: bool) -> None:
    await api("PUT", "/mode/:.imported:?force=true", {"mode": "IMPORT"})
    user = User(api, accepts_invalid=accepts_invalid)
    for number, case in cases.items():
        await user.use(number, case)
    assert user.faults == [], "\n".join(map(str, user.faults))


@pytest.mark.slow
@pytest.mark.parametrize("schema_type", SchemaType)
async def test_what_the_reference_accepts_is_of_full_use_to_every_node(start: Start, schema_type: SchemaType) -> None:
    """To the node that registered it, and to one that judges new schemas by their specifications."""
    lax, strict = await start(rules=Rules(strictness=Strictness.LAX)), await start()
    cases = await _register_corpus(lax, schema_type)
    await strict.log.append([(record.key or b"", record.value) for record in lax.log.records])
    await _use_all(lax, cases, accepts_invalid=True)
    await _use_all(strict, cases, accepts_invalid=False)


@pytest.mark.slow
@pytest.mark.parametrize("product", [CONFLUENT, KARAPACE], ids=lambda product: str(product.name))
@pytest.mark.parametrize("schema_type", SchemaType)
async def test_what_another_registry_has_stored_is_of_full_use(
    start: Start, product: Product, schema_type: SchemaType
) -> None:
    lax, api = await start(rules=Rules(strictness=Strictness.LAX)), await start()
    cases = await _register_corpus(lax, schema_type)
    for number, case in cases.items():
        await api.log.append(product.store(f"s-{number}", 1, number + 1, schema_type, case.text))
    await _use_all(api, cases, accepts_invalid=False)
