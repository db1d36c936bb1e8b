"""The format of GitHub Actions: workflow commands that annotate the lines of a pull request."""

from karapace_like.tooling.report import ProblemGroup, Report, Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render(report: Report) -> str:
    """Return one command for each problem, and the summary as a plain line."""
    return "\n".join([*map(_render_annotation, report.group()), report.summary]) + "\n"


def _render_annotation(group: ProblemGroup) -> str:
    problem = group.problem
    place, old = problem.place, problem.old
    lines = [f"{group.subjects}: {problem.sentence}"]
    if old and old.is_exact:
        lines.append(f"Old, {old.path}:{old.line}: {old.text}")
    lines += [f"Example: {problem.example.sentence}"] if problem.example else []
    lines += [f"To do: {problem.advice}"] if problem.advice else []
    path, title = _escape_attribute(place.path), _escape_attribute(problem.rule)
    attributes = f"file={path},line={place.line},col={place.column},title={title}"
    return f"::{_COMMANDS[problem.severity]} {attributes}::{_escape(chr(10).join(lines))}"


def _escape(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_attribute(text: str) -> str:
    return _escape(text).replace(":", "%3A").replace(",", "%2C")
