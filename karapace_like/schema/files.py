"""What a schema is as a file beside others: what it needs of them, and where in it something stands.

Each format answers in its own package: `linking.py` (what a text offers to others and needs of them) and `places.py`
(from the path of an incompatibility to a place in a text). Reading files is not done here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from karapace_like.schema.model import Dependencies


class Need(NamedTuple):
    """Another text that a text cannot do without."""

    name: str
    """What the parser will look it up by: the reference's name."""
    candidates: tuple[str, ...]
    """The offered names that would do, the best first."""


class Place(NamedTuple):
    """A position in a schema or in something that it refers to."""

    document: str
    """The name of the dependency; empty for the schema's own text."""
    offset: int
    """Characters from the text's beginning."""
    is_exact: bool = True
    """False: what was looked for is not there, and this is what should hold it."""


@dataclass(frozen=True, slots=True)
class Source:
    """A schema's text with all that it refers to."""

    text: str
    dependencies: Dependencies

    @property
    def documents(self) -> Mapping[str, str]:
        """Every text by the name that a `Place` has for it."""
        return {"": self.text, **self.dependencies}
