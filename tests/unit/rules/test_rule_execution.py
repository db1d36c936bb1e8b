"""The rules of a schema run in the order, with the outcomes and on the fields that Confluent's clients have."""

from collections.abc import Mapping
from typing import Any

import pytest

from karapace_like.rules import execution, jsonata_expressions
from karapace_like.rules.encryption import DataKey
from karapace_like.rules.errors import HeavyRuleError, RuleEvaluationError, RuleFailedError
from karapace_like.rules.jobs import RuleJob, create_execution, encode_value, run_job
from karapace_like.rules.model import Rule, RuleMode, RulePhase, RuleSet
from karapace_like.rules.payload_execution import PayloadExecution
from karapace_like.rules.tags import match_name
from karapace_like.schema.model import SchemaType
from tests.unit.rules.ruled_schemas import (
    AVRO,
    AVRO_VALUE,
    JSON_SCHEMA,
    JSON_VALUE,
    PROTOBUF,
    PROTOBUF_VALUE,
    execute,
    fail,
    ruled_schema,
)

SCHEMAS: Mapping[SchemaType, tuple[str, dict[str, Any]]] = {
    SchemaType.AVRO: (AVRO, AVRO_VALUE),
    SchemaType.JSON: (JSON_SCHEMA, JSON_VALUE),
    SchemaType.PROTOBUF: (PROTOBUF, PROTOBUF_VALUE),
}


KEK = {"encrypt.kek.name": "people"}


def append(text: str, **rule: Any) -> dict[str, Any]:
    """A rule that appends a text to the count's neighbour in JSON, so that the order of rules shows."""
    return {"name": text, "type": "CEL_FIELD", "tags": ["PII"], "expr": f"value + '{text}'", **rule}


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_condition_on_the_record_leaves_it_as_it_is(kind: SchemaType) -> None:
    text, value = SCHEMAS[kind]
    expr = "size(message.labels) == 2 && message.buyer.name == 'Ann' && message.count == 3"
    schema = ruled_schema(kind, text, [{"kind": "CONDITION", "type": "CEL", "expr": expr}])
    assert execute(schema, value) is value


@pytest.mark.parametrize("kind", SCHEMAS)
def test_a_condition_that_does_not_hold_lets_the_record_fail(kind: SchemaType) -> None:
    text, value = SCHEMAS[kind]
    schema = ruled_schema(kind, text, [{"kind": "CONDITION", "type": "CEL", "expr": "message.count > 7"}])
    failure = fail(schema, value)
    assert (failure.rule, failure.action, failure.mode) == ("r", "ERROR", "WRITE")
    assert failure.describe() == "Rule failed: r: the condition does not hold: message.count > 7"


def test_a_condition_says_what_its_doc_says() -> None:
    rule = {"kind": "CONDITION", "type": "CEL", "expr": "false", "doc": "an order needs a buyer"}
    assert fail(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE).reason == "an order needs a buyer"


@pytest.mark.parametrize(
    ("result", "holds"), [("true", True), ("1", True), ("0", False), ("''", False), ("null", False)]
)
def test_what_is_empty_counts_as_false(result: str, *, holds: bool) -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [{"kind": "CONDITION", "type": "CEL", "expr": result}])
    if holds:
        assert execute(schema, AVRO_VALUE) is AVRO_VALUE
    else:
        assert fail(schema, AVRO_VALUE).action == "ERROR"


@pytest.mark.parametrize(
    ("kind", "changed"),
    [
        (SchemaType.AVRO, {"ssn": {"string": "123!"}}),
        (SchemaType.JSON, {"ssn": "123!"}),
        (SchemaType.PROTOBUF, {"buyerSsn": "123!"}),
    ],
)
def test_fields_are_chosen_by_tags_in_the_text(kind: SchemaType, changed: dict[str, Any]) -> None:
    text, value = SCHEMAS[kind]
    schema = ruled_schema(kind, text, [append("!")])
    assert execute(schema, value) == {**value, **changed}


