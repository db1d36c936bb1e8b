"""Every rule of `check` and `lint` by its name: what it means, its default severity, and the page that explains it."""

import os
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from karapace_like.explanation.advice import find_advice
from karapace_like.schema.changes import ChangeRule
from karapace_like.schema.formats import import_formats
from karapace_like.tooling.accepting import EXPIRED
from karapace_like.tooling.checking import DELETED, RENAMED, RULES
from karapace_like.tooling.lint_comments import INVALID_COMMENT
from karapace_like.tooling.lint_rules import OFF
from karapace_like.tooling.lint_rules import RULES as LINT_RULES
from karapace_like.tooling.report import Severity

HOME = "https://github.com/your-organisation/karapace_like"
DOCS_VARIABLE = "KARAPACE_LIKE_DOCS"
"""The environment variable with the address of the pages of docs/; the GitHub Action sets it."""
_PLACEHOLDERS = {"{reader}": "reader's", "{writer}": "writer's", "{path}": "...", "{detail}": "..."}


class RuleDescription(NamedTuple):
    """What tools show about a rule."""

    title: str
    meaning: str
    severity: Severity
    page: str
    """The URL of its documentation."""


@cache
def describe_rules() -> Mapping[str, RuleDescription]:
    """Return the description of every rule."""
    pages = {EXPIRED: "intended-breaks", DELETED: "deleted-and-renamed-schemas", RENAMED: "deleted-and-renamed-schemas"}
    severities = {DELETED: Severity.WARNING, RENAMED: Severity.WARNING}
    catalogue = {
        name: _describe(name, meaning, severities.get(name, Severity.ERROR), f"ci.md#{pages.get(name, 'check')}")
        for name, meaning in {**RULES, INVALID_COMMENT: "A comment that accepts problems cannot be read"}.items()
    }
    for format_ in import_formats().values():
        for rule in (*format_.RULES.values(), *format_.CHANGE_RULES.values()):
            meaning = rule.template
            for placeholder, words in _PLACEHOLDERS.items():
                meaning = meaning.replace(placeholder, words)
            catalogue[rule.name] = _describe(
                rule.name,
                meaning,
                Severity.ERROR,
                f"compatibility.md#{rule.name.lower()}",
                rule.advice if isinstance(rule, ChangeRule) else None,
            )
    for lint in LINT_RULES.values():
        severity = Severity.NOTE if lint.default == OFF else Severity(lint.default)
        catalogue[lint.name] = _describe(lint.name, lint.about.capitalize(), severity, f"lint.md#{lint.name}")
    return catalogue


def _describe(name: str, meaning: str, severity: Severity, page: str, own_advice: str | None = None) -> RuleDescription:
    title = name.replace("_", " ").replace("-", " ").capitalize()
    advice = own_advice or find_advice(name)
    docs = os.environ.get(DOCS_VARIABLE) or f"{HOME}/blob/main/docs"
    return RuleDescription(
        title, f"{meaning}. To do: {advice}." if advice else f"{meaning}.", severity, f"{docs.rstrip('/')}/{page}"
    )
