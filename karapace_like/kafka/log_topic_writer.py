"""Appends to the topic of a log, fenced: with a transactional producer that only the primary elected last can use.

`transactional.id` is derived from group and topic. Taking over initialises it (InitProducerId), after which the brokers
reject whatever an earlier primary still sends: two primaries never both write. The mark, a record that changes nothing,
follows each transaction, so that readers' positions pass the transaction's control record at once and not only with the
broker's next empty fetch response: Karapace does not get ready behind one. All records exist before a transaction
begins, so that none is aborted in ordinary runs: Confluent Schema Registry would apply the records of an aborted one.

Blocking calls, serialised by a lock. `election.py` decides which node is the primary.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.client_log import client_logger
from karapace_like.kafka.own_names import name_transactional_id
from karapace_like.kafka.regular_polls import poll_client
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import DeposedError, Fencing, Takeover, Term
from karapace_like.records import Batch, LogEntry, take_plain

logger = logging.getLogger(__name__)

SILENCE_MS = 6_000
"""How long a broker may be silent before another one is tried: a frozen one keeps its connections open."""

_FORBIDDEN = frozenset({"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "_UNSUPPORTED_FEATURE", "UNSUPPORTED_VERSION"})
"""Errors of a cluster that does not let this client use transactions."""
_TRANSACTIONS_TOPIC = "__transaction_state"
_INIT_SECONDS = 10.0
"""How long taking over may take, including the creation of that topic, once in a cluster's life."""