@pytest.mark.parametrize(
    ("kind", "path", "changed"),
    [
        (SchemaType.AVRO, "shop.Person.name", {"buyer": {"shop.Person": {"name": "Ann!", "mail": "ann@example.org"}}}),
        (SchemaType.AVRO, "shop.Order.lab*", {"labels": ["a!", "b!"]}),
        (SchemaType.AVRO, "**.name", {"buyer": {"shop.Person": {"name": "Ann!", "mail": "ann@example.org"}}}),
        (SchemaType.JSON, "$.buyer.name", {"buyer": {"name": "Ann!"}}),
        (SchemaType.JSON, "$.place.*", {"place": {"city": "Ulm!"}}),
        (SchemaType.JSON, "$.labels", {"labels": ["a!", "b!"]}),
        (SchemaType.PROTOBUF, "shop.Order.Person.name", {"buyer": {"name": "Ann!"}}),
        (SchemaType.PROTOBUF, "shop.Order.notes", {"notes": {"1": "a!"}}),
        (SchemaType.PROTOBUF, "shop.Order.wrapped", {"wrapped": "w!"}),
    ],
)
def test_fields_are_chosen_by_tags_in_metadata(kind: SchemaType, path: str, changed: dict[str, Any]) -> None:
    text, value = SCHEMAS[kind]
    schema = ruled_schema(kind, text, [append("!", tags=["T"])], metadata={"tags": {path: ["T"]}})
    assert execute(schema, value) == {**value, **changed}


@pytest.mark.parametrize(
    ("pattern", "name", "is_match"),
    [
        ("a.b.c", "a.b.c", True),
        ("a.*.c", "a.b.c", True),
        ("a.*", "a.b.c", False),
        ("a.**", "a.b.c", True),
        ("**.c", "a.b.c", True),
        ("a.?.c", "a.b.c", True),
        ("a?b", "a.b", False),
        ("a.b", "aXb", False),
        ("**.*", "a", True),
        ("*a" * 400, "a" * 399, False),
        ("x" * 1001, "x" * 1001, False),
    ],
)
def test_wildcards_stop_at_dots_unless_they_are_doubled(pattern: str, name: str, *, is_match: bool) -> None:
    assert match_name(pattern, name) is is_match


def test_a_field_rule_knows_the_field_and_the_record_around_it() -> None:
    expr = (
        "name == 'ssn' && fullName == 'shop.Order.ssn' && typeName == 'STRING' && tags == ['PII'] && message.count == 3"
    )
    rule = append("", kind="CONDITION", expr=expr)
    assert execute(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE) is AVRO_VALUE


def test_a_null_of_an_avro_union_reaches_the_rule() -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [append("", expr="value == null ? 'none' : value")])
    assert execute(schema, {**AVRO_VALUE, "ssn": None})["ssn"] == {"string": "none"}


def test_a_field_condition_names_the_field() -> None:
    rule = append("", kind="CONDITION", expr="size(value) > 5")
    reason = fail(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE).reason
    assert reason == "the condition does not hold: size(value) > 5 (field shop.Order.ssn of type STRING)"


@pytest.mark.parametrize(
    ("mode", "result"), [(RuleMode.WRITE, "123abc"), (RuleMode.READ, "123ca"), (RuleMode.UPGRADE, "123")]
)
def test_rules_run_by_mode_and_backwards_on_read(mode: RuleMode, result: str) -> None:
    rules = [append("a", tags=["PII", "x"]), append("b", mode="WRITE", tags=["PII", "y"]), append("c")]
    schema = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [*rules, append("d", disabled=True, tags=["PII", "z"])])
    assert execute(schema, JSON_VALUE, mode)["ssn"] == result


@pytest.mark.parametrize("mode", [RuleMode.WRITE, RuleMode.READ])
def test_of_two_transforms_of_the_same_tags_the_first_listed_runs(mode: RuleMode) -> None:
    schema = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [append("a"), append("b")])
    assert execute(schema, JSON_VALUE, mode)["ssn"] == "123a"


@pytest.mark.parametrize(
    ("environment", "runs"),
    [(None, True), ("ALL", True), ("CLIENT", True), ("GATEWAY", True), ("SERVER", False), ("NONE", False)],
)
def test_rules_run_where_the_rule_set_is_enabled_for_clients_or_gateways(
    environment: str | None, *, runs: bool
) -> None:
    schema = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [append("!")], enableAt=environment)
    assert execute(schema, JSON_VALUE)["ssn"] == ("123!" if runs else "123")


