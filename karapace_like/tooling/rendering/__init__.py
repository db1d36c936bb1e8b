"""The output formats of a report: `render` of the module with the format's name makes its text."""

from importlib import import_module

from karapace_like.tooling.report import Report

FORMS = ("text", "json", "yaml", "junit", "sarif", "github", "gitlab", "markdown")
"""The formats. The module of one is imported when it is used: SARIF's needs the rules of every schema type."""
FROM_REPOSITORY = frozenset({"github", "gitlab", "sarif"})
"""The formats whose readers expect paths from the top of the repository, wherever the command runs."""


def render(report: Report, form: str) -> str:
    """Return the report in one of `FORMS`."""
    rendered: str = import_module(f"{__name__}.{form}").render(report)
    return rendered
