"""The style of schema files: applies `lint_rules.py` with the configured severities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from karapace_like.schema import formats
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import InvalidSchemaError, ParsedSchema, SchemaType, UnparsedSchema
from karapace_like.schema.outline import Element
from karapace_like.tooling.checking import locate_excerpt, report_unreadable
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.lint_comments import apply_comments
from karapace_like.tooling.lint_packs import PackedSchema, select_packs
from karapace_like.tooling.lint_rules import OFF, RULES, STYLES, LintedSchema, LintRule, is_in_category
from karapace_like.tooling.project import FILE_NAME, LintSettings
from karapace_like.tooling.report import Case, Problem, Report, Severity, judge_problems, time_cases
from karapace_like.tooling.workspace import SchemaFile, Workspace

if TYPE_CHECKING:
    from karapace_like.rules.inspection import RuleFault

SEVERITIES = (*(severity.value for severity in Severity), OFF)


@dataclass(frozen=True, slots=True)
class Linter:
    """Applies the rules; `overrides` are severities that win over the settings, `strict` turns warnings into errors."""

    workspace: Workspace
    overrides: Mapping[str, str]
    strict: bool = False
    category: str | None = None
    """The category whose rules are applied; None: that of the settings."""

    def report(self, paths: Sequence[str]) -> Report:
        """Return the report on the files at or below the paths."""
        settings = self.workspace.project.lint
        for table in (settings.rules, settings.avro, settings.json, settings.protobuf):
            check_rules(table, f"{FILE_NAME}, [lint]")
        if settings.fields is not None and settings.fields not in STYLES:
            raise ToolError(
                f"{FILE_NAME}, [lint]: fields = {settings.fields!r} is not a style. Choose from {', '.join(STYLES)}."
            )
        chosen = self.workspace.select(paths, referring=False)
        report = time_cases("lint", [(subject, partial(self._check, subject, file)) for subject, file in chosen])
        acceptances, subjects = self.workspace.acceptances, self.workspace.subjects
        forgotten = () if paths else acceptances.report_forgotten_entries(subjects, RULES.__contains__)
        return msgspec.structs.replace(report, cases=[*report.cases, *forgotten])

    def _check(self, subject: str, file: SchemaFile) -> Case:
        try:
            linked = self.workspace.link_own_text(file)
            parsed = formats.parse_own_text(UnparsedSchema(file.type, file.text), linked.source.dependencies)
            outline = FORMATS[file.type].list_elements(parsed, file.text)
            schema = LintedSchema(
                outline,
                self._style(file.type),
                file.text,
                partial(self._list_references, file),
                partial(self._find_rule_faults, subject, file),
                self._pack(subject, outline, parsed),
            )
        except InvalidSchemaError as error:
            return report_unreadable(subject, file, error)
        problems = [
            Problem(
                rule=rule.name,
                message=message,
                severity=severity,
                place=locate_excerpt(file, linked.source, linked.paths, element.path, linked.source),
                path=element.path,
            )
            for rule, severity in self._rules(file.type)
            for element, message in rule.find(schema)
        ]
        problems = self._accept(subject, file, problems)
        problems.sort(key=lambda problem: (problem.place.line, problem.place.column))
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        verdict = judge_problems(problems)
        return Case(subject=subject, path=file.path, verdict=verdict, summary=count, problems=problems)

    def _pack(self, subject: str, outline: Sequence[Element], parsed: ParsedSchema) -> PackedSchema:
        project = self.workspace.project
        own = project.subjects.get(subject)
        metadata = (own.metadata if own else None) or {}
        return PackedSchema(
            outline,
            select_packs(project.lint.packs, subject),
            metadata.get("properties") or {},
            lambda: FORMATS[parsed.type].list_tags(parsed),
        )

    def _list_references(self, file: SchemaFile) -> Mapping[str, str]:
        """Return the texts of all references; none if they cannot be read, which their own check reports."""
        try:
            return self.workspace.link(file).source.dependencies
        except InvalidSchemaError:
            return {}

    def _find_rule_faults(self, subject: str, file: SchemaFile) -> "list[RuleFault]":
        """Return the faults of the rules that the settings have for the subject; none for an unreadable schema."""
        own = self.workspace.project.subjects.get(subject)
        if own is None or not own.rule_set:
            return []
        # Imported here: few projects have rules, and installations without the extra `rules` run none.
        from karapace_like.rules.inspection import find_faults  # noqa: PLC0415
        from karapace_like.rules.model import read_rule_set  # noqa: PLC0415

        try:
            schema = UnparsedSchema(file.type, file.text)
            return find_faults(read_rule_set(own.rule_set, own.metadata), schema, self._list_references(file))
        except InvalidSchemaError:
            return []

    def _accept(self, subject: str, file: SchemaFile, problems: Sequence[Problem]) -> list[Problem]:
        """Return the problems after the settings' entries and the comments have accepted some of them."""
        acceptances = self.workspace.acceptances
        accepted = acceptances.apply(subject, problems) + acceptances.list_expired_entries(subject, RULES.__contains__)
        return apply_comments(file.text, file.path, accepted, RULES, acceptances.today)

    def _rules(self, schema_type: SchemaType) -> list[tuple[LintRule, Severity]]:
        applied = []
        for rule in RULES.values():
            said = self._severity(rule, schema_type)
            if schema_type in rule.types and said != OFF:
                severity = Severity(said)
                is_raised = self.strict and severity is Severity.WARNING
                applied.append((rule, Severity.ERROR if is_raised else severity))
        return applied

    def _severity(self, rule: LintRule, schema_type: SchemaType) -> str:
        settings = self.workspace.project.lint
        for table in (self.overrides, _select_table(settings, schema_type), settings.rules):
            if rule.name in table:
                return table[rule.name]
        return rule.default if is_in_category(rule, self.category or settings.use) else OFF

    def _style(self, schema_type: SchemaType) -> str | None:
        """Return the style of fields; Protobuf has its own: https://protobuf.dev/programming-guides/style/."""
        return self.workspace.project.lint.fields or ("snake_case" if schema_type is SchemaType.PROTOBUF else None)


def check_rules(table: Mapping[str, str], where: str) -> None:
    """Raise ToolError for a rule or a severity that does not exist."""
    for name, severity in table.items():
        if name not in RULES:
            raise ToolError(f"{where}: there is no rule {name!r}. `karapace-like lint --list-rules` lists them.")
        if severity not in SEVERITIES:
            raise ToolError(f"{where}: {name} = {severity!r} is not a severity. Choose from {', '.join(SEVERITIES)}.")


def _select_table(settings: LintSettings, schema_type: SchemaType) -> Mapping[str, str]:
    tables: Mapping[SchemaType, Mapping[str, str]] = {
        SchemaType.AVRO: settings.avro,
        SchemaType.JSON: settings.json,
        SchemaType.PROTOBUF: settings.protobuf,
    }
    return tables[schema_type]
