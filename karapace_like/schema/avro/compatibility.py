"""Whether data written with one schema can be read with another (Avro specification, "Schema Resolution").

Findings have the order, paths and words of Apache Avro's own check, which Confluent's registry returns. As there, each
pair of types is judged once, and a pair that is still being judged counts as compatible, so that recursive types
terminate. The comparison needs no Python recursion, however deep the types are, and stops at a limit of steps.
"""

from collections.abc import Generator
from typing import Any, Final, TypeAlias

from karapace_like.schema.avro import json_text, rules
from karapace_like.schema.avro.model import (
    ABSENT,
    SHARED_TYPES,
    Array,
    AvroType,
    Definition,
    Enum,
    Field,
    Fixed,
    Map,
    NamedType,
    Parsed,
    Primitive,
    Record,
    Union,
)
from karapace_like.schema.avro.names import split
from karapace_like.schema.model import CompatibilityPolicy, Incompatibility, InvalidSchemaError, Rule

Findings: TypeAlias = list[Incompatibility]
Question: TypeAlias = tuple[AvroType, AvroType, str]
"""Can the first type read what the second wrote? The third is the path to the first."""
Steps: TypeAlias = Generator[Question, Findings, Findings]
"""A comparison that asks about the parts of its types, is sent the answers, and returns its own."""

_Pair: TypeAlias = tuple[int, int]
"""Identities of a reader's and a writer's type."""

_READABLE_AS: Final = {
    "int": frozenset({"int", "long", "float", "double"}),
    "long": frozenset({"long", "float", "double"}),
    "float": frozenset({"float", "double"}),
    "string": frozenset({"string", "bytes"}),
    "bytes": frozenset({"string", "bytes"}),
}
"""Promotions: the writer's kind -> the readers' kinds that take it."""
_MAX_STEPS: Final = 250_000
"""Fields, symbols and branches looked at: about half a second. Comparing two records of 10,000 fields takes 20,000."""
_MAX_REPEATED: Final = 1_000
"""Findings that are repeated, because the same two types meet at several places."""


def find_incompatibilities(reader: Parsed, writer: Parsed, policy: CompatibilityPolicy) -> list[Incompatibility]:  # noqa: ARG001 # the policy is about JSON Schema
    """Return every reason why the reader cannot read the writer's data.

    Raises InvalidSchemaError for schemas whose comparison would take unreasonably long.
    """
    return _Comparison(reader, writer).answer((reader.root, writer.root, ""))


