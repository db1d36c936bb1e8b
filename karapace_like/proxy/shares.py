"""Shares of something that is bounded for all callers together, and for each of them."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from karapace_like.proxy import errors


class Shares:
    """Counts what callers hold at the same time, in one process."""

    def __init__(self, name: str, at_most: int, at_most_of_user: int) -> None:
        """`name` is a plural, for the error."""
        self._name = name
        self.at_most = at_most
        self.at_most_of_user = at_most_of_user
        self._held: Counter[str] = Counter()
        self._total = 0

    def __len__(self) -> int:
        """How many are held."""
        return self._total

    def count_of(self, user: str) -> int:
        """Return how many the user holds."""
        return self._held[user]

    def take(self, user: str) -> None:
        """Count one more for the user; raise ProxyError 42901 beyond a bound. `give_back` it."""
        if self._total >= self.at_most:
            raise errors.too_many(self._name)
        if self._held[user] >= self.at_most_of_user:
            raise errors.too_many(f"{self._name} of this caller")
        self._held[user] += 1
        self._total += 1

    def give_back(self, user: str) -> None:
        """Count one less."""
        self._total -= 1
        self._held[user] -= 1
        if not self._held[user]:
            del self._held[user]

    @contextmanager
    def hold(self, user: str) -> Iterator[None]:
        """Hold one within the block; raise ProxyError 42901 beyond a bound."""
        self.take(user)
        try:
            yield
        finally:
            self.give_back(user)
