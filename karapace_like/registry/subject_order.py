"""The subjects of a store in order, for listings: sorted once, at the first listing, and kept in order from then on.

A registry may have a million subjects. To sort them takes a second, which each listing would take from every other
request. Here a new subject costs an entry in a dictionary, and the next listing merges all new ones in.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from itertools import islice

_FEW = 32
"""New subjects that are inserted one by one: merging compares all names, which takes 0.1 s for a million."""


class SubjectOrder:
    """The names of all subjects in order; it may have names of subjects that are gone."""

    def __init__(self) -> None:
        self._names: list[str] | None = None
        """Never changed, but replaced; None before the first listing."""
        self._added: dict[str, None] = {}
        """Subjects that exist, and that the list does not have or has as one that was gone."""
        self._removed = 0
        """How many of the list are gone, at most."""

    def add(self, subject: str) -> None:
        """Note a new subject."""
        if self._names is not None:
            self._added[subject] = None

    def remove(self, subject: str) -> None:
        """Note that a subject is gone."""
        if subject in self._added:
            del self._added[subject]
        else:
            self._removed += 1

    def list_names(self, subjects: Iterable[str]) -> Sequence[str]:
        """Return the names in order; the list is never changed afterwards.

        `subjects` are all that exist, for the first time and for when half of the list may be gone.
        """
        names = self._names
        if names is None or self._removed * 2 > len(names):
            names, self._removed = sorted(subjects), 0
        elif self._added:
            added = sorted(name for name in self._added if not _contains(names, name))
            names = [*names]
            if len(added) <= _FEW:
                for name in added:
                    insort(names, name)
            else:
                names += added
                names.sort()  # it finds two ascending runs and merges them
        self._names = names
        self._added.clear()
        return names


def _contains(names: Sequence[str], name: str) -> bool:
    at = bisect_left(names, name)
    return at < len(names) and names[at] == name


def find_range(names: Sequence[str], prefix: str) -> Iterable[str]:
    """Return the names, which are in order, from the first one with the prefix on."""
    return islice(names, bisect_left(names, prefix), None)
