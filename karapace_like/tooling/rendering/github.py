"""The format of GitHub Actions: workflow commands that annotate the lines of a pull request."""

from collections import Counter

from karapace_like.tooling.report import ProblemGroup, Report, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


_SHOWN = 10
"""Annotations of one severity that GitHub shows for a step; it drops the rest without a word."""
_MAX_MESSAGE = 4_000
"""Characters of one annotation."""


def render(report: Report) -> str:
    """Return a command for each problem that GitHub shows, the others as plain lines, and the summary."""
    shown: list[str] = []
    rest: list[str] = []
    counts: Counter[Severity] = Counter()
    for group in report.group():
        counts[group.problem.severity] += 1
        if counts[group.problem.severity] <= _SHOWN:
            shown.append(_render_annotation(group))
        else:
            place = group.problem.place
            rest.append(f"{place.path}:{place.line}: {group.problem.severity}: {group.problem.rule} ({group.subjects})")
    folded = [f"::group::{len(rest)} more problems", *rest, "::endgroup::"] if rest else []
    return "\n".join([*shown, *folded, report.summary]) + "\n"


def _render_annotation(group: ProblemGroup) -> str:
    problem = group.problem
    place, old = problem.place, problem.old
    lines = [f"{group.subjects}: {problem.sentence}"]
    if old and old.is_exact:
        lines.append(f"Old, {old.path}:{old.line}: {old.text}")
    lines += [f"Example: {problem.example.sentence}"] if problem.example else []
    lines += [f"To do: {problem.advice}"] if problem.advice else []
    message = _cut("\n".join(lines))
    path, title = _escape_attribute(place.path), _escape_attribute(problem.rule)
    attributes = f"file={path},line={place.line},col={place.column},title={title}"
    return f"::{_COMMANDS[problem.severity]} {attributes}::{_escape(message)}"


def _cut(message: str) -> str:
    return message if len(message) <= _MAX_MESSAGE else f"{message[:_MAX_MESSAGE]}..."


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_attribute(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
