"""Plans: the records that a request would write, and its answer once they are applied.

A planner is a function that reads the state and never changes it. Where a plan depends on engines it awaits them, and
the same function serves twice: first it is awaited, so that every outcome is computed; then it is run without
suspending, on the state that the records follow.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
S = TypeVar("S")
"""The state."""
E = TypeVar("E")
"""The engines that a planner may await; None where it needs none."""


@dataclass(frozen=True, slots=True)
class Plan(Generic[T_co]):
    """The outcome of planning one write; without `records` it writes nothing."""

    answer: T_co
    records: tuple[Any, ...] = ()
    """In the form that the state encodes (`Replica`)."""
    refresh: Callable[[Any], "Plan[T_co] | None"] | None = None
    """Returns the same plan for another state; None if that may need other records."""


Planner: TypeAlias = Callable[[S, E], Coroutine[Any, Any, Plan[T]]]
"""Raises ApiError to refuse a request. It suspends only to await an engine, or to let others have their turn before."""


def without_engines(plan: Callable[[S], Plan[T]]) -> Planner[S, Any, T]:
    """Return a planner for a function that awaits no engine."""

    async def planner(state: S, _: Any) -> Plan[T]:
        return plan(state)

    return planner


def run_without_suspending(planner: Planner[S, E, T], state: S, engines: E) -> Plan[T] | None:
    """Return the plan for the current state; None where an engine must compute something first, which this starts."""
    planning = planner(state, engines)
    try:
        planning.send(None)
    except StopIteration as done:
        plan: Plan[T] = done.value
        return plan
    planning.close()
    return None
