"""Which problems of a report have an example record: one of each kind, within a bound on the work."""

from collections import Counter
from collections.abc import Hashable

_MAX_SCHEMAS = 3
"""Schemas with one and the same problem that have an example: a report shows the first one's for all."""
_DOCUMENTS = 1_000
_DOCUMENTS_PER_SCHEMA = 12
"""Documents that searches may read: so many, and so many more for each schema of the report.

A search reads both schemas with all that they refer to. In a chain in which each file has a break of its own, searches
without a bound would read the square of its length.
"""


class ExampleBudget:
    """Counts what the examples of one report have cost."""

    def __init__(self) -> None:
        self._explained = Counter[Hashable]()
        self._documents = _DOCUMENTS

    def grant(self, schemas: int) -> None:
        """Allow what a report on so many schemas may cost in addition."""
        self._documents += _DOCUMENTS_PER_SCHEMA * schemas

    def spend(self, problem: Hashable, documents: int) -> bool:
        """Return whether this problem of one more schema may have an example that reads so many documents."""
        if self._explained[problem] >= _MAX_SCHEMAS or documents > self._documents:
            return False
        self._explained[problem] += 1
        self._documents -= documents
        return True
