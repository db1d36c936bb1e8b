"""Schemas as files that refer to each other, and locations in them.

Each format implements it in its package: `linking.py` lists the names that a text offers and the texts that it needs,
`places.py` finds the location of an incompatibility. Files are read elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from karapace_like.schema.model import Dependencies

CACHED_TEXTS = 1_000
"""Texts of which what was found out stays cached: many sources of one run refer to the same ones."""
CACHED_SOURCES = 4
"""Sources of which it does: problems are located one source after the other."""


class FileNeed(NamedTuple):
    """Another text that a text needs."""

    name: str
    """The name that the parser looks it up by: the reference's name."""
    candidates: tuple[str, ...]
    """The offered names that match, the best first."""


class SourceLocation(NamedTuple):
    """A position in a schema or in something that it refers to."""

    document: str
    """The name of the dependency; empty for the schema's own text."""
    offset: int
    """Characters from the text's beginning."""
    is_exact: bool = True
    """False: the element is not there, and this is the element that should contain it."""


@dataclass(frozen=True)
class Source:
    """A schema's text with all that it refers to."""

    text: str
    dependencies: Dependencies

    def __hash__(self) -> int:
        """So that what is found out about a source can be cached."""
        return hash(self.text)

    @cached_property
    def documents(self) -> Mapping[str, str]:
        """Every text by the name that a `SourceLocation` has for it."""
        return {"": self.text, **self.dependencies}
