"""The partition of a key, as the producers of this service and Java's default producer choose it (murmur2)."""

_SEED = 0x9747B28C
_MULTIPLIER = 0x5BD1E995
_WORD = 0xFFFFFFFF
_POSITIVE = 0x7FFFFFFF
_SHIFT = 24


def choose_partition(key: bytes, count: int) -> int:
    """Return the partition of the key in a topic with `count` partitions (Apache Kafka, `murmur2`)."""
    return (_hash(key) & _POSITIVE) % count


def _hash(data: bytes) -> int:
    """Return the MurmurHash2 of the bytes, 32 bits, with Kafka's seed (source: Austin Appleby's public description)."""
    digest = _SEED ^ len(data)
    whole = len(data) // 4 * 4
    for at in range(0, whole, 4):
        word = int.from_bytes(data[at : at + 4], "little") * _MULTIPLIER & _WORD
        word = (word ^ word >> _SHIFT) * _MULTIPLIER & _WORD
        digest = (digest * _MULTIPLIER & _WORD) ^ word
    if rest := data[whole:]:
        digest = (digest ^ int.from_bytes(rest, "little")) * _MULTIPLIER & _WORD
    digest = (digest ^ digest >> 13) * _MULTIPLIER & _WORD
    return digest ^ digest >> 15
