"""The `jsonschema` embedded format: JSON that is checked against its schema and otherwise left as it was sent.

The check itself is jsonschema-rs's, which can neither be interrupted nor run beside other Python code. So a value is
checked in this process where a bound of the work is small (`json_schema_cost.py`), and is left to another process
where it is not: `validate` and `explain` are what that process calls. Nothing is fetched: a `$ref` that leaves the
schema must lead to one of the schemas registered as its references. Payloads read from a topic are not checked, as in
Confluent's proxy.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import jsonschema_rs
import msgspec

from karapace_like.schema.json_schema.documents import Documents
from karapace_like.schema.json_schema.draft import Draft, draft_of
from karapace_like.schema.model import Dependencies, InvalidSchemaError
from karapace_like.serde import json_schema_cost, unknown_properties
from karapace_like.serde.codec import Dropping, EncodeError, HeavyValidationError, JsonText, Path, Validation
from karapace_like.serde.json_codec import JsonCodec
from karapace_like.serde.json_schema_defaults import Defaults

MAX_STEPS = 1_000_000
"""Work of one value in this process: 30 ms at most, and mostly far less."""
MAX_ERROR_STEPS = 3_000
"""Work of a value whose error is explained in this process: an explanation takes 40 us for each step."""
MAX_ERROR_BYTES = 3_000_000
"""Steps of an explanation times bytes of the value: each error on the way has a copy of its part of the value."""
_MAX_COMPILATION = 50_000
"""Size of patterns that are compiled in this process, which takes 15 ms."""
_MAX_CHARACTERS = 200_000
"""Length of a schema that is compiled in this process."""
_MAX_ROUNDS = 10
"""Rounds of dropping unknown properties: one whose parent is checked first shows only in the next."""
_MAX_MESSAGE = 1_000
"""Characters of an error: jsonschema-rs cites values whole."""
_COMPILED = 20
"""Validators that the other process keeps."""

_DEFAULT = '"default"'
_from_json = msgspec.json.Decoder().decode
_PATTERNS = jsonschema_rs.FancyRegexOptions(backtrack_limit=json_schema_cost.BACKTRACK_LIMIT)

_VALIDATORS: Mapping[Draft, type[jsonschema_rs.Validator]] = {
    Draft.FOUR: jsonschema_rs.Draft4Validator,
    Draft.SIX: jsonschema_rs.Draft6Validator,
    Draft.SEVEN: jsonschema_rs.Draft7Validator,
    Draft.Y2019: jsonschema_rs.Draft201909Validator,
    Draft.Y2020: jsonschema_rs.Draft202012Validator,
}


class JsonSchemaCodec(JsonCodec, Dropping):
    """The codec of one JSON Schema."""

    def __init__(self, text: str, dependencies: Dependencies, *, drops_unknown: bool = False) -> None:
        """Raises InvalidSchemaError for a text that is no JSON Schema, or refers to what is not in `dependencies`.

        A schema that takes long to compile is compiled with its first value, by the process that validates it.
        """
        self._drops_unknown = drops_unknown
        self._text = text
        self._dependencies = dependencies
        is_small = _is_quickly_compiled(text, dependencies)
        self._validator = compile_validator(text, dependencies) if is_small else None
        documents = open_documents(text, dependencies)
        self._cost = _measure(documents, text, dependencies) if is_small else json_schema_cost.Cost()
        self._safe_length = self._cost.find_safe_length(MAX_STEPS)
        self._defaults = _find_defaults(documents, text, dependencies)

    decode_plain = JsonCodec.decode

    def encode(self, text: JsonText) -> bytes:
        """The same JSON with the defaults that it lacks, if it is valid; else EncodeError with the wrong place."""
        return self.complete(self.validate(text, self.complete))

    def validate(self, text: JsonText, finish: Callable[[bytes], bytes] = bytes) -> bytes:
        """The same JSON, if it is valid, without defaults; `finish` is for what another process has to validate."""
        payload = super().encode(text)
        try:
            return self._validate(payload, finish)
        except EncodeError:
            if not self._drops_unknown:
                raise
            return self._validate(self._drop_unknown(payload), finish)

    def _drop_unknown(self, payload: bytes) -> bytes:
        """Return the JSON without the properties that `additionalProperties` and `unevaluatedProperties` forbid."""
        assert self._validator is not None
        rounds = 0
        while rounds < _MAX_ROUNDS and self._cost.bound(payload) <= MAX_ERROR_STEPS:
            kept, dropped = unknown_properties.drop_once(self._validator, payload, parse_value(payload))
            if not dropped:
                break
            payload, rounds = kept, rounds + 1
            self.dropped_fields += dropped
        return payload

    def _validate(self, payload: bytes, finish: Callable[[bytes], bytes]) -> bytes:
        validator = self._validator
        if validator is None or (len(payload) > self._safe_length and self._cost.bound(payload) > MAX_STEPS):
            raise self._defer(payload, finish)
        value = parse_value(payload)
        if not validator.is_valid(value):
            steps = self._cost.bound(payload)
            if steps > MAX_ERROR_STEPS or steps * len(payload) > MAX_ERROR_BYTES:
                raise self._defer(payload, finish, is_invalid=True)
            raise EncodeError(*explain(validator, value))
        return payload

    def complete(self, payload: bytes) -> bytes:
        """Return a valid payload with the defaults of absent properties, as Confluent's proxy writes it."""
        try:
            return payload if self._defaults is None else self._defaults.add(payload)
        except RecursionError as error:
            raise EncodeError((), "the value is nested too deeply") from error

    def _defer(
        self, payload: bytes, finish: Callable[[bytes], bytes], *, is_invalid: bool = False
    ) -> HeavyValidationError:
        validation = Validation(self._text, tuple(self._dependencies.items()), payload, is_invalid)
        return HeavyValidationError(validation, finish)


