"""Avro schemas with the verdicts and texts of a running Confluent Schema Registry 8.1.5: ours are the same.

`avro.json`: `pairs` are indexes of the old and the new schema in `schemas` and the names of the rules that the new
one breaks as a reader of the old one, in order; `validity` says what may be registered; `texts` are the stored forms.
"""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like.schema import avro
from karapace_like.schema.avro.model import Parsed
from karapace_like.schema.model import CompatibilityPolicy, InvalidSchemaError, Strictness

CORPUS: dict[str, list[Any]] = json.loads((Path(__file__).parent / "avro.json").read_text(encoding="utf-8"))


@functools.cache
def schema(index: int) -> Parsed:
    return avro.parse(json.dumps(CORPUS["schemas"][index]), {}, Strictness.STRICT)


def test_every_pair_breaks_the_same_rules_in_the_same_order() -> None:
    verdicts = [
        [
            old,
            new,
            [
                each.rule.name
                for each in avro.find_incompatibilities(schema(new), schema(old), CompatibilityPolicy.STRICT)
            ],
        ]
        for old, new, _ in CORPUS["pairs"]
    ]
    assert verdicts == CORPUS["pairs"]


@pytest.mark.parametrize("strictness", [Strictness.STRICT, Strictness.LAX])
def test_the_same_schemas_are_valid(strictness: Strictness) -> None:
    for case in CORPUS["validity"]:
        dependencies = {str(number): text for number, text in enumerate(case["references"])}
        try:
            avro.parse(case["schema"], dependencies, strictness)
            valid = True
        except InvalidSchemaError:
            valid = False
        assert valid == case["valid"], case["name"]


def test_the_stored_texts_are_the_same() -> None:
    for case in CORPUS["texts"]:
        parsed = avro.parse(case["schema"], {}, Strictness.STRICT)
        assert avro.canonicalise(parsed) == case["plain"], case["group"]
        assert avro.normalize(parsed) == case["normalized"], case["group"]
