"""Schemas with rules, and their execution in this process."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from karapace_like.rules.errors import Failure, RuleFailedError
from karapace_like.rules.jobs import RuledSchema, create_execution
from karapace_like.rules.model import RuleMode, RulePhase
from karapace_like.schema.model import SchemaType

AVRO = """
{"type": "record", "name": "Order", "namespace": "shop", "fields": [
  {"name": "ssn", "type": ["null", "string"], "default": null, "confluent:tags": ["PII"]},
  {"name": "count", "type": "int"},
  {"name": "raw", "type": "bytes", "default": ""},
  {"name": "ratio", "type": "double", "default": 0.5},
  {"name": "labels", "type": {"type": "array", "items": "string"}, "default": []},
  {"name": "buyer", "type": ["null", {"type": "record", "name": "Person", "fields": [
    {"name": "name", "type": "string"}, {"name": "mail", "type": "string", "default": ""}]}], "default": null}
]}"""
AVRO_VALUE = {
    "ssn": {"string": "123"},
    "count": 3,
    "raw": "\x00\xff",
    "ratio": 0.5,
    "labels": ["a", "b"],
    "buyer": {"shop.Person": {"name": "Ann", "mail": "ann@example.org"}},
}
JSON_SCHEMA = """
{"type": "object", "properties": {
  "ssn": {"type": "string", "confluent:tags": ["PII"]},
  "count": {"type": "integer"},
  "labels": {"type": "array", "items": {"type": "string"}},
  "buyer": {"$ref": "#/definitions/Person"},
  "place": {"oneOf": [{"type": "integer"}, {"type": "object", "properties": {"city": {"type": "string"}}}]}},
 "definitions": {"Person": {"type": "object", "properties": {"name": {"type": ["string", "null"]}}}}}"""
JSON_VALUE = {
    "ssn": "123",
    "count": 3,
    "labels": ["a", "b"],
    "buyer": {"name": "Ann"},
    "place": {"city": "Ulm"},
    "x": 1,
}
PROTOBUF = """
syntax = "proto3";
package shop;
import "confluent/meta.proto";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Order {
  string buyer_ssn = 1 [(confluent.field_meta).tags = "PII"];
  int64 count = 2;
  bytes raw = 3;
  State state = 4;
  map<int32, string> notes = 5;
  repeated string labels = 6;
  optional string hint = 7;
  Person buyer = 8;
  google.protobuf.Timestamp made = 9;
  google.protobuf.StringValue wrapped = 10;
  double ratio = 11;
  enum State { NEW = 0; PAID = 1; }
  message Person { string name = 1; }
}
message Other { string name = 1; }
"""
PROTOBUF_VALUE = {
    "buyerSsn": "123",
    "count": "3",
    "raw": "AP8=",
    "state": "PAID",
    "notes": {"1": "a"},
    "labels": ["a", "b"],
    "buyer": {"name": "Ann"},
    "made": "2026-01-02T03:04:05Z",
    "wrapped": "w",
    "ratio": 0.5,
}
MESSAGES = {SchemaType.AVRO: (), SchemaType.JSON: (), SchemaType.PROTOBUF: (0,)}
"""The type of a value, by type of schema."""


def ruled_schema(
    kind: SchemaType,
    text: str,
    rules: Sequence[Mapping[str, Any]],
    *,
    metadata: Mapping[str, Any] | None = None,
    **rule_set: Any,
) -> RuledSchema:
    return RuledSchema(
        kind,
        text,
        (),
        msgspec.json.encode({"domainRules": [{"name": "r", **rule} for rule in rules], **rule_set}),
        msgspec.json.encode(metadata or {}),
    )


def execute(schema: RuledSchema, value: Any, mode: RuleMode = RuleMode.WRITE, **options: Any) -> Any:
    """What the rules make of the value, in a process that nothing bounds."""
    execution = create_execution(schema, RulePhase.DOMAIN, mode, is_bounded=True)
    return execution.execute(value, MESSAGES[schema.type], **options)


def fail(schema: RuledSchema, value: Any, mode: RuleMode = RuleMode.WRITE) -> Failure:
    """Why the rules let the value fail."""
    try:
        result = execute(schema, value, mode)
    except RuleFailedError as error:
        return error.failure
    raise AssertionError(f"the rules made {result}")