def run_validation(validation: Validation) -> tuple[Path, str, str] | bool:
    """Return whether the value is valid; for one known to be invalid, what `explain` returns.

    For a process of its own: nothing bounds the work. Raises InvalidSchemaError.
    """
    validator = _compile_once(validation.text, validation.dependencies)
    try:
        value = parse_value(validation.payload)
    except EncodeError as error:
        return (error.path, error.message, error.expected) if validation.is_invalid else False
    return explain(validator, value) if validation.is_invalid else validator.is_valid(value)


@lru_cache(_COMPILED)
def _compile_once(text: str, dependencies: tuple[tuple[str, str], ...]) -> jsonschema_rs.Validator:
    return compile_validator(text, dict(dependencies))


def _is_quickly_compiled(text: str, dependencies: Dependencies) -> bool:
    texts = (text, *dependencies.values())
    return sum(map(len, texts)) <= _MAX_CHARACTERS and (
        sum(json_schema_cost.measure_patterns(_parse_schema(text)) for text in texts) <= _MAX_COMPILATION
    )


def _find_defaults(documents: Documents, text: str, dependencies: Dependencies) -> Defaults | None:
    """Return what the schema adds to values, None for nothing."""
    if not any(_DEFAULT in schema for schema in (text, *dependencies.values())):
        return None
    if draft_of(documents.root.value).is_modern:
        return None
    try:
        defaults = Defaults(documents)
    except RecursionError as error:
        raise InvalidSchemaError("the schema is nested too deeply") from error
    return None if defaults.is_empty else defaults


def measure(text: str, dependencies: Dependencies) -> json_schema_cost.Cost:
    """Return the cost of validating a value."""
    return _measure(open_documents(text, dependencies), text, dependencies)


def _measure(documents: Documents, text: str, dependencies: Dependencies) -> json_schema_cost.Cost:
    characters = len(text) + sum(map(len, dependencies.values()))
    return json_schema_cost.measure(documents, characters)


def open_documents(text: str, dependencies: Dependencies) -> Documents:
    """Return the schema with those that it refers to; raises InvalidSchemaError."""
    root = _parse_schema(text)
    names: dict[str, str] = {}
    for name, dependency in dependencies.items():
        bare = name.removeprefix("./")
        for spelling in (name, bare, f"./{bare}", _identify(_parse_schema(dependency))):
            names.setdefault(spelling, dependency)
    return Documents(root, names, draft_of(root))


def _identify(root: Any) -> str:
    """Return the URI that a schema gives to itself; an empty text where it has none."""
    identifier = root.get("$id", root.get("id")) if isinstance(root, dict) else None
    return identifier.partition("#")[0] if isinstance(identifier, str) else ""


def compile_validator(text: str, dependencies: Dependencies) -> jsonschema_rs.Validator:
    """Return the validator of a schema; raises InvalidSchemaError."""
    root = _parse_schema(text)
    resources = {name: _parse_schema(text) for name, text in dependencies.items()}
    validator = _VALIDATORS[draft_of(root)]
    try:
        return validator(root, retriever=_retriever(resources), pattern_options=_PATTERNS)
    except (jsonschema_rs.ValidationError, RecursionError) as error:
        raise InvalidSchemaError(_cut(getattr(error, "message", str(error)))) from error


def explain(validator: jsonschema_rs.Validator, value: Any) -> tuple[Path, str, str]:
    """Return the first place of an invalid value that does not match, why, and which keyword it does not match."""
    try:
        validator.validate(value)
    except jsonschema_rs.ValidationError as error:
        *place, keyword = map(str, error.schema_path or [""])
        expected = f'what "{keyword}" at #{"".join(f"/{step}" for step in place)} of the schema accepts'
        return tuple(error.instance_path), _cut(error.message), _cut(expected)
    raise AssertionError("the value is valid")


def parse_value(payload: bytes) -> Any:
    """Return the value of a payload; raises EncodeError for a number beyond what a double holds."""
    try:
        return _from_json(payload)
    except msgspec.ValidationError as error:
        raise EncodeError((), str(error)) from error


def _parse_schema(text: str) -> Any:
    try:
        return _from_json(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidSchemaError(str(error)) from error


def _cut(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}..."


def _retriever(resources: Mapping[str, Any]) -> Callable[[str], Any]:
    """Finds a registered reference by the URI that a `$ref` resolved to.

    Its name or `$id` is that URI, or its name is relative to where the `$ref` stands.
    """
    named = {name.partition("#")[0]: resource for name, resource in resources.items()}
    identified = {_identify(resource): resource for resource in resources.values()}

    def retrieve(uri: str) -> Any:
        resource = named.get(uri, identified.get(uri))
        if resource is not None:
            return resource
        for name, resource in named.items():
            if uri.endswith("/" + name.lstrip("./")):
                return resource
        raise LookupError(f"{uri} is not among the schema's references")

    return retrieve
