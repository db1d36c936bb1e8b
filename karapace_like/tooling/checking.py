"""Compatibility of schema files with earlier versions.

The rules are those of `registry/checks.py`; each problem also has its place in the files.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import msgspec

from karapace_like.explanation.advice import find_advice
from karapace_like.explanation.examples import Side
from karapace_like.explanation.excerpts import Excerpt, find_offset, make_excerpt
from karapace_like.explanation.incompatibilities import Direction, Explanation, explain, locate
from karapace_like.schema import compatibility, formats
from karapace_like.schema.changes import ChangeCategory
from karapace_like.schema.compatibility import Finding
from karapace_like.schema.files import Source
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    InvalidSchemaError,
    ParsedSchema,
    SchemaType,
    Strictness,
    UnparsedSchema,
    UnresolvedReferenceError,
)
from karapace_like.tooling.accepting import EXPIRED, EXPIRED_MEANING
from karapace_like.tooling.baselines import Baseline, Earlier
from karapace_like.tooling.example_budget import ExampleBudget
from karapace_like.tooling.project import FILE_NAME
from karapace_like.tooling.removals import Removals
from karapace_like.tooling.report import (
    Case,
    Problem,
    ProblemExample,
    Report,
    Severity,
    Verdict,
    judge_problems,
    make_group_key,
    time_cases,
)
from karapace_like.tooling.workspace import UNDECODED, Linked, SchemaFile, Workspace, is_at_or_below

INVALID = "INVALID_SCHEMA"
"""The rule name of a schema that cannot be parsed."""
UNREADABLE = "UNREADABLE_EARLIER_VERSION"
TYPE_CHANGED = "SCHEMA_TYPE_CHANGED"
DELETED = "SCHEMA_DELETED"
RENAMED = "SCHEMA_RENAMED"
RULES: Mapping[str, str] = {
    INVALID: "The schema cannot be read",
    UNREADABLE: "The version to compare with cannot be read",
    TYPE_CHANGED: "The earlier version has another schema type",
    DELETED: "The schema of an earlier state is not there any more",
    RENAMED: "The schema is that of another subject in the earlier state",
    EXPIRED: EXPIRED_MEANING,
}
"""The rules in addition to those of the formats: name -> meaning."""

_UNRESOLVED_ADVICE = (
    f"correct the name, or add a file with it; `include` and `exclude` in {FILE_NAME} say which files are schemas"
)
_LINE_AND_COLUMN = re.compile(r"\bline (\d+),? column (\d+)")
_FAULTS: Mapping[Direction, str] = {
    Direction.BACKWARD: "the new schema cannot read old data",
    Direction.FORWARD: "the old schema cannot read new data",
    Direction.BOTH: "neither schema can read the data of the other",
}
_LONG_CHAIN = 10
"""Files that one refers to, directly or not: with more, they are parsed before others."""
_DEFAULT_LEVEL = CompatibilityLevel.BACKWARD


def is_acceptable(rule: str) -> bool:
    """Return whether an entry `[[accept]]` may name the rule: it says that a schema breaks others."""
    return rule in {TYPE_CHANGED, DELETED, RENAMED} or any(
        rule in FORMATS[type_].RULES or rule in FORMATS[type_].CHANGE_RULES for type_ in SchemaType
    )


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares schemas with a baseline."""

    workspace: Workspace
    baseline: Baseline
    level_of: Callable[[str], CompatibilityLevel | None]
    """Subject -> its level; None: that of the baseline."""
    removals: Removals = field(default_factory=Removals)
    deleted: Severity | None = Severity.WARNING
    """Of a deleted or renamed schema; None: it is not reported."""
    category: ChangeCategory | None = None
    """What changes must keep beyond the registry's rules; None: nothing."""
    examples: ExampleBudget = field(default_factory=ExampleBudget)

    def check_paths(self, paths: Sequence[str]) -> Report:
        """Return the report on every schema at or below the paths, and on the schemas that refer to these."""
        gone = sorted(self.removals.deleted.items()) if self.deleted else []
        selected = self.workspace.select(paths)
        self.examples.grant(len(selected))
        _parse_long_chains(self.workspace, [file for _, file in selected])
        subjects = {*self.workspace.subjects, *self.removals.deleted}
        # A check of some files is not about entries of others.
        forgotten = () if paths else self.workspace.acceptances.report_forgotten_entries(subjects, is_acceptable)
        report = time_cases(
            "check",
            [
                *((subject, partial(self.check, subject, file)) for subject, file in selected),
                *(
                    (subject, partial(self._report_deleted_schema, subject, file))
                    for subject, file in gone
                    if is_at_or_below(file.path, paths)
                ),
            ],
        )
        return msgspec.structs.replace(report, cases=[*report.cases, *forgotten])

    def _report_deleted_schema(self, subject: str, file: SchemaFile) -> Case:
        message = (
            f"The schema of {subject} is deleted. The subject keeps its versions in a registry until "
            f"`apply --delete {subject}`"
        )
        problem = _make_top_problem(file, DELETED, message, self.deleted or Severity.NOTE)
        old = msgspec.structs.replace(problem.place, path=f"{self.baseline.name}:{file.path}")
        place = msgspec.structs.replace(problem.place, is_exact=False)
        located = msgspec.structs.replace(problem, place=place, old=old)
        problems = self.workspace.acceptances.apply(subject, [located])
        return _make_case(subject, file, judge_problems(problems), f"deleted since {self.baseline.name}", problems)

    def _report_renamed_schema(self, subject: str, file: SchemaFile) -> list[Problem]:
        """Return the problem of a schema that had another subject; none if it is not reported."""
        before = self.removals.renamed.get(subject)
        if before is None or self.deleted is None:
            return []
        message = (
            f"The subject of the schema was {before} and is {subject} now. Clients of {before} get no new versions; a "
            "registry compares the first version of a new subject with nothing"
        )
        return self.workspace.acceptances.apply(subject, [_make_top_problem(file, RENAMED, message, self.deleted)])

    def check(self, subject: str, file: SchemaFile) -> Case:
        """Return the verdict on one schema."""
        try:
            linked = self.workspace.link(file)
            parsed = linked.parse()
        except InvalidSchemaError as error:
            return report_unreadable(subject, file, error)
        level = self.level_of(subject) or self.baseline.level(subject) or _DEFAULT_LEVEL
        if level is CompatibilityLevel.NONE:
            return _make_case(subject, file, Verdict.PASSED, "not compared, its level is NONE")
        about = f"{level} with {self.baseline.name}"
        try:
            earlier = self.removals.renamed.get(subject, subject)
            about += f", where it is {earlier}" if earlier != subject else ""
            versions = self.baseline.versions(earlier, every=compatibility.is_transitive(level))
            problems = self._find_problems(subject, linked, parsed, versions, level)
        except InvalidSchemaError as error:
            problem = _make_top_problem(file, UNREADABLE, f"{RULES[UNREADABLE]}: {error}")
            return _make_case(subject, file, Verdict.UNKNOWN, about, [problem])
        if not versions:
            about = f"new, not in {self.baseline.name}"
        problems += self._report_renamed_schema(subject, file)
        problems += self.workspace.acceptances.list_expired_entries(subject, is_acceptable)
        return _make_case(subject, file, judge_problems(problems), about, problems)

    def _find_problems(
        self, subject: str, new: Linked, parsed: ParsedSchema, versions: Sequence[Earlier], level: CompatibilityLevel
    ) -> list[Problem]:
        """Return the problems with the newest incompatible version, and the accepted ones with newer versions."""
        policy = self.workspace.project.policy or self.baseline.policy(subject) or CompatibilityPolicy.STRICT
        accepted: dict[tuple[str, str], Problem] = {}
        for old in compatibility.select_versions(versions, level):
            problems = self.workspace.acceptances.apply(subject, self._compare(new, parsed, old, level, policy))
            if judge_problems(problems) is Verdict.FAILED:
                return problems
            for problem in problems:
                accepted.setdefault((problem.rule, problem.message), problem)
        return list(accepted.values())

    def _compare(
        self, new: Linked, parsed: ParsedSchema, old: Earlier, level: CompatibilityLevel, policy: CompatibilityPolicy
    ) -> list[Problem]:
        """Return the reasons against the new schema; raises InvalidSchemaError if the old one cannot be parsed."""
        if old.type is not parsed.type:
            message = f"The schema type changed from {old.type} to {parsed.type}"
            return [_make_top_problem(new.file, TYPE_CHANGED, message)]
        if old.source == new.source:
            return []
        unparsed = UnparsedSchema(old.type, old.source.text)
        before = formats.parse(unparsed, old.source.dependencies, Strictness.STORED, old.shared)
        pair = _Pair(new, old, Side(parsed, new.source), Side(before, old.source), self.examples)
        findings = compatibility.compare(parsed, before, level, policy)
        changes = [] if self.category is None else pair.list_changes(findings, self.category)
        return pair.list_problems(findings) + changes


