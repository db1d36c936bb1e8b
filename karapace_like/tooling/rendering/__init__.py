"""The output formats of a report; one function for each, report -> text."""

from collections.abc import Callable, Mapping

from karapace_like.tooling.rendering import github, json, junit, markdown, sarif, text
from karapace_like.tooling.report import Report

RENDERINGS: Mapping[str, Callable[[Report], str]] = {
    "text": text.render,
    "json": json.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "github": github.render,
    "markdown": markdown.render,
}
