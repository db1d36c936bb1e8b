"""The rules of a version, tried on a record."""

from typing import Any

import pytest

from tests.web.conftest import Api

AVRO = """{"type": "record", "name": "Order", "fields": [
  {"name": "name", "type": "string"}, {"name": "ssn", "type": ["null", "string"], "confluent:tags": ["PII"]}]}"""
NAMED = {"name": "named", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "size(message.name) > 0"}
MASKED = {"name": "masked", "type": "CEL_FIELD", "mode": "WRITE", "tags": ["PII"], "expr": "'***'"}
GREETED = {"name": "greeted", "type": "CEL_FIELD", "mode": "READ", "expr": "name == 'name'; 'Dear ' + value"}
RECORD = {"name": "Ann", "ssn": {"string": "1"}}


async def register(api: Api, schema: str, **rule_set: Any) -> None:
    status, _ = await api("POST", "/subjects/s/versions", {"schema": schema, "ruleSet": rule_set})
    assert status == 200


async def try_rules(api: Api, record: object, version: str = "latest", **fields: object) -> tuple[int, Any]:
    return await api("POST", f"/subjects/s/versions/{version}/rules:test", {"record": record, **fields})


async def test_each_rule_shows_the_record_before_and_after(api: Api) -> None:
    await register(api, AVRO, domainRules=[NAMED, MASKED, GREETED])
    status, result = await try_rules(api, RECORD)
    masked = {"name": "Ann", "ssn": {"string": "***"}}
    assert (status, result["accepted"], result["record"]) == (200, True, masked)
    assert (result["subject"], result["version"], result["mode"]) == ("s", 1, "WRITE")
    named, second = result["rules"]
    assert (named["name"], named["outcome"], named["before"], named["after"]) == ("named", "passed", RECORD, RECORD)
    assert (second["name"], second["outcome"], second["before"], second["after"]) == (
        "masked",
        "passed",
        RECORD,
        masked,
    )
    status, result = await try_rules(api, RECORD, mode="READ")
    assert (status, result["record"]) == (200, {**RECORD, "name": "Dear Ann"})


async def test_a_rule_that_refuses_the_record_says_why(api: Api) -> None:
    await register(api, AVRO, domainRules=[NAMED, MASKED])
    status, result = await try_rules(api, {**RECORD, "name": ""})
    reason = "the condition does not hold: size(message.name) > 0"
    assert (status, result["accepted"], result["message"]) == (200, False, f"Rule failed: named: {reason}")
    (named,) = result["rules"]
    assert (named["outcome"], named["action"], named["reason"]) == ("failed", "ERROR", reason)
    assert "record" not in result


async def test_a_record_that_does_not_fit_the_schema_meets_no_rule(api: Api) -> None:
    await register(api, AVRO, domainRules=[NAMED])
    status, result = await try_rules(api, {"name": 1})
    assert (status, result["accepted"], result["rules"]) == (200, False, [])
    assert "content mismatch" in result["message"]


async def test_a_rule_without_end_is_ended(api: Api) -> None:
    endless = {"name": "e", "type": "JSONATA", "expr": "$pad('', 2000000000)"}
    await register(api, AVRO, domainRules=[endless])
    status, result = await try_rules(api, RECORD)
    assert (status, result["accepted"]) == (200, False)
    assert "to execute the rules on this record takes" in result["message"]


async def test_a_reader_of_another_version_sees_migrations(api: Api) -> None:
    """Upgrades in the order of the versions, downgrades backwards, then the domain rules of the reader."""
    await api("PUT", "/config/s", {"compatibility": "NONE"})
    version = '{"type": "record", "name": "Order", "fields": [{"name": "%s", "type": "string"}]}'
    await register(api, version % "a")
    for old, new in (("a", "b"), ("b", "c")):
        rules = [
            {"name": "up", "mode": "UPGRADE", "type": "JSONATA", "expr": f"{{'{new}': {old} & '{new}'}}"},
            {"name": "down", "mode": "DOWNGRADE", "type": "JSONATA", "expr": f"{{'{old}': {new} & '{old}'}}"},
        ]
        read = {"name": "read", "mode": "READ", "type": "CEL_FIELD", "expr": "value + '!'"}
        await register(api, version % new, migrationRules=rules, domainRules=[read])
    status, result = await try_rules(api, {"a": "1"}, "3", mode="READ", writerVersion=1)
    assert (status, result["record"]) == (200, {"c": "1bc!"})
    assert [(rule["name"], rule["mode"]) for rule in result["rules"]] == [
        ("up", "UPGRADE"),
        ("up", "UPGRADE"),
        ("read", "READ"),
    ]
    status, result = await try_rules(api, {"c": "1"}, "1", mode="READ", writerVersion=3)
    assert (status, result["record"]) == (200, {"a": "1ba"})
    status, error = await try_rules(api, {"c": "1"}, "1", mode="READ", writerVersion=9)
    assert (status, error["error_code"]) == (404, 40402)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "missing required field `record`"),
        ({"record": 1, "mode": "UPGRADE"}, 'mode: expected "WRITE" or "READ" (was "UPGRADE")'),
        ({"record": 1, "writerVersion": 1}, 'writerVersion is for mode "READ"'),
        ({"record": 1, "writer": 1}, "unknown field `writer`"),
        ([], "Expected `object`, got `array`"),
    ],
)
async def test_malformed_requests_are_refused(api: Api, body: object, message: str) -> None:
    await register(api, AVRO, domainRules=[NAMED])
    status, error = await api("POST", "/subjects/s/versions/1/rules:test", body)
    assert (status, error["error_code"]) == (422, 422)
    assert message in error["message"]


BROKEN = {
    "CEL": ("1 +", "line 1, column 4: Syntax error: mismatched input '<EOF>'"),
    "CEL_FIELD": ("value ==", "line 1, column 9"),
    "JSONATA": ("$merge([", "character 8: Expected ] before end of expression"),
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("phase", ["domainRules", "migrationRules"])
async def test_rules_that_cannot_be_compiled_are_refused_where_the_config_asks(api: Api, kind: str, phase: str) -> None:
    expr, reason = BROKEN[kind]
    mode = "WRITE" if phase == "domainRules" else "UPGRADE"
    body = {"schema": '"int"', "ruleSet": {phase: [{"name": "broken", "type": kind, "mode": mode, "expr": expr}]}}
    await api("PUT", "/config/s", {"validateRules": True})
    status, error = await api("POST", "/subjects/s/versions", body)
    assert (status, error["error_code"]) == (422, 42210)
    assert error["message"].startswith("Invalid rule set: the rule broken: the expression cannot be compiled: ")
    assert reason in error["message"]
    assert (await api("POST", "/subjects/others/versions", body))[0] == 200
    body["ruleSet"] = {
        phase: [{"name": "fine", "type": kind, "mode": mode, "expr": "1"}, {"name": "e", "type": "ENCRYPT"}]
    }
    assert (await api("POST", "/subjects/s/versions", body))[0] == 200


async def test_there_has_to_be_a_version(api: Api) -> None:
    assert (await try_rules(api, RECORD))[0] == 404
    await register(api, AVRO)
    assert (await try_rules(api, RECORD, "2"))[1]["error_code"] == 40402
    status, result = await try_rules(api, RECORD)
    assert (status, result["accepted"], result["rules"], result["record"]) == (200, True, [], RECORD)
