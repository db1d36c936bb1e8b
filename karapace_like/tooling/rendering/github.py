"""The format of GitHub Actions: workflow commands that annotate the lines of a pull request."""

from collections.abc import Iterator

from karapace_like.tooling.report import Case, Report, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """Return one command for each problem, and the summary as a plain line."""
    return "\n".join([*(line for case in report.cases for line in _render_annotations(case)), report.summary]) + "\n"


def _render_annotations(case: Case) -> Iterator[str]:
    for problem in case.problems:
        place, old = problem.place, problem.old
        was = f"\nOld, {old.path}:{old.line}: {old.text}" if old and old.is_exact else ""
        path, title = _escape_attribute(place.path), _escape_attribute(problem.rule)
        attributes = f"file={path},line={place.line},col={place.column},title={title}"
        yield f"::{_COMMANDS[problem.severity]} {attributes}::{_escape(f'{case.subject}: {problem.sentence}{was}')}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_attribute(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
