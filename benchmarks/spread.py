"""Medians of several rounds, with their spread."""

from collections.abc import Iterable
from statistics import median
from typing import NamedTuple


class Spread(NamedTuple):
    """Of the rounds' values."""

    median: float
    least: float
    most: float

    def format(self, digits: int = 0) -> str:
        """Return the median, and in brackets the least and the most, if they differ in the digits that are shown."""
        middle, least, most = (f"{value:,.{digits}f}" for value in self)
        return middle if least == most else f"{middle} ({least}\N{EN DASH}{most})"


def compute_spread(values: Iterable[float]) -> Spread:
    """Return the median, the least and the most of one value or more."""
    ordered = sorted(values)
    return Spread(median(ordered), ordered[0], ordered[-1])
