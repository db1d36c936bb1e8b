"""SARIF 2.1.0 for code scanning (https://docs.oasis-open.org/sarif/sarif/v2.1.0/)."""

from typing import Any
from urllib.parse import quote

import msgspec

import karapace_like
from karapace_like.tooling.report import Case, Excerpt, Problem, Report, Severity

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render(report: Report) -> str:
    """Return one run with its rules and results."""
    problems = [(case, problem) for case in report.cases for problem in case.problems]
    rules = sorted({problem.rule for _, problem in problems})
    driver = {
        "name": "karapace-like",
        "semanticVersion": karapace_like.__version__,
        "rules": [{"id": rule, "shortDescription": {"text": _make_sentence(rule)}} for rule in rules],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_make_result(case, problem, rules) for case, problem in problems],
        "invocations": [{"executionSuccessful": report.exit_code != 2, "exitCode": report.exit_code}],
    }
    log = {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode() + "\n"


def _make_result(case: Case, problem: Problem, rules: list[str]) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": problem.rule,
        "ruleIndex": rules.index(problem.rule),
        "level": _LEVELS[problem.severity],
        "message": {"text": f"{case.subject}: {problem.message}"},
        "locations": [_make_location(problem.place)],
        # The same finding keeps its identity when lines move.
        "partialFingerprints": {"subjectAndRule/v1": f"{case.subject}:{problem.rule}:{problem.place.text}"},
    }
    if problem.accepted:
        result["suppressions"] = [{"kind": "external", "justification": f"accepted {problem.accepted}"}]
    if problem.old is not None:
        result["properties"] = {"old": problem.old}
    return result


def _make_location(place: Excerpt) -> dict[str, Any]:
    region = {"startLine": place.line, "startColumn": place.column}
    return {"physicalLocation": {"artifactLocation": {"uri": quote(place.path)}, "region": region}}


def _make_sentence(rule: str) -> str:
    return rule.replace("_", " ").replace("-", " ").capitalize()
