"""A node that stops itself (SIGSTOP) where it hurts most: when a write is planned and checked, and not yet sent.

`python -m tests.cluster.sleepy_node serve`: the whole service, but for that. It falls asleep once, at its first write
for the subject `SUBJECT`, and says so before.
"""

import logging
import os
import signal
import threading

from confluent_kafka import Producer

from karapace_like.cli import run
from karapace_like.kafka import log_topic
from karapace_like.kafka.epoch_fence.partition import PartitionLeader
from karapace_like.kafka.log_topic_writer import LogTopicWriter
from karapace_like.records import Batch

SUBJECT = "sleep"
ASLEEP = "Falling asleep"
_KEY = b'"subject":"%s"' % SUBJECT.encode()

logger = logging.getLogger(__name__)


class SleepyWriter(LogTopicWriter):
    """Paused between everything that could keep it from writing, and the write."""

    _is_rested = False

    def _deliver(self, producer: Producer, batch: Batch) -> int:
        if not self._is_rested and any(_KEY in key for key, _ in batch):
            self._is_rested = True
            logger.warning(ASLEEP)
            # To this thread, which would go on until another one had taken the signal.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return super()._deliver(producer, batch)


class SleepyLeader(PartitionLeader):
    """The same for batches of an epoch."""

    _is_rested = False

    async def append(self, batch: bytes) -> int:
        if not self._is_rested and _KEY in batch:
            self._is_rested = True
            logger.warning(ASLEEP)
            os.kill(os.getpid(), signal.SIGSTOP)
        return await super().append(batch)


if __name__ == "__main__":
    # The one place that makes them.
    log_topic.LogTopicWriter = SleepyWriter  # type: ignore[attr-defined]
    log_topic.PartitionLeader = SleepyLeader  # type: ignore[attr-defined]
    run()
