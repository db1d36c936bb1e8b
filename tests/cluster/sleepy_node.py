"""A node that stops itself (SIGSTOP) where it hurts most: when a write is planned and checked, and not yet sent.

`python -m tests.cluster.sleepy_node serve`: the whole service, but for that. It falls asleep once, at its first write
for the subject `SUBJECT`, and says so before.
"""

import logging
import signal
import threading

from confluent_kafka import Producer

from karapace_like.cli import main
from karapace_like.kafka import schemas_topic
from karapace_like.kafka.schemas_writer import Batch, SchemasWriter

SUBJECT = "sleep"
ASLEEP = "Falling asleep"

logger = logging.getLogger(__name__)


class SleepyWriter(SchemasWriter):
    """Paused between everything that could keep it from writing, and the write."""

    _is_rested = False

    def _delivered(self, producer: Producer, batch: Batch) -> int:
        if not self._is_rested and any(b'"subject":"%s"' % SUBJECT.encode() in key for key, _ in batch):
            self._is_rested = True
            logger.warning(ASLEEP)
            # To this thread, which would go on until another one had taken the signal.
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)
        return super()._delivered(producer, batch)


if __name__ == "__main__":
    schemas_topic.SchemasWriter = SleepyWriter  # type: ignore[attr-defined] # the one place that makes a writer
    main()
