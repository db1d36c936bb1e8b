"""All logs that one elected primary writes, as the election sees them: they lead and follow together.

The schemas' log is the main one: the term ends with it. Where another log cannot be led, because the cluster refuses it
or its fence is lost, that log alone is tried again, and its writes wait for a primary meanwhile.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.leadership import DeposedError, Term
from karapace_like.replication.replicated_state import ReplicatedState

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0


class ReplicatedLogs:
    """Implements `kafka.election.Candidate`."""

    def __init__(self, main: ReplicatedState[Any], others: Sequence[ReplicatedState[Any]]) -> None:
        self._main = main
        self._others = others

    async def lead(self, term: Term) -> None:
        """Lead every log until cancelled; raises DeposedError or KafkaFailure once the main one cannot be led."""
        tasks = [asyncio.create_task(self._main.lead(term))]
        tasks += [asyncio.create_task(_keep_leading(other, term)) for other in self._others]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def follow(self, primary: str | None) -> None:
        """Follow the primary at this URL; None while no primary is known."""
        for log in (self._main, *self._others):
            log.follow(primary)

    def follow_local_primary(self, writer: str | None) -> None:
        """Forward writes to the worker of this node that takes part in the election; None while that is starting."""
        for log in (self._main, *self._others):
            log.follow_local_primary(writer)

    def stop_waiting_for_primary(self) -> None:
        """Let writes fail at once while no primary is known, though this process is still in the election."""
        for log in (self._main, *self._others):
            log.stop_waiting_for_primary()

    def leave(self) -> None:
        """Leave the election; writes that wait for a primary fail at once."""
        for log in (self._main, *self._others):
            log.leave()

    def extend_lease(self, until: float) -> None:
        """Extend the lease of every log; see `Replica.extend_lease`."""
        for log in (self._main, *self._others):
            log.extend_lease(until)


async def _keep_leading(log: ReplicatedState[Any], term: Term) -> None:
    """Lead the log until cancelled; raises DeposedError where another node may be the primary by now."""
    now = asyncio.get_running_loop().time
    pause = _FIRST_PAUSE_SECONDS
    while log.failure is None:
        begun = now()
        try:
            await log.lead(term)
        except KafkaFailure as failure:
            if isinstance(failure, DeposedError) and not term.has_lease():
                raise
            logger.warning(
                "This node, the primary, cannot write the %s topic, and tries again in %g s: %s",
                log.contents,
                pause,
                failure.message,
            )
        await asyncio.sleep(pause)
        has_lasted = now() - begun > 2 * _LONGEST_PAUSE_SECONDS
        pause = _FIRST_PAUSE_SECONDS if has_lasted else min(2 * pause, _LONGEST_PAUSE_SECONDS)
    await asyncio.Event().wait()  # until an operator restarts this process; the other logs are led meanwhile
