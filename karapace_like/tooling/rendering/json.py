"""JSON for programs: the report with the exit code."""

from typing import Any

import msgspec

from karapace_like.tooling.report import Report


def render(report: Report) -> str:
    """Return one JSON object."""
    return msgspec.json.format(msgspec.json.encode(list_members(report)), indent=2).decode() + "\n"


def list_members(report: Report) -> dict[str, Any]:
    """Return what a report is for programs: command, exit_code, summary, cases."""
    return {
        "command": report.command,
        "exit_code": report.exit_code,
        "summary": report.summary,
        "cases": report.cases,
    }
