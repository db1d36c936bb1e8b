"""The memory in which consumers fetch ahead: one budget for all of a process, from which each client gets a share."""

_LARGEST_SHARE = 16_384
"""KiB for one client while there are few."""
_SMALLEST_SHARE = 256
_FRACTION = 4
"""A share is this part of what is free: many clients get less each, and none has to wait."""


class PrefetchBudget:
    """KiB of records that clients may hold before they are asked for."""

    def __init__(self, kbytes: int) -> None:
        self.free = kbytes
        """What no client has; the smallest shares are granted without it."""

    def reserve(self) -> int:
        """Return the share of one more client in KiB; `release` it when the client is closed."""
        share = max(min(self.free // _FRACTION, _LARGEST_SHARE), _SMALLEST_SHARE)
        self.free -= share
        return share

    def release(self, share: int) -> None:
        """Return a share."""
        self.free += share
