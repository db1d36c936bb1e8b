"""Comments in a schema that accept problems of `lint`: `karapace-like: ignore RULE[, RULE] [until YYYY-MM-DD]: REASON`.

Protobuf and Avro have comments (`//`, `/* */`); JSON has the member `$comment`. A comment covers its own line and the
next one. A `$comment` stands inside of the object that it is about, and covers the line before as well.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from karapace_like.explanation.excerpts import make_excerpt
from karapace_like.tooling.accepting import EXPIRED, accept_problem
from karapace_like.tooling.report import Problem, Severity

INVALID_COMMENT = "ignore-comment"
"""The rule name of a comment that cannot be read."""

_COMMENT = re.compile(r"karapace-like:\s*ignore\b([^\n]*)")
_FORM = re.compile(
    r"\s+(?P<rules>[\w-]+(?:\s*,\s*[\w-]+)*)(?:\s+until\s+(?P<until>\S+?))?\s*:\s*(?P<reason>[^\"*\s][^\"\n]*)"
)
_EXPECTED = "expected `karapace-like: ignore RULE until YYYY-MM-DD: REASON`, of which `until YYYY-MM-DD` may be absent"


class IgnoreComment(NamedTuple):
    """One comment."""

    offset: int
    lines: range
    """The lines that it covers, from 1."""
    rules: Sequence[str]
    until: date | None
    reason: str
    fault: str | None = None
    """Why the comment cannot be read; it then accepts nothing."""


def parse_comments(text: str, known: Collection[str]) -> list[IgnoreComment]:
    """Return the comments of a schema's text; `known` are the names of the rules."""
    return list(_find_comments(text, known)) if "karapace-like:" in text else []


def _find_comments(text: str, known: Collection[str]) -> Iterator[IgnoreComment]:
    for comment in _COMMENT.finditer(text):
        line = text.count("\n", 0, comment.start()) + 1
        before = text[text.rfind("\n", 0, comment.start()) + 1 : comment.start()]
        lines = range(line - 1 if '"$comment"' in before else line, line + 2)
        fault, rules, until, reason = _read_form(comment[1], known)
        yield IgnoreComment(comment.start(), lines, rules, until, reason, fault)


def _read_form(form: str, known: Collection[str]) -> tuple[str | None, Sequence[str], date | None, str]:
    """Return (fault, rules, until, reason) of what follows `ignore`."""
    match = _FORM.match(form)
    if match is None:
        return f"The comment cannot be read: {_EXPECTED}", (), None, ""
    rules = re.split(r"\s*,\s*", match["rules"])
    unknown = [name for name in rules if name not in known]
    if unknown:
        return f"There is no rule {unknown[0]!r}: `karapace-like lint --list-rules` lists them", (), None, ""
    try:
        until = date.fromisoformat(match["until"]) if match["until"] else None
    except ValueError:
        return f"{match['until']!r} is not a day: {_EXPECTED}", (), None, ""
    return None, rules, until, match["reason"].removesuffix("*/").strip()


def apply_comments(
    text: str, path: str, problems: Sequence[Problem], known: Mapping[str, object], today: date
) -> list[Problem]:
    """Return the problems in a file, of which comments accept some, and a problem for each wrong or expired comment."""
    comments = parse_comments(text, known)
    if not comments:
        return list(problems)
    return [
        *(
            _apply_to_problem(problem, comments, today) if problem.place.path == path else problem
            for problem in problems
        ),
        *_list_faults(text, path, comments, today),
    ]


def _apply_to_problem(problem: Problem, comments: Sequence[IgnoreComment], today: date) -> Problem:
    for comment in comments:
        is_current = comment.until is None or today <= comment.until
        if is_current and problem.rule in comment.rules and problem.place.line in comment.lines:
            return accept_problem(problem, comment.until, comment.reason)
    return problem


def _list_faults(text: str, path: str, comments: Sequence[IgnoreComment], today: date) -> Iterator[Problem]:
    for comment in comments:
        place = make_excerpt(path, text, comment.offset)
        if comment.fault is not None:
            yield Problem(rule=INVALID_COMMENT, message=comment.fault, severity=Severity.ERROR, place=place)
        elif comment.until is not None and comment.until < today:
            message = (
                f"{', '.join(comment.rules)} was accepted until {comment.until}: remove the comment, or give it "
                f"another day ({comment.reason})"
            )
            yield Problem(rule=EXPIRED, message=message, severity=Severity.ERROR, place=place)
