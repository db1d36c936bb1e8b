"""For GitHub Actions: workflow commands that become annotations on the lines of a pull request."""

from collections.abc import Iterator

from karapace_like.tooling.report import Case, Report, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """One command a problem, and the summary as a plain line."""
    return "\n".join([*(line for case in report.cases for line in _annotations(case)), report.summary]) + "\n"


def _annotations(case: Case) -> Iterator[str]:
    for each in case.problems:
        place = each.place
        was = f"\nOld, {each.old.path}:{each.old.line}: {each.old.text}" if each.old and each.old.is_exact else ""
        attributes = f"file={_attribute(place.path)},line={place.line},col={place.column},title={_attribute(each.rule)}"
        yield f"::{_COMMANDS[each.severity]} {attributes}::{_escaped(f'{case.subject}: {each.message}{was}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _attribute(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
