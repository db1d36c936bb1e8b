"""Categories of rules about changes that a registry accepts: what else the people and programs of a schema may need.

A registry judges whether readers understand records. `check --use` asks for more; each format lists its rules.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from karapace_like.schema.model import Incompatibility, ParsedSchema, Rule


class ChangeCategory(enum.StrEnum):
    """A promise that changes keep. Each category has the rules of those before it."""

    WIRE = "wire"
    """Bytes mean the same, today and after the next change."""
    JSON = "json"
    """The JSON form of records means the same, too."""
    SOURCE = "source"
    """Code that uses generated classes compiles, too."""

    def includes(self, other: "ChangeCategory") -> bool:
        """Return whether the category has the rules of the other one."""
        order = list(ChangeCategory)
        return order.index(other) <= order.index(self)


@dataclass(frozen=True, slots=True)
class ChangeRule(Rule):
    """A rule of a category, with an example of a change that breaks it (`old`, `new`)."""

    category: ChangeCategory
    kept: str
    """A schema that reaches the same without breaking the rule."""
    advice: str
    """What to do about it."""
    repeats: frozenset[str] = frozenset()
    """The registry's rules that say the same of a path."""


NO_RULES: Mapping[str, ChangeRule] = {}
"""Of a format without such rules."""


def find_no_changes(
    new: ParsedSchema,  # noqa: ARG001 - as the other formats have it
    old: ParsedSchema,  # noqa: ARG001 - as above
    category: ChangeCategory,  # noqa: ARG001 - as above
) -> list[Incompatibility]:
    """Return nothing, for a format without such rules."""
    return []
