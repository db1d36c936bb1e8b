"""What to do about each incompatibility, by the name of its rule.

A rule of JSON Schema without a row of its own has the advice of the ending of its name.
"""

from collections.abc import Mapping

_ADVICE: Mapping[str, str] = {
    "NAME_MISMATCH": "keep the name, or add the old full name to `aliases` of the new schema",
    "FIXED_SIZE_MISMATCH": "keep the size, or add a field of the new type and keep the old one",
    "MISSING_ENUM_SYMBOLS": "keep the symbols, or give the enum a `default`, which is read for symbols that it lacks",
    "READER_FIELD_MISSING_DEFAULT_VALUE": "give the field a `default`",
    "TYPE_MISMATCH": "keep the type, widen it (int, long, float, double), or add another field with a default",
    "MISSING_UNION_BRANCH": "keep the branch in the union",
    "AMBIGUOUS_FIELD_ALIASES": "leave one alias out, so that a single field of the other schema matches",
    "PACKAGE_CHANGED": "keep the package, or register the schema under a new subject",
    "MESSAGE_REMOVED": "keep the message; it may be marked `deprecated`",
    "FIELD_KIND_CHANGED": "reserve the number and add a field with a new number",
    "FIELD_SCALAR_KIND_CHANGED": "reserve the number and add a field with a new number and the new type",
    "FIELD_NAMED_TYPE_CHANGED": "reserve the number and add a field with a new number and the new type",
    "FIELD_NUMERIC_LABEL_CHANGED": "keep the label, or reserve the number and add a field with a new number",
    "REQUIRED_FIELD_ADDED": "make the field `optional`",
    "REQUIRED_FIELD_REMOVED": "keep the field, or make it `optional` first and update all readers",
    "ONEOF_FIELD_REMOVED": "keep the field in the oneof; it may be marked `deprecated`",
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF": "add new fields to the oneof and reserve the numbers of the old ones",
    "FIELD_MOVED_TO_EXISTING_ONEOF": "add a new field to the oneof and reserve the number of the old one",
    "REQUIRED_ATTRIBUTE_ADDED": "leave the property out of `required`, or give it a `default`",
    "REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL": "leave the property out of `required`, or give it a `default`",
    "OPTIONAL_PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL": "close the content model (`additionalProperties: false`) before "
    'properties are added, or set `policy = "LENIENT"`',
    "PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL": "keep the property",
    "TYPE_CHANGED": 'keep the type, or allow both: `"type": [old, new]`',
    "TYPE_NARROWED": "keep all of the types",
    "SCHEMA_TYPE_CHANGED": "keep the schema type, or register the schema under a new subject",
    "SCHEMA_DELETED": "restore the file, or accept the deletion (`[[accept]]`)",
    "SCHEMA_RENAMED": "keep the subject by [subjects.NAME] file = ..., or accept the new one (`[[accept]]`)",
}
_ENDINGS: Mapping[str, str] = {
    "_ADDED_TO_OPEN_CONTENT_MODEL": 'close the content model before members are added, or set `policy = "LENIENT"`',
    "_REMOVED_FROM_CLOSED_CONTENT_MODEL": "keep it",
    "_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL": "give it a schema that the patterns or `additionalProperties` of "
    "the other version allow",
    "_DECREASED": "keep the bound, or raise it",
    "_INCREASED": "keep the bound, or lower it",
    "_EXPANDED": "keep the value, or a divisor of it",
    "_ADDED": "leave the restriction out: earlier records need not meet it",
    "_NARROWED": "keep what was allowed",
    "_REMOVED": "keep what was allowed",
    "_EXTENDED": "leave the new restriction out",
    "_CHANGED": "keep the value, or allow the earlier ones, too",
}


def find_advice(rule: str) -> str | None:
    """Return what to do about a problem; None for a rule without advice."""
    return _ADVICE.get(rule) or next((advice for ending, advice in _ENDINGS.items() if rule.endswith(ending)), None)
