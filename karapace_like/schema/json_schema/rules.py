"""Every incompatibility between JSON Schemas by name, with its sentence and an example, and what LENIENT forgives.

The names are Confluent's. `{path}` is a pointer into the schemas, such as `#/properties/a/minLength`.
"""

from collections.abc import Iterator, Mapping

from karapace_like.schema.model import Rule

_BOUND_ADDED = "The keyword at path '{path}' in the {reader} schema is not present in the {writer} schema"
_MAXIMUM_DECREASED = "The value at path '{path}' in the {reader} schema is less than its value in the {writer} schema"
_MINIMUM_INCREASED = "The value at path '{path}' in the {reader} schema is more than its value in the {writer} schema"
_CHANGED = "The value at path '{path}' in the {reader} schema does not match its value in the {writer} schema"
_NARROWED = (
    "An array or combined type at path '{path}' has fewer elements in the {reader} schema than the {writer} schema"
)
_EXTENDED = (
    "An array or combined type at path '{path}' has more elements in the {reader} schema than the {writer} schema"
)
_REST_REMOVED = (
    "The {reader} schema allows nothing else at path '{path}', where the {writer} schema allows more than it names"
)
_REST_NARROWED = (
    "The {reader} schema restricts what else is allowed at path '{path}', "
    "where the {writer} schema does not restrict it"
)
_ADDED_TO_OPEN = (
    "The {reader} schema has an open content model and has a property or item at path '{path}' "
    "which is missing in the {writer} schema"
)
_REQUIRED_ADDED = (
    "The {reader} schema requires a property at path '{path}' without a default "
    "which the {writer} schema does not require"
)
_REMOVED_FROM_CLOSED = (
    "The {reader} has a closed content model and is missing a property or item present at path '{path}' "
    "in the {writer} schema"
)
_NOT_COVERED = (
    "The property or item at path '{path}' is named by one schema only, and the other schema's partially open "
    "content model does not cover it"
)
_SUBSCHEMAS = (
    "The subschemas of the combined type at path '{path}' in the {reader} schema cannot be paired with those "
    "in the {writer} schema"
)


def _bound(name: str, keyword: str, type_: str, *, upper: bool, about: str = "") -> Iterator[Rule]:
    """Yield the two rules of a numeric keyword; `about` names what else a schema must have for the keyword to count."""
    schema = f'{{"type":"{type_}"{about}'
    low, high = f'{schema},"{keyword}":2}}', f'{schema},"{keyword}":5}}'
    yield Rule(f"{name}_ADDED", _BOUND_ADDED, old=f'{{"type":"{type_}"}}', new=low)
    if upper:
        yield Rule(f"{name}_DECREASED", _MAXIMUM_DECREASED, old=high, new=low)
    else:
        yield Rule(f"{name}_INCREASED", _MINIMUM_INCREASED, old=low, new=high)


def _values() -> Iterator[Rule]:
    yield Rule(
        "TYPE_CHANGED",
        "The type at path '{path}' in the {reader} schema does not match its type in the {writer} schema",
        old='{"type":"string"}',
        new='{"type":"boolean"}',
    )
    yield Rule(
        "TYPE_NARROWED",
        "The type at path '{path}' in the {reader} schema is narrower than its type in the {writer} schema",
        old='{"type":"number"}',
        new='{"type":"integer"}',
    )
    yield from _bound("MAX_LENGTH", "maxLength", "string", upper=True)
    yield from _bound("MIN_LENGTH", "minLength", "string", upper=False)
    yield Rule("PATTERN_ADDED", _BOUND_ADDED, old='{"type":"string"}', new='{"type":"string","pattern":"^a"}')
    yield Rule("PATTERN_CHANGED", _CHANGED, '{"type":"string","pattern":"^a"}', '{"type":"string","pattern":"^b"}')
    yield from _bound("MAXIMUM", "maximum", "number", upper=True)
    yield from _bound("MINIMUM", "minimum", "number", upper=False)
    yield from _bound("EXCLUSIVE_MAXIMUM", "exclusiveMaximum", "number", upper=True)
    yield from _bound("EXCLUSIVE_MINIMUM", "exclusiveMinimum", "number", upper=False)
    yield Rule("MULTIPLE_OF_ADDED", _BOUND_ADDED, old='{"type":"number"}', new='{"type":"number","multipleOf":2}')
    yield Rule(
        "MULTIPLE_OF_EXPANDED",
        "The value at path '{path}' in the {reader} schema is a multiple of its value in the {writer} schema",
        old='{"type":"number","multipleOf":2}',
        new='{"type":"number","multipleOf":4}',
    )
    yield Rule(
        "MULTIPLE_OF_CHANGED",
        _CHANGED,
        old='{"type":"number","multipleOf":2}',
        new='{"type":"number","multipleOf":3}',
    )
    yield Rule("ENUM_ARRAY_NARROWED", _NARROWED, old='{"enum":["a","b"]}', new='{"enum":["a"]}')
    yield Rule("ENUM_ARRAY_CHANGED", _CHANGED, old='{"enum":["a","b"]}', new='{"enum":["a","c"]}')
    yield Rule("CONST_CHANGED", _CHANGED, old='{"const":"a"}', new='{"const":"b"}')


