"""The `default` and `examples` of a JSON Schema, checked against the schema that they stand in.

jsonschema explains best why a value does not match, which matters more here than speed (ADR 16). Values for which that
could take long are not checked. Nothing is fetched: a `$ref` leads into the schema or to one of its references.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from karapace_like.schema.files import CACHED_TEXTS
from karapace_like.schema.json_schema.documents import Documents, Location
from karapace_like.schema.json_schema.draft import draft_of
from karapace_like.schema.json_schema.json_text import read, write
from karapace_like.schema.json_schema.pattern import Pattern
from karapace_like.serde import json_schema_cost

_SHOWN = 60
"""Characters of a value that a message quotes."""
_MAX_REASON = 500
"""Characters of a reason, which quotes values, too."""
_MAX_STEPS = 100_000
"""Work of one value: jsonschema takes about 10 us for each step."""
_PLAIN_KEYWORDS = frozenset(
    [
        "$comment",
        "const",
        "default",
        "deprecated",
        "description",
        "enum",
        "examples",
        "exclusiveMaximum",
        "exclusiveMinimum",
        "format",
        "maxLength",
        "maximum",
        "minLength",
        "minimum",
        "multipleOf",
        "readOnly",
        "title",
        "type",
        "writeOnly",
    ]
)
_PLAIN_LENGTH = 1_000
"""Characters of a value."""
_ITEMS_PER_STEP = 4
"""Pairs of a value's parts in one step: `uniqueItems` may compare all of them."""


class _UndecidableError(Exception):
    """Whether a value matches a pattern is unknown."""


class JsonValues:
    """Checks the values of one schema."""

    def __init__(self, text: str, list_references: Callable[[], Mapping[str, str]]) -> None:
        """`text` is the schema, `list_references` returns the texts that it refers to, by the URI that `$ref` uses."""
        self._schema = _read(text)
        self._list_references = list_references
        self._has_hidden_patterns = "unevaluatedProperties" in text and "patternProperties" in text
        """Whether jsonschema might match patterns by itself, for which nothing bounds the time."""

    @cached_property
    def _references(self) -> Mapping[str, str]:
        """Read only for a value whose schema refers to something."""
        return self._list_references()

    @cached_property
    def _documents(self) -> Documents:
        return Documents(self._schema, self._references, draft_of(self._schema))

    def find_mismatches(self, path: str) -> Iterator[str]:
        """Yield a message for each value of the subschema at the path (`#/properties/a`) that does not match it."""
        schema = _follow(self._schema, path.split("/")[1:])
        if not isinstance(schema, dict):
            return
        values = [("default", schema["default"])] if "default" in schema else []
        examples = schema.get("examples")
        values += [
            (f"examples[{at}]", value) for at, value in enumerate(examples if isinstance(examples, list) else ())
        ]
        for name, value in values:
            shown = json.dumps(value, ensure_ascii=False)
            reason = self._explain(schema, value) if self._is_cheap(schema, shown) else None
            if reason is not None:
                yield f"{name} {_cut(shown, _SHOWN)} does not match: {_cut(reason, _MAX_REASON)}"

    def _is_cheap(self, schema: dict[str, Any], value: str) -> bool:
        """Return whether it takes a second at most to explain a value, which is given as JSON."""
        if _is_plain(schema) and len(value) <= _PLAIN_LENGTH:
            return True
        characters = sum(map(len, self._references.values())) + len(value)
        cost = json_schema_cost.measure(self._documents, characters, Location(schema, self._documents.root.base))
        parts = value.count(",") + value.count(":")
        steps = cost.bound(value.encode(errors="surrogatepass")) + parts * parts // _ITEMS_PER_STEP
        return steps <= _MAX_STEPS and not self._has_hidden_patterns

    def _explain(self, schema: dict[str, Any], value: Any) -> str | None:
        """Return why the value does not match the schema; None if it does, or if that cannot be decided."""
        from jsonschema.exceptions import best_match  # noqa: PLC0415
        from referencing.exceptions import Unresolvable  # noqa: PLC0415

        try:
            error = best_match(self._validator.evolve(schema=schema).iter_errors(value))
        except (Unresolvable, _UndecidableError, RecursionError):
            return None
        if error is None:
            return None
        place = error.json_path.removeprefix("$").removeprefix(".")
        return f"{place}: {error.message}" if place else str(error.message)

    @cached_property
    def _validator(self) -> Any:
        # Loaded here: other rules and commands do without its 60 ms.
        from jsonschema.validators import Draft7Validator, validator_for  # noqa: PLC0415
        from referencing import Registry, Resource  # noqa: PLC0415
        from referencing.exceptions import NoSuchResource  # noqa: PLC0415
        from referencing.jsonschema import DRAFT7  # noqa: PLC0415

        def retrieve(uri: str) -> Any:
            if uri not in self._references:
                raise NoSuchResource(uri)
            return Resource.from_contents(_read(self._references[uri]), default_specification=DRAFT7)

        draft = validator_for(self._schema, default=Draft7Validator)
        registry: Any = Registry(retrieve=retrieve)  # type: ignore[call-arg]
        return _extend_draft(draft)(self._schema, registry=registry)


