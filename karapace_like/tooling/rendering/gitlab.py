"""GitLab's code quality report: one entry for each problem, which a merge request shows at its line.

https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
"""

import hashlib
from typing import Any

import msgspec

from karapace_like.tooling.report import ProblemGroup, Report, Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render(report: Report) -> str:
    """Return the entries; fingerprints are unique and stay when lines move."""
    seen: dict[str, int] = {}
    entries: list[dict[str, Any]] = []
    for group in report.group():
        identity = f"{group.subjects}:{group.problem.rule}:{group.problem.place.path}:{group.problem.place.text}"
        seen[identity] = seen.get(identity, 0) + 1
        entries.append(_make_entry(group, f"{identity}:{seen[identity]}"))
    return msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n"


def _make_entry(group: ProblemGroup, identity: str) -> dict[str, Any]:
    problem = group.problem
    advice = f" To do: {problem.advice}." if problem.advice else ""
    return {
        "description": f"{group.subjects}: {problem.sentence}.{advice}",
        "check_name": problem.rule,
        "fingerprint": hashlib.sha256(identity.encode(errors="surrogateescape")).hexdigest(),
        "severity": _SEVERITIES[problem.severity],
        "location": {"path": problem.place.path, "lines": {"begin": problem.place.line}},
    }
