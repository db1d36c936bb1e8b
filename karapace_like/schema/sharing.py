"""Parsed references that the schemas of one run have in common, so that each is read once."""

from collections.abc import Callable, Hashable
from typing import Any, TypeVar, cast

T = TypeVar("T")


class SharedReferences:
    """What engines found out about references. It keeps everything: for a command, not for a service."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}

    def share(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return the value of a key, which is made for its first use; an error is raised anew each time."""
        if key not in self._values:
            self._values[key] = make()
        return cast("T", self._values[key])


def share(shared: SharedReferences | None, key: Hashable, make: Callable[[], T]) -> T:
    """Return the shared value, or make one where nothing is shared."""
    return make() if shared is None else shared.share(key, make)
