"""For the summary of a job or a comment: Markdown."""

from collections.abc import Iterator

from karapace_like.tooling.report import Case, Problem, Report, Verdict

_SIGNS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.UNKNOWN: "❔"}
_SHOWN_PASSED = 20
"""Subjects without a problem that are listed; of more, only the number is told."""


def render(report: Report) -> str:
    """A table of the subjects and a section for each that has problems."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield f"### Schemas, {report.command}: {report.summary}"
    yield ""
    wrong = [each for each in report.cases if each.problems or each.verdict is not Verdict.PASSED]
    fine = [each for each in report.cases if each not in wrong]
    listed = [*wrong, *(fine if len(fine) <= _SHOWN_PASSED else [])]
    if listed:
        yield "| | subject | file | |"
        yield "|---|---|---|---|"
    for case in listed:
        yield f"| {_SIGNS[case.verdict]} | {_cell(case.subject)} | `{_cell(case.path)}` | {_cell(case.summary)} |"
    if len(fine) > _SHOWN_PASSED:
        yield ""
        yield f"{len(fine)} more without a problem."
    for case in wrong:
        yield from _section(case)


def _section(case: Case) -> Iterator[str]:
    yield ""
    yield f"#### {case.subject}"
    for each in case.problems:
        yield ""
        yield f"**{each.rule}** `{each.place.path}:{each.place.line}` — {each.message}"
        yield from _difference(each)


def _difference(problem: Problem) -> Iterator[str]:
    """What was there and what is: a missing thing has no line."""
    lines = [
        f"{sign} {each.text}" for sign, each in (("-", problem.old), ("+", problem.place)) if each and each.is_exact
    ]
    if problem.old is not None and problem.old.text != problem.place.text:
        yield from ("```diff", *lines, "```")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
