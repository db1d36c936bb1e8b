"""A node that kills itself where it hurts most: at the commit of a record with the value `DOOMED`.

`python -m tests.cluster.mortal_node serve`: the whole service, but for that. `DIES` in the environment says when:
`before` the commit or `after` it. One node does so, which makes the file `DEATH`; `BY=SIGSTOP` pauses it. With
`CARELESS` it also writes the receipt in a transaction of its own, after that of the records: what a test of idempotent
writes must find.
"""

import os
import signal
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from confluent_kafka import Producer

from karapace_like.cli import run
from karapace_like.kafka import log_topic
from karapace_like.kafka.joint_writer import JointWriter
from karapace_like.records import Batch, JointEntry, LogEntry

DOOMED = "doomed"


class MortalWriter(JointWriter):
    """Dies before or after the commit."""

    _is_doomed = False

    def _send_others(self, producer: Producer, batch: Sequence[LogEntry]) -> Batch:
        sent = super()._send_others(producer, batch)
        self._is_doomed = any(
            DOOMED.encode() in (record.value or b"")
            for entry in batch
            if isinstance(entry, JointEntry)
            for record in entry.records
        )
        return sent

    def _commit(self, producer: Producer) -> None:
        self._die("before")
        super()._commit(producer)
        self._die("after")

    def _die(self, when: str) -> None:
        if self._is_doomed and os.environ["DIES"] == when:
            with suppress(FileExistsError):
                Path(os.environ["DEATH"]).touch(exist_ok=False)
                # To this thread, which would go on until another one had taken the signal.
                signal.pthread_kill(threading.get_ident(), signal.Signals[os.environ.get("BY", "SIGKILL")])


class CarelessWriter(MortalWriter):
    """Writes records and receipts in two transactions."""

    def _deliver_in_transaction(self, producer: Producer, batch: Sequence[LogEntry]) -> int:
        if not any(isinstance(entry, JointEntry) for entry in batch):
            return super()._deliver_in_transaction(producer, batch)
        producer.begin_transaction()
        sealed = self._send_others(producer, batch)
        self._commit(producer)
        self._is_doomed = False
        return super()._deliver_in_transaction(producer, sealed)


if __name__ == "__main__":
    # The one place that makes it.
    log_topic.JointWriter = CarelessWriter if "CARELESS" in os.environ else MortalWriter  # type: ignore[attr-defined]
    run()
