"""Differences between objects and between arrays: what is named, what else may come, and what that must match.

A content model is open (anything else may come), closed (nothing else), or partially open (what else comes must match
a schema). Whether a property or leading item may be added depends on the writer's model, removed on the reader's.
"""

from karapace_like.schema.json_schema.findings import Comparison, Finding, compare_subschemas, finding
from karapace_like.schema.json_schema.java_order import java_order
from karapace_like.schema.json_schema.scalars import compare_array_sizes, compare_object_sizes
from karapace_like.schema.json_schema.schemas import Anything, Array, Nothing, Object, Schema


def _rest(schema: Object | Array) -> bool | Schema:
    """Return the schema of members that are not named: additional, or where that is absent, unevaluated."""
    if schema.additional is not True or schema.unevaluated is None:
        return schema.additional
    if isinstance(schema.unevaluated, Nothing):
        return False
    return True if isinstance(schema.unevaluated, Anything) else schema.unevaluated


def compare_objects(writer: Object, reader: Object) -> Comparison:
    """Compare all object keywords except `propertyNames`, which Confluent's registry does not compare."""
    findings = _compare_required(writer, reader)
    by_name: dict[str, list[Finding]] = {}
    names = dict.fromkeys([*writer.properties, *reader.properties])
    for name in names:
        reported = yield from _compare_property(name, writer, reader)
        if reported:
            by_name[name] = reported
    for name in java_order(by_name, len(names)):
        findings += by_name[name]
    findings += yield from _compare_dependencies(writer, reader)
    findings += yield from _compare_rest("PROPERTIES", "Properties", writer, reader)
    return findings + compare_object_sizes(writer, reader)


def _compare_property(name: str, writer: Object, reader: Object) -> Comparison:
    segment = f"properties/{name}"
    before, after = writer.properties.get(name), reader.properties.get(name)
    if before is None:
        return (yield from _compare_added_property(segment, name, writer, reader))
    if after is None:
        return (yield from _compare_removed_property(segment, name, writer, reader))
    return (yield from compare_subschemas(segment, before, after))


def _compare_required(writer: Object, reader: Object) -> list[Finding]:
    """Only what both schemas describe counts; an added property's own rule says whether it may be required."""
    added = [
        name
        for name in writer.properties
        if name in reader.required
        and name not in writer.required
        and name in reader.properties
        and not reader.properties[name].has_default
    ]
    names = java_order(added, len(writer.properties))
    return [finding("REQUIRED_ATTRIBUTE_ADDED", f"required/{name}", None, name) for name in names]


def _covering(schema: Object, name: str) -> Schema | None:
    """Return the schemas of a partially open object for a property that it does not name."""
    for pattern, covering in schema.patterns:
        if pattern.matches(name):
            return covering
    rest = _rest(schema)
    return None if isinstance(rest, bool) else rest


def _compare_added_property(segment: str, name: str, writer: Object, reader: Object) -> Comparison:
    added = reader.properties[name]
    required = name in reader.required
    if _rest(writer) is True and not writer.patterns:
        if isinstance(added, Anything):
            return []
        rule = "OPTIONAL_PROPERTY"
        if required:
            rule = "REQUIRED_PROPERTY_WITH_DEFAULT" if added.has_default else "REQUIRED_PROPERTY"
        return [finding(f"{rule}_ADDED_TO_OPEN_CONTENT_MODEL", segment, None, added.source)]
    findings: list[Finding] = []
    covering = _covering(writer, name)
    if covering is not None:
        findings += yield from _compare_covered_properties("PROPERTY_ADDED", segment, covering, added)
    if required and not added.has_default:
        findings.append(finding("REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL", segment, None, added.source))
    return findings


def _compare_removed_property(segment: str, name: str, writer: Object, reader: Object) -> Comparison:
    removed = writer.properties[name]
    if (_rest(reader) is True and not reader.patterns) or isinstance(removed, Nothing):
        return []
    covering = _covering(reader, name)
    if covering is None:
        return [finding("PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL", segment, removed.source, None)]
    return (yield from _compare_covered_properties("PROPERTY_REMOVED", segment, removed, covering))


def _compare_covered_properties(change: str, segment: str, writer: Schema, reader: Schema) -> Comparison:
    """Compare properties that one side names and the other side's partially open content model covers by a schema."""
    findings = yield from compare_subschemas(segment, writer, reader)
    if findings:
        rule = f"{change}_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL"
        findings.append(finding(rule, segment, writer.source, reader.source))
    return findings


