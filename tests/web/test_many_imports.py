"""A Protobuf schema that another registry stored, with more imported files than are compiled here."""

import json

import pytest

from tests.web.conftest import Api, TopicRecord


def store(api: Api, subject: str, schema_id: int, text: str, imported: list[str]) -> None:
    key = {"keytype": "SCHEMA", "subject": subject, "version": 1, "magic": 1}
    references = [{"name": f"{name}.proto", "subject": name, "version": 1} for name in imported]
    value = {"subject": subject, "version": 1, "id": schema_id, "schemaType": "PROTOBUF", "schema": text,
             "references": references, "deleted": False}  # fmt: skip
    offset = len(api.log.records)
    api.log.records.append(TopicRecord(json.dumps(key).encode(), json.dumps(value).encode(), 1, offset))
    api.registry.apply_batch(api.log.records[offset:], offset + 1)


@pytest.mark.parametrize(
    "path",
    ["/subjects/main/versions/1", "/subjects/main/versions/1/schema", "/schemas/ids/1002", "/schemas/ids/1002/schema"],
)
async def test_its_serialized_form_is_refused_with_the_limit(api: Api, path: str) -> None:
    names = [f"f{number}" for number in range(1001)]
    for number, name in enumerate(names):
        store(api, name, number + 1, f'syntax = "proto3"; message {name.upper()} {{ string a = 1; }}', [])
    imports = " ".join(f'import "{name}.proto";' for name in names)
    store(api, "main", 1002, f'syntax = "proto3"; {imports} message Main {{ F0 a = 1; }}', names)
    assert (await api("GET", path.removesuffix("/schema")))[0] == 200
    status, refusal = await api("GET", f"{path}?format=serialized")
    assert (status, refusal["error_code"]) == (422, 42201)
    assert refusal["message"].endswith("the schema imports more than 1000 files")
