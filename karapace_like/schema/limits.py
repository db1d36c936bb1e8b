"""The limits of a schema text, checked before any parser reads it.

Native parsers are known to crash the process on 100,000 nested levels, so depth is counted here by brackets,
outside of string literals, in one pass over the text. Sizes of HTTP bodies are the web room's to limit.
"""

import re

from karapace_like.schema.model import InvalidSchemaError

MAX_DEPTH = 200
"""Nested brackets of any kind. Real schemas stay below 50; CPython's own recursion limit is 1,000 frames."""
MAX_BYTES = 8 * 1024 * 1024
"""Length of one schema text. A Kafka record is 1 MiB by default, so what can be stored is far below."""

# A string literal (JSON or .proto, either quote), a comment, or one bracket. An unterminated one runs to its line's or
# the text's end: each character is looked at once, whatever the input.
_TOKEN = re.compile(
    r"""
    "(?:[^"\\\n]|\\.)*"?
    | '(?:[^'\\\n]|\\.)*'?
    | //[^\n]*
    | /\*(?:.*?\*/|.*)
    | [\[\]{}()]
    """,
    re.VERBOSE | re.DOTALL,
)


def check(text: str) -> None:
    """Raise InvalidSchemaError if the text is too long, too deep, or holds what no schema may hold."""
    if len(text) > MAX_BYTES:
        raise InvalidSchemaError(f"the schema is longer than {MAX_BYTES} bytes")
    if "\x00" in text:
        raise InvalidSchemaError("the schema holds a null character")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidSchemaError(f"the schema is not valid Unicode at character {error.start}") from error
    if sum(map(text.count, "[{(")) <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKEN.finditer(text):
        bracket = token[0]
        if bracket in "[{(":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidSchemaError(f"the schema is nested deeper than {MAX_DEPTH} levels")
        elif bracket in "]})":
            depth -= 1
