"""How Avro-JSON says which branch of a union a value belongs to: by the branch's name, or by the value alone."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from karapace_like.schema.avro.model import Definition, Enum, Fixed, Record

T = TypeVar("T")

_JSON_KINDS: Mapping[str, tuple[type, ...]] = {
    "null": (),
    "boolean": (bool,),
    "int": (int,),
    "long": (int,),
    "float": (float,),
    "double": (float,),
    "bytes": (str,),
    "string": (str,),
    "enum": (str,),
    "fixed": (str,),
    "array": (list,),
    "map": (dict,),
    "record": (dict,),
}
"""The Python types that values of a type have in parsed JSON."""
_OTHER_KINDS: Mapping[str, tuple[type, ...]] = {"int": (float,), "long": (float,), "float": (int,), "double": (int,)}
"""Those that they may have where the union has no branch for them: `1.0` for an int, `1` for a double."""


def label(branch: Definition) -> str:
    """The name that stands before a value: the full name of a named type, else the type."""
    return branch.name if isinstance(branch, Record | Enum | Fixed) else branch.kind


def label_branches(branches: Sequence[Definition], values: Sequence[T]) -> dict[str, T]:
    """A value for each branch by its label, and by the name without namespace where only one branch has it."""
    full = dict(zip(map(label, branches), values, strict=True))
    short = [label(branch).rpartition(".")[2] for branch in branches]
    unique = {name: value for name, value in zip(short, values, strict=True) if short.count(name) == 1}
    return unique | full


def plain(branches: Sequence[Definition], values: Sequence[T]) -> dict[type, T]:
    """The one branch's value for each kind of JSON that only one branch takes."""
    taken = _group(branches, values, _OTHER_KINDS) | _group(branches, values, _JSON_KINDS)
    return {kind: takers[0] for kind, takers in taken.items() if len(takers) == 1}


def _group(
    branches: Sequence[Definition], values: Sequence[T], kinds: Mapping[str, tuple[type, ...]]
) -> dict[type, list[T]]:
    grouped: dict[type, list[T]] = {}
    for branch, value in zip(branches, values, strict=True):
        for kind in kinds.get(branch.kind, ()):
            grouped.setdefault(kind, []).append(value)
    return grouped