@pytest.mark.parametrize(
    ("rule", "changed"),
    [
        ({"type": "CEL", "expr": "{'count': message.count + 1, 'raw': message.raw}"}, {"count": 4, "raw": "\x00\xff"}),
        ({"type": "JSONATA", "expr": "{'count': count * 2, 'raw': raw}"}, {"count": 6, "raw": "\x00\xff"}),
    ],
)
def test_a_transformed_avro_record_gets_defaults_and_labels(rule: dict[str, Any], changed: dict[str, Any]) -> None:
    defaults: dict[str, Any] = {"ssn": None, "ratio": 0.5, "labels": [], "buyer": None}
    assert execute(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE) == {**defaults, **changed}


def test_union_branches_are_found_by_their_values() -> None:
    rule = {"type": "CEL", "expr": "{'ssn': message.buyer.name, 'count': 1, 'buyer': {'name': 'Bob'}}"}
    result = execute(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE)
    assert (result["ssn"], result["buyer"]) == ({"string": "Ann"}, {"shop.Person": {"name": "Bob", "mail": ""}})


def test_the_value_of_a_union_at_the_top_is_shown_alone() -> None:
    text = '[{"type": "record", "name": "A", "fields": [{"name": "a", "type": "int"}]}, "string"]'
    rule = {"type": "CEL_FIELD", "expr": "value + 1"}
    assert execute(ruled_schema(SchemaType.AVRO, text, [rule]), {"a": 1}) == {"a": 2}


def test_protobuf_fields_have_the_names_and_types_of_the_schema() -> None:
    expr = (
        "message.buyer_ssn == '123' && message.count == 3 && message.raw == b'\\x00\\xff' && message.state == 1 && "
        "message.notes[1] == 'a' && message.made == timestamp('2026-01-02T03:04:05Z') && message.wrapped == 'w' && "
        "!has(message.hint)"
    )
    schema = ruled_schema(SchemaType.PROTOBUF, PROTOBUF, [{"kind": "CONDITION", "type": "CEL", "expr": expr}])
    assert execute(schema, PROTOBUF_VALUE) is PROTOBUF_VALUE


def test_a_transformed_protobuf_message_is_written_by_json_names() -> None:
    rule = {
        "type": "CEL",
        "expr": "{'buyer_ssn': 'x', 'count': message.count + 1, 'raw': message.raw, 'made': message.made}",
    }
    assert execute(ruled_schema(SchemaType.PROTOBUF, PROTOBUF, [rule]), PROTOBUF_VALUE) == {
        "buyerSsn": "x",
        "count": "4",
        "raw": "AP8=",
        "made": "2026-01-02T03:04:05Z",
    }


def test_jsonata_sees_protobuf_as_its_own_json() -> None:
    rule = {"type": "JSONATA", "expr": "$merge([$, {'buyerSsn': buyer.name}])"}
    result = execute(ruled_schema(SchemaType.PROTOBUF, PROTOBUF, [rule]), PROTOBUF_VALUE)
    assert result == {**PROTOBUF_VALUE, "buyerSsn": "Ann"}


def test_another_message_of_the_file_has_its_own_fields() -> None:
    schema = ruled_schema(SchemaType.PROTOBUF, PROTOBUF, [{"type": "CEL_FIELD", "expr": "value + fullName"}])
    execution = create_execution(schema, RulePhase.DOMAIN, RuleMode.READ, is_bounded=True)
    assert execution.execute({"name": "x"}, (1,)) == {"name": "xshop.Other.name"}
    with pytest.raises(ValueError, match="no message at the indexes"):
        execution.execute({"name": "x"}, (7,))


@pytest.mark.parametrize(
    ("rule", "outcome"),
    [
        ({"onFailure": "NONE"}, "passes"),
        ({"onFailure": "ERROR"}, "ERROR"),
        ({"onFailure": "DLQ"}, "DLQ"),
        ({"onFailure": "ERROR,NONE"}, "ERROR"),
        ({"onFailure": "NONE,ERROR"}, "passes"),
        ({"onFailure": "NONE,ERROR", "mode": "WRITE"}, "ERROR"),
        ({"expr": "true", "onSuccess": "ERROR"}, "ERROR"),
        ({"expr": "true", "onSuccess": "NONE,ERROR"}, "passes"),
        ({"onFailure": "SHOUT"}, "ERROR"),
    ],
)
def test_actions(rule: dict[str, Any], outcome: str) -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [{"kind": "CONDITION", "type": "CEL", "expr": "false", **rule}])
    if outcome == "passes":
        assert execute(schema, AVRO_VALUE) is AVRO_VALUE
    else:
        assert fail(schema, AVRO_VALUE).action == outcome


