"""What a plan is: the records that a request would write and what is answered once they are applied.

Plans are made by pure functions that read the store and never change it (`registration.py`, `deletion.py`,
`configuration.py`); `Registry.write` appends the records and waits until they come back through the topic.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from karapace_like.registry import errors, names
from karapace_like.registry.records import Record
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Store

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Plan(Generic[T_co]):
    """Nothing to write where `records` is empty."""

    answer: T_co
    records: tuple[Record, ...] = ()
    again: Callable[[Store], "Plan[T_co] | None"] | None = None
    """The same plan with the ids of now; answers None where more has changed since than that ids were given out."""


def effective_mode(store: Store, subject: str | None) -> Mode:
    """The mode that holds for the subject or context."""
    return store.mode(subject) or Mode.READWRITE


def require_writable(store: Store, subject: str | None) -> None:
    """Raise 42205 where the mode forbids every change."""
    if effective_mode(store, subject).is_readonly:
        raise refused(subject, "is in read-only mode")


def refused(subject: str | None, condition: str) -> errors.RegistryError:
    """The 42205 that names the subject and its context as the reference registry prints them."""
    name = names.canonical(subject or "")
    context = names.context_of(name)
    return errors.not_permitted(name, names.qualified(context, ""), condition)