def _objects() -> Iterator[Rule]:
    yield from _properties()
    yield from _unevaluated_rules("PROPERTIES", "Properties", "object")
    yield from _dependencies()
    yield from _bound("MAX_PROPERTIES", "maxProperties", "object", upper=True)
    yield from _bound("MIN_PROPERTIES", "minProperties", "object", upper=False)


def _properties() -> Iterator[Rule]:
    named = '{"type":"object","properties":{"a":{"type":"string"}}'
    closed = named + ',"additionalProperties":false}'
    numbers = '{"type":"object","additionalProperties":{"type":"number"}}'
    yield Rule("REQUIRED_ATTRIBUTE_ADDED", _REQUIRED_ADDED, old=named + "}", new=named + ',"required":["a"]}')
    yield Rule(
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL", _ADDED_TO_OPEN, old='{"type":"object"}', new=named + "}"
    )
    yield Rule(
        "REQUIRED_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        _ADDED_TO_OPEN,
        old='{"type":"object"}',
        new=named + ',"required":["a"]}',
    )
    yield Rule(
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
        _ADDED_TO_OPEN,
        old='{"type":"object"}',
        new='{"type":"object","properties":{"a":{"type":"string","default":""}},"required":["a"]}',
    )
    yield Rule(
        "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL",
        _REQUIRED_ADDED,
        old='{"type":"object","additionalProperties":false}',
        new=named + ',"required":["a"]}',
    )
    yield Rule("PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", _NOT_COVERED, old=numbers, new=named + "}")
    yield Rule(
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        _REMOVED_FROM_CLOSED,
        old=closed,
        new='{"type":"object","additionalProperties":false}',
    )
    yield Rule("PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", _NOT_COVERED, old=closed, new=numbers)
    yield Rule("ADDITIONAL_PROPERTIES_REMOVED", _REST_REMOVED, old=named + "}", new=closed)
    yield Rule("ADDITIONAL_PROPERTIES_NARROWED", _REST_NARROWED, old='{"type":"object"}', new=numbers)


def _dependencies() -> Iterator[Rule]:
    yield Rule(
        "DEPENDENCY_ARRAY_ADDED",
        _BOUND_ADDED,
        old='{"type":"object"}',
        new='{"type":"object","dependencies":{"a":["b"]}}',
    )
    yield Rule(
        "DEPENDENCY_ARRAY_EXTENDED",
        _EXTENDED,
        old='{"type":"object","dependencies":{"a":["b"]}}',
        new='{"type":"object","dependencies":{"a":["b","c"]}}',
    )
    yield Rule(
        "DEPENDENCY_ARRAY_CHANGED",
        _CHANGED,
        old='{"type":"object","dependencies":{"a":["b"]}}',
        new='{"type":"object","dependencies":{"a":["c"]}}',
    )
    yield Rule(
        "DEPENDENCY_SCHEMA_ADDED",
        _BOUND_ADDED,
        old='{"type":"object"}',
        new='{"type":"object","dependencies":{"a":{"required":["b"]}}}',
    )


def _arrays() -> Iterator[Rule]:
    first = '{"type":"array","items":[{"type":"string"}]'
    closed = first + ',"additionalItems":false}'
    numbers = '{"type":"array","items":[],"additionalItems":{"type":"number"}}'
    counted = ',"contains":true,"$schema":"https://json-schema.org/draft/2020-12/schema"'
    yield Rule("SCHEMA_ADDED", _BOUND_ADDED, old='{"type":"array"}', new='{"type":"array","items":{"type":"string"}}')
    yield Rule("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", _ADDED_TO_OPEN, old='{"type":"array"}', new=first + "}")
    yield Rule("ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", _NOT_COVERED, old=numbers, new=first + "}")
    yield Rule(
        "ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        _REMOVED_FROM_CLOSED,
        old=closed,
        new='{"type":"array","items":[],"additionalItems":false}',
    )
    yield Rule("ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL", _NOT_COVERED, old=closed, new=numbers)
    yield Rule("ADDITIONAL_ITEMS_REMOVED", _REST_REMOVED, old=first + "}", new=closed)
    yield Rule("ADDITIONAL_ITEMS_NARROWED", _REST_NARROWED, old='{"type":"array"}', new=numbers)
    yield from _unevaluated_rules("ITEMS", "Items", "array")
    yield from _bound("MAX_ITEMS", "maxItems", "array", upper=True)
    yield from _bound("MIN_ITEMS", "minItems", "array", upper=False)
    yield from _bound("MAX_CONTAINS", "maxContains", "array", upper=True, about=counted)
    yield from _bound("MIN_CONTAINS", "minContains", "array", upper=False, about=counted)
    yield Rule("UNIQUE_ITEMS_ADDED", _BOUND_ADDED, old='{"type":"array"}', new='{"type":"array","uniqueItems":true}')


