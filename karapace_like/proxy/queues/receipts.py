"""Receipts: what a receiver sends back to acknowledge a record, and what becomes of each acknowledgement."""

import re
from typing import NamedTuple

from karapace_like.ownership import Owner
from karapace_like.proxy.errors import ProxyError
from karapace_like.records import Outcome

_RECEIPT = re.compile(r"([0-9a-f]{8})\.([0-9]{1,4})-([0-9a-f]{24})-([0-9]{1,6})", re.ASCII)
_PLACE_DIGITS = 6
MAX_LENGTH = 60
"""Characters of a receipt."""


class Receipt(NamedTuple):
    """The place of a record in a lease, and the process that holds the lease."""

    owner: Owner
    lease: str
    place: int

    def __str__(self) -> str:
        """Return the text that clients send back."""
        return f"{self.owner.node}.{self.owner.worker}-{self.lease}-{self.place}"


class Receipts:
    """The texts of the receipts of one lease."""

    def __init__(self, owner: Owner, lease: str) -> None:
        self._prefix = f"{owner.node}.{owner.worker}-{lease}-"

    def name(self, place: int) -> str:
        """Return the receipt of the record at a place."""
        return f"{self._prefix}{place}"


class ReceiptParser:
    """Parses the receipts of one request: most are of the same lease, whose part is parsed once."""

    def __init__(self) -> None:
        self._leases: dict[str, Receipt] = {}

    def parse(self, text: str) -> Receipt | None:
        """Return the receipt; None for any other text."""
        lease, _, place = text.rpartition("-")
        known = self._leases.get(lease)
        if known is not None and len(place) <= _PLACE_DIGITS and place.isascii() and place.isdigit():
            return Receipt(known.owner, known.lease, int(place))
        parsed = parse_receipt(text)
        if parsed is not None:
            self._leases[lease] = parsed
        return parsed


class Acknowledgement(NamedTuple):
    """What a client says of one record."""

    receipt: Receipt
    outcome: Outcome
    dead_letter_topic: str | None = None
    """With a rejection: where the record is written before."""


def parse_receipt(text: str) -> Receipt | None:
    """Return the receipt; None for any other text."""
    match = _RECEIPT.fullmatch(text)
    if match is None:
        return None
    node, worker, lease, place = match.groups()
    return Receipt(Owner(node, int(worker)), lease, int(place))


def expired_error() -> ProxyError:
    """Return the 409 for a receipt whose lock has run out, or that was acknowledged before."""
    return ProxyError(
        40911,
        "The receipt has expired: its lock has run out, or all records of its lease were acknowledged. The record is "
        "delivered again unless it was acknowledged before; receive again.",
    )


def owner_gone_error() -> ProxyError:
    """Return the 409 for a receipt of a process that has ended."""
    return ProxyError(
        40911,
        "The receipt has expired: the process that held its lock has ended. The record is delivered again unless it "
        "was acknowledged before; receive again.",
    )


def contradiction_error(outcome: Outcome) -> ProxyError:
    """Return the 409 for a record of which something else was said before."""
    return ProxyError(40912, f"The record was acknowledged before, with the outcome {outcome}, which stays.")


def unknown_outcome_error(reason: str) -> ProxyError:
    """Return the error for an acknowledgement that may have been taken, or not."""
    return ProxyError(
        50004, f"It is unknown whether the acknowledgement was taken: {reason} The record may come again."
    )
