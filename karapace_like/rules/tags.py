"""The tags of fields by patterns of their full names, as metadata have them: `*` within a name, `**` across dots."""

import re
from collections.abc import Iterable
from functools import lru_cache

import re2

_PARTS = re.compile(r"\*\*|\*|\?|[^*?]+")
_MEANINGS = {"**": ".*", "*": "[^.]*", "?": "[^.]"}
_MAX_PATTERN = 1_000
_COMPILED = 100
_OPTIONS = re2.Options()
_OPTIONS.max_mem = 1 << 18
_OPTIONS.dot_nl = True
_OPTIONS.log_errors = False


def match_name(pattern: str, full_name: str) -> bool:
    """Return whether the pattern fits the whole name; one that is longer than any name fits none."""
    if len(pattern) > _MAX_PATTERN:
        return False
    compiled = _compile(pattern)
    return compiled is not None and compiled.fullmatch(full_name) is not None


@lru_cache(_COMPILED)
def _compile(pattern: str) -> "re2._Regexp | None":
    """Return the pattern as a regular expression, which takes linear time; None if it takes too much memory."""
    parts = _PARTS.findall(pattern.replace("**.*", "**"))
    try:
        return re2.compile("".join(_MEANINGS.get(part) or re2.escape(part) for part in parts), _OPTIONS)
    except re2.error:
        return None


def find_tags(full_name: str, patterns: Iterable[tuple[str, frozenset[str]]]) -> frozenset[str]:
    """Return the tags of all patterns that fit the name."""
    return frozenset(tag for pattern, tags in patterns if match_name(pattern, full_name) for tag in tags)
