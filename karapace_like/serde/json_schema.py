"""The `jsonschema` embedded format: JSON that is checked against its schema and otherwise left as it was sent.

The check itself is jsonschema-rs's. Nothing is fetched: a `$ref` that leaves the schema must lead to one of the
schemas registered as its references. Payloads read from a topic are not checked, as in the reference proxy.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jsonschema_rs
import msgspec

from karapace_like.schema.json_schema.draft import Draft, draft_of
from karapace_like.schema.model import Dependencies, InvalidSchemaError
from karapace_like.serde.codec import EncodeError, JsonText
from karapace_like.serde.schemaless import JsonCodec

_from_json = msgspec.json.Decoder().decode

_VALIDATORS: Mapping[Draft, type[jsonschema_rs.Validator]] = {
    Draft.FOUR: jsonschema_rs.Draft4Validator,
    Draft.SIX: jsonschema_rs.Draft6Validator,
    Draft.SEVEN: jsonschema_rs.Draft7Validator,
    Draft.Y2019: jsonschema_rs.Draft201909Validator,
    Draft.Y2020: jsonschema_rs.Draft202012Validator,
}


class JsonSchemaCodec(JsonCodec):
    """The codec of one JSON Schema."""

    def __init__(self, text: str, dependencies: Dependencies) -> None:
        """Raises InvalidSchemaError for a text that is no JSON Schema, or refers to what is not in `dependencies`."""
        try:
            root = _from_json(text)
            resources = {name: _from_json(each) for name, each in dependencies.items()}
            validator = _VALIDATORS[draft_of(root)]
            self._validator = validator(root, retriever=_retriever(resources))
        except (msgspec.DecodeError, jsonschema_rs.ValidationError, RecursionError) as error:
            raise InvalidSchemaError(getattr(error, "message", str(error))) from error

    def encode(self, text: JsonText) -> bytes:
        """The same JSON, if it is valid; else EncodeError with the first place that is not."""
        payload = super().encode(text)
        try:
            value = _from_json(payload)
        except msgspec.ValidationError as error:  # a number beyond what a double holds
            raise EncodeError((), str(error)) from error
        if not self._validator.is_valid(value):
            first = next(self._validator.iter_errors(value))
            raise EncodeError(tuple(first.instance_path), first.message)
        return payload


def _retriever(resources: Mapping[str, Any]) -> Callable[[str], Any]:
    """Finds a registered reference by the URI that a `$ref` resolved to.

    Its name or `$id` is that URI, or its name is relative to where the `$ref` stands.
    """
    named = {name.partition("#")[0]: each for name, each in resources.items()}
    identified = {
        identifier.partition("#")[0]: each
        for each in resources.values()
        if isinstance(each, dict) and isinstance(identifier := each.get("$id", each.get("id")), str)
    }

    def retrieve(uri: str) -> Any:
        found = named.get(uri, identified.get(uri))
        if found is not None:
            return found
        for name, each in named.items():
            if uri.endswith("/" + name.lstrip("./")):
                return each
        raise LookupError(f"{uri} is not among the schema's references")

    return retrieve