class LogTopicWriter:
    """The producers of one node: one without transactions, and the fenced one of its term."""

    def __init__(
        self,
        kafka: KafkaSettings,
        *,
        topic: str,
        group_id: str,
        mark: bytes,
        fencing: Fencing,
        timeout: float,
        max_record_bytes: int,
    ) -> None:
        """`mark` is the key of the mark; `timeout` is in seconds, for each request. Raises KafkaFailure."""
        self._topic = topic
        self._transactional_id = name_transactional_id(group_id, topic)
        self._mark = mark
        self._fencing = fencing
        self._timeout = timeout
        self._options = kafka.client_options(
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            message_timeout_ms=int(timeout * 1000),
            request_timeout_ms=SILENCE_MS - 1_000,
            socket_timeout_ms=SILENCE_MS,
            message_max_bytes=max_record_bytes + 1024,
        )
        self._fenced_options = {
            **self._options,
            "transactional.id": self._transactional_id,
            "transaction.timeout.ms": self._options["message.timeout.ms"],
        }
        self._plain = self._create_producer()
        self._newer: Producer | None = None
        """Replaces the plain producer before the next batch."""
        self._has_failed = False
        """Whether the plain producer may be unable to write, as after a fatal error."""
        self._fenced: Producer | None = None
        self._term: Term | None = None
        self._one_at_a_time = threading.Lock()

    def take_over(self, term: Term, *, may_fence: bool = True) -> Takeover:
        """Fence every earlier primary and write the mark; return its end, up to which the node has to apply the topic.

        The mark is a transaction first: until the partition has seen this producer's epoch it accepts the batches of a
        primary that fences by epoch. Without `may_fence` the cluster is known to have no transactions. Raises
        KafkaFailure.
        """
        with self._one_at_a_time:
            self._replace_producers()
            self._term, self._fenced = None, None
            if may_fence and self._wants_fencing(term):
                self._fenced = self._create_fenced_producer()
            if self._fenced is not None:
                self._deliver_in_transaction(self._fenced, [(self._mark, None)])
            self._term = term
            return Takeover(self._deliver_without_fencing([(self._mark, None)]), self._fenced is not None)

    def append(self, batch: Sequence[LogEntry]) -> int:
        """Write the records in order; return the offset after the last one. Raises KafkaFailure, DeposedError."""
        with self._one_at_a_time:
            self._replace_producers()
            if self._fenced is not None:
                return self._deliver_in_transaction(self._fenced, batch)
            if self._term is None or not self._term.has_lease():
                raise DeposedError(
                    "The lease of this node as primary has expired: another node may be the primary by now."
                )
            return self._deliver_without_fencing(take_plain(batch))

    def mark(self) -> None:
        """Send the mark, once the last transaction was read back: Kafka confirms a commit before its control record."""
        with suppress(KafkaFailure), self._record_failure(), translate.failures():
            self._plain.produce(self._topic, key=self._mark, value=None, partition=0)
            self._plain.poll(0)

    def close(self) -> None:
        """Wait until queued records are sent."""
        with translate.failures():
            self._plain.flush(self._timeout)

    def renew(self) -> None:
        """Use new producers from the next batch on; a fenced term ends, since only a takeover creates its producer."""
        self._newer = self._create_producer()

    def poll(self) -> None:
        """Have the producers log what they have queued, unless a batch is being written: that polls them."""
        if self._one_at_a_time.acquire(blocking=False):
            try:
                self._poll_plain()
                if self._fenced is not None:
                    poll_client(self._fenced)
            finally:
                self._one_at_a_time.release()

    def _poll_plain(self) -> None:
        with suppress(KafkaFailure), self._record_failure(), translate.failures():
            self._plain.poll(0)  # raises an error that is fatal to it

    def _replace_producers(self) -> None:
        self._poll_plain()
        if self._newer is None:
            if self._has_failed:
                self._plain, self._has_failed = self._create_producer(), False
            return
        previous, self._plain, self._newer = self._plain, self._newer, None
        self._has_failed = False
        with suppress(KafkaFailure), translate.failures():
            previous.flush(self._timeout)
        if self._fenced is not None:
            self._fenced = self._term = None

    def _create_producer(self) -> Producer:
        with translate.failures():
            return Producer(self._options, logger=client_logger)

    def _wants_fencing(self, term: Term) -> bool:
        if not self._fencing.is_required and term.foreign and self._fencing is not Fencing.OFF:
            logger.warning(
                "Writing without fencing, because members of the group run another product, which could be elected: %s",
                ", ".join(term.foreign),
            )
            return False
        return self._fencing is not Fencing.OFF

    def _create_fenced_producer(self) -> Producer | None:
        with translate.failures():
            producer = Producer(self._fenced_options, logger=client_logger)
        try:
            with translate.failures():
                # Connects first: otherwise librdkafka would look for the coordinator only half a second later.
                producer.list_topics(self._topic, self._timeout)
                producer.init_transactions(_INIT_SECONDS)
        except KafkaFailure as failure:
            if self._fencing.is_required or not (failure.name in _FORBIDDEN or self.has_no_transactions()):
                raise
            logger.warning(
                "Writing without fencing, because the cluster does not allow the transactional id %s: %s",
                self._transactional_id,
                failure.message,
            )
            return None
        return producer

    def has_no_transactions(self) -> bool:
        """Whether the cluster has no topic for transactions, as with too few brokers: no node can use any then."""
        try:
            with translate.failures():
                topics = self._plain.list_topics(timeout=self._timeout).topics
        except KafkaFailure:
            return False
        return _TRANSACTIONS_TOPIC not in topics

    def _deliver_in_transaction(self, producer: Producer, batch: Sequence[LogEntry]) -> int:
        end = None
        try:
            with translate.failures():
                producer.begin_transaction()
            end = self._deliver(producer, self._send_others(producer, batch))
            self._commit(producer)
        except KafkaFailure as failure:
            self._abort(producer, failure, is_committing=end is not None)
            raise
        return end

    def _send_others(self, _: Producer, batch: Sequence[LogEntry]) -> Batch:
        """Send the records of other topics in the open transaction, and return the keys and values for the log."""
        return take_plain(batch)

    def _commit(self, producer: Producer) -> None:
        """Commit, and retry while the outcome is not known."""
        deadline = time.monotonic() + self._timeout
        while True:
            try:
                with translate.failures():
                    return producer.commit_transaction(self._timeout)
            except KafkaFailure as failure:
                cause = failure.__cause__  # its own flag says whether the same call may succeed
                is_open = isinstance(cause, KafkaException) and cause.args[0].retriable()
                if not is_open or time.monotonic() > deadline:
                    raise

    def _abort(self, producer: Producer, failure: KafkaFailure, *, is_committing: bool) -> None:
        """Abort, so that the next transaction can begin. Raises DeposedError where this producer can begin none."""
        try:
            with translate.failures():
                producer.abort_transaction(self._timeout)
        except KafkaFailure:
            self._fenced = self._term = None
            message = f"Another primary has taken over, or may have: {failure.message}"
            raise DeposedError(message, is_outcome_known=not is_committing) from failure

    def _deliver_without_fencing(self, batch: Batch) -> int:
        with self._record_failure():
            return self._deliver(self._plain, batch)

    @contextmanager
    def _record_failure(self) -> Iterator[None]:
        try:
            yield
        except KafkaFailure:
            self._has_failed = True
            raise

    def _deliver(self, producer: Producer, batch: Batch) -> int:
        reports: list[tuple[KafkaError | None, Message]] = []
        for key, value in batch:
            with translate.failures():
                producer.produce(
                    self._topic,
                    key=key,
                    value=value,
                    partition=0,
                    on_delivery=lambda error, message: reports.append((error, message)),
                )
        with translate.failures():
            producer.flush(self._timeout)
        if len(reports) < len(batch):
            raise translate.failure(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its public name
        for error, _ in reports:
            if error is not None:
                raise translate.failure(error)
        return max(message.offset() or 0 for _, message in reports) + 1
