"""A replicated state that the service can do without: the cluster may refuse its topic."""

from abc import abstractmethod
from typing import TypeVar

from karapace_like.replication.replicated_state import ReplicatedState

S = TypeVar("S")


class OptionalState(ReplicatedState[S]):
    """The state; while its topic cannot be opened it has a problem, and decides what it answers."""

    @abstractmethod
    def report_problem(
        self, problem: str | None, *, is_missing: bool = False, is_denied: bool = False, is_transient: bool = False
    ) -> None:
        """Report why the topic cannot be opened; None once it can be.

        `is_missing`: the topic does not exist. `is_denied`: Kafka's ACLs deny it. `is_transient`: another attempt may
        succeed soon.
        """
        ...
