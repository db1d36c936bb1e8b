"""What a row of the table says: where Karapace answers in another way, and how that answer is made of Confluent's.

A row may change the request before the handler sees it, stand around the handler, and change the answer or the error
after it. Handlers know nothing of dialects.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeAlias

import msgspec
from aiohttp import web
from multidict import CIMultiDict

from karapace_like.errors import NOT_JSON
from karapace_like.web.http import bodies


class Refusal(NamedTuple):
    """An error as it is sent: `message` is a sentence, and a list of faults where Karapace's is one."""

    status: int
    code: int
    message: Any

    def replace_message(self, pattern: re.Pattern[str], text: str) -> "Refusal":
        """Return the refusal with another message, which may refer to groups, if the pattern fits the whole one."""
        if not isinstance(self.message, str) or not (match := pattern.fullmatch(self.message)):
            return self
        return self._replace(message=match.expand(text))


@dataclass
class Exchange:
    """One request of a client that speaks the dialect."""

    request: web.Request
    """As the handler sees it."""
    sent: bytes = b""
    """The body that the client has sent."""
    faults: Any = None
    """What is wrong with the request, as Karapace lists it; None where a sentence says it."""

    @cached_property
    def document(self) -> Any:
        """The JSON that the client has sent; None if it has sent none. Only decoded where a row looks at it."""
        return parse(self.sent)

    def replace_header(self, name: str, value: str) -> None:
        """Let the handler see another value of a header."""
        self._replace_request(headers={**self.request.headers, name: value})

    def add_to_query(self, **parameters: str) -> None:
        """Let the handler see more parameters of the query."""
        self._replace_request(rel_url=self.request.rel_url.extend_query(parameters))

    def _replace_request(self, **changes: Any) -> None:
        body, self.request._read_bytes = self.request._read_bytes, None  # noqa: SLF001 - a body that is read cannot be cloned
        self.request = self.request.clone(**changes)
        self.request._read_bytes = body  # noqa: SLF001 - as above


def parse(body: bytes) -> Any:
    """Return the JSON of a body; None for an empty or malformed one."""
    try:
        return msgspec.json.decode(bodies.recode_as_utf8(body)) if body else None
    except NOT_JSON:
        return None


Proceed: TypeAlias = Callable[[], Awaitable[web.StreamResponse]]
"""Calls the handler, or the next row around it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Difference:
    """One row of the table. A part that it does not name stays Confluent's."""

    where: str
    confluent: str
    karapace: str
    calls: tuple[str, ...]
    """Method and path of the calls as routes spell them, with `*` for any text: `* /subjects/{subject}/*`."""
    query: Mapping[str, str] | None = None
    """Parameters that the handler is to see where the client has not sent them."""
    headers: Callable[[CIMultiDict[str]], None] | None = None
    """Changes the headers that the handler sees."""
    body: Callable[[Any], Any] | None = None
    """Returns the JSON that the handler sees, of that which the client has sent."""
    around: Callable[[Exchange, Proceed], Awaitable[web.StreamResponse]] | None = None
    """Answers in place of the handler, which it may call. Permission has been checked before."""
    answer: Callable[[Exchange, Any], Any] | None = None
    """Returns the JSON that the client sees, of the handler's result."""
    error: Callable[[Exchange, Refusal], Refusal] | None = None
    """Returns the error that the client sees, of the handler's or the server's own."""

    def concerns(self, call: str) -> bool:
        """Whether the row is about this call: method and path, as a route spells them."""
        return any(fnmatchcase(call, pattern) for pattern in self.calls)

    @property
    def is_about_errors_only(self) -> bool:
        """Whether the row leaves the request, and every answer that is no error, as they are."""
        return not any((self.query, self.headers, self.body, self.around, self.answer))


@lru_cache(maxsize=1024)
def select_rows(table: tuple[Difference, ...], call: str) -> tuple[Difference, ...]:
    """Return the rows that concern a call."""
    return tuple(row for row in table if row.concerns(call))
