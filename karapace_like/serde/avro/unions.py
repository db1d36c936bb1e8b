"""How Avro-JSON says which branch of a union a value belongs to: by the branch's name, or by the value alone."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from karapace_like.schema.avro.model import Definition, Enum, Fixed, Record

T = TypeVar("T")

_JSON_KINDS: Mapping[str, tuple[type, ...]] = {
    "null": (),
    "boolean": (bool,),
    "int": (int, float),
    "long": (int, float),
    "float": (int, float),
    "double": (int, float),
    "bytes": (str,),
    "string": (str,),
    "enum": (str,),
    "fixed": (str,),
    "array": (list,),
    "map": (dict,),
    "record": (dict,),
}
"""What the values of a type can be in parsed JSON."""


def label(branch: Definition) -> str:
    """The name that stands before a value: the full name of a named type, else the type."""
    return branch.name if isinstance(branch, Record | Enum | Fixed) else branch.kind


def labelled(branches: Sequence[Definition], values: Sequence[T]) -> dict[str, T]:
    """A value for each branch by its label, and by the name without namespace where only one branch has it."""
    full = dict(zip(map(label, branches), values, strict=True))
    short = [label(branch).rpartition(".")[2] for branch in branches]
    unique = {name: value for name, value in zip(short, values, strict=True) if short.count(name) == 1}
    return unique | full


def plain(branches: Sequence[Definition], values: Sequence[T]) -> dict[type, T]:
    """The one branch's value for each kind of JSON that only one branch takes."""
    taken: dict[type, list[T]] = {}
    for branch, value in zip(branches, values, strict=True):
        for kind in _JSON_KINDS[branch.kind]:
            taken.setdefault(kind, []).append(value)
    return {kind: found[0] for kind, found in taken.items() if len(found) == 1}