def test_an_unknown_action_is_named() -> None:
    rule = {"kind": "CONDITION", "type": "CEL", "expr": "true", "onSuccess": "SHOUT"}
    reason = fail(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE).reason
    assert reason == "SHOUT is no action; expected ERROR, NONE, DLQ"


def test_an_action_on_read_is_the_second_of_two() -> None:
    rule = {"kind": "CONDITION", "type": "CEL", "expr": "false", "onFailure": "NONE,ERROR"}
    assert fail(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE, RuleMode.READ).mode == "READ"


def test_a_failed_transform_that_is_ignored_leaves_the_value_to_the_next_rule() -> None:
    rules = [append("", expr="value + 1", onFailure="NONE", tags=["PII", "x"]), append("!")]
    assert execute(ruled_schema(SchemaType.JSON, JSON_SCHEMA, rules), JSON_VALUE)["ssn"] == "123!"


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"type": "CEL", "expr": "null"}, "the transformation returned null"),
        ({"type": "JSONATA", "expr": "missing"}, "the transformation returned null"),
        ({"type": "CEL", "expr": "message.zz"}, "no such key: 'zz'"),
        ({"type": "CEL", "expr": "message.count +"}, "the expression cannot be compiled: line 1, column 16: "),
        ({"type": "JSONATA", "expr": "$merge(["}, "the expression cannot be compiled: character 8: "),
        ({"type": "JSONATA", "expr": "$uppercase(1)"}, "character 11: Argument 1 of "),
        ({"type": "JSONATA", "expr": "function($x) { $x }"}, "the result is no JSON"),
        ({"type": "CEL", "expr": "1" * 10_001}, "the expression has 10,001 characters; at most 10,000"),
        ({"type": "JSONATA", "expr": "1" * 10_001}, "the expression has 10,001 characters; at most 10,000"),
        ({"type": "JSONATA", "expr": "(" * 5_000}, "the expression cannot be compiled"),
        ({"type": "JSONATA", "expr": "($f := function($x) { $f($x) & 'a' }; $f(1))"}, "Stack overflow"),
        ({"type": "MINE", "expr": ""}, "this service has no executor of rules of the type MINE"),
        ({"type": "ENCRYPT_PAYLOAD"}, "a rule of the type ENCRYPT_PAYLOAD runs only on encoded values"),
        ({"type": "ENCRYPT"}, "it names no key: its parameter encrypt.kek.name is missing"),
        ({"type": "ENCRYPT", "kind": "CONDITION"}, "a rule of the type ENCRYPT has the kind TRANSFORM"),
        ({"type": "ENCRYPT", "params": {**KEK, "encrypt.dek.algorithm": "DES"}}, "encrypt.dek.algorithm is 'DES'"),
        ({"type": "ENCRYPT", "params": {**KEK, "encrypt.dek.expiry.days": "-1"}}, "encrypt.dek.expiry.days is '-1'"),
        ({"type": None}, "this service has no executor of rules of the type (none)"),
        ({"type": "CEL", "kind": "SHOUT", "expr": "true"}, "SHOUT is no kind of rule"),
    ],
)
def test_what_goes_wrong_is_a_failure_with_its_reason(rule: dict[str, Any], reason: str) -> None:
    failure = fail(ruled_schema(SchemaType.AVRO, AVRO, [rule]), AVRO_VALUE)
    assert failure.reason is not None
    assert reason in failure.reason


def test_a_guard_lets_a_rule_pass() -> None:
    rules = [
        {"name": "c", "kind": "CONDITION", "type": "CEL", "expr": "message.count > 5; false"},
        {"name": "t", "type": "CEL", "expr": "message.count > 5; {}"},
        {"name": "f", "type": "CEL_FIELD", "expr": "typeName == 'DOUBLE'; value + 1.0"},
    ]
    assert execute(ruled_schema(SchemaType.AVRO, AVRO, rules), AVRO_VALUE) == {**AVRO_VALUE, "ratio": 1.5}


