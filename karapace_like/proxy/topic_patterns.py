"""Subscriptions to patterns: names are matched here, in linear time, and the Kafka client gets names only.

A pattern is a regular expression of RE2 (docs/adr/0020-re2.md), which any caller may send. The topics are listed once
for all subscriptions; when they have changed, every subscription selects its topics again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import re2

from karapace_like.proxy import errors
from karapace_like.proxy.internal import InternalResources

MAX_PATTERN = 1_000
"""Characters of a pattern; four times the longest name of a topic."""
_MAX_MEMORY = 256 * 1024
"""Bytes of a compiled pattern and of its automaton. re2 caches the last 128 patterns: 32 MiB in all."""
_AT_ONCE = 100
"""Names that are matched before other requests get the event loop again: about a millisecond."""

_OPTIONS = re2.Options()
_OPTIONS.max_mem = _MAX_MEMORY
_OPTIONS.log_errors = False


class TopicPattern:
    """A regular expression that a topic's whole name has to match."""

    def __init__(self, text: str) -> None:
        """Raises ProxyError (422) for a text that is too long, too large once compiled, or not in RE2's syntax."""
        self._text = text
        if len(text) > MAX_PATTERN:
            raise errors.invalid_topic_pattern(f"it has {len(text):,} characters; at most {MAX_PATTERN:,} are allowed")
        _compile(text)

    async def select(self, names: Sequence[str]) -> list[str]:
        """Return the names that match."""
        compiled = _compile(self._text)  # from re2's cache: a subscription keeps no automaton
        selected: list[str] = []
        for start in range(0, len(names), _AT_ONCE):
            selected += filter(compiled.fullmatch, names[start : start + _AT_ONCE])
            await asyncio.sleep(0)
        return selected


class TopicNames:
    """The names of the topics that a pattern can match: all but internal ones, even if callers may name those."""

    def __init__(
        self, list_topics: Callable[[], Awaitable[Sequence[str]]], internal: InternalResources, max_age: float
    ) -> None:
        """`list_topics` returns all names, or raises KafkaFailure; `max_age` is in seconds."""
        self.names: tuple[str, ...] = ()
        """The names as last listed; another object when they have changed."""
        self._list_topics = list_topics
        self._internal = internal
        self._max_age = max_age
        self._lock = asyncio.Lock()
        self._listed = float("-inf")
        """When the last listing began, by the event loop's clock."""

    @property
    def is_outdated(self) -> bool:
        """Whether it is time for another listing."""
        return asyncio.get_running_loop().time() - self._listed > self._max_age

    async def refresh(self) -> None:
        """List the topics; calls at the same time share a listing. Raises KafkaFailure."""
        loop = asyncio.get_running_loop()
        called = loop.time()
        async with self._lock:
            if self._listed > called:
                return
            self._listed = loop.time()
            names = tuple(name for name in await self._list_topics() if not self._internal.is_internal_topic(name))
            if names != self.names:
                self.names = names


def _compile(text: str) -> Any:
    try:
        return re2.compile(text, _OPTIONS)
    except UnicodeEncodeError as error:
        raise errors.invalid_topic_pattern("it contains an unpaired surrogate, which UTF-8 cannot encode") from error
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise errors.invalid_topic_pattern(
            f"{reason}; expected a regular expression in the syntax of RE2, which has neither look-around nor "
            "back-references and repeats at most 1,000 times"
        ) from error
