"""The output formats of a report; one function for each, report -> text."""

from collections.abc import Callable, Mapping

from karapace_like.tooling.rendering import github, gitlab, json, junit, markdown, sarif, text
from karapace_like.tooling.report import Report

RENDERINGS: Mapping[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "github": github.render,
    "gitlab": gitlab.render,
    "markdown": markdown.render,
}
FROM_REPOSITORY = frozenset({"github", "gitlab", "sarif"})
"""The formats whose readers expect paths from the top of the repository, wherever the command runs."""
