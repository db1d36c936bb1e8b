"""Opens the topic of an optional log beside the start of everything else, and retries while Kafka refuses it."""

import asyncio
import logging
from typing import Any

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.log_topic import LogTopic
from karapace_like.replication.optional_state import OptionalState

logger = logging.getLogger(__name__)

_RETRY_SECONDS = 1.0
_DENIED = "_AUTHORIZATION_FAILED"


async def replay_log(state: OptionalState[Any], topic: LogTopic) -> None:
    """Open the topic and return once it is replayed; until it can be opened, the state has a problem."""
    state.begin_replay(await _open(state, topic))
    await state.wait_until_replayed()
    await topic.check_emptiness()


async def _open(state: OptionalState[Any], topic: LogTopic) -> int:
    """Return the end of the topic."""
    problem: str | None = None
    while True:
        try:
            end = await topic.open(state.apply_batch, state.give_up)
        except KafkaFailure as failure:
            if failure.message != problem:
                problem = failure.message
                logger.error("The %s topic %s cannot be opened: %s", state.contents, topic.name, problem)  # noqa: TRY400 - no trace
            sentence = f"The topic {topic.name} cannot be opened: {problem.rstrip('.')}."
            state.report_problem(
                sentence,
                is_missing=topic.is_missing,
                is_denied=failure.name.endswith(_DENIED),
                is_transient=failure.retriable and not topic.is_missing,
            )
            await asyncio.sleep(_RETRY_SECONDS)
        else:
            state.report_problem(None)
            return end
