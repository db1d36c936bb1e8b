"""The outline of a schema: a flat list of its named elements, for comparing versions and for checking style.

Each format's `outline.py` lists them. Elements of referenced schemas are left out.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple


class ElementKind(enum.StrEnum):
    """The kind of an element, the same for all formats."""

    SCHEMA = "schema"
    """The text as a whole: a namespace or package, a dialect."""
    RECORD = "record"
    FIELD = "field"
    ENUM = "enum"
    SYMBOL = "symbol"
    TYPE = "type"
    """A named type of another kind, or a definition."""


class Element(NamedTuple):
    """A named element."""

    key: str
    """The identity of the element across versions: a full name, or a number in a message."""
    title: str
    """The name to show to people."""
    kind: ElementKind
    name: str
    """Its own name, without what it is in."""
    within: str
    """The key of what it is in."""
    path: str
    """Its path, as `Format.locate` takes it."""
    attributes: Mapping[str, str]
    """Its attributes, such as `type`, `default`, `doc`; absent is not empty."""