def _compare_dependencies(writer: Object, reader: Object) -> Comparison:
    findings: list[Finding] = []
    for name, names in reader.required_with.items():
        before = writer.required_with.get(name)
        segment = f"dependencies/{name}"
        if before is None:
            findings.append(finding("DEPENDENCY_ARRAY_ADDED", segment, None, [*sorted(names)]))
        elif not names <= before:
            rule = "DEPENDENCY_ARRAY_EXTENDED" if before < names else "DEPENDENCY_ARRAY_CHANGED"
            findings.append(finding(rule, segment, [*sorted(before)], [*sorted(names)]))
    for name, after in reader.schema_with.items():
        segment = f"dependencies/{name}"
        if name in writer.schema_with:
            findings += yield from compare_subschemas(segment, writer.schema_with[name], after)
        else:
            findings.append(finding("DEPENDENCY_SCHEMA_ADDED", segment, None, after.source))
    return findings


def _compare_rest(rule: str, suffix: str, writer: Object | Array, reader: Object | Array) -> Comparison:
    """`additional*` and `unevaluated*`, each against its own counterpart."""
    findings: list[Finding] = []
    before, after = writer.additional, reader.additional
    segment = f"additional{suffix}"
    if isinstance(before, Schema) and isinstance(after, Schema):
        findings += yield from compare_subschemas(segment, before, after)
    elif after is False and before is not False:
        shown = before.source if isinstance(before, Schema) else before
        findings.append(finding(f"ADDITIONAL_{rule}_REMOVED", segment, shown, False))
    elif isinstance(after, Schema) and before is True:
        findings.append(finding(f"ADDITIONAL_{rule}_NARROWED", segment, True, after.source))
    segment = f"unevaluated{suffix}"
    if reader.unevaluated is None:
        return findings
    narrowed = isinstance(writer.unevaluated, Anything) and not isinstance(reader.unevaluated, Anything)
    if writer.unevaluated is None or narrowed or isinstance(reader.unevaluated, Nothing):
        if not isinstance(writer.unevaluated, Nothing):
            change = "REMOVED" if isinstance(reader.unevaluated, Nothing) else "NARROWED"
            shown = None if writer.unevaluated is None else writer.unevaluated.source
            findings.append(finding(f"UNEVALUATED_{rule}_{change}", segment, shown, reader.unevaluated.source))
        return findings
    findings += yield from compare_subschemas(segment, writer.unevaluated, reader.unevaluated)
    return findings


def compare_arrays(writer: Array, reader: Array) -> Comparison:
    """Compare all array keywords except `contains`, of which Confluent's registry compares the counts only."""
    findings: list[Finding] = []
    if reader.every is not None:
        if writer.every is None:
            findings.append(finding("SCHEMA_ADDED", "items", None, reader.every.source))
        else:
            findings += yield from compare_subschemas("items", writer.every, reader.every)
    for position in range(max(len(writer.first), len(reader.first))):
        segment = f"items/{position}"
        if position >= len(writer.first):
            findings += yield from _compare_added_item(segment, reader.first[position], writer)
        elif position >= len(reader.first):
            findings += yield from _compare_removed_item(segment, writer.first[position], reader)
        else:
            findings += yield from compare_subschemas(segment, writer.first[position], reader.first[position])
    findings += yield from _compare_rest("ITEMS", "Items", writer, reader)
    return findings + compare_array_sizes(writer, reader)


def _compare_added_item(segment: str, added: Schema, writer: Array) -> Comparison:
    rest = _rest(writer)
    if rest is True:
        if isinstance(added, Anything):
            return []
        return [finding("ITEM_ADDED_TO_OPEN_CONTENT_MODEL", segment, None, added.source)]
    if rest is False:
        return []
    return (yield from _compare_covered_properties("ITEM_ADDED", segment, rest, added))


def _compare_removed_item(segment: str, removed: Schema, reader: Array) -> Comparison:
    rest = _rest(reader)
    if rest is True or isinstance(removed, Nothing):
        return []
    if rest is False:
        return [finding("ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL", segment, removed.source, None)]
    return (yield from _compare_covered_properties("ITEM_REMOVED", segment, removed, rest))
