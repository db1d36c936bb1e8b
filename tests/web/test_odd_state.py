"""What others may have written into the topic, and can be read, is answered: never 500, whatever is asked of it."""

import json
from typing import Any

import pytest

from tests.odd_records import ODD
from tests.web.conftest import Api, TopicRecord

NAMES = [
    "",
    " ",
    "a",
    "a/b",
    "ß",
    "\x00",
    ":.",
    ":.c:",
    ":.c:a",
    ":.:b",
    ":.c",
    ":*:",
    ":*:a",
    ":.__GLOBAL:",
    "x" * 500,
]
VALUES: dict[str, dict[str, Any]] = {
    "plain": {"schema": '"int"'},
    "no schema": {"schema": ""},
    "itself": {"schema": '"int"', "references": [{"name": "r", "subject": "a", "version": 1}]},
    "latest": {"schema": '"int"', "references": [{"name": "r", "subject": "a", "version": -1}]},
    "version 0": {"schema": '"int"', "references": [{"name": "", "subject": "", "version": 0}]},
    "far": {
        "schema": "{}",
        "schemaType": "JSON",
        "references": [{"name": "r", "subject": ":.:", "version": 2**31 - 1}],
    },
    "null members": {
        "schema": "{}",
        "schemaType": "JSON",
        "metadata": {"tags": None, "properties": None, "sensitive": None},
        "ruleSet": {"migrationRules": None, "domainRules": None, "encodingRules": None},
    },
    "scalars": {"schema": '"int"', "metadata": {"properties": {"owner": 5, "confluent:version": None, "x": True}}},
    "later members": {
        "schema": 'syntax = "proto3";',
        "schemaType": "PROTOBUF",
        "metadata": {"later": [{"name": []}, 2**70, 1e300]},
        "ruleSet": {"domainRules": [{"later": {}}], "later": {"a": [[]]}},
    },
    "soft-deleted": {"schema": '"long"', "deleted": True},
}
PATHS = [
    "/subjects?deleted=true&subjectPrefix=:*:",
    "/schemas?deleted=true&subjectPrefix=:*:",
    "/schemas?latestOnly=true&ruleType=T",
    "/contexts",
    "/schemas/types",
    "/subjects/{}/versions?deleted=true",
    "/subjects/{}/versions/1",
    "/subjects/{}/versions/latest?referenceFormat=qualified",
    "/subjects/{}/versions/1/schema",
    "/subjects/{}/versions/1/referencedby",
    "/subjects/{}/metadata?key=owner&value=5",
    "/schemas/ids/1?subject={}&fetchMaxId=true",
    "/schemas/ids/1/schema?subject={}&format=resolved",
    "/schemas/ids/1/subjects?deleted=true&subject={}",
    "/schemas/ids/1/versions?subject={}",
    "/config/{}?defaultToGlobal=true",
    "/mode/{}?defaultToGlobal=true",
]


def put(api: Api, key: object, value: object, *raw: tuple[bytes, bytes]) -> None:
    found = [(json.dumps(key).encode(), json.dumps(value).encode()), *raw]
    start = len(api.log.records)
    api.log.records += [TopicRecord(*each, 1, offset) for offset, each in enumerate(found, start)]
    api.registry.apply_batch(api.log.records[start:], len(api.log.records))


@pytest.mark.slow
@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("name", NAMES)
async def test_no_call_fails_for_what_was_read(api: Api, name: str, kind: str) -> None:
    put(api, {"keytype": "SCHEMA", "subject": name, "version": 1, "magic": 1}, {"id": 1, **VALUES[kind]}, *ODD)
    put(api, {"keytype": "CONFIG", "subject": name, "magic": 0}, {"alias": name, "compatibilityLevel": "FULL"})
    quoted = "".join(f"%{each:02x}" for each in name.encode()) or "%20"
    for path in PATHS:
        answer = await api.response("GET", path.format(quoted))
        assert answer.status < 500, (path, await answer.text())
    schema = {name: value for name, value in VALUES[kind].items() if name in {"schema", "schemaType", "references"}}
    for method, path in (
        ("POST", f"/subjects/{quoted}"),
        ("POST", f"/compatibility/subjects/{quoted}/versions"),
        ("POST", f"/subjects/{quoted}/versions"),
        ("POST", f"/subjects/{quoted}/versions/1/tags"),
        ("DELETE", f"/subjects/{quoted}/versions/1"),
        ("DELETE", f"/subjects/{quoted}/versions/1?permanent=true"),
        ("DELETE", f"/subjects/{quoted}"),
    ):
        body = {"rulesToRemove": ["r"], "metadata": {}} if path.endswith("/tags") else schema
        answer = await api.response(method, path, None if method == "DELETE" else body)
        assert answer.status < 500, (method, path, await answer.text())


async def test_odd_records_are_a_warning(api: Api) -> None:
    """Where the health is told by the registry alone; everything else is in `tests/kafka/test_odd_records.py`."""
    put(api, {"keytype": "SCHEMA", "subject": "a", "version": 1, "magic": 1}, {"id": 1, "schema": '"int"'}, *ODD)
    assert len(api.registry.store.unreadable) == len(ODD)
    assert await api("GET", "/subjects") == (200, ["a"])
    assert (await api("POST", "/subjects/b/versions", {"schema": '"long"'}))[1]["id"] == 2


async def test_the_last_number_is_no_number_to_count_on_from(api: Api) -> None:
    """The next one would be no version that can be read."""
    last = {"keytype": "SCHEMA", "subject": "a", "version": 2**31 - 1, "magic": 1}
    put(api, last, {"id": 1, "schema": '"int"'})
    await api("PUT", "/config", {"compatibility": "NONE"})
    status, body = await api("POST", "/subjects/a/versions", {"schema": '"long"'})
    assert (status, body["error_code"]) == (422, 42205)
    assert "2147483647" in body["message"]
    assert (await api("POST", "/subjects/b/versions", {"schema": '"long"'}))[0] == 200