def _is_plain(schema: dict[str, Any]) -> bool:
    """Return whether the schema holds no other schemas and no pattern: a short value costs next to nothing."""
    return schema.keys() <= _PLAIN_KEYWORDS


@lru_cache
def _extend_draft(draft: Any) -> Any:
    """Return the class of validators of a draft with our own keywords; making one takes milliseconds."""
    from jsonschema.validators import extend  # noqa: PLC0415 - see above

    extended: Any = extend(draft, _list_own_keywords(draft.VALIDATORS))  # type: ignore[no-untyped-call]
    return extended


def _list_own_keywords(keywords: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the keywords with patterns: jsonschema matches these with `re`, which a pattern can keep busy for ever."""

    def compile_pattern(expression: str) -> Pattern:
        compiled = Pattern(expression)
        if not compiled.is_usable:
            raise _UndecidableError
        return compiled

    def pattern(_: Any, expression: str, value: Any, __: Any) -> Iterator[Any]:
        from jsonschema import ValidationError  # noqa: PLC0415

        if isinstance(value, str) and not compile_pattern(expression).matches(value):
            yield ValidationError(f"{value!r} does not match {expression!r}")

    def pattern_properties(validator: Any, schemas: Any, value: Any, _: Any) -> Iterator[Any]:
        for expression, schema in schemas.items() if isinstance(value, dict) else ():
            covering = compile_pattern(expression)
            for name in filter(covering.matches, value):
                yield from validator.descend(value[name], schema, path=name, schema_path=expression)

    def additional_properties(validator: Any, additional: Any, value: Any, schema: Any) -> Iterator[Any]:
        covering = [compile_pattern(expression) for expression in schema.get("patternProperties", ())]
        if covering and isinstance(value, dict):
            value = {
                name: member for name, member in value.items() if not any(member.matches(name) for member in covering)
            }
            schema = {keyword: subschema for keyword, subschema in schema.items() if keyword != "patternProperties"}
        yield from keywords["additionalProperties"](validator, additional, value, schema)

    return {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
    }


@lru_cache(CACHED_TEXTS)
def _read(text: str) -> Any:
    """Return the value of a schema's text; cached, and not to be changed."""
    return json.loads(write(read(text)))


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def _follow(value: Any, steps: list[str]) -> Any:
    """Return what is at the end of the steps, of which several may spell one key that has a slash; None for nothing."""
    if not steps:
        return value
    if isinstance(value, list):
        at = int(steps[0]) if steps[0].isdecimal() else len(value)
        return _follow(value[at], steps[1:]) if at < len(value) else None
    for count in range(1, len(steps) + 1):
        key = "/".join(steps[:count])
        if isinstance(value, dict) and key in value:
            target = _follow(value[key], steps[count:])
            if target is not None:
                return target
    return None
