"""Claims on names among the processes of a node, such as the names of consumer instances.

A claim is a lock on one byte of a file that all workers have open: the kernel grants it to one process at a time, and
releases it when that process ends, in whatever way. The byte's offset is the name's hash, far behind the content.
"""

import fcntl
import hashlib
from collections import Counter

_HASH_BYTES = 8
_BEHIND = 1 << 61
"""The first byte that is locked; the last is below 2^62, which every file system can lock."""


class SharedClaims:
    """One process's claims; satisfies `ownership.Claims`."""

    def __init__(self, descriptor: int, scope: str = "", held: Counter[int] | None = None) -> None:
        """`descriptor` is that of the shared file. It stays open: closing any descriptor of a file drops its locks."""
        self._descriptor = descriptor
        self._scope = scope
        self._held: Counter[int] = Counter() if held is None else held
        """Byte -> how often this process has claimed it, which the kernel does not count."""

    def within(self, scope: str) -> "SharedClaims":
        """Return this process's claims in a scope, such as a caller: equal names of two scopes are two names."""
        return SharedClaims(self._descriptor, scope, self._held)

    def claim(self, *name: str) -> bool:
        """Claim the name; return False where another process holds it. A process may claim a name several times."""
        byte = _hash_name((self._scope, *name))
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, byte)
        except (BlockingIOError, PermissionError):  # POSIX allows either
            return False
        self._held[byte] += 1
        return True

    def release(self, *name: str) -> None:
        """Release one claim; after the last one other processes may claim the name."""
        byte = _hash_name((self._scope, *name))
        self._held[byte] -= 1
        if self._held[byte] <= 0:
            del self._held[byte]
            fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, byte)


def _hash_name(name: tuple[str, ...]) -> int:
    digest = hashlib.blake2b(repr(name).encode(), digest_size=_HASH_BYTES).digest()
    return _BEHIND + (int.from_bytes(digest) >> (8 * _HASH_BYTES - 61))
