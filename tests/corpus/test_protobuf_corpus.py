"""Protobuf schemas with the verdicts and texts of a running Confluent Schema Registry 8.1.5: ours are the same.

`protobuf.json`: `pairs` are indexes of the old and the new schema in `schemas` and the names of the rules that the new
one breaks as a reader of the old one, in order. `validity` says what that registry accepts (`reference`), and what
protoc says where it differs. `texts` are the stored forms; `ours` is the normalized one where we differ on purpose.
"""

import functools
import json
from pathlib import Path
from typing import Any

import pytest

from karapace_like.schema import protobuf
from karapace_like.schema.model import CompatibilityPolicy, InvalidSchemaError, Strictness

CORPUS: dict[str, Any] = json.loads((Path(__file__).parent / "protobuf.json").read_text(encoding="utf-8"))
EDITIONS = {"ed 2023", "ed 2024"}


def dependencies(references: dict[str, str]) -> dict[str, str]:
    return {path: CORPUS["references"][name] for path, name in references.items()}


@functools.cache
def schema(index: int) -> protobuf.ParsedProtobuf:
    entry = CORPUS["schemas"][index]
    text, references = (entry, {}) if isinstance(entry, str) else (entry["text"], entry["references"])
    return protobuf.parse(text, dependencies(references), Strictness.STRICT)


def is_valid(case: dict[str, Any], strictness: Strictness) -> bool:
    try:
        protobuf.parse(case["schema"], dependencies(case.get("references", {})), strictness)
    except InvalidSchemaError:
        return False
    return True


def test_every_pair_breaks_the_same_rules_in_the_same_order() -> None:
    verdicts = [
        [
            old,
            new,
            [
                each.rule.name
                for each in protobuf.find_incompatibilities(schema(new), schema(old), CompatibilityPolicy.STRICT)
            ],
        ]
        for old, new, _ in CORPUS["pairs"]
    ]
    assert verdicts == CORPUS["pairs"]


@pytest.mark.parametrize("case", CORPUS["validity"], ids=lambda case: str(case["name"]))
def test_strict_is_what_protoc_says(case: dict[str, Any]) -> None:
    assert is_valid(case, Strictness.STRICT) == case.get("protoc", case["reference"])


@pytest.mark.parametrize("case", CORPUS["validity"], ids=lambda case: str(case["name"]))
def test_lax_is_what_the_reference_accepts_and_editions(case: dict[str, Any]) -> None:
    assert is_valid(case, Strictness.LAX) == (case["reference"] or case["name"] in EDITIONS)


@pytest.mark.parametrize("case", CORPUS["texts"], ids=lambda case: repr(case["schema"])[-40:])
def test_the_stored_texts_are_the_same(case: dict[str, Any]) -> None:
    parsed = protobuf.parse(case["schema"], {}, Strictness.STRICT)
    assert protobuf.canonicalise(parsed) == case["plain"]
    assert protobuf.normalize(parsed) == case.get("ours", case["normalized"])
