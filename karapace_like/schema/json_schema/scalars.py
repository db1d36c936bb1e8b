"""Differences between schemas without subschemas: bounds, patterns, enumerations; all keywords are compared alone."""

from fractions import Fraction

from karapace_like.schema.json_schema.findings import Finding, finding
from karapace_like.schema.json_schema.schemas import Array, Enum, Number, Numeric, Object, String


def upper_bound(rule: str, keyword: str, writer: Number | None, reader: Number | None) -> list[Finding]:
    """Compare a maximum, which may be raised or dropped."""
    if reader is None or (writer is not None and writer <= reader):
        return []
    return [finding(f"{rule}_ADDED" if writer is None else f"{rule}_DECREASED", keyword, writer, reader)]


def lower_bound(rule: str, keyword: str, writer: Number | None, reader: Number | None) -> list[Finding]:
    """Compare a minimum, which may be lowered or dropped."""
    if reader is None or (writer is not None and writer >= reader):
        return []
    return [finding(f"{rule}_ADDED" if writer is None else f"{rule}_INCREASED", keyword, writer, reader)]


def compare_strings(writer: String, reader: String) -> list[Finding]:
    """Length and pattern."""
    findings = [
        *upper_bound("MAX_LENGTH", "maxLength", writer.max_length, reader.max_length),
        *lower_bound("MIN_LENGTH", "minLength", writer.min_length, reader.min_length),
    ]
    if reader.pattern is not None and writer.pattern != reader.pattern:
        rule = "PATTERN_ADDED" if writer.pattern is None else "PATTERN_CHANGED"
        findings.append(finding(rule, "pattern", writer.pattern, reader.pattern))
    return findings


def compare_numbers(writer: Numeric, reader: Numeric) -> list[Finding]:
    """Bounds, factor, and whether only integers are allowed."""
    findings = [
        *upper_bound("MAXIMUM", "maximum", writer.maximum, reader.maximum),
        *lower_bound("MINIMUM", "minimum", writer.minimum, reader.minimum),
        *upper_bound("EXCLUSIVE_MAXIMUM", "exclusiveMaximum", writer.exclusive_maximum, reader.exclusive_maximum),
        *lower_bound("EXCLUSIVE_MINIMUM", "exclusiveMinimum", writer.exclusive_minimum, reader.exclusive_minimum),
        *_multiple_of(writer.multiple_of, reader.multiple_of),
    ]
    if reader.integer and not writer.integer:
        findings.append(finding("TYPE_NARROWED", "type", "number", "integer"))
    return findings


def _multiple_of(writer: Number | None, reader: Number | None) -> list[Finding]:
    if reader is None or writer == reader:
        return []
    if writer is None:
        rule = "MULTIPLE_OF_ADDED"
    elif int(writer) and int(reader) % int(writer) == 0:
        # Confluent's registry divides without fractions here, so a factor below 1 always counts as expanded.
        rule = "MULTIPLE_OF_EXPANDED"
    elif reader and (Fraction(writer) / Fraction(reader)).denominator == 1:
        return []
    else:
        rule = "MULTIPLE_OF_CHANGED"
    return [finding(rule, "multipleOf", writer, reader)]


def compare_enums(writer: Enum, reader: Enum) -> list[Finding]:
    """Values may be added."""
    if writer.values.keys() <= reader.values.keys():
        return []
    rule = "ENUM_ARRAY_NARROWED" if reader.values.keys() < writer.values.keys() else "ENUM_ARRAY_CHANGED"
    return [finding(rule, "enum", list(writer.values.values()), list(reader.values.values()))]


def compare_object_sizes(writer: Object, reader: Object) -> list[Finding]:
    """Compare the allowed numbers of properties of an object."""
    return [
        *upper_bound("MAX_PROPERTIES", "maxProperties", writer.max_properties, reader.max_properties),
        *lower_bound("MIN_PROPERTIES", "minProperties", writer.min_properties, reader.min_properties),
    ]


def compare_array_sizes(writer: Array, reader: Array) -> list[Finding]:
    """Compare the allowed numbers of items of an array, and whether they must differ."""
    findings = [
        *upper_bound("MAX_ITEMS", "maxItems", writer.max_items, reader.max_items),
        *lower_bound("MIN_ITEMS", "minItems", writer.min_items, reader.min_items),
        *upper_bound("MAX_CONTAINS", "maxContains", writer.max_contains, reader.max_contains),
        *lower_bound("MIN_CONTAINS", "minContains", writer.min_contains, reader.min_contains),
    ]
    if reader.unique and not writer.unique:
        findings.append(finding("UNIQUE_ITEMS_ADDED", "uniqueItems", False, True))
    return findings
