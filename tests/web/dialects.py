"""How each product stores a schema, made by hand from what is known of its writer: the text, and the record of it."""

import json
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import SchemaType, Strictness, UnparsedSchema
from tests.web.schemas_topics import Log, version_key


def canonical(schema_type: str, text: str) -> str:
    parsed = formats.parse(UnparsedSchema(SchemaType(schema_type), text), {}, Strictness.STORED)
    return FORMATS[parsed.type].canonicalise(parsed)


def sorted_text(schema_type: str, text: str) -> str:
    """As Karapace stores it: JSON with sorted keys and nothing left out; Protobuf printed again, comments kept."""
    if schema_type != "PROTOBUF":
        return json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"))
    return "// The order of a customer.\n" + re.sub(r" = (\d+);", r" =  \1;", canonical(schema_type, text))


def minified_text(schema_type: str, text: str) -> str:
    """As Redpanda stores it: JSON without whitespace, keys as they came but for a type, which goes first."""
    if schema_type != "AVRO":
        return text if schema_type == "PROTOBUF" else canonical(schema_type, text)

    def reorder(value: Any) -> Any:
        if isinstance(value, list):
            return [reorder(each) for each in value]
        if not isinstance(value, dict):
            return value
        items = {key: reorder(each) for key, each in value.items()}
        return {"type": items.pop("type"), **items} if "fields" in items else items

    return json.dumps(reorder(json.loads(text)), separators=(",", ":"))


def _confluent_value(subject: str, version: int, schema_id: int, schema_type: str, text: str, deleted: bool) -> bytes:  # noqa: FBT001
    value = {"subject": subject, "version": version, "id": schema_id, "schemaType": schema_type}
    return json.dumps({**value, "schema": text, "deleted": deleted}, separators=(",", ":")).encode()


def _karapace_value(subject: str, version: int, schema_id: int, schema_type: str, text: str, deleted: bool) -> bytes:  # noqa: FBT001
    value: dict[str, Any] = {"subject": subject, "version": version, "id": schema_id, "schema": text}
    value["deleted"] = deleted
    if schema_type != "AVRO":
        value |= {"references": [], "schemaType": schema_type}
    return json.dumps(value, separators=(",", ":")).encode()


def _redpanda_key(subject: str, version: int) -> bytes:
    key = {"keytype": "SCHEMA", "subject": subject, "version": version, "magic": 1, "seq": version, "node": 1}
    return json.dumps(key, separators=(",", ":")).encode()


class Product(NamedTuple):
    """A registry that has written the topic."""

    name: str
    text: Callable[[str, str], str]
    """(type, as a client sends it) -> as it is stored."""
    key: Callable[[str, int], bytes]
    value: Callable[[str, int, int, str, str, bool], bytes]
    tombstone: bytes | None

    def store(
        self, subject: str, version: int, schema_id: int, schema_type: str, text: str, *, deleted: bool = False
    ) -> Log:
        """The record of a version that a client has registered with this text."""
        stored = self.text(schema_type, text)
        return [(self.key(subject, version), self.value(subject, version, schema_id, schema_type, stored, deleted))]


CONFLUENT = Product("Confluent", canonical, version_key, _confluent_value, None)
KARAPACE = Product("Karapace", sorted_text, version_key, _karapace_value, b"")
REDPANDA = Product("Redpanda", minified_text, _redpanda_key, _confluent_value, None)
PRODUCTS = (CONFLUENT, KARAPACE, REDPANDA)
