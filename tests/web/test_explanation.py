"""Why a schema is incompatible: each reason at its place in both texts, with a record that would break."""

import json
from typing import Any

import pytest

from tests.web.conftest import Api

LIFTS = "/subjects/lifts-value/versions"
EXPLANATION = "/compatibility/subjects/lifts-value/explanation"


def _avro(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Lift", "fields": list(fields)}, indent=2)


FLOOR = {"name": "floor", "type": "int"}
DOORS = {"name": "doors", "type": "int"}
OPEN_LIFT = '{"type": "object", "properties": {"floor": {"type": ["integer", "string"]}}}'
NARROW_LIFT = '{\n "type": "object",\n "properties": {\n  "floor": {"type": "integer"}\n }\n}'
PROTO = 'syntax = "proto3";\nmessage Lift {\n  int32 floor = 1;\n}\n'


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schema_type", "old", "new", "rule", "line", "shown", "record", "detail"),
    [
        (
            "AVRO",
            _avro(FLOOR),
            _avro(FLOOR, DOORS),
            "READER_FIELD_MISSING_DEFAULT_VALUE",
            10,
            '"name": "doors",',
            '{"floor": 1}',
            "doors",
        ),
        ("JSON", OPEN_LIFT, NARROW_LIFT, "TYPE_CHANGED", 4, '"floor": {"type": "integer"}', '{"floor": ""}', ""),
        (
            "PROTOBUF",
            PROTO,
            PROTO.replace("int32", "string"),
            "FIELD_SCALAR_KIND_CHANGED",
            3,
            "string floor = 1;",
            '{"floor": 1}',
            "",
        ),
    ],
)
async def test_each_reason_has_its_place_and_a_record_that_would_break(
    api: Api, schema_type: str, old: str, new: str, rule: str, line: int, shown: str, record: str, detail: str
) -> None:
    await api("POST", LIFTS, {"schema": old, "schemaType": schema_type})
    status, answer = await api("POST", EXPLANATION, {"schema": new, "schemaType": schema_type})
    assert status == 200, answer
    assert (answer["is_compatible"], answer["compatibilityLevel"], answer["isComplete"]) == (False, "BACKWARD", True)
    (version,) = answer["versions"]
    assert (version["version"], version["is_compatible"], version["isCompared"]) == (1, False, True)
    reason = next(reason for reason in version["incompatibilities"] if reason["rule"] == rule)
    assert (reason["direction"], reason["place"]["line"], reason["place"]["text"]) == ("backward", line, shown)
    assert reason["oldPlace"]["line"] >= 1
    assert reason["example"]["record"] == record
    assert reason["example"]["outcome"]
    assert reason["advice"]
    assert reason.get("detail", "") == detail


async def test_versions_are_told_apart_by_whether_the_level_compares_with_them(api: Api) -> None:
    for schema in (_avro(FLOOR), _avro(FLOOR, {**DOORS, "default": 2})):
        await api("POST", LIFTS, {"schema": schema})
    changed = _avro(FLOOR, DOORS)
    answer = (await api("POST", EXPLANATION, {"schema": changed}))[1]
    assert answer["is_compatible"]
    shown = [(version["version"], version["is_compatible"], version["isCompared"]) for version in answer["versions"]]
    assert shown == [(2, True, True), (1, False, False)]
    await api("PUT", "/config/lifts-value", {"compatibility": "BACKWARD_TRANSITIVE"})
    answer = (await api("POST", EXPLANATION, {"schema": changed}))[1]
    assert not answer["is_compatible"]
    assert [version["isCompared"] for version in answer["versions"]] == [True, True]
    await api("PUT", "/config/lifts-value", {"compatibility": "NONE"})
    answer = (await api("POST", EXPLANATION, {"schema": changed}))[1]
    assert [version["is_compatible"] for version in answer["versions"]] == [True, True]


async def test_referring_subjects_are_judged_as_if_they_referred_to_the_schema(api: Api) -> None:
    await api("POST", LIFTS, {"schema": _avro(FLOOR)})
    reference = [{"name": "Lift", "subject": "lifts-value", "version": 1}]
    tower = {"type": "record", "name": "Tower", "fields": [{"name": "lift", "type": "Lift"}]}
    await api("POST", "/subjects/towers/versions", {"schema": json.dumps(tower), "references": reference})
    town = {"type": "record", "name": "Town", "fields": [{"name": "tower", "type": "Tower"}]}
    both = [*reference, {"name": "Tower", "subject": "towers", "version": 1}]
    await api("POST", "/subjects/towns/versions", {"schema": json.dumps(town), "references": both})
    affected = (await api("POST", EXPLANATION, {"schema": _avro(FLOOR, DOORS)}))[1]["affected"]
    assert [(each["subject"], each["effect"], each["canReadOld"]) for each in affected] == [
        ("towers", "breaks", False),
        ("towns", "breaks", False),
    ]
    assert affected[0]["reasons"][0].startswith("READER_FIELD_MISSING_DEFAULT_VALUE")
    renamed = {"schema": _avro(FLOOR).replace("Lift", "Elevator")}
    affected = (await api("POST", EXPLANATION, renamed))[1]["affected"]
    assert {each["effect"] for each in affected} == {"unreadable"}
    fine = {"schema": _avro(FLOOR, {**DOORS, "default": 1})}
    assert {each["effect"] for each in (await api("POST", EXPLANATION, fine))[1]["affected"]} == {"holds"}


