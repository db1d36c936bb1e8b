"""`karapace-like rules test`: what is wrong with rules, and what they make of records."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import run, write

SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [{"name": "name", "type": "string"}, {"name": "ssn", "type": "string", "confluent:tags": ["PII"]}],
}
NAMED = {"name": "named", "kind": "CONDITION", "type": "CEL", "mode": "WRITE", "expr": "size(message.name) > 0"}
MASKED = {"name": "masked", "type": "CEL_FIELD", "mode": "WRITE", "tags": ["PII"], "expr": "'***'"}
RECORD = {"name": "Ann", "ssn": "1"}


def file(*rules: dict[str, Any], **more: Any) -> str:
    return json.dumps({"schema": SCHEMA, "ruleSet": {"domainRules": rules}, **more})


def test_records_become_what_the_file_expects(tmp_path: Path) -> None:
    tests = [
        {"name": "masked", "record": RECORD, "becomes": {"name": "Ann", "ssn": "***"}},
        {"name": "refused", "record": {**RECORD, "name": ""}, "fails": "Rule failed: named"},
        {"record": RECORD, "mode": "READ", "becomes": RECORD},
    ]
    write(tmp_path, {"a.rules.json": file(NAMED, MASKED, tests=tests)})
    ended = run("rules", "test", "a.rules.json", folder=tmp_path)
    assert (ended.code, ended.out) == (
        0,
        "a.rules.json: ok: masked\na.rules.json: ok: refused\na.rules.json: ok: record 3\n",
    )
    (report,) = run("rules", "test", "a.rules.json", "--format", "json", folder=tmp_path).json()
    assert (report["path"], report["faults"], report["tests"][1]) == (
        "a.rules.json",
        [],
        {"name": "refused", "passed": True, "problem": None},
    )
    ended = run("rules", "test", "a.rules.json", "--verbose", folder=tmp_path)
    assert '    passed masked (CEL_FIELD, WRITE)\n      {"name":"Ann","ssn":"***"}\n' in ended.out
    assert "    failed named (CEL, WRITE): the condition does not hold: size(message.name) > 0\n" in ended.out


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        ({"becomes": RECORD}, 'expected {"name":"Ann","ssn":"1"}, but the record became {"name":"Ann","ssn":"***"}'),
        ({"fails": "named"}, "expected a failure with 'named', but the record is accepted"),
        ({"record": {**RECORD, "name": ""}, "fails": "other"}, "expected a failure with 'other': Rule failed: named: "),
        ({"record": {**RECORD, "name": ""}}, "Rule failed: named: the condition does not hold"),
        ({"record": {"name": "Ann"}}, 'Field "ssn" content mismatch'),
    ],
)
def test_what_is_not_as_expected_fails(tmp_path: Path, test: dict[str, Any], problem: str) -> None:
    write(tmp_path, {"a.json": file(NAMED, MASKED, tests=[{"record": RECORD, **test}])})
    ended = run("rules", "test", "a.json", folder=tmp_path)
    assert ended.code == 1
    assert ended.out.startswith("a.json: FAILED: record 1\n    ")
    assert problem in ended.out


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        (
            {**NAMED, "expr": "size(message.name) >"},
            "error: named: the expression cannot be compiled: line 1, column 21",
        ),
        (
            {**NAMED, "type": "JSONATA", "expr": "$merge(["},
            "error: named: the expression cannot be compiled: character 8",
        ),
        ({**NAMED, "expr": "1 > 2"}, "warning: named: the condition never holds: 1 > 2"),
        ({**NAMED, "expr": "true"}, "warning: named: the condition always holds: true"),
        ({**NAMED, "expr": "1 > 2; size(message.name) > 0"}, "warning: named: the guard never holds: 1 > 2"),
        ({**MASKED, "tags": ["PII", "GDPR"]}, "warning: masked: no field has the tag GDPR"),
        (
            {**MASKED, "expr": "typeName == 'TEXT'; '*'"},
            "warning: masked: typeName is never 'TEXT'; it is one of STRING",
        ),
        ({**MASKED, "expr": "name == 'sn'; '*'"}, "warning: masked: name is never 'sn': no field has this name"),
        ({**MASKED, "type": "MINE"}, "warning: masked: this service has no executor of rules of the type MINE"),
        ({**MASKED, "type": "ENCRYPT"}, "error: masked: it names no key: its parameter encrypt.kek.name is missing"),
        (
            {**MASKED, "type": "ENCRYPT", "params": {"encrypt.kek.name": "k"}, "tags": ["GDPR"]},
            "warning: masked: no field has the tag GDPR",
        ),
        ({**MASKED, "type": "ENCRYPT_PAYLOAD"}, "warning: masked: a rule of the type ENCRYPT_PAYLOAD runs only on"),
    ],
)
def test_faults_of_rules_are_found_without_records(tmp_path: Path, rule: dict[str, Any], fault: str) -> None:
    write(tmp_path, {"a.json": file(rule)})
    ended = run("rules", "test", "a.json", folder=tmp_path)
    assert ended.out.startswith(f"a.json: {fault}")
    assert ended.code == int(": error: " in ended.out)


def test_rules_without_faults_print_nothing(tmp_path: Path) -> None:
    metadata = {"tags": {"Order.name": ["GDPR"]}}
    write(tmp_path, {"a.json": file(NAMED, {**MASKED, "tags": ["GDPR"]}, metadata=metadata)})
    ended = run("rules", "test", "a.json", folder=tmp_path)
    assert (ended.code, ended.out, ended.err) == (0, "", "")


def test_a_schema_may_be_in_a_file_with_references(tmp_path: Path) -> None:
    proto = 'syntax = "proto3"; import "p.proto"; message Order { Person buyer = 1; }'
    tests = [{"record": {"buyer": {"name": "Ann"}}, "becomes": {"buyer": {"name": "Ann!"}}}]
    rule = {"name": "r", "type": "CEL_FIELD", "expr": "value + '!'"}
    body = {
        "schemaType": "PROTOBUF",
        "schemaFile": "schemas/order.proto",
        "references": {"p.proto": "schemas/p.proto"},
        "ruleSet": {"domainRules": [rule]},
        "tests": tests,
    }
    files = {
        "schemas/order.proto": proto,
        "schemas/p.proto": 'syntax = "proto3"; message Person { string name = 1; }',
        "a.json": json.dumps(body),
    }
    write(tmp_path, files)
    ended = run("rules", "test", "a.json", folder=tmp_path)
    assert (ended.code, ended.out) == (0, "a.json: ok: record 1\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "a.json: Input data was truncated"),
        ("{}", "a.json: Object missing required field `ruleSet`"),
        ('{"ruleSet": {}}', "a.json: expected either schema or schemaFile"),
        ('{"ruleSet": {}, "schemaFile": "b"}', "a.json: b cannot be read"),
        ('{"ruleSet": {}, "schema": "{"}', "a.json: the schema cannot be used"),
        ('{"ruleSet": {}, "schema": "\\"int\\"", "rules": 1}', "unknown field `rules`"),
    ],
)
def test_a_file_that_cannot_be_read_ends_with_2(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, {"a.json": text})
    ended = run("rules", "test", "a.json", folder=tmp_path)
    assert ended.code == 2
    assert message in ended.err


def test_help_has_examples(tmp_path: Path) -> None:
    for arguments in (["rules"], ["rules", "test"]):
        words = " ".join(run(*arguments, "--help", folder=tmp_path).out.split())
        assert "Exit codes: 0 " in words
        assert "Examples: karapace-like rules test" in words
