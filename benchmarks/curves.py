"""Curves of `make bench`: what each path's latency and rate become with more connections, or when more is offered.

A closed loop has so many connections, each of which sends its next request when the last one is answered. An open loop
offers so many requests a second, whatever becomes of them, over 128 connections: latency counts from the time at which
a request was due, so that one that waits behind a slow response is slow, too.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from benchmarks.generator import Found
from benchmarks.plot import Panel, draw_panels
from benchmarks.spread import Spread, compute_spread
from benchmarks.targets import FAILURES, Target

_AT_ONCE = 128
"""Connections of an open loop."""


class Metric(NamedTuple):
    """One figure of a run."""

    name: str
    digits: int
    read: Callable[[Found], float]


_P50 = Metric("p50 ms", 2, lambda found: found.p50_ms)
_P99 = Metric("p99 ms", 2, lambda found: found.p99_ms)
_RATE = Metric("a second", 0, lambda found: found.units_a_second)


class Kind(NamedTuple):
    """Of curves."""

    name: str
    """Of the section of the page, and of its pictures."""
    x_label: str
    metrics: tuple[Metric, Metric]
    paths: Sequence[str]
    """Those that are measured unless others are named."""

    def run(self, target: Target, path: str, x: int, seconds: float) -> Found:
        """Measure one point once."""
        if self is BY_CONNECTIONS:
            return target.run(path, seconds, connections=x)
        return target.run(path, seconds, connections=_AT_ONCE, rate=x)


_SINGLE = ("get by id", "register new", "produce 1 binary", "produce 100 binary 1 KB")
BY_CONNECTIONS = Kind("connections", "connections", (_P50, _RATE), (*_SINGLE, "consume binary 1 KB"))
BY_RATE = Kind("rates", "requests a second", (_P50, _P99), _SINGLE)

Points = Mapping[int, Sequence[Found]]
"""The rounds by connections or rate."""


class Curve(NamedTuple):
    """One path at one target."""

    path: str
    target: str
    points: Points
    failure: str
    """Why there are no points, or no more; empty if there are all."""


def measure_curves(
    kind: Kind,
    targets: Sequence[Target],
    paths: Sequence[str],
    xs: Sequence[int],
    rounds: int,
    seconds: float,
) -> Iterator[Curve]:
    """Yield the curves of each path, whose targets take turns in each round and at each x."""
    for path in paths:
        points: dict[str, dict[int, list[Found]]] = {target.name: {} for target in targets}
        failures = {target.name: fault for target in targets if (fault := target.find_fault(path))}
        for x in xs:
            for _ in range(rounds):
                for target in targets:
                    if target.name in failures:
                        continue
                    try:
                        found = kind.run(target, path, x, seconds)
                    except FAILURES as error:
                        failures[target.name] = f"at {x}: {error}"
                    else:
                        points[target.name].setdefault(x, []).append(found)
        for target in targets:
            yield Curve(path, target.name, points[target.name], failures.get(target.name, ""))


def render_curves(kind: Kind, curves: Sequence[Curve], xs: Sequence[int]) -> Iterator[str]:
    """Yield the lines of the table: for each curve and metric the median of the rounds, with least and most."""
    yield f"| by {kind.x_label} | at | " + " | ".join(f"{x:,}" for x in xs) + " |"
    yield "|---|---|" + "---|" * len(xs)
    for curve in curves:
        for metric in kind.metrics:
            cells = [_render_cell(curve.points[x], metric) if x in curve.points else "" for x in xs]
            yield "| " + " | ".join([f"{curve.path}, {metric.name}", curve.target, *cells]) + " |"
    failures = [curve for curve in curves if curve.failure]
    for curve in failures:
        yield f"\n{curve.path} at {curve.target}: {curve.failure}."


def draw_curves(kind: Kind, curves: Sequence[Curve]) -> Mapping[str, str]:
    """Return the pictures by the names of their files: a panel for each path, a picture for each metric."""
    paths = dict.fromkeys(curve.path for curve in curves)
    return {
        f"{kind.name}-{metric.name.replace(' ', '-')}.svg": draw_panels(
            [
                Panel(path, {curve.target: _spread(curve.points, metric) for curve in curves if curve.path == path})
                for path in paths
            ],
            kind.x_label,
            metric.name,
        )
        for metric in kind.metrics
    }


def _spread(points: Points, metric: Metric) -> Mapping[float, Spread]:
    """Return the spread of each x, but those at which nothing was answered: a logarithm has no place for 0."""
    values = {x: [value for found in rounds if (value := metric.read(found)) > 0] for x, rounds in points.items()}
    return {x: compute_spread(of_rounds) for x, of_rounds in values.items() if of_rounds}


def _render_cell(rounds: Sequence[Found], metric: Metric) -> str:
    errors = sum(found.errors for found in rounds)
    answered = [found for found in rounds if found.units_a_second]
    text = compute_spread(map(metric.read, answered)).format(metric.digits) if answered else "no response"
    return text + (f", {errors} errors" if errors else "")