def test_parameters_fall_back_to_properties_of_the_metadata() -> None:
    rule = {"kind": "CONDITION", "type": "CEL", "expr": "'a;b' == 'a;b'"}
    properties = {"properties": {"cel.ignore.guard.separator": "true"}}
    assert execute(ruled_schema(SchemaType.AVRO, AVRO, [rule], metadata=properties), AVRO_VALUE) is AVRO_VALUE
    dead = {"kind": "CONDITION", "type": "CEL", "expr": "false", "onFailure": "DLQ", "params": {"dlq.topic": "own"}}
    properties = {"properties": {"dlq.topic": "property"}}
    assert fail(ruled_schema(SchemaType.AVRO, AVRO, [dead], metadata=properties), AVRO_VALUE).dead_letter_topic == "own"
    dead.pop("params")
    schema = ruled_schema(SchemaType.AVRO, AVRO, [dead], metadata=properties)
    assert fail(schema, AVRO_VALUE).dead_letter_topic == "property"


def test_a_rule_without_expression_changes_nothing() -> None:
    rules = [{"name": "c", "kind": "CONDITION", "type": "CEL"}, {"name": "t", "type": "CEL"}]
    assert execute(ruled_schema(SchemaType.AVRO, AVRO, rules), AVRO_VALUE) is AVRO_VALUE


def test_a_rule_can_be_left_out_by_name() -> None:
    rules = [append("a", tags=["PII", "x"]), append("b")]
    assert execute(ruled_schema(SchemaType.JSON, JSON_SCHEMA, rules), JSON_VALUE, skipped="a")["ssn"] == "123b"


