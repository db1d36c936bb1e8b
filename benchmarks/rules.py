"""What the rules of a schema cost a record, next to the codec without rules and Confluent's Python client, in one run.

    python -m benchmarks.rules [rounds]

Microseconds are the best of all rounds and depend on the machine; the ratio to the first line of a block depends less
on it. The record and schemas are those of `codecs.py`.
"""

import asyncio
import json
import sys
import time
from functools import partial
from typing import Any

from confluent_kafka.schema_registry import Rule, RuleKind, RuleMode, Schema
from confluent_kafka.schema_registry.rules.cel.cel_executor import CelExecutor
from confluent_kafka.schema_registry.serde import RuleContext
from confluent_kafka.serialization import MessageField, SerializationContext

from benchmarks.codecs import AVRO, JSON_SCHEMA, PLAIN, PROTOBUF, UNIONS, block
from karapace_like.proxy.ports import RegisteredSchema
from karapace_like.proxy.ruled_codec import RuledCodec, find_rules
from karapace_like.proxy.validators import Validators
from karapace_like.rules import model
from karapace_like.rules.cel_expressions import CelExpression
from karapace_like.schema.model import SchemaId, SchemaType, UnparsedSchema
from karapace_like.serde.formats import codec

CONDITION = {"name": "c", "kind": "CONDITION", "type": "CEL", "mode": "WRITEREAD", "expr": "size(message.customer) > 0"}
TRANSFORM = {"name": "t", "kind": "TRANSFORM", "type": "CEL_FIELD", "mode": "WRITE", "tags": ["PII"], "expr": "'***'"}
JSONATA = {"name": "j", "kind": "TRANSFORM", "type": "JSONATA", "mode": "WRITE", "expr": "$merge([$, {'paid': true}])"}
TAGGED = {"tags": {"**.customer": ["PII"]}}
SCHEMAS: dict[SchemaType, tuple[str, dict[str, Any]]] = {
    SchemaType.AVRO: (json.dumps(AVRO), UNIONS),
    SchemaType.JSON: (json.dumps(JSON_SCHEMA), PLAIN),
    SchemaType.PROTOBUF: (PROTOBUF, PLAIN),
}


def ruled(kind: SchemaType, *rules: dict[str, Any]) -> RuledCodec:
    schema = UnparsedSchema(kind, SCHEMAS[kind][0])
    registered = RegisteredSchema(SchemaId(1), schema, {}, TAGGED, {"domainRules": list(rules)})
    found = find_rules(registered)
    assert found is not None
    return RuledCodec(codec(schema, {}), found)


def compare_codecs(rounds: int) -> None:
    for kind, (text, record) in SCHEMAS.items():
        plain = codec(UnparsedSchema(kind, text), {})
        sent = json.dumps(record).encode()
        payload = plain.encode(sent)
        condition, transform = ruled(kind, CONDITION), ruled(kind, TRANSFORM)
        block(
            f"{kind} encode",
            rounds,
            without_rules=partial(plain.encode, sent),
            one_condition=partial(condition.encode, sent),
            one_field_masked=partial(transform.encode, sent),
        )
        block(
            f"{kind} decode",
            rounds,
            without_rules=partial(plain.decode, payload),
            one_condition=partial(condition.decode, payload),
        )


def compare_expressions(rounds: int) -> None:
    expr = CONDITION["expr"]
    rule = Rule("c", None, RuleKind.CONDITION, RuleMode.WRITE, "CEL", None, None, expr, None, None, disabled=False)
    context = SerializationContext("t", MessageField.VALUE)
    schema = Schema("{}", "AVRO")
    of_rule = RuleContext(None, context, None, schema, "s", RuleMode.WRITE, rule, 0, [rule], None, None)
    client = CelExecutor()  # type: ignore[no-untyped-call]
    expression = CelExpression(model.Rule("c", expr=expr), {})
    block(
        "CEL",
        rounds,
        executor=lambda: expression.evaluate({"message": PLAIN}),
        confluents_client=lambda: client.transform(of_rule, PLAIN),
    )


async def measure_process(count: int = 500) -> None:
    """Print what a record costs whose rules run in another process: the whole time, one after another."""
    validators = Validators()
    made = ruled(SchemaType.JSON, JSONATA)
    sent = json.dumps(PLAIN).encode()
    await made.encode_elsewhere(sent, validators)
    begun = time.perf_counter()
    for _ in range(count):
        await made.encode_elsewhere(sent, validators)
    print(
        f"{'JSON encode':20} {'JSONATA, in another process':44} {(time.perf_counter() - begun) / count * 1e6:8.2f} us"
    )
    await validators.close()


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    compare_codecs(rounds)
    compare_expressions(rounds)
    asyncio.run(measure_process())


if __name__ == "__main__":
    main()