def _unevaluated_rules(name: str, suffix: str, type_: str) -> Iterator[Rule]:
    modern = f'{{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"{type_}"'
    keyword = f"unevaluated{suffix}"
    yield Rule(f"UNEVALUATED_{name}_REMOVED", _REST_REMOVED, old=modern + "}", new=f'{modern},"{keyword}":false}}')
    yield Rule(
        f"UNEVALUATED_{name}_NARROWED",
        _REST_NARROWED,
        old=modern + "}",
        new=f'{modern},"{keyword}":{{"type":"number"}}}}',
    )


def _combinations() -> Iterator[Rule]:
    yield Rule(
        "COMBINED_TYPE_CHANGED",
        "The combined type at path '{path}' in the {reader} schema does not match its type in the {writer} schema",
        old='{"anyOf":[{"type":"string"},{"type":"number"}]}',
        new='{"oneOf":[{"type":"string"},{"type":"number"}]}',
    )
    yield Rule(
        "COMBINED_TYPE_SUBSCHEMAS_CHANGED",
        _SUBSCHEMAS,
        old='{"oneOf":[{"type":"string"},{"type":"number"}]}',
        new='{"oneOf":[{"type":"string"},{"type":"boolean"}]}',
    )
    yield Rule(
        "PRODUCT_TYPE_EXTENDED",
        _EXTENDED,
        old='{"allOf":[{"type":"object"},{"maxProperties":9}]}',
        new='{"allOf":[{"type":"object"},{"maxProperties":9},{"minProperties":1}]}',
    )
    yield Rule(
        "SUM_TYPE_NARROWED",
        _NARROWED,
        old='{"oneOf":[{"type":"string"},{"type":"number"}]}',
        new='{"oneOf":[{"type":"string"}]}',
    )
    yield Rule(
        "NOT_TYPE_EXTENDED",
        "The type forbidden at path '{path}' in the {reader} schema is wider than the one in the {writer} schema",
        old='{"not":{"type":"integer"}}',
        new='{"not":{"type":"number"}}',
    )


RULES: Mapping[str, Rule] = {
    rule.name: rule for rules in (_values(), _objects(), _arrays(), _combinations()) for rule in rules
}
"""By name, in the order of the documentation."""

LENIENT = frozenset(
    {
        "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL",
        "REQUIRED_PROPERTY_WITH_DEFAULT_ADDED_TO_OPEN_CONTENT_MODEL",
        "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL",
        "ADDITIONAL_PROPERTIES_REMOVED",
        "ADDITIONAL_PROPERTIES_NARROWED",
        "UNEVALUATED_PROPERTIES_REMOVED",
        "UNEVALUATED_PROPERTIES_NARROWED",
    }
)
"""Forgiven under the LENIENT policy: optional properties may come and go, whatever the content model."""

DIFFERENCES: Mapping[str, str] = {
    "A changed `const` value is incompatible": "No value is valid under both; the specification leaves no doubt.",
    "`multipleOf` is compared with its fraction": "Confluent drops the fraction, fails with an internal error on "
    "some pairs, and accepts 4.5 followed by 2.2.",
    "`const: null` is judged like any other constant": "Confluent fails with an internal error.",
    "A chain of `$ref` is followed to its end where both schemas have one": "Confluent resolves one step.",
    "A pair of recursive subschemas is skipped only when that same pair comes round again": "A change below the first "
    "round would otherwise be overlooked.",
    "Before 2019-09, bounds beyond 32 bits are accepted, and an anchor that does not exist is rejected": "The "
    "specification says so; Confluent does the opposite, and treats such an anchor as the whole schema.",
    "Since 2019-09, an alternative with a type and an `enum` is one alternative": "Confluent splits it into "
    "two, and accepts an `enum` that is added to it.",
    "`$dynamicRef` and `$recursiveRef` are read as references to their static target": "Their dynamic target depends "
    "on the schemas that refer to this one, which the registry does not know.",
    "A comparison that would need more than 500,000 questions counts as incompatible and says so; at most 1,000 "
    "findings are listed": "Alternatives within alternatives can otherwise take hours.",
    "Numbers have exponents within 10,000, and objects at most 200 `patternProperties`": "Texts of few bytes would "
    "otherwise take gigabytes.",
    "Patterns are checked for their structure only": "Dialects of regular expressions differ, and a registry must not "
    "refuse what its clients' validators understand.",
}
"""The verdicts that differ from Confluent's on purpose, each with its reason."""
