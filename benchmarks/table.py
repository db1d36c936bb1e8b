"""The tables of `make bench`: each path beside its bounds and its goals, and beside peers.

Figures are the median of the rounds, with the least and the most. Ratios to bounds, which are floors (`floors.py`), and
goals are of the round with the least CPU, for a bound as for the service: on a shared machine the others say what its
neighbours did.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks import generator
from benchmarks.generator import Found
from benchmarks.spread import compute_spread

GET, POST = "aiohttp, ready bytes, GET", "aiohttp POST"
LOOP, JAVA = "confluent-kafka loop", "Java ProducerPerformance"
READING, JAVA_READING = "confluent-kafka loop, reading", "Java ConsumerPerformance"
QUEUE, ATOMIC = "queue receive and accept 100, 1 KB", "produce 10 json, atomic"
WITH_KEY = "produce 1 json with a key, 64 at once"


class Goal(NamedTuple):
    """What a path is to reach; `ratio` is to the bound's CPU."""

    cpu_us: float | None = None
    bound: str = ""
    ratio: float | None = None
    p50_ms: float | None = None
    a_second: float | None = None
    rates: Mapping[str, float] = {}
    """To the throughput of each of these bounds; 0 is none, and only shown."""


_READ = Goal(45, GET, ratio=1.2)
_KNOWN = Goal(90, POST, ratio=1.3)
_ONE = Goal(100, POST, ratio=1.0, p50_ms=7)
GOALS = {
    "get by id": _READ, "get version": _READ, "get latest": _READ,
    "look up": _KNOWN, "register known": _KNOWN, "check": Goal(None, POST), "check new": Goal(),
    "register new": Goal(a_second=2500), "register new, one client": Goal(p50_ms=1.5),
    "produce 1 binary": _ONE, "produce 1 json": _ONE, "produce 1 avro": _ONE,
    "produce 100 binary 1 KB": Goal(9, rates={LOOP: 0.5, JAVA: 1.0}), "produce 100 json 200 B": Goal(6.5),
    "produce 100 MessagePack 1 KB": Goal(rates={LOOP: 0.9}),
    "produce 100 avro": Goal(14), "produce 100 jsonschema": Goal(10), "produce 100 protobuf": Goal(16),
    "consume binary 1 KB": Goal(4.5, rates={READING: 0, JAVA_READING: 0.9}), "consume avro": Goal(18),
    "consume MessagePack 1 KB": Goal(rates={READING: 0.6}),
    QUEUE: Goal(6.75, a_second=100_000), ATOMIC: Goal(p50_ms=15), WITH_KEY: Goal(250, p50_ms=25),
}  # fmt: skip
"""By path, in the order of the table."""
OF_NO_PEER = frozenset({QUEUE, ATOMIC, WITH_KEY})
"""Paths that only this service has."""
HEAD = "| | a second | CPU µs | of its bound | p50 ms | p99 ms | errors | goal | met |\n|" + "---|" * 9


def render_row(name: str, rounds: Mapping[str, Sequence[Found]]) -> str:
    """Return the line of a path; `rounds` has it and its bounds by name."""
    goal = GOALS[name]
    best = {each: generator.least(measured) for each, measured in rounds.items()}
    found, bound = best[name], best.get(goal.bound)
    ratio = None if bound is None else found.cpu_us / bound.cpu_us
    rates = {each: found.units_a_second / best[each].units_a_second for each in goal.rates if each in best}
    shown = [] if bound is None else [f"{ratio:.2f} of {bound.cpu_us:.1f} µs"]
    shown += [f"{rate:.2f} of {best[each].units_a_second:,.0f} a second ({each})" for each, rate in rates.items()]
    checks = [
        (goal.cpu_us, f"{goal.cpu_us} µs", found.cpu_us <= (goal.cpu_us or 0)),
        (goal.ratio, f"{goal.ratio} x {goal.bound}", ratio is not None and ratio <= (goal.ratio or 0)),
        (goal.p50_ms, f"p50 {goal.p50_ms} ms", found.p50_ms <= (goal.p50_ms or 0)),
        (goal.a_second, f"{goal.a_second}/s", found.units_a_second >= (goal.a_second or 0)),
        *((wanted, f"{wanted} of {each}", rates.get(each, 0) >= wanted) for each, wanted in goal.rates.items()),
    ]
    wanted = [(text, met) for value, text, met in checks if value]
    a_second, cpu_us, p50_ms, p99_ms, errors = _render_figures(rounds[name])
    cells = (
        name,
        a_second,
        cpu_us,
        ", ".join(shown),
        p50_ms,
        p99_ms,
        errors,
        ", ".join(text for text, _ in wanted),
        ", ".join("yes" if met else "no" for _, met in wanted),
    )
    return "| " + " | ".join(cells) + " |"


def _render_figures(rounds: Sequence[Found]) -> tuple[str, str, str, str, str]:
    """Return a second, CPU, p50, p99 and all errors of the rounds."""
    return (
        compute_spread(each.units_a_second for each in rounds).format(),
        compute_spread(each.cpu_us for each in rounds).format(1),
        compute_spread(each.p50_ms for each in rounds).format(2),
        compute_spread(each.p99_ms for each in rounds).format(2),
        str(sum(each.errors for each in rounds)),
    )


class Comparison(NamedTuple):
    """One path at this service and at peers, measured in turns."""

    name: str
    ours: Sequence[Found]
    peers: Mapping[str, Sequence[Found] | str]
    """By the peer's name: the rounds, or why there are none."""


def render_peers(comparisons: Sequence[Comparison], peers: Sequence[str]) -> Iterator[str]:
    """Yield the lines of the table that has a row for each path, and four columns for each peer."""
    columns = [f"{peer}: {column}" for peer in peers for column in ("a second", "CPU µs", "p50 ms", "our CPU to its")]
    yield "| " + " | ".join(["", "a second", "CPU µs", "p50 ms", *columns]) + " |"
    yield "|" + "---|" * (4 + len(columns))
    for name, ours, by_peer in comparisons:
        cells = [name, *_render_three(ours)]
        for peer in peers:
            measured = by_peer[peer]
            if isinstance(measured, str):
                cells += [measured.replace("|", "\\|").replace("\n", " "), "", "", ""]
            elif rounds := [each for each in measured if each.units_a_second]:
                cpu_us, its_cpu_us = (compute_spread(each.cpu_us for each in of) for of in (ours, rounds))
                cells += [*_render_three(rounds), f"{cpu_us.median / (its_cpu_us.median or math.inf):.3f}"]
            else:
                cells += ["no response within a round", "", "", ""]
        yield "| " + " | ".join(cells) + " |"


def _render_three(rounds: Sequence[Found]) -> tuple[str, str, str]:
    a_second, cpu_us, p50_ms, _, errors = _render_figures(rounds)
    return a_second + (f", {errors} errors" if errors != "0" else ""), cpu_us, p50_ms
