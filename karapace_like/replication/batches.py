"""Plan several writes for one append, each as if the ones before it were applied already.

A state may draft planned records: they are in it until the whole batch is planned, so that later plans see them.
Nothing else does, because planning never suspends. Writes whose records cannot be drafted are appended alone.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from karapace_like.errors import ApiError
from karapace_like.replication.planning import Plan

logger = logging.getLogger(__name__)

BatchPlanner: TypeAlias = Callable[[Any], Plan[Any] | None]
"""Returns the plan for this state; None where an engine must compute something first. Raises ApiError to refuse."""
AddDraft: TypeAlias = Callable[[tuple[Any, ...]], bool]
"""Adds planned records to the state; returns False, and adds none, where they cannot be drafted."""


@dataclass(slots=True)
class Batch:
    """The result of each queued write by its index; a write in none of these waits for the next batch."""

    answers: dict[int, Any] = field(default_factory=dict)
    """Answers to send once the records below are applied: of the writes that have these records, and of those whose
    answer or refusal (an ApiError) may follow from them."""
    settled: dict[int, Any] = field(default_factory=dict)
    """Answers to send at once: of writes without records that were planned before any record."""
    refused: dict[int, ApiError] = field(default_factory=dict)
    uncomputed: set[int] = field(default_factory=set)
    """Writes for which an engine must compute something first."""
    records: list[Any] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """The index of the write that each record is of."""

    def add(self, place: int, plan: Plan[Any]) -> None:
        """Add the records of the write at this index."""
        self.answers[place] = plan.answer
        self.records += plan.records
        self.places += [place] * len(plan.records)

    def holds(self, place: int) -> bool:
        """Return whether this batch decides the write at this index; if not it waits for the next one."""
        return any(place in places for places in (self.answers, self.settled, self.refused, self.uncomputed))


def plan_batch(state: Any, planners: Iterable[BatchPlanner], drafting: AbstractContextManager[AddDraft]) -> Batch:
    """Plan as many of the writes as fit into one append, at least the first that has records.

    `drafting` removes the drafted records from the state when it ends.
    """
    batch = Batch()
    with drafting as add_draft:
        for place, planner in enumerate(planners):
            try:
                plan = planner(state)
            except ApiError as error:
                (batch.answers if batch.records else batch.refused)[place] = error
                continue
            except Exception:  # a bug costs the write that met it, no other
                logger.exception("A write cannot be planned")
                batch.refused[place] = ApiError(500, "Internal Server Error")
                continue
            if plan is None:
                batch.uncomputed.add(place)
            elif not plan.records:
                (batch.answers if batch.records else batch.settled)[place] = plan.answer
            elif add_draft(plan.records):
                batch.add(place, plan)
            elif not batch.records:
                batch.add(place, plan)
                return batch
    return batch
