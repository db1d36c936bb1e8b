"""The sizing page: its figures are those of the benchmarks, and it names the command of each."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
SIZING, BENCHMARKS = (DOCS / "sizing.md").read_text(), (DOCS / "benchmarks.md").read_text()
MEASURED = {
    name: float(cpu.replace(",", ""))
    for name, cpu in re.findall(
        r"^\| ([\w ,]+) \| [^|]+ \| ([\d.,]+)(?: \([^|]+\))? \| ",
        BENCHMARKS.partition("<!-- bench: begin -->")[2].partition("<!-- bench: end -->")[0],
        flags=re.MULTILINE,
    )
}
"""Row of the fast paths -> CPU microseconds."""
CALLS = re.findall(r"^\| [^|]+ \| ([^|`]+) \| ([^|]+ µs[^|]*) \| ([\d,]+) [^|]*second \|$", SIZING, flags=re.MULTILINE)


def test_there_are_calls() -> None:
    assert len(CALLS) == 6


@pytest.mark.parametrize(("rows", "cpu", "plan"), CALLS)
def test_a_call_costs_what_its_rows_say_and_half_a_core_is_enough(rows: str, cpu: str, plan: str) -> None:
    costs = [MEASURED[row] for row in rows.split(", ")]
    assert {int(number) for number in re.findall(r"\d+", cpu)} == {int(min(costs) + 0.5), int(max(costs) + 0.5)}
    cores = max(costs) * int(plan.replace(",", "")) / 1_000_000
    assert 0.35 < cores <= 0.5


def test_each_part_names_commands_that_the_benchmarks_name() -> None:
    parts = re.findall(r"^## (Cores|Memory|Start)\n(.*?)(?=^## )", SIZING, flags=re.MULTILINE | re.DOTALL)
    assert len(parts) == 3
    for _, part in parts:
        commands = re.findall(r"`python -m (benchmarks\.\w+)", part)
        assert commands
        for command in commands:
            assert find_spec(command) is not None
            assert f"python -m {command}" in BENCHMARKS


def test_the_memory_of_the_example_is_the_sum_of_its_parts() -> None:
    terms, total = re.findall(r"instances: ([\d +]+) = (\d+) MB a worker", SIZING)[0]
    assert sum(map(int, terms.split(" + "))) == int(total)
