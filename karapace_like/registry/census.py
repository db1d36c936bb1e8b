"""How much the state holds, counted as it changes: asking costs nothing, however large it is."""

from dataclasses import dataclass, field

from karapace_like.registry.content import Content


@dataclass(slots=True)
class Census:
    """Numbers by format; keys are the values of labels."""

    schemas: dict[tuple[str], int] = field(default_factory=dict)
    """Type -> schemas, each counted once in its context."""
    characters: dict[tuple[str], int] = field(default_factory=dict)
    """Type -> characters of their texts."""
    versions: dict[tuple[str, str], int] = field(default_factory=dict)
    """Type and `live` or `deleted` -> versions."""

    def schema(self, content: Content, change: int) -> None:
        """An id that means this content came (1) or went (-1)."""
        key = (content.type.value,)
        self.schemas[key] = self.schemas.get(key, 0) + change
        self.characters[key] = self.characters.get(key, 0) + change * len(content.text)

    def version(self, content: Content, change: int, *, deleted: bool) -> None:
        """A version with this content came or went."""
        key = (content.type.value, "deleted" if deleted else "live")
        self.versions[key] = self.versions.get(key, 0) + change
