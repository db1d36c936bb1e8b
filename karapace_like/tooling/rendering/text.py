"""Text for a terminal: `file:line:column: severity: rule`, the message, and the lines on both sides."""

from collections.abc import Iterator, Sequence
from itertools import groupby

from karapace_like.explanation.excerpts import Excerpt
from karapace_like.tooling.report import Problem, ProblemGroup, Report

_MISSING = "(missing)"


def render(report: Report) -> str:
    """Return the report, with the summary as its last line; a problem that several schemas share is there once."""
    return "\n".join([*(line for part in _split(report.group()) for line in _render_part(part)), report.summary]) + "\n"


def _split(groups: Sequence[ProblemGroup]) -> Iterator[list[ProblemGroup]]:
    """Yield runs of groups with the same schemas, whose names follow them once."""
    for _, part in groupby(groups, key=lambda group: [case.subject for case in group.cases]):
        yield list(part)


def _render_part(part: Sequence[ProblemGroup]) -> Iterator[str]:
    for group in part:
        yield from _render_problem(group.problem)
    for case in part[0].cases:
        yield f"  {case.subject} ({case.path}): {case.verdict}, {case.summary}"
    yield ""


def _render_problem(problem: Problem) -> Iterator[str]:
    place = problem.place
    yield f"{place.path}:{place.line}:{place.column}: {problem.severity}: {problem.rule}"
    yield f"  {problem.message}"
    if problem.old is None:
        yield _quote("   ", place)
    else:
        yield _quote("old", problem.old)
        yield _quote("new", place)
    if problem.example:
        yield f"  example: {problem.example.sentence}"
    if problem.advice:
        yield f"  to do: {problem.advice}"
    if problem.accepted:
        yield f"  accepted {problem.accepted}"


def _quote(name: str, place: Excerpt) -> str:
    return f"  {name} {place.path}:{place.line} | {place.text if place.is_exact else _MISSING}"
