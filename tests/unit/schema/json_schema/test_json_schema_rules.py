"""The rule table: every rule is what its example breaks, and says it in a sentence."""

import pytest

from karapace_like.schema import formats
from karapace_like.schema.compatibility import compare, report
from karapace_like.schema.json_schema import RULES
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    ParsedSchema,
    Rule,
    SchemaType,
    UnparsedSchema,
)


def parse(text: str) -> ParsedSchema:
    return formats.parse(UnparsedSchema(SchemaType.JSON, text), {})


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_example_of_a_rule_breaks_it(rule: Rule) -> None:
    findings = compare(parse(rule.new), parse(rule.old), CompatibilityLevel.BACKWARD)
    assert rule in [each.incompatibility.rule for each in findings]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_the_example_of_a_rule_is_fine_the_other_way_or_breaks_other_rules(rule: Rule) -> None:
    findings = compare(parse(rule.old), parse(rule.new), CompatibilityLevel.BACKWARD)
    symmetric = rule.name.endswith(("CHANGED", "_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"))
    assert symmetric or rule not in [each.incompatibility.rule for each in findings]


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_sentence_says_where(rule: Rule) -> None:
    assert "'{path}'" in rule.template


MESSAGES = {
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": (
        "The new schema has an open content model and has a property or item at path '#/properties/a' "
        "which is missing in the old schema"
    ),
    "ENUM_ARRAY_NARROWED": (
        "An array or combined type at path '#/enum' has fewer elements in the new schema than the old schema"
    ),
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": (
        "The new has a closed content model and is missing a property or item present at path '#/properties/a' "
        "in the old schema"
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_reads_as_users_know_it(name: str) -> None:
    new, old = parse(RULES[name].new), parse(RULES[name].old)
    messages = report(new, compare(new, old, CompatibilityLevel.BACKWARD))
    assert messages == [f'{{errorType:"{name}", description:"{MESSAGES[name]}\'}}']


def test_a_forward_message_swaps_new_and_old() -> None:
    new, old = parse('{"properties":{"a":{"type":"string"}},"additionalProperties":false}'), parse("{}")
    [forward] = compare(new, parse('{"additionalProperties":false}'), CompatibilityLevel.FORWARD)
    assert forward.message.startswith("The old has a closed content model")
    assert compare(new, old, CompatibilityLevel.FORWARD) == []


def test_an_incompatibility_shows_both_fragments() -> None:
    old, new = parse('{"properties":{"a":{"minLength":1}}}'), parse('{"properties":{"a":{"minLength":2}}}')
    [found] = (each.incompatibility for each in compare(new, old, CompatibilityLevel.BACKWARD))
    assert (found.path, found.writer, found.reader) == ("#/properties/a/minLength", "1", "2")


@pytest.mark.parametrize(
    ("old", "new", "forgiven"),
    [
        ('{"type":"object"}', '{"properties":{"a":{"type":"string"}}}', True),
        ('{"type":"object"}', '{"additionalProperties":false}', True),
        ('{"properties":{"a":true}}', '{"additionalProperties":false}', True),
        ('{"type":"object"}', '{"properties":{"a":{"type":"string"}},"required":["a"]}', False),
        ('{"properties":{"a":true}}', '{"properties":{"a":{"type":"string"}}}', False),
        ('{"type":"array"}', '{"items":[true],"additionalItems":false}', False),
    ],
)
def test_lenient_forgives_optional_properties_only(old: str, new: str, forgiven: bool) -> None:  # noqa: FBT001 - table
    findings = compare(parse(new), parse(old), CompatibilityLevel.BACKWARD, CompatibilityPolicy.LENIENT)
    assert (not findings) == forgiven
