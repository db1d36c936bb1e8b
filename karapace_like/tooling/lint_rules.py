"""The rules of `lint`, each with its name, schema types and default severity.

A rule reads the outline of a schema and yields its violations. A new rule is a function and a row of the table `RULES`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from karapace_like.schema.model import SchemaType
from karapace_like.schema.outline import Element, ElementKind
from karapace_like.tooling import lint_packs
from karapace_like.tooling.lint_packs import PackedSchema

if TYPE_CHECKING:
    from karapace_like.rules.inspection import RuleFault

OFF = "off"
CATEGORIES: Mapping[str, str] = {
    "minimal": "what every schema needs: a name that is not taken, a known dialect, values that match",
    "basic": "and one style of names, and defaults with which schemas can evolve",
    "standard": "and documentation and order",
}
"""Category -> its meaning; each includes those before it."""
STYLES: Mapping[str, re.Pattern[str]] = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*"),
    "PascalCase": re.compile(r"[A-Z][a-zA-Z0-9]*"),
    "UPPER_SNAKE_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"),
}

Found: TypeAlias = Iterator[tuple[Element, str]]
"""The element of a violation, and its message."""
_Outline: TypeAlias = Sequence[Element]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One rule of style."""

    name: str
    about: str
    types: frozenset[SchemaType]
    default: str
    """`error`, `warning`, `note` or `off`."""
    find: Callable[["LintedSchema"], Found]
    """Yields the violations."""
    category: str | None
    """The first of `CATEGORIES` that has it; each later one has it, too. None: it is applied where it is asked for."""


class LintedSchema(NamedTuple):
    """What rules read."""

    outline: _Outline
    style: str | None
    """The style that the settings ask of fields."""
    text: str
    list_references: Callable[[], Mapping[str, str]]
    """Returns the texts of all that it refers to, by name; reading them takes long."""
    find_rule_faults: "Callable[[], Sequence[RuleFault]]"
    """Returns what is wrong with the rules that the settings have for its subject."""
    packed: PackedSchema
    """What the rules of packs read."""


_TYPES = frozenset({ElementKind.RECORD, ElementKind.ENUM, ElementKind.TYPE})


