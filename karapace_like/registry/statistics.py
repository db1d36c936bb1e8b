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

    def count(self, content: Content, schemas: int = 0, live: int = 0, deleted: int = 0) -> None:
        """Count ids of this content, its live versions and its deleted ones that were added; negative: removed."""
        counted = self._by_type[content.type]
        counted.live += live
        counted.deleted += deleted
        if schemas:
            counted.schemas += schemas
            counted.characters += schemas * len(content.text)