async def test_no_more_than_twenty_versions_and_fifty_subjects_are_looked_at(api: Api) -> None:
    await api("PUT", "/config/lifts-value", {"compatibility": "NONE"})
    for number in range(21):
        await api("POST", LIFTS, {"schema": _avro({"name": f"f{number}", "type": "int"})})
    reference = [{"name": "Lift", "subject": "lifts-value", "version": 21}]
    for number in range(51):
        tower = {"type": "record", "name": "Tower", "fields": [{"name": "lift", "type": "Lift"}]}
        await api("POST", f"/subjects/t{number}/versions", {"schema": json.dumps(tower), "references": reference})
    await api("PUT", "/config/lifts-value", {"compatibility": "BACKWARD"})
    answer = (await api("POST", EXPLANATION, {"schema": _avro(FLOOR)}))[1]
    assert [version["version"] for version in answer["versions"]] == list(range(21, 1, -1))
    assert [bool(version["incompatibilities"]) for version in answer["versions"]] == [True] * 3 + [False] * 17
    assert len(answer["affected"]) == 50
    assert answer["isComplete"] is False


async def test_another_type_and_a_new_subject_are_told_in_words(api: Api) -> None:
    await api("POST", LIFTS, {"schema": _avro(FLOOR)})
    answer = (await api("POST", EXPLANATION, {"schema": PROTO, "schemaType": "PROTOBUF"}))[1]
    (version,) = answer["versions"]
    assert version["messages"] == ["Incompatible because of different schema type"]
    assert version["incompatibilities"] == []
    new = (await api("POST", "/compatibility/subjects/nothing/explanation", {"schema": _avro(FLOOR)}))[1]
    assert (new["is_compatible"], new["versions"], new["affected"]) == (True, [], [])


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"schema": '{"type": "record"}'}, 422, 42201),
        ({"schema": "{", "schemaType": "JSON"}, 422, 42201),
        ({"schema": '"int"', "references": [{"name": "a", "subject": "none", "version": 1}]}, 422, 42201),
        ([], 400, 400),
    ],
)
async def test_what_is_no_schema_is_refused_as_by_a_check(api: Api, body: Any, status: int, code: int) -> None:
    answered, answer = await api("POST", EXPLANATION, body)
    assert (answered, answer["error_code"]) == (status, code)
    assert (answered, answer) == await api("POST", "/compatibility/subjects/lifts-value/versions", body)


async def test_a_reason_within_a_reference_names_the_reference(api: Api) -> None:
    tower = json.dumps({"type": "record", "name": "Tower", "fields": [{"name": "lift", "type": "Lift"}]})
    await api("PUT", "/config/lifts-value", {"compatibility": "NONE"})
    for schema in (_avro(FLOOR), _avro(FLOOR, DOORS)):
        await api("POST", LIFTS, {"schema": schema})
    bodies = [
        {"schema": tower, "references": [{"name": "Lift", "subject": "lifts-value", "version": version}]}
        for version in (1, 2)
    ]
    await api("POST", "/subjects/towers/versions", bodies[0])
    answer = (await api("POST", "/compatibility/subjects/towers/explanation", bodies[1]))[1]
    (reason,) = answer["versions"][0]["incompatibilities"]
    assert (reason["rule"], reason["path"]) == ("READER_FIELD_MISSING_DEFAULT_VALUE", "/fields/0/type/fields/1")
    assert (reason["place"]["reference"], reason["oldPlace"]["reference"]) == ("Lift", "Lift")
    assert '"doors"' in reason["place"]["text"]
    assert (reason["place"]["isExact"], reason["oldPlace"]["isExact"]) == (True, False)
    assert reason["example"]["record"] == '{"lift": {"floor": 1}}'


async def test_a_large_object_is_shown_by_one_of_its_members(api: Api) -> None:
    properties = {f"property_{number}": {"type": "string", "minLength": 1} for number in range(300)}
    body = {"type": "object", "additionalProperties": False, "properties": properties}
    await api("POST", LIFTS, {"schema": json.dumps(body), "schemaType": "JSON"})
    del properties["property_7"]
    answer = (await api("POST", EXPLANATION, {"schema": json.dumps(body), "schemaType": "JSON"}))[1]
    (reason,) = answer["versions"][0]["incompatibilities"]
    assert reason["rule"] == "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL"
    assert reason["example"]["record"] == '{"property_7": "x"}'


async def test_a_wide_schema_that_breaks_everywhere_has_a_bounded_answer(api: Api) -> None:
    fields = [{"name": f"field_{number}", "type": "int", "default": 0} for number in range(300)]
    await api("POST", LIFTS, {"schema": _avro(*fields)})
    changed = [{**field, "type": "string", "default": ""} for field in fields]
    answer = (await api("POST", EXPLANATION, {"schema": _avro(*changed)}))[1]
    (version,) = answer["versions"]
    assert len(version["incompatibilities"]) == len(version["messages"]) == 100
    assert (len(answer["messages"]), answer["isComplete"]) == (103, False)
    assert "oldSchemaVersion: 1" in answer["messages"][100]
    assert answer["messages"][102].startswith("{validateFields:")