@dataclass(frozen=True, slots=True)
class _Pair:
    """The two schemas of a comparison."""

    new: Linked
    old: Earlier
    new_side: Side
    old_side: Side
    examples: ExampleBudget

    def list_problems(self, findings: Sequence[Finding]) -> list[Problem]:
        """Return a problem for each finding; two that differ only in their direction become one."""
        documents = len(self.new.source.documents) + len(self.old.source.documents)

        def may_have_example(explanation: Explanation) -> bool:
            return self.examples.spend(make_group_key(self._convert_explanation(explanation)), documents)

        explanations = explain(self.new_side, self.old_side, findings, may_have_example)
        return list(map(self._convert_explanation, explanations))

    def list_changes(self, findings: Sequence[Finding], category: ChangeCategory) -> list[Problem]:
        """Return a problem for each change that breaks a rule of the category and is not a finding already."""
        format_ = FORMATS[self.new.file.type]
        reported = {(finding.incompatibility.path, finding.incompatibility.rule.name) for finding in findings}
        changes = format_.find_changes(self.new_side.parsed, self.old_side.parsed, category)
        ruled = [(change, format_.CHANGE_RULES[change.rule.name]) for change in changes]
        return [
            Problem(
                rule=rule.name,
                message=f"{change.message()} (a rule of the category {rule.category})",
                severity=Severity.ERROR,
                place=locate_excerpt(self.new.file, self.new.source, self.new.paths, change.path, self.old.source),
                old=locate_excerpt(self.new.file, self.old.source, self.old.paths, change.path, self.old.source),
                path=change.path,
                advice=rule.advice,
            )
            for change, rule in ruled
            if reported.isdisjoint((change.path, repeated) for repeated in rule.repeats)
        ]

    def _convert_explanation(self, explanation: Explanation) -> Problem:
        example, writer = explanation.example, "new" if explanation.direction is Direction.FORWARD else "old"
        return Problem(
            rule=explanation.rule,
            message=f"{explanation.message} ({_FAULTS[explanation.direction]})",
            severity=Severity.ERROR,
            place=_name_document(explanation.place, self.new.paths),
            old=_name_document(explanation.old_place, self.old.paths),
            path=explanation.path,
            advice=explanation.advice,
            example=None if example is None else ProblemExample(example.record, writer, example.outcome),
        )


