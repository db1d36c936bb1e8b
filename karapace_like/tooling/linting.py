"""Whether schemas are written as one would like them to be: `lint_rules.py`, with the severities that are set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import InvalidSchemaError, SchemaType
from karapace_like.tooling.checking import excerpt_at, unreadable
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.lint_rules import OFF, RULES, STYLES, LintRule
from karapace_like.tooling.project import FILE_NAME, LintSettings
from karapace_like.tooling.report import Case, Problem, Report, Severity, Verdict
from karapace_like.tooling.workspace import SchemaFile, Workspace

SEVERITIES = (*(each.value for each in Severity), OFF)


@dataclass(frozen=True, slots=True)
class Linter:
    """`overrides` are severities by rule, above those of the settings; `strict` makes warnings errors."""

    workspace: Workspace
    overrides: Mapping[str, str]
    strict: bool = False

    def report(self, paths: Sequence[str]) -> Report:
        """The problems of the files at or below the paths."""
        settings = self.workspace.project.lint
        for table in (settings.rules, settings.avro, settings.json, settings.protobuf):
            check_rules(table, f"{FILE_NAME}, [lint]")
        if settings.fields is not None and settings.fields not in STYLES:
            raise ToolError(f"{FILE_NAME}, [lint]: fields = {settings.fields!r} is no style of: {', '.join(STYLES)}.")
        chosen = self.workspace.selected(paths, referring=False)
        return Report("lint", [self._case(subject, file) for subject, file in chosen])

    def _case(self, subject: str, file: SchemaFile) -> Case:
        try:
            linked = self.workspace.link(file)
            outline = FORMATS[file.type].outline(linked.parsed(), file.text)
        except InvalidSchemaError as error:
            return unreadable(subject, file, error)
        problems = [
            Problem(
                rule=rule.name,
                message=message,
                severity=severity,
                place=excerpt_at(file, linked.source, linked.paths, element.path, linked.source),
            )
            for rule, severity in self._rules(file.type)
            for element, message in rule.find(outline, self._style(file.type))
        ]
        problems.sort(key=lambda each: (each.place.line, each.place.column))
        is_wrong = any(each.severity is Severity.ERROR for each in problems)
        verdict = Verdict.FAILED if is_wrong else Verdict.PASSED
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        return Case(subject=subject, path=file.path, verdict=verdict, summary=count, problems=problems)

    def _rules(self, schema_type: SchemaType) -> list[tuple[LintRule, Severity]]:
        found = []
        for rule in RULES.values():
            said = self._severity(rule, schema_type)
            if schema_type in rule.types and said != OFF:
                severity = Severity(said)
                is_raised = self.strict and severity is Severity.WARNING
                found.append((rule, Severity.ERROR if is_raised else severity))
        return found

    def _severity(self, rule: LintRule, schema_type: SchemaType) -> str:
        settings = self.workspace.project.lint
        for table in (self.overrides, _of_type(settings, schema_type), settings.rules):
            if rule.name in table:
                return table[rule.name]
        return rule.default

    def _style(self, schema_type: SchemaType) -> str | None:
        """Protobuf has a style of its own: https://protobuf.dev/programming-guides/style/."""
        return self.workspace.project.lint.fields or ("snake_case" if schema_type is SchemaType.PROTOBUF else None)


def check_rules(table: Mapping[str, str], where: str) -> None:
    """Raise ToolError for a rule or a severity that does not exist."""
    for name, severity in table.items():
        if name not in RULES:
            raise ToolError(f"{where}: there is no rule {name!r}. `karapace-like lint --list-rules` lists them.")
        if severity not in SEVERITIES:
            raise ToolError(f"{where}: {name} = {severity!r}: it is one of {', '.join(SEVERITIES)}.")


def _of_type(settings: LintSettings, schema_type: SchemaType) -> Mapping[str, str]:
    tables: Mapping[SchemaType, Mapping[str, str]] = {
        SchemaType.AVRO: settings.avro,
        SchemaType.JSON: settings.json,
        SchemaType.PROTOBUF: settings.protobuf,
    }
    return tables[schema_type]
