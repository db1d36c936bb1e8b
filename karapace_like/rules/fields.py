"""The values of a schema as rules see them, and the fields in them: the interface of each schema type.

Between two rules a value is its JSON in the codec's standard form (`serde/codec.py`). A rule sees it in the *native*
form, as Confluent's clients hand it to rules: unions as their values, bytes as bytes, Protobuf fields by their names in
the schema, integers as integers. JSONATA sees JSON.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from karapace_like.schema import tags

FindTags = Callable[[str], frozenset[str]]
"""Full name of a field -> its tags by the schema's metadata."""
Visit = Callable[["Field", str, Any], Any]
"""(field, type such as STRING, native value of the field or of one of its items) -> the value that replaces it."""


@dataclass(frozen=True, slots=True)
class Field:
    """The field that a rule looks at."""

    name: str
    full_name: str
    tags: frozenset[str]
    read_message: Callable[[], Any]
    """Returns the native value of the record around it."""


class Shape(Protocol):
    """A type of a schema, for one value of it."""

    def to_native(self, value: Any) -> Any:
        """Return the native form of a value in the standard form."""
        ...

    def to_plain(self, value: Any) -> Any:
        """Return the value in the record form `plain`, from the standard one."""
        ...

    def to_json(self, native: Any) -> Any:
        """Return the standard form of a native value; as far as it does not fit the schema, as it is."""
        ...

    def transform(self, value: Any, field: Field | None, visit: Visit) -> Any:
        """Return the value, in the standard form, with each field replaced by what `visit` returns for it.

        `field` is the field that the value is of, None for a whole record.
        """
        ...


class ValueForm(Protocol):
    """The values of one schema."""

    is_heavy: bool
    """Whether finding the fields of a value may take long."""

    def find_message(self, payload: bytes) -> tuple[int, ...]:
        """Return which of the schema's types an encoded value has; raises ValueError."""
        ...

    def shape(self, message: tuple[int, ...]) -> Shape:
        """Return one of the schema's types; raises ValueError."""
        ...

    def enter(self, shape: Shape, value: Any) -> Any:
        """Return the value for the methods of the shape; `value` is what the codec shows in the standard form."""
        ...

    def leave(self, shape: Shape, value: Any) -> Any:
        """Return the value as the codec shows it."""
        ...

    def to_jsonata(self, shape: Shape, value: Any) -> Any:
        """Return the JSON that JSONATA sees of a value in the standard form."""
        ...

    def of_jsonata(self, shape: Shape, result: Any) -> Any:
        """Return the value in the standard form that a result of JSONATA stands for."""
        ...


def list_inline_tags(properties: Mapping[str, Any]) -> frozenset[str]:
    """Return the tags that stand in the schema's text, beside the field."""
    return frozenset(tags.of_node(properties))
