"""Text for a terminal: `file:line:column: severity: rule`, the message, and the lines on both sides."""

from collections.abc import Iterator

from karapace_like.tooling.report import Case, Excerpt, Problem, Report

_MISSING = "(missing)"


def render(report: Report) -> str:
    """Return the report, with the summary as its last line."""
    return "\n".join([*(line for case in report.cases for line in _render_case(case)), report.summary]) + "\n"


def _render_case(case: Case) -> Iterator[str]:
    for problem in case.problems:
        yield from _render_problem(problem)
    if case.problems:
        yield f"  {case.subject} ({case.path}): {case.verdict}, {case.summary}"
        yield ""


def _render_problem(problem: Problem) -> Iterator[str]:
    place = problem.place
    yield f"{place.path}:{place.line}:{place.column}: {problem.severity}: {problem.rule}"
    yield f"  {problem.message}"
    if problem.accepted:
        yield f"  accepted {problem.accepted}"
    if problem.old is None:
        yield _quote("   ", place)
    else:
        yield _quote("old", problem.old)
        yield _quote("new", place)


def _quote(name: str, place: Excerpt) -> str:
    return f"  {name} {place.path}:{place.line} | {place.text if place.is_exact else _MISSING}"
