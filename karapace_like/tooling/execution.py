"""The execution of a plan: its changes in order, of which those that do not depend on each other may be concurrent."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from karapace_like.client.registry_client import RefusedError
from karapace_like.tooling.actions import Action, ApplyState, Delete, Register
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.planning import Plan
from karapace_like.tooling.remote import Remote
from karapace_like.tooling.workspace import Workspace


class Change(msgspec.Struct, frozen=True):
    """A change that is made."""

    change: str
    outcome: str
    """Such as the version and the id; may be empty."""

    @property
    def sentence(self) -> str:
        """One line for people."""
        return f"{self.change}: {self.outcome}" if self.outcome else self.change


async def carry_out(
    remote: Remote,
    workspace: Workspace,
    plan: Plan,
    report_change: Callable[[Change], None] = lambda _: None,
    *,
    parallel: int = 1,
    moves_keys: bool = False,
) -> list[Change]:
    """Make all changes, `parallel` at a time; raises ToolError if one is rejected, with the number of changes made.

    `moves_keys`: policies may move keys to other partitions.
    After a rejection, the changes that have begun are completed, and no further one begins.
    """
    state = ApplyState(workspace, moves_keys=moves_keys)
    slots = asyncio.Semaphore(parallel)
    made: list[Change] = []
    rejected: list[tuple[Action, RefusedError]] = []

    async def make(action: Action) -> None:
        async with slots:
            if rejected:
                return
            try:
                outcome = await action.carry_out(remote.client, state)
            except RefusedError as error:
                rejected.append((action, error))
                return
            made.append(Change(action.sentence, outcome))
            report_change(made[-1])

    for stage in _split_into_stages(plan.actions):
        await asyncio.gather(*map(make, stage))
        if rejected:
            action, error = rejected[0]
            raise ToolError(
                f"The registry rejected this change: {action.sentence}: {error.sentence}. {len(made)} of "
                f"{len(plan.actions)} changes are made; run the command again for the rest."
            ) from error
    return made


def _split_into_stages(actions: Sequence[Action]) -> list[list[Action]]:
    """Return the changes in groups: those of one are of one kind, and none needs another one of its group."""
    stages: list[list[Action]] = []
    for action in actions:
        # A subject can be deleted only after those that refer to it, which the change does not name.
        is_new = not stages or type(stages[-1][0]) is not type(action) or isinstance(action, Delete)
        if not is_new and isinstance(action, Register):
            earlier = {other.subject for other in stages[-1] if isinstance(other, Register)}
            is_new = any(reference.version is None and reference.subject in earlier for reference in action.references)
        if is_new:
            stages.append([])
        stages[-1].append(action)
    return stages
