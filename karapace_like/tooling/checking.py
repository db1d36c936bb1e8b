"""Whether the schemas in files may follow the versions before them.

The same question as the registry's `registry/checks.py`, asked of files: every problem keeps its place in them.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from karapace_like.schema import compatibility, formats
from karapace_like.schema.compatibility import Finding
from karapace_like.schema.files import Source
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    InvalidSchemaError,
    ParsedSchema,
    Strictness,
    UnparsedSchema,
)
from karapace_like.tooling.baselines import Baseline, Earlier
from karapace_like.tooling.report import Case, Excerpt, Problem, Report, Severity, Verdict, excerpt
from karapace_like.tooling.workspace import Linked, SchemaFile, Workspace

INVALID = "INVALID_SCHEMA"
"""The rule of a schema that cannot be read."""
UNREADABLE = "UNREADABLE_EARLIER_VERSION"
TYPE_CHANGED = "SCHEMA_TYPE_CHANGED"
RULES: Mapping[str, str] = {
    INVALID: "The schema cannot be read",
    UNREADABLE: "The version to compare with cannot be read",
    TYPE_CHANGED: "The subject's schemas were of another format",
}
"""The rules beside those of the formats: name -> what it means."""

_LINE_AND_COLUMN = re.compile(r"\bline (\d+),? column (\d+)")
_DEFAULT_LEVEL = CompatibilityLevel.BACKWARD


@dataclass(frozen=True, slots=True)
class Judge:
    """Compares schemas with a baseline."""

    workspace: Workspace
    baseline: Baseline
    level_of: Callable[[str], CompatibilityLevel | None]
    """Subject -> its level; None: what the baseline says."""

    def report(self, paths: Sequence[str]) -> Report:
        """The verdict on every schema at or below the paths, and on those that refer to them."""
        chosen = self.workspace.selected(paths)
        cases = [self.case(subject, file) for subject, file in chosen]
        return Report("check", cases)

    def case(self, subject: str, file: SchemaFile) -> Case:
        """The verdict on one schema."""
        try:
            linked = self.workspace.link(file)
            parsed = linked.parsed()
        except InvalidSchemaError as error:
            return unreadable(subject, file, error)
        level = self.level_of(subject) or self.baseline.level(subject) or _DEFAULT_LEVEL
        if level is CompatibilityLevel.NONE:
            return _case(subject, file, Verdict.PASSED, "not compared, its level is NONE")
        about = f"{level} with {self.baseline.name}"
        try:
            versions = self.baseline.versions(subject, every=compatibility.is_transitive(level))
            problems = self._problems(subject, linked, parsed, versions, level)
        except InvalidSchemaError as error:
            problem = _at_top(file, UNREADABLE, f"{RULES[UNREADABLE]}: {error}")
            return _case(subject, file, Verdict.UNKNOWN, about, [problem])
        if not versions:
            return _case(subject, file, Verdict.PASSED, f"new, {self.baseline.name} does not have it")
        return _case(subject, file, Verdict.FAILED if problems else Verdict.PASSED, about, problems)

    def _problems(
        self, subject: str, new: Linked, parsed: ParsedSchema, versions: Sequence[Earlier], level: CompatibilityLevel
    ) -> list[Problem]:
        """Of the newest version that speaks against the schema."""
        policy = self.workspace.project.policy or self.baseline.policy(subject) or CompatibilityPolicy.STRICT
        for old in compatibility.counted(versions, level):
            problems = compared(new, parsed, old, level, policy)
            if problems:
                return problems
        return []


def compared(
    new: Linked, parsed: ParsedSchema, old: Earlier, level: CompatibilityLevel, policy: CompatibilityPolicy
) -> list[Problem]:
    """Why the new schema may not follow the old one; raises InvalidSchemaError if the old one cannot be read."""
    if old.type is not parsed.type:
        message = f"Incompatible because of different schema type: it was {old.type} and is {parsed.type}"
        return [_at_top(new.file, TYPE_CHANGED, message)]
    if old.source == new.source:
        return []
    before = formats.parse(UnparsedSchema(old.type, old.source.text), old.source.dependencies, Strictness.STORED)
    findings = compatibility.compare(parsed, before, level, policy)
    return [_problem(each, new, old) for each in findings]


def _problem(finding: Finding, new: Linked, old: Earlier) -> Problem:
    reader = new.source if finding.backward else old.source
    found = finding.incompatibility
    direction = "the new schema cannot read old data" if finding.backward else "the old schema cannot read new data"
    return Problem(
        rule=found.rule.name,
        message=f"{finding.message} ({direction})",
        severity=Severity.ERROR,
        place=excerpt_at(new.file, new.source, new.paths, found.path, reader),
        old=excerpt_at(new.file, old.source, old.paths, found.path, reader),
    )


def excerpt_at(file: SchemaFile, source: Source, paths: Mapping[str, str], path: str, reader: Source) -> Excerpt:
    """Where in the source's files a path of the reader's schema leads."""
    place = FORMATS[file.type].place(source, path, reader)
    text = source.documents[place.document]
    return excerpt(paths.get(place.document, place.document), text, place.offset, is_exact=place.is_exact)


def unreadable(subject: str, file: SchemaFile, error: InvalidSchemaError) -> Case:
    """The verdict on a schema that is none."""
    return _case(subject, file, Verdict.UNKNOWN, RULES[INVALID], [_invalid(file, str(error))])


def _invalid(file: SchemaFile, message: str) -> Problem:
    """At the line that the parser names, if it is about the file itself."""
    found = None if "reference" in message else _LINE_AND_COLUMN.search(message)
    lines = file.text.splitlines(keepends=True)
    if found is None or not 0 < int(found[1]) <= len(lines):
        return _at_top(file, INVALID, message)
    offset = sum(map(len, lines[: int(found[1]) - 1])) + int(found[2]) - 1
    return _at(file, INVALID, message, min(offset, len(file.text)))


def _at_top(file: SchemaFile, rule: str, message: str) -> Problem:
    return _at(file, rule, message, 0)


def _at(file: SchemaFile, rule: str, message: str, offset: int) -> Problem:
    return Problem(rule=rule, message=message, severity=Severity.ERROR, place=excerpt(file.path, file.text, offset))


def _case(subject: str, file: SchemaFile, verdict: Verdict, summary: str, problems: Sequence[Problem] = ()) -> Case:
    return Case(subject=subject, path=file.path, verdict=verdict, summary=summary, problems=problems)
