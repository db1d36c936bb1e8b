"""How much the state holds, counted as it changes: asking costs nothing, however large it is."""

from dataclasses import dataclass, field

from karapace_like.registry.content import Content
from karapace_like.schema.model import SchemaType


@dataclass(slots=True)
class _Counted:
    """Of one format."""

    schemas: int = 0
    """Each counted once in its context."""
    characters: int = 0
    """Of their texts."""
    live: int = 0
    """Versions."""
    deleted: int = 0


@dataclass(slots=True)
class Census:
    """Numbers by format; the keys of what is told are the values of labels."""

    _by_type: dict[SchemaType, _Counted] = field(default_factory=lambda: {each: _Counted() for each in SchemaType})

    @property
    def schemas(self) -> dict[tuple[str], int]:
        """Type -> schemas, each counted once in its context."""
        return {(each.value,): found.schemas for each, found in self._by_type.items()}

    @property
    def characters(self) -> dict[tuple[str], int]:
        """Type -> characters of their texts."""
        return {(each.value,): found.characters for each, found in self._by_type.items()}

    @property
    def versions(self) -> dict[tuple[str, str], int]:
        """Type and `live` or `deleted` -> versions."""
        return {
            (each.value, state): count
            for each, found in self._by_type.items()
            for state, count in (("live", found.live), ("deleted", found.deleted))
        }

    def schema(self, content: Content, change: int) -> None:
        """An id that means this content came (1) or went (-1)."""
        found = self._by_type[content.type]
        found.schemas += change
        found.characters += change * len(content.text)

    def version(self, content: Content, change: int, *, deleted: bool) -> None:
        """A version with this content came or went."""
        found = self._by_type[content.type]
        if deleted:
            found.deleted += change
        else:
            found.live += change
