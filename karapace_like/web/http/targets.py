"""The targets of requests as logs show them: without values that no route has declared, which may be secrets."""

import re
from collections.abc import Collection
from urllib.parse import unquote_plus

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
"""What a proxy's form of a target begins with: it may hold a password."""
_HIDDEN = "***"
_MAX_LENGTH = 2000
"""Characters of the path, and of the query, that are shown."""


def hide_values(target: str, parameters: Collection[str]) -> str:
    """Return the target with the values of these query parameters only; others appear as `***`, with their names."""
    match = _ORIGIN.match(target)
    path, mark, query = target[0 if match is None else match.end() :].partition("?")
    if not mark:
        return path[:_MAX_LENGTH]
    shown = "&".join(part if _name(part) in parameters else _HIDDEN for part in query[:_MAX_LENGTH].split("&"))
    return f"{path[:_MAX_LENGTH]}?{shown}"


def _name(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0])
