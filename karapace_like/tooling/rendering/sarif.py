"""SARIF 2.1.0 for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

import re
from typing import Any
from urllib.parse import quote

import msgspec

import karapace_like
from karapace_like.explanation.excerpts import Excerpt
from karapace_like.tooling.report import ProblemGroup, Report, Severity
from karapace_like.tooling.rule_catalogue import HOME, describe_rules

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(report: Report) -> str:
    """Return one run with its rules and results."""
    groups = report.group()
    rules = sorted({group.problem.rule for group in groups})
    driver = {
        "name": "karapace-like",
        "semanticVersion": karapace_like.__version__,
        "informationUri": HOME,
        "rules": list(map(_make_rule, rules)),
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_make_result(group, rules) for group in groups],
        "invocations": [{"executionSuccessful": report.exit_code != 2, "exitCode": report.exit_code}],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _make_result(group: ProblemGroup, rules: list[str]) -> dict[str, Any]:
    problem = group.problem
    details = [f"Example: {problem.example.sentence}."] if problem.example else []
    details += [f"To do: {problem.advice}."] if problem.advice else []
    result: dict[str, Any] = {
        "ruleId": problem.rule,
        "ruleIndex": rules.index(problem.rule),
        "level": _LEVELS[problem.severity],
        "message": {"text": "\n".join([f"{group.subjects}: {problem.message}.", *details])},
        "locations": [_make_location(problem.place)],
        # The same finding keeps its identity when lines move.
        "partialFingerprints": {"subjectAndRule/v1": f"{group.subjects}:{problem.rule}:{problem.place.text}"},
    }
    if problem.accepted:
        result["suppressions"] = [{"kind": "external", "justification": f"accepted {problem.accepted}"}]
    if problem.old is not None:
        result["properties"] = {"old": problem.old}
    return result


def _make_location(place: Excerpt) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(place.path)}, "region": region}}


def _make_rule(name: str) -> dict[str, Any]:
    rule = describe_rules()[name]
    return {
        "id": name,
        "name": "".join(word.capitalize() for word in re.split("[-_]", name)),
        "shortDescription": {"text": f"{rule.title}."},
        "fullDescription": {"text": rule.meaning},
        "help": {"text": f"{rule.meaning} See {rule.page}"},
        "helpUri": rule.page,
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
    }
