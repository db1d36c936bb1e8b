"""Values of a JSON Schema that another one rejects, as the REST proxy validates them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from karapace_like.explanation.examples import MAX_LENGTH, Example, Side
from karapace_like.schema.json_schema import Parsed
from karapace_like.schema.json_schema.findings import CUT_PATH
from karapace_like.schema.json_schema.schemas import (
    Array,
    Boolean,
    Combined,
    Const,
    Criterion,
    Enum,
    Null,
    Numeric,
    Object,
    Reference,
    Schema,
    String,
)
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import EncodeError, HeavyWorkError
from karapace_like.serde.json_schema import JsonSchemaCodec

_MAX_CANDIDATES = 3_000
_MAX_CHARACTERS = 3_000_000
"""Of all candidates together: a value of a large schema has hundreds of thousands."""
_MANY_MEMBERS = 20
"""Of an object whose copies are too many or too long to be tried."""
_MAX_DEPTH = 6
_MAX_LENGTH = 300
"""Of texts and lists in a candidate."""
_MAX_NUMBERS = 24
_MAX_REASON = 200


def find_example(writer: Side, reader: Side, path: str) -> Example | None:
    """See `ExampleFinder`. The value shows the place, unless that is deeper than any value."""
    if path.startswith(CUT_PATH):
        return None
    assert isinstance(writer.parsed, Parsed)
    try:
        accepts = JsonSchemaCodec(writer.source.text, writer.source.dependencies)
        rejects = JsonSchemaCodec(reader.source.text, reader.source.dependencies)
        constants = list(_list_constants([json.loads(writer.source.text), json.loads(reader.source.text)]))
        pool = [*_make_pool(constants), *_list_objects(writer.source.text, reader.source.text)]
        plain = _make_value(writer.parsed.schema, 0)
        characters = 0
        for value in islice(_list_candidates(plain, pool), _MAX_CANDIDATES):
            text = json.dumps(value, ensure_ascii=False)
            characters += len(text)
            if characters > _MAX_CHARACTERS:
                break
            if len(text) > MAX_LENGTH:
                continue
            if _explain(accepts, text) is None and (reason := _explain(rejects, text)) is not None:
                return Example(text, reason[:_MAX_REASON])
    except (HeavyWorkError, InvalidSchemaError, RecursionError, ValueError, UnicodeError):
        return None
    return None


def _explain(codec: JsonSchemaCodec, text: str) -> str | None:
    """Return why the value is not valid; None if it is. A value that takes long to validate raises HeavyWorkError."""
    try:
        codec.encode(text.encode())
    except EncodeError as error:
        return str(error)
    return None


def _make_value(schema: Schema, depth: int) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case for each node
    """Return a value that is likely to be valid."""
    if depth > _MAX_DEPTH:
        return None
    match schema:
        case Null():
            return None
        case Boolean():
            return True
        case String():
            return "x" * min(max(schema.min_length or 0, min(schema.max_length or 1, 1)), _MAX_LENGTH)
        case Numeric():
            low = schema.minimum if schema.minimum is not None else schema.exclusive_minimum
            return 1 if low is None else int(low) + 1
        case Object():
            return {name: _make_value(member, depth + 1) for name, member in schema.properties.items()}
        case Array():
            item = schema.every or (schema.first[0] if schema.first else None)
            count = min(max(schema.min_items or 0, 1), _MAX_LENGTH)
            return [_make_value(item, depth + 1) if item else at for at in range(count)]
        case Enum():
            return next(iter(schema.values.values()), None)
        case Const():
            return json.loads(schema.value)
        case Reference():
            return _make_value(schema.target, depth + 1)
        case Combined(criterion=Criterion.ALL):
            parts = [_make_value(part, depth + 1) for part in schema.subschemas]
            objects = [part for part in parts if isinstance(part, dict)]
            return (
                {name: value for part in objects for name, value in part.items()} if objects else next(iter(parts), 1)
            )
        case Combined():
            return _make_value(schema.subschemas[0], depth + 1) if schema.subschemas else 1
        case _:
            return "x"


def _list_candidates(plain: Any, pool: Sequence[Any]) -> Iterator[Any]:
    """Yield the value, and copies of it that differ at one place; of a large object its members alone first."""
    if isinstance(plain, dict) and len(plain) > _MANY_MEMBERS:
        yield from ({name: member} for name, member in plain.items())
    yield plain
    for make in _list_places(plain, lambda value: value, 0):
        yield from (make(other) for other in pool)
    yield from _list_shapes(plain, lambda value: value, 0)


def _list_places(value: Any, rebuild: Any, depth: int) -> Iterator[Any]:
    """Yield a function for each place, which returns the whole value with another one there; inner places first."""
    if depth <= _MAX_DEPTH:
        for key, member in _list_members(value):
            yield from _list_places(member, lambda new, key=key: rebuild(_replace(value, key, new)), depth + 1)
    yield rebuild


def _list_shapes(value: Any, rebuild: Any, depth: int) -> Iterator[Any]:
    """Yield the whole value with one member less or more somewhere."""
    if depth <= _MAX_DEPTH:
        for key, member in _list_members(value):
            yield from _list_shapes(member, lambda new, key=key: rebuild(_replace(value, key, new)), depth + 1)
    if isinstance(value, dict):
        yield from (rebuild({key: member for key, member in value.items() if key != name}) for name in value)
        for extra in ("x", 1, None):
            yield rebuild({**value, "other": extra})
        yield from (rebuild({name: member}) for name, member in value.items())
        yield rebuild({})
    elif isinstance(value, list):
        yield rebuild([])
        for extra in ("x", 1, None):
            yield rebuild([*value, extra])


def _list_members(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value))[:3] if isinstance(value, list) else []


def _replace(value: Any, key: Any, new: Any) -> Any:
    if isinstance(value, dict):
        return {**value, key: new}
    return [*value[:key], new, *value[key + 1 :]]


def _make_pool(constants: Sequence[Any]) -> list[Any]:
    """Return values of every type, of the sizes that the constants of the schemas speak of, and a step beside them."""
    numbers = sorted(
        {number for number in constants if isinstance(number, int | float) and not isinstance(number, bool)}
    )
    near = [value for number in numbers[:_MAX_NUMBERS] for value in (number, number + 1, number - 1, number + 0.5)]
    sizes = sorted({int(value) for value in near if 0 <= value <= _MAX_LENGTH} | {0, 1, 2})
    return [
        *(constant for constant in constants if not isinstance(constant, int | float)),
        *("x" * size for size in sizes),
        *near,
        *([1] * size for size in sizes),
        *(list(range(size)) for size in sizes[:8]),
        *(["x"] * size for size in sizes),
        *({f"p{at}": "x" for at in range(size)} for size in sizes[:8]),
        1, 2.5, True, None, "y",
    ]  # fmt: skip


def _list_objects(*texts: str) -> Iterator[Any]:
    """Yield objects with one of the properties that the schemas name."""
    names = dict.fromkeys(name for text in texts for name in _list_names(json.loads(text)))
    for name in islice(names, _MAX_NUMBERS):
        yield from ({name: value} for value in ("x", 1, None))


def _list_names(value: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(value, Mapping) and depth <= 2 * _MAX_DEPTH:
        for name, member in value.items():
            if name in {"properties", "dependencies", "dependentRequired", "dependentSchemas"}:
                yield from member if isinstance(member, Mapping) else ()
            yield from _list_names(member, depth + 1)


def _list_constants(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the numbers in a schema, and the values of `enum`, `const`, `default` and `examples`."""
    if depth > 2 * _MAX_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, member in value.items():
            if name in {"enum", "examples"} and isinstance(member, list):
                yield from member[:_MAX_NUMBERS]
            elif name in {"const", "default"}:
                yield member
            yield from _list_constants(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            yield from _list_constants(member, depth + 1)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value
