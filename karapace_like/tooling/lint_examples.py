"""An example of each lint rule, for docs/lint.md: a schema that breaks it, and one that keeps it. A test lints both."""

from collections.abc import Mapping
from typing import NamedTuple


class LintExample(NamedTuple):
    """Two schemas in files of one name."""

    file: str
    bad: str
    good: str
    reason: str
    settings: str = ""
    """The settings file."""
    good_settings: str | None = None
    """That of the good one, where it is another one."""


_HEAD = 'syntax = "proto3";\npackage shop;\n\n'


def _avro(fields: str) -> str:
    return f'{{"type": "record", "name": "Order", "namespace": "shop", "fields": [\n  {fields}\n]}}\n'


def _json(members: str) -> str:
    return f'{{\n  "$schema": "http://json-schema.org/draft-07/schema#",\n  {members}\n}}\n'


def _rule(members: str) -> str:
    return f'[subjects.order]\nruleSet = {{domainRules = [{{name = "r", {members}}}]}}\n'


EXAMPLES: Mapping[str, LintExample] = {
    "type-names": LintExample(
        "order.proto",
        f"{_HEAD}message order_line {{\n  int32 count = 1;\n}}\n",
        f"{_HEAD}message OrderLine {{\n  int32 count = 1;\n}}\n",
        "Generated classes have the name as it is written.",
    ),
    "field-names": LintExample(
        "order.avsc",
        _avro('{"name": "order_id", "type": "long"}, {"name": "soldBy", "type": "string"}'),
        _avro('{"name": "order_id", "type": "long"}, {"name": "sold_by", "type": "string"}'),
        "Two styles in one schema make readers look up each name.",
    ),
    "symbol-names": LintExample(
        "state.avsc",
        '{"type": "enum", "name": "shop.State", "symbols": ["open", "sent"]}\n',
        '{"type": "enum", "name": "shop.State", "symbols": ["OPEN", "SENT"]}\n',
        "Symbols become constants in most languages.",
    ),
    "symbol-prefix": LintExample(
        "way.proto",
        f"{_HEAD}enum Way {{\n  UNSPECIFIED = 0;\n}}\n",
        f"{_HEAD}enum Way {{\n  WAY_UNSPECIFIED = 0;\n}}\n",
        "Values of all enums of a package share one scope.",
    ),
    "namespace": LintExample(
        "order.proto",
        'syntax = "proto3";\n\nmessage Order {}\n',
        f"{_HEAD}message Order {{}}\n",
        "Two schemas with one name cannot be used by one program.",
    ),
    "type-doc": LintExample(
        "order.proto",
        f"{_HEAD}message Order {{}}\n",
        f"{_HEAD}// What somebody bought.\nmessage Order {{}}\n",
        "The schema is the page that consumers read.",
    ),
    "field-doc": LintExample(
        "order.avsc",
        _avro('{"name": "total", "type": "long"}'),
        _avro('{"name": "total", "type": "long", "doc": "Cents, with tax."}'),
        "A name does not say the unit.",
    ),
    "nullable-default": LintExample(
        "order.avsc",
        _avro('{"name": "note", "type": ["null", "string"]}'),
        _avro('{"name": "note", "type": ["null", "string"], "default": null}'),
        "A field that is added without a default breaks readers of old records. `lint --fix` adds it.",
    ),
    "enum-default": LintExample(
        "state.avsc",
        '{"type": "enum", "name": "shop.State", "symbols": ["OPEN", "SENT"]}\n',
        '{"type": "enum", "name": "shop.State", "symbols": ["OPEN", "SENT"], "default": "OPEN"}\n',
        "A reader fails at the first symbol that it does not know.",
    ),
    "enum-zero": LintExample(
        "way.proto",
        f"{_HEAD}enum Way {{\n  WAY_AIR = 0;\n}}\n",
        f"{_HEAD}enum Way {{\n  WAY_UNSPECIFIED = 0;\n  WAY_AIR = 1;\n}}\n",
        "A field that is not set reads as 0.",
    ),
    "field-order": LintExample(
        "order.proto",
        f"{_HEAD}message Order {{\n  int32 total = 2;\n  int32 id = 1;\n}}\n",
        f"{_HEAD}message Order {{\n  int32 id = 1;\n  int32 total = 2;\n}}\n",
        "The next free number is that of the last line.",
    ),
    "optional-last": LintExample(
        "order.avsc",
        _avro('{"name": "note", "type": "string", "default": ""}, {"name": "id", "type": "long"}'),
        _avro('{"name": "id", "type": "long"}, {"name": "note", "type": "string", "default": ""}'),
        "Constructors of some languages take required arguments first.",
    ),
    "syntax": LintExample(
        "order.proto",
        "package shop;\n\nmessage Order {\n  optional int32 id = 1;\n}\n",
        'syntax = "proto2";\npackage shop;\n\nmessage Order {\n  optional int32 id = 1;\n}\n',
        "A file without one is proto2, which few intend. `lint --fix` writes that.",
    ),
    "dialect": LintExample(
        "order.schema.json",
        '{\n  "type": "object"\n}\n',
        _json('"type": "object"'),
        "Validators differ in the dialect that they assume. `lint --fix` adds draft-07, which the registry assumes.",
    ),
    "json-values": LintExample(
        "order.schema.json",
        _json('"properties": {"floor": {"type": "integer", "default": "three"}}'),
        _json('"properties": {"floor": {"type": "integer", "default": 3}}'),
        "A default that does not match makes records invalid.",
    ),
    "broken-rules": LintExample(
        "order.avsc",
        _avro('{"name": "total", "type": "long"}'),
        _avro('{"name": "total", "type": "long"}'),
        "A rule that cannot run refuses every record. The second settings keep the rule: the schema stays.",
        _rule('type = "CEL", kind = "CONDITION", expr = "size(message."'),
        _rule('type = "CEL", kind = "CONDITION", expr = "message.total > 0"'),
    ),
    "idle-rules": LintExample(
        "order.avsc",
        _avro('{"name": "email", "type": "string"}'),
        _avro('{"name": "email", "type": "string", "confluent:tags": ["PII"]}'),
        "A rule for a tag that no field has protects nothing.",
        _rule('type = "CEL_FIELD", kind = "TRANSFORM", tags = ["PII"], expr = "\'hidden\'"'),
    ),
    "content-model": LintExample(
        "order.schema.json",
        _json('"type": "object"'),
        _json('"type": "object",\n  "additionalProperties": false'),
        "It decides which properties can be added later.",
    ),
    "pack-names": LintExample(
        "sales.proto",
        f"{_HEAD}message Order {{}}\n",
        f"{_HEAD}message SalesOrder {{}}\n",
        "A team has names of its own.",
        '[lint.packs.sales]\nsubjects = ["sales*"]\nnames = {record = "Sales*"}\n',
    ),
    "pack-docs": LintExample(
        "sales.avsc",
        _avro('{"name": "total", "type": "long"}'),
        _avro('{"name": "total", "type": "long", "doc": "Cents, with tax."}'),
        "A team documents more than others; the kinds are record, enum, type, field and symbol.",
        '[lint.packs.sales]\ndocs = ["field"]\n',
    ),
    "pack-tags": LintExample(
        "sales.avsc",
        _avro('{"name": "email", "type": "string"}'),
        _avro('{"name": "email", "type": "string", "confluent:tags": ["PII"]}'),
        "What rules and encryption protect is tagged.",
        '[lint.packs.sales]\ntags = {"*email*" = "PII"}\n',
    ),
    "pack-properties": LintExample(
        "sales.avsc",
        _avro('{"name": "total", "type": "long"}'),
        _avro('{"name": "total", "type": "long"}'),
        "Somebody answers for each subject. The second settings keep the rule: the schema stays.",
        '[lint.packs.sales]\nproperties = ["owner"]\n',
        '[lint.packs.sales]\nproperties = ["owner"]\n\n[subjects.sales]\nmetadata = {properties = {owner = "sales"}}\n',
    ),
}
