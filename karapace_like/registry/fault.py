"""One fault of a schemas topic, with the records that repair it."""

import enum
from typing import NamedTuple

Bytes = tuple[bytes, bytes | None]
"""Key and value."""


class FaultKind(enum.StrEnum):
    """Kinds of faults."""

    EMPTY_TOMBSTONE = "empty tombstone"
    TWIN_KEYS = "twin keys"
    LEGACY_KEY = "legacy key"
    DUPLICATE_ID = "duplicate id"
    ORPHAN_SETTING = "orphan setting"
    ORPHAN_REFERENCE = "orphan reference"
    FORGOTTEN_ID = "forgotten id"
    FAR_ID = "id beyond the counter"
    FEW_IDS = "few ids left"
    UNREADABLE = "unreadable record"
    TOPIC_SETTING = "wrong topic setting"
    OPEN_TRANSACTION = "open transaction"


class Fault(NamedTuple):
    """One fault of the topic."""

    kind: FaultKind
    place: str
    """Such as `orders-value version 3` or a key."""
    why: str
    """The fault and its consequence."""
    repair: tuple[Bytes, ...] = ()
    """The records to append; empty where a person must decide."""
    remedy: str = ""
    """The effect of the repair, or what to do by hand."""
    is_policy: bool = False
    """Whether the repair is to set the topic's cleanup policy to compaction."""

    @property
    def is_repairable(self) -> bool:
        """Whether `doctor --repair` repairs it."""
        return bool(self.repair) or self.is_policy
