"""The order in which Confluent's registry goes through names: that of a Java `HashSet`.

Its users see it in the lists of incompatibilities, so those come in the same order here.
Source: https://docs.oracle.com/javase/8/docs/api/java/lang/String.html#hashCode--
"""

from collections.abc import Iterable

_SMALLEST_TABLE = 16
_LOAD_FACTOR = 0.75


def in_reference_order(writer: Iterable[str], reader: Iterable[str]) -> list[str]:
    """Return the names of both, each once."""
    names = list(dict.fromkeys(writer))
    size = _SMALLEST_TABLE
    while size < len(names) / _LOAD_FACTOR + 1:
        size *= 2
    names = list(dict.fromkeys([*names, *reader]))
    while len(names) > size * _LOAD_FACTOR:
        size *= 2
    return sorted(names, key=lambda name: _spread(name) % size)


def _spread(name: str) -> int:
    hashed = 0
    units = name.encode("utf-16-be")
    for high, low in zip(units[::2], units[1::2], strict=True):
        hashed = (31 * hashed + (high << 8 | low)) & 0xFFFFFFFF
    return hashed ^ (hashed >> 16)
