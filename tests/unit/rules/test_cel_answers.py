"""The executors answer as Confluent's Python client does, whose CEL is another library's."""

from collections.abc import Mapping
from typing import Any

import pytest
from confluent_kafka.schema_registry import Rule, RuleKind, RuleMode, Schema
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.serde import RuleContext
from confluent_kafka.serialization import MessageField, SerializationContext

from karapace_like.rules import cel_expressions, model
from karapace_like.rules.cel_expressions import SKIPPED, CelExpression
from karapace_like.rules.errors import RuleEvaluationError

MESSAGE: Mapping[str, Any] = {
    "name": "Ann",
    "empty": "",
    "count": 3,
    "ratio": 0.5,
    "raw": b"\x00\xff",
    "none": None,
    "yes": True,
    "labels": ["a", "b"],
    "numbers": [3, 1, 2],
    "map": {"x": 1},
    "mail": "ann@example.org",
    "big": 2**62,
}
EXPRESSIONS = """
message.name == 'Ann'
size(message.name) > 0
message.name.size() == 3
message.name.startsWith('A') && message.name.endsWith('n') && message.name.contains('n')
message.name.matches('^A[a-z]+$')
message.name.matches('x')
message.count > 2 && message.count < 4
message.count * 2 + 1 == 7
message.count / 2
message.count % 2
-message.count
message.ratio < 1.0
message.ratio + 0.5
message.none == null
has(message.name)
has(message.missing)
message.missing == 1
message.name == 'Ann' || message.missing == 1
message.missing == 1 || message.name == 'Ann'
message.yes && message.missing == 1
!message.yes
message.yes ? 'a' : 'b'
'a' in message.labels
'x' in message.map
message.labels.all(label, size(label) == 1)
message.labels.exists(label, label == 'b')
message.labels.exists_one(label, label == 'b')
message.numbers.filter(n, n > 1)
message.numbers.map(n, n * 2)
message.numbers[0]
message.numbers[9]
message.map.x
message.map['x']
message.labels + ['c']
message.name + '!'
message.raw == b'\\x00\\xff'
size(message.raw)
string(message.count)
int('12')
double('1.5')
bytes('a')
{'name': message.name, 'count': message.count + 1}
message.count + 0.5
message.name + 1
message.empty == ''
1 / 0
message.big * 4
message.mail.isEmail()
message.name.isEmail()
isUuid('123e4567-e89b-12d3-a456-426614174000')
'example.org'.isHostname()
'-example'.isHostname()
'127.0.0.1'.isIpv4()
'::1'.isIpv6()
'https://example.org/a?b=c'.isUri()
'/a'.isUri()
'/a'.isUriRef()
timestamp('2026-01-01T00:00:00Z') < timestamp('2026-01-02T00:00:00Z')
timestamp('2026-01-01T00:00:00Z') + duration('24h') == timestamp('2026-01-02T00:00:00Z')
timestamp('2026-03-04T05:06:07Z').getFullYear()
timestamp('2026-03-04T05:06:07Z').getMonth()
now > timestamp('2020-01-01T00:00:00Z')
message.count > 5; false
message.count > 2; message.count
; message.count
message.unknown()
message.name +
""".strip().splitlines()


def ask_client(expr: str) -> Any:
    """The client's answer; an exception's type stands for an error."""
    rule = Rule("r", None, RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, expr, None, None, False)
    schema = Schema("{}", "AVRO")
    serialization = SerializationContext("t", MessageField.VALUE)
    context = RuleContext(None, serialization, None, schema, "s", RuleMode.WRITE, rule, 0, [rule], None, None)
    try:
        return CelExecutor().transform(context, dict(MESSAGE))  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - the client raises any
        return RuleEvaluationError


def ask_here(expr: str) -> Any:
    try:
        result = CelExpression(model.Rule("r", expr=expr), {}).evaluate({"message": dict(MESSAGE)})
    except RuleEvaluationError:
        return RuleEvaluationError
    return True if result is SKIPPED else result


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_answers_are_those_of_confluents_client(expr: str) -> None:
    ours, theirs = ask_here(expr), ask_client(expr)
    assert ours == theirs
    assert isinstance(ours, bool) == (isinstance(theirs, bool) or type(theirs).__name__ == "BoolType")


@pytest.mark.parametrize(
    ("text", "degree"),
    [
        ("message.a == 'x.map(1)'", 1),
        ("message.a.all(x, x > 1)", 1),
        ("message.a.all(x, message.b.exists(y, y == x))", 2),
        ("message.a.map(x, x) == message.a . filter ( x, true )", 4),
        (r"'\'.all(' == 'a' && message.a.all(x, true)", 1),
    ],
)
def test_the_degree_counts_macros_outside_of_texts(text: str, degree: int) -> None:
    assert cel_expressions.measure_degree(text) == degree