def test_evaluations_of_jsonata_have_limits_and_variables_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own limits count from the compilation, and what one evaluation binds is there in the next."""
    monkeypatch.setattr(jsonata_expressions, "TIMEOUT_MS", 200)
    expr = "$exists($seen) ? 'seen' : [$seen := count, 'new'][1]"
    expression = jsonata_expressions.JsonataExpression(Rule("r", expr=expr), {})
    slow = jsonata_expressions.JsonataExpression(Rule("r", expr="($f := function($x) { $f($x + 1) }; $f(1))"), {})
    assert expression.evaluate({"count": 1}) == "new"
    with pytest.raises(RuleEvaluationError, match="timeout after 200 milliseconds"):
        slow.evaluate({})
    assert expression.evaluate({"count": 1}) == "new"


def test_null_has_no_rules() -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [{"kind": "CONDITION", "type": "CEL", "expr": "false"}])
    assert execute(schema, None) is None


def test_every_rule_can_be_observed() -> None:
    rules = [append("a", tags=["PII", "x"]), append("", expr="value + 1", onFailure="NONE"), append("c", disabled=True)]
    steps: list[execution.Step] = []
    execute(ruled_schema(SchemaType.JSON, JSON_SCHEMA, rules), JSON_VALUE, observe=steps.append)
    assert [(step.rule.name, step.failure is None, step.action, step.after["ssn"]) for step in steps] == [
        ("a", True, "NONE", "123a"),
        ("", False, "NONE", "123a"),
    ]


@pytest.mark.parametrize(
    "rule_set",
    [
        {},
        {"domainRules": None},
        {"domainRules": [None, 7, {}]},
        {"domainRules": {"a": "b"}},
        {
            "domainRules": [
                {"name": 1, "kind": [], "mode": {}, "type": 5, "tags": "x", "params": 3, "expr": [], "disabled": True}
            ]
        },
    ],
)
def test_rule_sets_of_any_shape_can_be_read(rule_set: dict[str, Any]) -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [], **rule_set)
    create_execution(schema, RulePhase.DOMAIN, RuleMode.WRITE, is_bounded=True)


BOUNDED = {"kind": "CONDITION", "type": "CEL", "expr": "message.labels.all(label, size(label) > 0)"}
HEAVY: Mapping[str, dict[str, Any]] = {
    "nested macros": {
        **BOUNDED,
        "expr": "message.labels.all(a, message.labels.all(b, message.labels.all(c, a + b != c)))",
    },
    "texts that double": {**BOUNDED, "expr": "['x']" + ".map(a, a + a)" * 40 + " == []"},
    "large patterns": {**BOUNDED, "expr": "message.ssn.matches('(a{1,100}){1,100}')"},
    "patterns of the record": {**BOUNDED, "expr": "message.ssn.matches(message.ssn)"},
    "long expressions": {**BOUNDED, "expr": "true" + " && true" * 150},
    "JSONATA": {"type": "JSONATA", "expr": "$"},
}


@pytest.mark.parametrize("rule", HEAVY.values(), ids=list(HEAVY))
def test_what_may_take_long_is_left_to_another_process(rule: dict[str, Any]) -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [rule])
    execution = create_execution(schema, RulePhase.DOMAIN, RuleMode.WRITE, is_bounded=False)
    with pytest.raises(HeavyRuleError):
        execution.execute({**AVRO_VALUE, "labels": ["x"] * 100})


def test_what_rules_grow_is_left_to_another_process() -> None:
    doubling = {"type": "CEL", "expr": "{'ssn': message.ssn + message.ssn, 'count': 1}"}
    schema = ruled_schema(SchemaType.AVRO, AVRO, [doubling] * 100)
    with pytest.raises(HeavyRuleError):
        create_execution(schema, RulePhase.DOMAIN, RuleMode.WRITE, is_bounded=False).execute(AVRO_VALUE)


def test_rules_on_large_values_are_left_to_another_process() -> None:
    schema = ruled_schema(SchemaType.AVRO, AVRO, [BOUNDED])
    execution = create_execution(schema, RulePhase.DOMAIN, RuleMode.WRITE, is_bounded=False)
    assert execution.execute(AVRO_VALUE) is AVRO_VALUE
    for labels in (["x"] * 10_000, ["x" * 1_000_000]):
        with pytest.raises(HeavyRuleError):
            execution.execute({**AVRO_VALUE, "labels": labels})


def test_alternatives_of_a_json_schema_are_left_to_another_process() -> None:
    schema = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [append("!")])
    with pytest.raises(HeavyRuleError):
        create_execution(schema, RulePhase.DOMAIN, RuleMode.WRITE, is_bounded=False).execute(JSON_VALUE)


def test_a_job_says_what_became_of_the_value() -> None:
    schema = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [append("!")])
    job = RuleJob(schema, RulePhase.DOMAIN, RuleMode.WRITE, encode_value(JSON_VALUE))
    assert run_job(job).value == encode_value({**JSON_VALUE, "ssn": "123!"})
    assert run_job(RuleJob(schema, RulePhase.DOMAIN, RuleMode.UPGRADE, b"{}")).value is None
    growing = ruled_schema(
        SchemaType.JSON, JSON_SCHEMA, [{"type": "JSONATA", "expr": "{'ssn': $pad('', 17000000, '#')}"}]
    )
    grown = run_job(RuleJob(growing, RulePhase.DOMAIN, RuleMode.WRITE, b"{}")).failure
    assert grown is not None
    assert grown.reason == "the rules make 17,000,010 bytes of the value; at most 16,777,216 are allowed"
    failing = ruled_schema(SchemaType.JSON, JSON_SCHEMA, [append("", expr="value + 1")])
    failure = run_job(RuleJob(failing, RulePhase.DOMAIN, RuleMode.WRITE, encode_value(JSON_VALUE))).failure
    assert failure is not None
    assert failure.rule == ""


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (Rule("a", type="CEL"), "a rule of the type CEL does not run on encoded values"),
        (Rule("a", type="MINE"), "this service has no executor of rules of the type MINE"),
        (Rule("a", type="ENCRYPT_PAYLOAD"), "it names no key"),
    ],
)
def test_an_encoding_rule_that_cannot_run_fails(rule: Rule, reason: str) -> None:
    rule_set = RuleSet({RulePhase.ENCODING: (rule,)})
    with pytest.raises(RuleFailedError, match=reason):
        PayloadExecution(rule_set, RuleMode.WRITE, SchemaType.AVRO).execute(b"x")


def test_what_cannot_be_encrypted_is_not_written_whatever_the_rule_says() -> None:
    rule = Rule("a", type="ENCRYPT_PAYLOAD", on_failure="NONE,NONE")
    rule_set = RuleSet({RulePhase.ENCODING: (rule,)})
    with pytest.raises(RuleFailedError):
        PayloadExecution(rule_set, RuleMode.WRITE, SchemaType.AVRO).execute(b"x")
    assert PayloadExecution(rule_set, RuleMode.READ, SchemaType.AVRO).execute(b"x") == b"x"


def test_keys_are_not_shown_in_texts() -> None:
    assert repr(DataKey(3, b"material")) == "<version 3 of a key>"
