"""For a terminal: `file:line:column: severity: rule`, the message, and the lines on both sides."""

from collections.abc import Iterator

from karapace_like.tooling.report import Case, Excerpt, Problem, Report

_MISSING = "(not there)"


def render(report: Report) -> str:
    """The report, with a summary in its last line."""
    return "\n".join([*(line for case in report.cases for line in _case(case)), report.summary]) + "\n"


def _case(case: Case) -> Iterator[str]:
    for each in case.problems:
        yield from _problem(each)
    if case.problems:
        yield f"  {case.subject} ({case.path}): {case.verdict}, {case.summary}"
        yield ""


def _problem(problem: Problem) -> Iterator[str]:
    place = problem.place
    yield f"{place.path}:{place.line}:{place.column}: {problem.severity}: {problem.rule}"
    yield f"  {problem.message}"
    if problem.old is None:
        yield _quoted("   ", place)
    else:
        yield _quoted("old", problem.old)
        yield _quoted("new", place)


def _quoted(name: str, place: Excerpt) -> str:
    return f"  {name} {place.path}:{place.line} | {place.text if place.is_exact else _MISSING}"
