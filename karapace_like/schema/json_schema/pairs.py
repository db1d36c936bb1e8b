"""Differences between two schemas of any kind: what decides before keywords are looked at, and combinations."""

from collections.abc import Generator

from karapace_like.schema.json_schema.content_models import compare_arrays, compare_objects
from karapace_like.schema.json_schema.findings import Comparison, Finding, Findings, Question, finding
from karapace_like.schema.json_schema.matching import matching_size
from karapace_like.schema.json_schema.scalars import compare_enums, compare_numbers, compare_strings
from karapace_like.schema.json_schema.schemas import (
    Anything,
    Array,
    Combined,
    Const,
    Criterion,
    Enum,
    Not,
    Nothing,
    Numeric,
    Object,
    Reference,
    Schema,
    String,
)


def compare_pair(writer: Schema, reader: Schema) -> Comparison:
    """Compare a pair: combinations first, then the types, then the keywords of the common type."""
    alternatives = _alternatives(writer, reader)
    if len(alternatives) == 1:
        return list((yield alternatives[0]._replace(in_full=True)))
    for alternative in alternatives:
        if not (yield alternative):
            return []
    if type(writer) is type(reader):
        return (yield from _compare_alike(writer, reader))
    if isinstance(writer, Nothing) or isinstance(reader, Anything):
        return []
    return [finding("TYPE_CHANGED", "", writer.source, reader.source)]


def _alternatives(writer: Schema, reader: Schema) -> list[Question]:
    """Where one side alone is a combination: the pairs of which one compatible one is enough."""
    if isinstance(writer, Combined) is isinstance(reader, Combined):
        return []
    if isinstance(reader, Combined) and (reader.criterion is not Criterion.ALL or len(reader.subschemas) == 1):
        return [Question(writer, subschema) for subschema in reader.subschemas]
    if isinstance(writer, Combined) and (writer.criterion is Criterion.ALL or len(writer.subschemas) == 1):
        return [Question(subschema, reader) for subschema in writer.subschemas]
    return []


def _compare_alike(writer: Schema, reader: Schema) -> Comparison:
    """Two schemas of one kind."""
    match writer, reader:
        case String(), String():
            return compare_strings(writer, reader)
        case Numeric(), Numeric():
            return compare_numbers(writer, reader)
        case Enum(), Enum():
            return compare_enums(writer, reader)
        case Object(), Object():
            return (yield from compare_objects(writer, reader))
        case Array(), Array():
            return (yield from compare_arrays(writer, reader))
        case Combined(), Combined():
            return (yield from _compare_combinations(writer, reader))
        case Const(), Const() if writer.value != reader.value:
            return [finding("CONST_CHANGED", "const", writer.source, reader.source)]
        case Not(), Not():
            if (yield Question(reader.forbidden, writer.forbidden)):
                return [finding("NOT_TYPE_EXTENDED", "not", writer.forbidden.source, reader.forbidden.source)]
        case Reference(), Reference():
            # Confluent's registry follows one step and takes two longer chains for equal without a look.
            return list((yield Question(_end(writer), _end(reader), in_full=True)))
    return []


def _end(schema: Schema) -> Schema:
    """Return the end of a chain of references; in a cycle of references only, one of them."""
    seen: set[int] = set()
    while isinstance(schema, Reference) and id(schema) not in seen:
        seen.add(id(schema))
        schema = schema.target
    return schema


def _comparable(writer: Combined, reader: Combined) -> bool:
    """Return whether the reader's criterion asks for no more than the writer's does."""
    if writer.criterion is reader.criterion or reader.criterion is Criterion.ANY:
        return True
    return len(writer.subschemas) == 1 and (reader.criterion is Criterion.ONE or len(reader.subschemas) == 1)


def _compare_combinations(writer: Combined, reader: Combined) -> Comparison:
    if not _comparable(writer, reader):
        return [finding("COMBINED_TYPE_CHANGED", "", writer.source, reader.source)]
    findings: list[Finding] = []
    before, after = len(writer.distinct), len(reader.distinct)
    path = reader.criterion.value
    if before < after and reader.criterion is Criterion.ALL:
        findings.append(finding("PRODUCT_TYPE_EXTENDED", path, writer.source, reader.source))
    if before > after and reader.criterion is not Criterion.ALL:
        findings.append(finding("SUM_TYPE_NARROWED", path, writer.source, reader.source))
    if not (yield from _can_pair(writer, reader, min(before, after))):
        findings.append(finding("COMBINED_TYPE_SUBSCHEMAS_CHANGED", path, writer.source, reader.source))
    return findings


def _can_pair(writer: Combined, reader: Combined, wanted: int) -> Generator[Question, Findings, bool]:
    """Return whether that many subschemas of the writer can be matched with compatible ones of the reader."""
    length = 0
    for text, subschema in writer.distinct.items():
        if text in reader.distinct and not (yield Question(subschema, reader.distinct[text])):
            length += 1
    if length >= wanted:
        return True
    partners: list[list[int]] = []
    for old in writer.distinct.values():
        fitting: list[int] = []
        for position, new in enumerate(reader.distinct.values()):
            if not (yield Question(old, new)):
                fitting.append(position)
        partners.append(fitting)
    return matching_size(partners) >= wanted
