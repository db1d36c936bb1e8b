"""Floors of `make bench`: the ratios to bounds that the page records, below 0.9 of which a run fails.

A ratio relates a path to what was measured beside it in the same run, so that another machine has about the same.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

TOLERANCE = 0.9
_CPU = re.compile(r"^(\d+\.\d+) of [\d.,]+ µs$")
_RATE = re.compile(r"^(\d+\.\d+) of [\d,]+ a second \((.+)\)$")
_PATH, _RATIOS = 1, 4
"""Columns of the table, between its bars."""


class Ratio(NamedTuple):
    """One ratio of a path to a bound."""

    path: str
    bound: str
    """Of a throughput; empty for CPU."""
    value: float

    def is_below(self, recorded: float) -> bool:
        """Return whether the ratio is below the floor: less throughput, or more CPU, than recorded."""
        return self.value < recorded * TOLERANCE if self.bound else self.value * TOLERANCE > recorded


def read_ratios(lines: Iterable[str]) -> Iterator[Ratio]:
    """Yield the ratios in the rows of a table; other lines have none."""
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        # A bound's name has a comma, but none before a digit.
        for text in re.split(r", (?=\d)", cells[_RATIOS]) if len(cells) > _RATIOS else ():
            if match := _CPU.match(text):
                yield Ratio(cells[_PATH], "", float(match[1]))
            elif match := _RATE.match(text):
                yield Ratio(cells[_PATH], match[2], float(match[1]))


def find_faults(recorded: Iterable[str], measured: Iterable[str]) -> list[str]:
    """Return a sentence for each ratio that is below its floor, or that was recorded and is not measured."""
    floors = {(ratio.path, ratio.bound): ratio.value for ratio in read_ratios(recorded)}
    ratios: Mapping[tuple[str, str], Ratio] = {(ratio.path, ratio.bound): ratio for ratio in read_ratios(measured)}
    faults = []
    for key, floor in floors.items():
        path, bound = key
        what = f"{path}: {f'rate of {bound}' if bound else 'CPU of its bound'}"
        if key not in ratios:
            faults.append(f"{what}: {floor:.2f} is recorded, and nothing measured")
        elif ratios[key].is_below(floor):
            faults.append(f"{what}: {ratios[key].value:.2f}, where {floor:.2f} is recorded")
    return faults
