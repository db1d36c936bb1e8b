"""The order in which a Java hash set lists strings, because Confluent's registry reports properties in it.

Strings of one bucket are listed as they came; Java's reordering of crowded buckets is left out.
"""

import struct
from collections.abc import Collection

_SMALLEST_TABLE = 16


def java_order(names: Collection[str], size: int) -> list[str]:
    """Return the names in the order of a Java set of `size` elements that has grown element by element."""
    buckets = _SMALLEST_TABLE
    while size > buckets * 3 // 4:
        buckets *= 2
    return sorted(names, key=lambda name: _spread(name) & (buckets - 1))


def _spread(name: str) -> int:
    """`String.hashCode`, its upper half mixed in as `HashMap` does."""
    units = name.encode("utf-16-be")
    code = 0
    for unit in struct.unpack(f">{len(units) // 2}H", units):
        code = (31 * code + unit) & 0xFFFFFFFF
    return code ^ (code >> 16)
