"""Counts of schemas and versions, updated with each change, so that reading them takes constant time."""

from dataclasses import dataclass, field

from karapace_like.registry.content import Content
from karapace_like.schema.model import SchemaType


@dataclass(slots=True)
class _Counted:
    """The counts of one schema type."""

    schemas: int = 0
    """Schemas, each counted once in its context."""
    characters: int = 0
    """Characters of their texts."""
    live: int = 0
    """Live versions."""
    deleted: int = 0


@dataclass(slots=True)
class RegistryCounts:
    """Counts by schema type; the keys of its mappings are values of metric labels."""

    _by_type: dict[SchemaType, _Counted] = field(
        default_factory=lambda: {schema_type: _Counted() for schema_type in SchemaType}
    )

    @property
    def schemas(self) -> dict[tuple[str], int]:
        """Type -> schemas, each counted once in its context."""
        return {(schema_type.value,): counted.schemas for schema_type, counted in self._by_type.items()}

    @property
    def characters(self) -> dict[tuple[str], int]:
        """Type -> characters of their texts."""
        return {(schema_type.value,): counted.characters for schema_type, counted in self._by_type.items()}

    @property
    def versions(self) -> dict[tuple[str, str], int]:
        """Type and `live` or `deleted` -> versions."""
        return {
            (schema_type.value, state): count
            for schema_type, counted in self._by_type.items()
            for state, count in (("live", counted.live), ("deleted", counted.deleted))
        }

    def schema(self, content: Content, change: int) -> None:
        """Count an id of this content that was added (1) or removed (-1)."""
        counted = self._by_type[content.type]
        counted.schemas += change
        counted.characters += change * len(content.text)

    def version(self, content: Content, change: int, *, deleted: bool) -> None:
        """Count a version with this content that was added (1) or removed (-1)."""
        counted = self._by_type[content.type]
        if deleted:
            counted.deleted += change
        else:
            counted.live += change
