"""A schema as a flat list of what has a name in it: for telling two versions apart, and for style.

Each format's `outline.py` makes one. What a schema only refers to is not in it.
"""

import enum
from collections.abc import Mapping
from typing import NamedTuple


class Kind(enum.StrEnum):
    """What an element is, whatever its format calls it."""

    SCHEMA = "schema"
    """The text as a whole: a namespace or package, a dialect."""
    RECORD = "record"
    FIELD = "field"
    ENUM = "enum"
    SYMBOL = "symbol"
    TYPE = "type"
    """A named type of another kind, or a definition."""


class Element(NamedTuple):
    """Something with a name."""

    key: str
    """What makes it the same thing in another version: a full name, or a number in a message."""
    title: str
    """What people call it."""
    kind: Kind
    name: str
    """Its own name, without what it is in."""
    within: str
    """The key of what it is in."""
    path: str
    """Its place, as `Format.place` takes it."""
    attributes: Mapping[str, str]
    """What is said of it, such as `type`, `default`, `doc`; absent is not empty."""