def _parse_long_chains(workspace: Workspace, files: Iterable[SchemaFile]) -> None:
    """Parse the files that refer to many others, the largest first, for what a format shares of the others.

    protoc, for one, reads a chain of files once then, and not once for each of its files. Errors are left to the check
    of the same file.
    """
    chains: list[Linked] = []
    for file in files:
        with suppress(InvalidSchemaError):
            chains.append(workspace.link(file))
    covered: set[str] = set()
    for linked in sorted(chains, key=lambda linked: len(linked.paths), reverse=True):
        if len(linked.paths) <= _LONG_CHAIN:
            break
        if linked.file.path not in covered:
            covered.update(linked.paths.values())
            with suppress(InvalidSchemaError):
                linked.parse()


def locate_excerpt(file: SchemaFile, source: Source, paths: Mapping[str, str], path: str, reader: Source) -> Excerpt:
    """Return the place in the source's files where a path of the reader's schema leads."""
    return _name_document(locate(file.type, source, path, reader), paths)


def _name_document(place: Excerpt, paths: Mapping[str, str]) -> Excerpt:
    return msgspec.structs.replace(place, path=paths.get(place.path, place.path))


def report_unreadable(subject: str, file: SchemaFile, error: InvalidSchemaError) -> Case:
    """Return the verdict on a schema that cannot be parsed."""
    return _make_case(subject, file, Verdict.UNKNOWN, RULES[INVALID], [_locate_parse_error(file, error)])


def _locate_parse_error(file: SchemaFile, error: InvalidSchemaError) -> Problem:
    """Return the problem, at the line that the parser names if the error is in the file itself."""
    message = str(error)
    if isinstance(error, UnresolvedReferenceError):
        return _locate_unresolved_reference(file, error)
    if undecoded := UNDECODED.search(file.text):
        message = f"the file is not UTF-8: it has the byte 0x{ord(undecoded[0]) - 0xDC00:02x}. Save it as UTF-8"
        return _make_problem(file, INVALID, message, undecoded.start())
    if not file.text.strip():
        return _make_top_problem(file, INVALID, "the file is empty")
    position = None if "reference" in message else _LINE_AND_COLUMN.search(message)
    if position is None or not 0 < int(position[1]) <= file.text.count("\n") + 1:
        return _make_top_problem(file, INVALID, message)
    offset = find_offset(file.text, int(position[1]), int(position[2]))
    return _make_problem(file, INVALID, message, min(offset, len(file.text.rstrip())))


def _locate_unresolved_reference(file: SchemaFile, error: UnresolvedReferenceError) -> Problem:
    """Return the problem, at the first place of the name, which Avro may write without its namespace."""
    offsets = (file.text.find(f'"{name}"') for name in (error.name, error.name.rpartition(".")[2]))
    problem = _make_problem(file, INVALID, str(error), next((offset for offset in offsets if offset >= 0), 0))
    return msgspec.structs.replace(problem, advice=_UNRESOLVED_ADVICE)


def _make_top_problem(file: SchemaFile, rule: str, message: str, severity: Severity = Severity.ERROR) -> Problem:
    return _make_problem(file, rule, message, 0, severity)


def _make_problem(
    file: SchemaFile, rule: str, message: str, offset: int, severity: Severity = Severity.ERROR
) -> Problem:
    place = make_excerpt(file.path, file.text, offset)
    return Problem(rule=rule, message=message, severity=severity, place=place, advice=find_advice(rule))


def _make_case(
    subject: str, file: SchemaFile, verdict: Verdict, summary: str, problems: Sequence[Problem] = ()
) -> Case:
    return Case(subject=subject, path=file.path, verdict=verdict, summary=summary, problems=problems)
