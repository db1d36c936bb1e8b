"""JSON for programs: the report with the exit code."""

import msgspec

from karapace_like.tooling.report import Report


def render(report: Report) -> str:
    """Return one JSON object: command, exit_code, summary, cases."""
    value = {"command": report.command, "exit_code": report.exit_code, "summary": report.summary, "cases": report.cases}
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
