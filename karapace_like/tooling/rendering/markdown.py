"""Markdown for the summary of a job or a comment."""

from collections.abc import Iterator, Sequence

from karapace_like.tooling.report import Problem, ProblemGroup, Report, Verdict

_SIGNS = {Verdict.PASSED: "✅", Verdict.FAILED: "❌", Verdict.UNKNOWN: "❔"}
_MAX_LENGTH = 60_000
"""Characters: a comment of GitHub may have 65,536, and the summary of a step 1 MiB."""
_SHOWN_PASSED = 20
"""Most subjects without a problem that are listed; above it, only their number is shown."""


def render(report: Report) -> str:
    """Return a table of the subjects, and a section for each problem with the subjects that have it."""
    lines: list[str] = []
    length = 0
    for line in _render_lines(report):
        length += len(line) + 1
        if length > _MAX_LENGTH:
            return "\n".join([*lines, *_close_fence(lines), "", "The report is cut here: the log has the rest.", ""])
        lines.append(line)
    return "\n".join(lines) + "\n"


def _close_fence(lines: Sequence[str]) -> list[str]:
    return ["```"] if sum(line.startswith("```") for line in lines) % 2 else []


def _render_lines(report: Report) -> Iterator[str]:
    yield f"### Schemas, {report.command}: {report.summary}"
    yield ""
    wrong = [case for case in report.cases if case.problems or case.verdict is not Verdict.PASSED]
    fine = [case for case in report.cases if case not in wrong]
    listed = [*wrong, *(fine if len(fine) <= _SHOWN_PASSED else [])]
    if listed:
        yield "| | subject | file | |"
        yield "|---|---|---|---|"
    for case in listed:
        subject, path, summary = map(_escape_cell, (case.subject, case.path, case.summary))
        yield f"| {_SIGNS[case.verdict]} | {subject} | `{path}` | {summary} |"
    if len(fine) > _SHOWN_PASSED:
        yield ""
        yield f"{len(fine)} more without a problem."
    for group in report.group():
        yield from _render_section(group)


def _render_section(group: ProblemGroup) -> Iterator[str]:
    problem = group.problem
    yield ""
    yield f"#### {_escape_cell(group.subjects)}"
    yield ""
    yield f"**{problem.rule}** `{problem.place.path}:{problem.place.line}` — {problem.sentence}"
    yield from _render_difference(problem)
    for name, text in (("Example", problem.example and problem.example.sentence), ("To do", problem.advice)):
        if text:
            yield ""
            yield f"{name}: {text}"


def _render_difference(problem: Problem) -> Iterator[str]:
    """Yield the old and the new line; a missing element has none."""
    lines = [
        f"{sign} {excerpt.text}"
        for sign, excerpt in (("-", problem.old), ("+", problem.place))
        if excerpt and excerpt.is_exact
    ]
    if problem.old is not None and problem.old.text != problem.place.text:
        yield from ("```diff", *lines, "```")


def _escape_cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
