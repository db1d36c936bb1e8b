"""The page on scale: its tables are those of the model, and the model's inputs are the benchmarks' figures."""

import re
import subprocess
import sys
from dataclasses import fields, replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from benchmarks.scale import Costs, Load, compute_limits, compute_needs, render

DOCS = Path(__file__).parents[2] / "docs"
PAGE, BENCHMARKS = (DOCS / "scale.md").read_text(), (DOCS / "benchmarks.md").read_text()
MODEL = (DOCS.parent / "benchmarks/scale.py").read_text()
FAST_PATHS = re.findall(r'(\w+): float = ([\d.]+)\n    """[^"]*`benchmarks.bench`, ([\w ]+)\."""', MODEL)


def test_the_page_has_the_tables_of_the_model() -> None:
    """`python -m benchmarks.scale` prints them."""
    shown = PAGE.partition("<!-- scale: begin -->\n")[2].partition("\n<!-- scale: end -->")[0]
    assert shown == render(Load(), Costs())


def test_fast_paths_are_found() -> None:
    assert len(FAST_PATHS) == 6


@pytest.mark.parametrize(("name", "cost", "row"), FAST_PATHS)
def test_a_cost_is_what_the_fast_paths_have(name: str, cost: str, row: str) -> None:
    measured = re.search(rf"^\| {row} \| [^|]+ \| ([\d.,]+)(?: \([^|]+\))? \|", BENCHMARKS, flags=re.MULTILINE)
    assert measured is not None, name
    assert cost == measured[1].replace(",", "")


def test_every_cost_names_a_command_that_the_benchmarks_name() -> None:
    commands = re.findall(r'"""[^"]*`(benchmarks\.\w+)`[^"]*"""', MODEL)
    assert len(commands) == len(fields(Costs))
    for command in commands:
        assert find_spec(command) is not None
        assert f"python -m {command}" in BENCHMARKS or command == "benchmarks.bench"


def test_twice_the_load_takes_twice_the_cores() -> None:
    once = next(iter(compute_needs(Load(new_per_second=0), Costs())))
    twice = next(iter(compute_needs(Load(new_per_second=0, requests=200_000), Costs())))
    assert twice.cores == pytest.approx(2 * once.cores)


def test_a_limit_that_is_exceeded_comes_first() -> None:
    load = replace(Load(), new_per_second=100_000)
    first = compute_limits(load, Costs())[0]
    assert first.what.startswith("new schemas")
    assert first.share > 1


def test_options_replace_every_input() -> None:
    program = [sys.executable, "-m", "benchmarks.scale", "--requests", "200000", "--read-us", "20"]
    printed = subprocess.run(program, capture_output=True, text=True, check=True, cwd=DOCS.parent).stdout
    assert printed.strip() == render(Load(requests=200_000), Costs(read_us=20))
