"""`make bench` fails where a path has become slower beside its bound, and only there."""

from pathlib import Path

import pytest

from benchmarks.floors import find_faults, read_ratios

PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"
ROW = "| produce 100 | 165,645 | 6.6 | {} | 18.01 | 39.33 | 0 | 9 µs | yes |"
CPU = "0.50 of 32.3 µs"
RATE = "0.60 of 278,089 a second (confluent-kafka loop, reading)"


def test_the_recorded_ratios_are_read_from_the_page() -> None:
    ratios = {(ratio.path, ratio.bound): ratio.value for ratio in read_ratios(PAGE.read_text().splitlines())}
    assert {("get by id", ""), ("look up", ""), ("produce 100 binary 1 KB", "confluent-kafka loop")} <= ratios.keys()
    assert {("consume binary 1 KB", f"{name} loop, reading") for name in ("confluent-kafka",)} <= ratios.keys()


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        (f"{CPU}, {RATE}", None),
        (f"0.55 of 99.9 µs, {RATE}", None),
        (f"0.56 of 12.3 µs, {RATE}", "produce 100: CPU of its bound: 0.56, where 0.50 is recorded"),
        (f"0.10 of 32.3 µs, {RATE}", None),
        (f"{CPU}, 0.54 of 9 a second (confluent-kafka loop, reading)", None),
        (
            f"{CPU}, 0.53 of 900,000 a second (confluent-kafka loop, reading)",
            "produce 100: rate of confluent-kafka loop, reading: 0.53, where 0.60 is recorded",
        ),
        (CPU, "produce 100: rate of confluent-kafka loop, reading: 0.60 is recorded, and nothing measured"),
    ],
)
def test_a_ratio_below_nine_tenths_of_the_recorded_one_is_a_fault(cell: str, fault: str | None) -> None:
    recorded, measured = ROW.format(f"{CPU}, {RATE}"), ROW.format(cell)
    assert find_faults(["text", recorded], [measured]) == ([] if fault is None else [fault])


def test_a_path_that_was_not_recorded_has_no_floor() -> None:
    assert find_faults(["text"], [ROW.format(CPU)]) == []