class _Comparison:
    def __init__(self, reader: Parsed, writer: Parsed) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: dict[_Pair, Findings | None] = {}
        """None while the comparison is under way."""
        self._answered: list[_Pair] = []
        self._assumptions = 0
        self._steps = 0
        self._repeated = 0
        self._outlines: dict[int, str] = {}
        self._branches: dict[int, dict[str, list[AvroType]]] = {}

    def answer(self, question: Question) -> Findings:
        """Return the answer to a question; the comparisons that wait for others are kept on a stack of their own."""
        waiting: list[tuple[_Pair, Steps]] = []
        while True:
            answer = self._at_once(question)
            if answer is None:
                pair, steps = self._begin(question)
                waiting.append((pair, steps))
            while waiting:
                pair, steps = waiting[-1]
                try:
                    question = next(steps) if answer is None else steps.send(answer)
                    break
                except StopIteration as stop:
                    waiting.pop()
                    answer = self._answers[pair] = stop.value
                    self._answered.append(pair)
            else:
                assert answer is not None
                return answer

    def _at_once(self, question: Question) -> Findings | None:
        """Return the answer if it takes no further question."""
        reader, writer, path = self._definitions(question)
        if reader.kind != writer.kind:
            if isinstance(reader, Union) or isinstance(writer, Union):
                return self._find_cached_findings(reader, writer)
            if reader.kind in _READABLE_AS.get(writer.kind, ()):
                return []
            return [self._type_mismatch(path, reader, writer)]
        return [] if isinstance(reader, Primitive) else self._find_cached_findings(reader, writer)

    def _find_cached_findings(self, reader: Definition, writer: Definition) -> Findings | None:
        pair = id(reader), id(writer)
        if pair not in self._answers:
            return None
        cached = self._answers[pair]
        if cached is None:
            self._assumptions += 1
            return []
        if self._repeated > _MAX_REPEATED:
            return cached[:1]
        self._repeated += len(cached)
        return cached

    def _begin(self, question: Question) -> tuple[_Pair, Steps]:
        reader, writer, path = self._definitions(question)
        pair = id(reader), id(writer)
        self._answers[pair] = None
        self._spend(_weight(reader) + _weight(writer))
        return pair, self._compare(reader, writer, path)

    def _definitions(self, question: Question) -> tuple[Definition, Definition, str]:
        reader, writer, path = question
        return self._reader.definition(reader), self._writer.definition(writer), path

    def _spend(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MAX_STEPS:
            raise InvalidSchemaError("the schemas are too intertwined to be compared")

    def _compare(self, reader: Definition, writer: Definition, path: str) -> Steps:
        findings: Findings = []
        match reader, writer:
            case Union(), Union():
                for index, branch in enumerate(writer.branches):
                    if (yield from self._lacks(reader, branch)):
                        findings.append(self._missing_branch(f"{path}/{index}", reader, writer, branch))
            case _, Union():
                for index, branch in enumerate(writer.branches):
                    findings += yield reader, branch, f"{path}/{index}"
            case Union(), _:
                if (yield from self._lacks(reader, writer)):
                    findings.append(self._missing_branch(path, reader, writer, writer))
            case Array(), Array():
                findings = yield reader.items, writer.items, f"{path}/items"
            case Map(), Map():
                findings = yield reader.values, writer.values, f"{path}/values"
            case _:
                findings = yield from self._compare_named_types(reader, writer, path)
        return findings

    def _compare_named_types(self, reader: Definition, writer: Definition, path: str) -> Steps:
        findings: Findings = []
        match reader, writer:
            case Fixed(), Fixed():
                findings = [*self._name(reader, writer, path), *self._size(reader, writer, path)]
            case Enum(), Enum():
                findings = [*self._name(reader, writer, path), *self._symbols(reader, writer, path)]
            case Record(), Record():
                findings = [*self._name(reader, writer, path), *(yield from self._fields(reader, writer, path))]
        return findings

    def _lacks(self, reader: Union, writer: AvroType) -> Generator[Question, Findings, bool]:
        """Return whether no branch of the reader's union can read the writer's type."""
        for branch in self._candidates(reader, self._writer.definition(writer)):
            self._spend(1)
            mark, assumptions = len(self._answered), self._assumptions
            if not (yield branch, writer, ""):
                return False
            if self._assumptions > assumptions:
                self._forget_compatible(mark)
        return True

    def _forget_compatible(self, mark: int) -> None:
        """Drop what was found compatible since then: it may rest on the assumption that has just proved wrong."""
        for pair in self._answered[mark:]:
            if not self._answers[pair]:
                del self._answers[pair]
        del self._answered[mark:]

    def _candidates(self, reader: Union, writer: Definition) -> list[AvroType]:
        """Return the branches that are not out of the question by their kind or name."""
        index = self._branches.get(id(reader))
        if index is None:
            index = self._branches[id(reader)] = {}
            for branch in reader.branches:
                for label in _reader_labels(self._reader.definition(branch)):
                    index.setdefault(label, []).append(branch)
        return [branch for label in _writer_labels(writer) for branch in index.get(label, ())]

    def _name(self, reader: NamedType, writer: NamedType, path: str) -> Findings:
        if split(reader.name)[1] == split(writer.name)[1] or writer.name in reader.aliases:
            return []
        return [self._incompatibility(rules.NAME_MISMATCH, f"{path}/name", f"expected: {writer.name}", reader, writer)]

    def _size(self, reader: Fixed, writer: Fixed, path: str) -> Findings:
        if reader.size == writer.size:
            return []
        detail = f"expected: {writer.size}, found: {reader.size}"
        return [self._incompatibility(rules.FIXED_SIZE_MISMATCH, f"{path}/size", detail, reader, writer)]

    def _symbols(self, reader: Enum, writer: Enum, path: str) -> Findings:
        missing = set(writer.symbols).difference(reader.symbols)
        if not missing or reader.default in reader.symbols:
            return []
        detail = f"[{', '.join(sorted(missing))}]"
        return [self._incompatibility(rules.MISSING_ENUM_SYMBOLS, f"{path}/symbols", detail, reader, writer)]

    def _fields(self, reader: Record, writer: Record, path: str) -> Steps:
        findings: Findings = []
        written = {field.name: field for field in writer.fields}
        for position, field in enumerate(reader.fields):
            names = {field.name, *field.aliases} if field.aliases else (field.name,)
            sources = [written[name] for name in names if name in written]
            if not sources:
                findings += self._without_source(field, reader, writer, f"{path}/fields/{position}")
            elif len(sources) > 1:
                at = f"{path}/fields/{position}"
                findings.append(self._incompatibility(rules.AMBIGUOUS_FIELD_ALIASES, at, field.name, reader, writer))
            elif field.type is not sources[0].type or field.type not in SHARED_TYPES:
                findings += yield field.type, sources[0].type, f"{path}/fields/{position}/type"
        return findings

    def _without_source(self, field: Field, reader: Record, writer: Record, path: str) -> Findings:
        if field.default is not ABSENT:
            return []
        type_ = self._reader.definition(field.type)
        if isinstance(type_, Enum) and type_.default is not None:
            # The default of an enum stands for unknown symbols, not for a field that was not written.
            return [self._type_mismatch(f"{path}/type", type_, writer)]
        return [self._incompatibility(rules.READER_FIELD_MISSING_DEFAULT_VALUE, path, field.name, reader, writer)]

    def _type_mismatch(self, path: str, reader: Definition, writer: Definition) -> Incompatibility:
        detail = f"reader type: {reader.kind.upper()} not compatible with writer type: {writer.kind.upper()}"
        return self._incompatibility(rules.TYPE_MISMATCH, path, detail, reader, writer)

    def _missing_branch(self, path: str, reader: Union, writer: Definition, branch: AvroType) -> Incompatibility:
        detail = f"reader union lacking writer type: {self._writer.definition(branch).kind.upper()}"
        return self._incompatibility(rules.MISSING_UNION_BRANCH, path, detail, reader, writer)

    def _incompatibility(
        self, rule: Rule, path: str, detail: str, reader: Definition, writer: Definition
    ) -> Incompatibility:
        return Incompatibility(rule, path or "/", detail, self._outline(reader), self._outline(writer))

    def _outline(self, type_: Definition) -> str:
        outline = self._outlines.get(id(type_))
        if outline is None:
            outline = self._outlines[id(type_)] = json_text.write(_outline(type_))
        return outline


def _weight(type_: Definition) -> int:
    match type_:
        case Record():
            return 1 + len(type_.fields) + sum([len(field.aliases) for field in type_.fields]) + len(type_.aliases)
        case Enum():
            return 1 + len(type_.symbols) + len(type_.aliases)
        case Union():
            return 1 + len(type_.branches)
        case _:
            return 1


def _reader_labels(type_: Definition) -> list[str]:
    """Return the labels of `_writer_labels` that a writer's type must have one of to be readable as this type."""
    if isinstance(type_, Record | Enum | Fixed):
        return [f"{type_.kind} {split(type_.name)[1]}", *[f"{type_.kind} ={alias}" for alias in type_.aliases]]
    return [type_.kind]


def _writer_labels(type_: Definition) -> list[str]:
    if isinstance(type_, Record | Enum | Fixed):
        return [f"{type_.kind} {split(type_.name)[1]}", f"{type_.kind} ={type_.name}"]
    return sorted(_READABLE_AS.get(type_.kind, (type_.kind,)))


def _outline(type_: AvroType) -> Any:
    """Return the type as JSON, with the named types inside of it by name only."""
    match type_:
        case Array():
            return {"type": "array", "items": _outline(type_.items)}
        case Map():
            return {"type": "map", "values": _outline(type_.values)}
        case Union():
            return [_outline(branch) for branch in type_.branches]
        case Primitive():
            return type_.kind
        case _:
            return type_.name
