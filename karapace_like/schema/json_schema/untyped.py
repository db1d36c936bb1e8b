"""Schemas as Karapace compares them: what accepts everything or nothing counts as an object without properties.

So `true`, `false` and `{}` are compatible with each other and with open objects, but not with other types, and a
property `{}` may be added to an open content model as little as any other.
"""

from dataclasses import replace

from karapace_like.schema.json_schema.schemas import Anything, Nothing, Object, Schema

_FROM_NOTHING = Object(
    source={},
    properties={},
    required=frozenset(),
    patterns=(),
    additional=True,
    unevaluated=None,
    required_with={},
    schema_with={},
    max_properties=None,
    min_properties=None,
)


class UntypedAsObjects:
    """Returns each schema as Karapace compares it, and the same object for the same schema."""

    def __init__(self) -> None:
        self._objects: dict[Schema, Schema] = {}

    def __call__(self, schema: Schema) -> Schema:
        """Return the schema itself, unless it is untyped, or a property of it accepts everything."""
        if not isinstance(schema, Anything | Nothing | Object):
            return schema
        if schema not in self._objects:
            self._objects[schema] = self._convert(schema)
        return self._objects[schema]

    def _convert(self, schema: Anything | Nothing | Object) -> Schema:
        if not isinstance(schema, Object):
            return replace(_FROM_NOTHING, source=schema.source)
        untyped = {name: self(of) for name, of in schema.properties.items() if isinstance(of, Anything)}
        return replace(schema, properties={**schema.properties, **untyped}) if untyped else schema
