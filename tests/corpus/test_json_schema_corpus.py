"""JSON Schemas with the verdicts and texts of a running Confluent Schema Registry 8.1.5: ours are the same.

`json_schema.json`: `pairs` are indexes of the old and the new schema in `schemas`, the names of the rules that the new
one breaks as a reader of the old one, in order, and whether the LENIENT policy forgives them all. `references` holds,
by index, what a schema's references are registered as in `registered`. `validity` says what may be registered,
`texts` are the stored forms.
"""

import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from karapace_like.schema import json_schema
from karapace_like.schema.model import CompatibilityPolicy, InvalidSchemaError, Strictness

CORPUS: dict[str, Any] = json.loads((Path(__file__).parent / "json_schema.json").read_text(encoding="utf-8"))

REPORTED_TWICE = [["TYPE_CHANGED", "TYPE_CHANGED"], ["TYPE_CHANGED"]]
"""One pair of mutually recursive schemas: the reference goes around the circle once more before it notices."""


def dependencies(references: dict[str, str]) -> dict[str, str]:
    return {name: json.dumps(CORPUS["registered"][key]) for name, key in references.items()}


@functools.cache
def schema(index: int) -> json_schema.Parsed:
    references = CORPUS["references"].get(str(index), {})
    return json_schema.parse(json.dumps(CORPUS["schemas"][index]), dependencies(references), Strictness.STRICT)


def broken_rules(old: int, new: int, policy: CompatibilityPolicy) -> list[str]:
    return [each.rule.name for each in json_schema.find_incompatibilities(schema(new), schema(old), policy)]


def cases(of: str) -> Iterator[Any]:
    for case in CORPUS[of]:
        yield case, case["schema"], dependencies(case.get("references", {}))


@pytest.mark.slow
def test_every_pair_breaks_the_same_rules_in_the_same_order() -> None:
    differing = [
        [expected, found]
        for old, new, expected, _ in CORPUS["pairs"]
        if (found := broken_rules(old, new, CompatibilityPolicy.STRICT)) != expected
    ]
    assert differing == [REPORTED_TWICE]


def test_the_lenient_policy_forgives_the_same_pairs() -> None:
    forgiven = [not broken_rules(old, new, CompatibilityPolicy.LENIENT) for old, new, _, _ in CORPUS["pairs"]]
    assert forgiven == [lenient for _, _, _, lenient in CORPUS["pairs"]]


@pytest.mark.parametrize("strictness", [Strictness.STRICT, Strictness.LAX])
def test_the_same_schemas_are_valid(strictness: Strictness) -> None:
    for case, text, known in cases("validity"):
        try:
            json_schema.parse(text, known, strictness)
            valid = True
        except InvalidSchemaError:
            valid = False
        assert valid == case["valid"], case["name"]


def test_the_stored_texts_are_the_same() -> None:
    for case, text, known in cases("texts"):
        parsed = json_schema.parse(text, known, Strictness.STRICT)
        assert json_schema.canonicalise(parsed) == case["canonical"]
        assert json_schema.normalize(parsed) == case["normalized"]
