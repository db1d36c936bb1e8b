"""What `lint` looks for: each rule by its name, with the formats that it is for and how bad it is by default.

A rule reads a schema's outline and yields what breaks it. New ones are added to the table and nowhere else.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from karapace_like.schema.model import SchemaType
from karapace_like.schema.outline import Element, Kind

OFF = "off"
STYLES: Mapping[str, re.Pattern[str]] = {
    "snake_case": re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][a-z0-9]*)*"),
    "PascalCase": re.compile(r"[A-Z][a-zA-Z0-9]*"),
    "UPPER_SNAKE_CASE": re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)*"),
}

Found: TypeAlias = Iterator[tuple[Element, str]]
"""An element, and what is wrong with it."""
_Outline: TypeAlias = Sequence[Element]


@dataclass(frozen=True, slots=True)
class LintRule:
    """One thing to look for."""

    name: str
    about: str
    types: frozenset[SchemaType]
    default: str
    """`error`, `warning`, `note` or `off`."""
    find: Callable[[_Outline, str | None], Found]
    """(outline, the style that the settings ask of fields) -> what breaks the rule."""


_TYPES = frozenset({Kind.RECORD, Kind.ENUM, Kind.TYPE})


def _type_names(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind in _TYPES and not STYLES["PascalCase"].fullmatch(each.name):
            yield each, f"{each.name} is not in PascalCase"


def _field_names(outline: _Outline, style: str | None) -> Found:
    """The style that is asked for, or else the one that most of the schema's fields are in."""
    fields = [each for each in outline if each.kind is Kind.FIELD]
    wanted = style or max(
        ("snake_case", "camelCase"), key=lambda name: sum(bool(STYLES[name].fullmatch(each.name)) for each in fields)
    )
    for each in fields:
        if not STYLES[wanted].fullmatch(each.name):
            others = "" if style else ", as most of the fields are"
            yield each, f"{each.name} is not in {wanted}{others}"


def _symbol_names(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind is Kind.SYMBOL and not STYLES["UPPER_SNAKE_CASE"].fullmatch(each.name):
            yield each, f"{each.name} is not in UPPER_SNAKE_CASE"


def _symbol_prefix(outline: _Outline, _: str | None) -> Found:
    names = {each.key: each.name for each in outline if each.kind is Kind.ENUM}
    for each in outline:
        if each.kind is Kind.SYMBOL:
            prefix = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", names[each.within]).upper() + "_"
            if not each.name.startswith(prefix):
                yield each, f"{each.name} does not begin with {prefix}: names of values are shared by the whole package"


def _namespace(outline: _Outline, _: str | None) -> Found:
    whole = outline[0]
    if not {"namespace", "package", "type"} & whole.attributes.keys():
        yield whole, "There is no namespace: the name may clash with another schema's"


def _type_doc(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind in _TYPES and (each.name or each.path == "#") and not each.attributes.get("doc"):
            yield each, f"{each.name or 'The schema'} has no documentation"


def _field_doc(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind is Kind.FIELD and not each.attributes.get("doc"):
            yield each, f"{each.name} has no documentation"


def _nullable_default(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        branches = each.attributes.get("type", "").split(" | ")
        if each.kind is Kind.FIELD and len(branches) > 1 and "null" in branches and "default" not in each.attributes:
            yield each, f"{each.name} may be null, but has no default: old data without it cannot be read"


def _enum_default(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind is Kind.ENUM and "default" not in each.attributes:
            yield each, f"{each.name} has no default: a reader fails at the first symbol that it does not know"


def _enum_zero(outline: _Outline, _: str | None) -> Found:
    symbols: dict[str, Element] = {}
    for each in outline:
        if each.kind is Kind.SYMBOL:
            symbols.setdefault(each.within, each)
    for first in symbols.values():
        if first.attributes.get("number") != "0" or not first.name.endswith(("_UNSPECIFIED", "_UNKNOWN")):
            yield first, f"{first.name} comes first: that place is for 0 and a name that ends in _UNSPECIFIED"


def _field_order(outline: _Outline, _: str | None) -> Found:
    last: dict[str, int] = {}
    for each in outline:
        if each.kind is Kind.FIELD and "oneof" not in each.attributes:
            number = int(each.attributes["number"])
            if number < last.get(each.within, 0):
                yield each, f"{each.name} = {number} comes after number {last[each.within]}"
            last[each.within] = max(number, last.get(each.within, 0))


def _optional_last(outline: _Outline, _: str | None) -> Found:
    optional: dict[str, str] = {}
    for each in outline:
        if each.kind is Kind.FIELD and "default" in each.attributes:
            optional.setdefault(each.within, each.name)
        elif each.kind is Kind.FIELD and each.within in optional:
            yield each, f"{each.name} has no default, but comes after {optional[each.within]}, which has one"


def _syntax(outline: _Outline, _: str | None) -> Found:
    if "syntax" not in outline[0].attributes:
        yield outline[0], "There is no syntax or edition: protoc takes it for proto2"


def _dialect(outline: _Outline, _: str | None) -> Found:
    if "$schema" not in outline[0].attributes:
        yield outline[0], "There is no $schema: it is read as draft-07"


def _content_model(outline: _Outline, _: str | None) -> Found:
    for each in outline:
        if each.kind is Kind.RECORD and "additionalProperties" not in each.attributes:
            yield each, "additionalProperties is not said: whether properties can be added later depends on it"


_A, _J, _P = SchemaType.AVRO, SchemaType.JSON, SchemaType.PROTOBUF


def _rule(
    name: str, default: str, find: Callable[[_Outline, str | None], Found], about: str, *types: SchemaType
) -> LintRule:
    return LintRule(name, about, frozenset(types), default, find)


RULES: Mapping[str, LintRule] = {
    each.name: each
    for each in (
        _rule("type-names", "warning", _type_names, "records, messages, enums: PascalCase", _A, _P),
        _rule("field-names", "warning", _field_names, "fields: one style, or that of `fields`", _A, _J, _P),
        _rule("symbol-names", "warning", _symbol_names, "enum symbols: UPPER_SNAKE_CASE", _A, _P),
        _rule("symbol-prefix", "note", _symbol_prefix, "enum values begin with the enum's name", _P),
        _rule("namespace", "warning", _namespace, "there is a namespace or package", _A, _P),
        _rule("type-doc", "note", _type_doc, "records, messages, enums are documented", _A, _J, _P),
        _rule("field-doc", OFF, _field_doc, "fields are documented", _A, _J, _P),
        _rule("nullable-default", "warning", _nullable_default, "what may be null has a default", _A),
        _rule("enum-default", "note", _enum_default, "enums have a default symbol", _A),
        _rule("enum-zero", "warning", _enum_zero, "the first value is 0 and ends in _UNSPECIFIED", _P),
        _rule("field-order", "note", _field_order, "fields are in the order of their numbers", _P),
        _rule("optional-last", OFF, _optional_last, "fields with a default come last", _A),
        _rule("syntax", "error", _syntax, "a syntax or edition is said", _P),
        _rule("dialect", "warning", _dialect, "$schema is said", _J),
        _rule("content-model", OFF, _content_model, "objects say additionalProperties", _J),
    )
}
