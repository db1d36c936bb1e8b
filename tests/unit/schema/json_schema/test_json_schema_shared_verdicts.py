"""A comparison finds the same, whatever earlier comparisons of schemas with common references have found out."""

import json
import random
from typing import Any

import pytest

from karapace_like.schema import formats
from karapace_like.schema.model import CompatibilityPolicy, ParsedSchema, SchemaType, Strictness, UnparsedSchema
from karapace_like.schema.sharing import SharedReferences
from tests.forms import count_examples

_COUNT = 5
_FIND = formats.FORMATS[SchemaType.JSON].find_incompatibilities


def draw_schema(draw: random.Random) -> str:
    """Return a schema that refers to itself and others, in circles or not."""

    def draw_node(depth: int) -> dict[str, Any]:
        match draw.randrange(6 if depth else 3):
            case 0 | 1:
                return (
                    {"$ref": draw.choice(["#", *(f"s{at}" for at in range(_COUNT))])} if depth else draw_object(depth)
                )
            case 2:
                return draw_object(depth)
            case 3:
                return {draw.choice(["oneOf", "anyOf", "allOf"]): [draw_node(depth + 1) for _ in range(2)]}
            case _:
                return {"type": draw.choice(["string", "integer", "number"])}

    def draw_object(depth: int) -> dict[str, Any]:
        names = draw.sample("abc", draw.randrange(1, 3)) if depth < 3 else []
        return {"type": "object", "properties": {name: draw_node(depth + 1) for name in names}}

    return json.dumps(draw_node(0))


def parse(text: str, others: dict[str, str], shared: SharedReferences | None) -> ParsedSchema:
    return formats.parse(UnparsedSchema(SchemaType.JSON, text, ()), others, Strictness.STRICT, shared)


@pytest.mark.slow
@pytest.mark.drawn
def test_shared_verdicts_change_no_finding() -> None:
    broken = 0
    for seed in range(count_examples(1_000)):
        draw = random.Random(seed)
        old = {f"s{at}": draw_schema(draw) for at in range(_COUNT)}
        new = {name: draw_schema(draw) if draw.random() < 0.3 else before for name, before in old.items()}
        shared = SharedReferences()
        for name, text in old.items():
            for policy in CompatibilityPolicy:
                found, alone = (
                    _FIND(parse(new[name], new, sharing), parse(text, old, sharing), policy)
                    for sharing in (shared, None)
                )
                assert found == alone, (seed, name)
                broken += bool(found)
    assert broken