def _type_names(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind in _TYPES and not STYLES["PascalCase"].fullmatch(element.name):
            yield element, f"{element.name} is not in PascalCase"


def _field_names(outline: _Outline, style: str | None) -> Found:
    """Compare names with the requested style, or else with that of most fields."""
    fields = [element for element in outline if element.kind is ElementKind.FIELD]
    wanted = style or max(
        ("snake_case", "camelCase"), key=lambda name: sum(bool(STYLES[name].fullmatch(field.name)) for field in fields)
    )
    for field in fields:
        if not STYLES[wanted].fullmatch(field.name):
            others = "" if style else ", as most of the fields are"
            yield field, f"{field.name} is not in {wanted}{others}"


def _symbol_names(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind is ElementKind.SYMBOL and not STYLES["UPPER_SNAKE_CASE"].fullmatch(element.name):
            yield element, f"{element.name} is not in UPPER_SNAKE_CASE"


def _symbol_prefix(outline: _Outline, _: str | None) -> Found:
    names = {element.key: element.name for element in outline if element.kind is ElementKind.ENUM}
    for element in outline:
        if element.kind is ElementKind.SYMBOL:
            prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", names[element.within]).upper() + "_"
            if not element.name.startswith(prefix):
                yield (
                    element,
                    f"{element.name} does not begin with {prefix}: names of values are shared by the whole package",
                )


def _namespace(outline: _Outline, _: str | None) -> Found:
    whole = outline[0]
    if not {"namespace", "package", "type"} & whole.attributes.keys():
        yield whole, "There is no namespace: the name may clash with another schema's"


def _type_doc(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind in _TYPES and (element.name or element.path == "#") and not element.attributes.get("doc"):
            yield element, f"{element.name or 'The schema'} has no documentation"


def _field_doc(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind is ElementKind.FIELD and not element.attributes.get("doc"):
            yield element, f"{element.name} has no documentation"


def _nullable_default(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        branches = element.attributes.get("type", "").split(" | ")
        if (
            element.kind is ElementKind.FIELD
            and len(branches) > 1
            and "null" in branches
            and "default" not in element.attributes
        ):
            yield element, f"{element.name} may be null, but has no default: old data without it cannot be read"


def _enum_default(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind is ElementKind.ENUM and "default" not in element.attributes:
            yield element, f"{element.name} has no default: a reader fails at the first symbol that it does not know"


def _enum_zero(outline: _Outline, _: str | None) -> Found:
    symbols: dict[str, Element] = {}
    for element in outline:
        if element.kind is ElementKind.SYMBOL:
            symbols.setdefault(element.within, element)
    for first in symbols.values():
        if first.attributes.get("number") != "0" or not first.name.endswith(("_UNSPECIFIED", "_UNKNOWN")):
            yield first, f"{first.name} comes first: that place is for 0 and a name that ends in _UNSPECIFIED"


def _field_order(outline: _Outline, _: str | None) -> Found:
    last: dict[str, int] = {}
    for element in outline:
        if element.kind is ElementKind.FIELD and "oneof" not in element.attributes:
            number = int(element.attributes["number"])
            if number < last.get(element.within, 0):
                yield element, f"{element.name} = {number} comes after number {last[element.within]}"
            last[element.within] = max(number, last.get(element.within, 0))


def _optional_last(outline: _Outline, _: str | None) -> Found:
    optional: dict[str, str] = {}
    for element in outline:
        if element.kind is ElementKind.FIELD and "default" in element.attributes:
            optional.setdefault(element.within, element.name)
        elif element.kind is ElementKind.FIELD and element.within in optional:
            yield element, f"{element.name} has no default, but comes after {optional[element.within]}, which has one"


def _syntax(outline: _Outline, _: str | None) -> Found:
    if "syntax" not in outline[0].attributes:
        yield outline[0], "There is no syntax or edition: protoc assumes proto2"


def _dialect(outline: _Outline, _: str | None) -> Found:
    if "$schema" not in outline[0].attributes:
        yield outline[0], "There is no $schema: the schema is read as draft-07"


def _content_model(outline: _Outline, _: str | None) -> Found:
    for element in outline:
        if element.kind is ElementKind.RECORD and "additionalProperties" not in element.attributes:
            yield element, "additionalProperties is not set: it decides whether properties can be added later"


def _json_values(schema: LintedSchema) -> Found:
    from karapace_like.tooling.json_values import JsonValues  # noqa: PLC0415 - it loads a validator

    values = JsonValues(schema.text, schema.list_references)
    for element in schema.outline[1:]:
        for message in values.find_mismatches(element.path):
            yield element, message


def _broken_rules(schema: LintedSchema) -> Found:
    for fault in schema.find_rule_faults():
        if fault.is_error:
            yield schema.outline[0], f"The rule {fault.rule} cannot run: {fault.message}"


def _idle_rules(schema: LintedSchema) -> Found:
    for fault in schema.find_rule_faults():
        if not fault.is_error:
            yield schema.outline[0], f"The rule {fault.rule} does nothing: {fault.message}"


def _pack_rule(name: str, find: Callable[[PackedSchema], Found], about: str) -> LintRule:
    """Return a rule that finds nothing where no pack asks for it."""
    return LintRule(name, about, frozenset(SchemaType), "error", lambda schema: find(schema.packed), "minimal")


_A, _J, _P = SchemaType.AVRO, SchemaType.JSON, SchemaType.PROTOBUF
_EVERY = frozenset(SchemaType)


_CATEGORIES_OF_RULES: Mapping[str, str] = {
    **dict.fromkeys(["namespace", "syntax", "dialect", "json-values"], "minimal"),
    **dict.fromkeys(["type-names", "field-names", "symbol-names", "nullable-default", "enum-zero"], "basic"),
    **dict.fromkeys(["symbol-prefix", "type-doc", "enum-default", "field-order"], "standard"),
}


def is_in_category(rule: LintRule, category: str) -> bool:
    """Return whether the category has the rule."""
    names = list(CATEGORIES)
    return rule.category is not None and names.index(rule.category) <= names.index(category)


def _rule(
    name: str, default: str, find: Callable[[_Outline, str | None], Found], about: str, *types: SchemaType
) -> LintRule:
    return LintRule(
        name,
        about,
        frozenset(types),
        default,
        lambda schema: find(schema.outline, schema.style),
        _CATEGORIES_OF_RULES.get(name),
    )


RULES: Mapping[str, LintRule] = {
    element.name: element
    for element in (
        _rule("type-names", "warning", _type_names, "records, messages, enums: PascalCase", _A, _P),
        _rule("field-names", "warning", _field_names, "fields: one style, or that of `fields`", _A, _J, _P),
        _rule("symbol-names", "warning", _symbol_names, "enum symbols: UPPER_SNAKE_CASE", _A, _P),
        _rule("symbol-prefix", "note", _symbol_prefix, "enum values begin with the enum's name", _P),
        _rule("namespace", "warning", _namespace, "there is a namespace or package", _A, _P),
        _rule("type-doc", "note", _type_doc, "records, messages, enums are documented", _A, _J, _P),
        _rule("field-doc", OFF, _field_doc, "fields are documented", _A, _J, _P),
        _rule("nullable-default", "warning", _nullable_default, "nullable fields have a default", _A),
        _rule("enum-default", "note", _enum_default, "enums have a default symbol", _A),
        _rule("enum-zero", "warning", _enum_zero, "the first value is 0 and ends in _UNSPECIFIED", _P),
        _rule("field-order", "note", _field_order, "fields are in the order of their numbers", _P),
        _rule("optional-last", OFF, _optional_last, "fields with a default come last", _A),
        _rule("syntax", "error", _syntax, "the file has a syntax or edition", _P),
        _rule("dialect", "warning", _dialect, "the schema has a $schema", _J),
        LintRule(
            "json-values",
            "default and examples match their schema",
            frozenset({_J}),
            "warning",
            _json_values,
            _CATEGORIES_OF_RULES["json-values"],
        ),
        LintRule("broken-rules", "rules of the ruleSet can be compiled", _EVERY, "error", _broken_rules, "minimal"),
        LintRule("idle-rules", "rules have tags, conditions that decide", _EVERY, "warning", _idle_rules, "minimal"),
        _rule("content-model", OFF, _content_model, "objects set additionalProperties", _J),
        _pack_rule("pack-names", lint_packs.find_names, "names match the patterns of a pack"),
        _pack_rule("pack-docs", lint_packs.find_docs, "what a pack names is documented"),
        _pack_rule("pack-tags", lint_packs.find_tags, "fields have the tags that a pack asks for"),
        _pack_rule("pack-properties", lint_packs.find_properties, "metadata have the properties that a pack asks for"),
    )
}
