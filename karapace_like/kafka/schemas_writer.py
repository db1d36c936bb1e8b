"""Writing to the schemas topic: fenced, by a transactional producer that only the last elected primary can use.

`transactional.id` is derived from group and topic. Taking over initialises it, at which the brokers refuse whatever
an earlier primary still sends, however late: so two primaries can never both write. A plain record that says nothing
(the mark) follows each transaction, so that readers' positions pass the transaction's own marker at once, and not
only with the broker's next empty answer: Karapace never gets ready behind one. Everything is ready before a
transaction begins; aborted ones do not happen in ordinary runs, because Confluent's registry would believe them.

Blocking calls, for one thread at a time. Who is elected is decided in `election.py`.
"""

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from karapace_like.errors import KafkaFailure
from karapace_like.kafka import translate
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.leadership import DeposedError, Fencing, Takeover, Term

logger = logging.getLogger(__name__)

SILENCE_MS = 6_000
"""How long a broker may not answer before another one is asked: a frozen one keeps its connections open."""

_FORBIDDEN = frozenset({"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", "_UNSUPPORTED_FEATURE", "UNSUPPORTED_VERSION"})
"""How a cluster says that this client may not use transactions."""
_TRANSACTIONS_TOPIC = "__transaction_state"
_INIT_SECONDS = 10.0
"""How long taking over may take: it includes making that topic, once in a cluster's life."""


Batch = Sequence[tuple[bytes, bytes | None]]
"""Keys and values."""


class SchemasWriter:
    """The producers of one node."""

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
        """`mark` is the key of the record that says nothing; `timeout` is in seconds."""
        self._topic = topic
        self._transactional_id = f"{group_id}-{topic}"
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
        self._plain = self._made()
        self._newer: Producer | None = None
        """Takes the place of the other one before the next batch."""
        self._has_failed = False
        """Whether the plain one may be able to write nothing any more, as after errors that are fatal to it."""
        self._fenced: Producer | None = None
        self._term: Term | None = None
        self._one_at_a_time = threading.Lock()

    def take_over(self, term: Term) -> Takeover:
        """Fence every earlier primary and write the mark, which ends what is to be applied. Raises KafkaFailure."""
        with self._one_at_a_time:
            self._use_newer()
            self._term, self._fenced = None, None
            if self._wants_fencing(term):
                self._fenced = self._fencing_producer()
            self._term = term
            return Takeover(self._delivered_plainly([(self._mark, None)]), self._fenced is not None)

    def append(self, batch: Batch) -> int:
        """Write the records in order; the offset after the last one. Raises KafkaFailure, DeposedError."""
        with self._one_at_a_time:
            self._use_newer()
            if self._fenced is not None:
                return self._transaction(self._fenced, batch)
            if self._term is None or not self._term.is_certain():
                raise DeposedError("nobody can tell whether this node is still the primary")
            return self._delivered_plainly(batch)

    def mark(self) -> None:
        """Send the mark after a transaction that can be read: its commit is answered before its marker is written."""
        with suppress(KafkaFailure), self._noting_failure():
            self._plain.produce(self._topic, key=self._mark, value=None, partition=0)
            self._plain.poll(0)

    def close(self) -> None:
        """Send what is under way."""
        self._plain.flush(self._timeout)

    def renew(self) -> None:
        """Write with new producers from the next batch on. A fenced one is only had by taking over: its term ends."""
        self._newer = self._made()

    def _use_newer(self) -> None:
        with suppress(KafkaFailure), self._noting_failure():
            self._plain.poll(0)  # of what is fatal to it
        if self._newer is None:
            if self._has_failed:
                self._plain, self._has_failed = self._made(), False
            return
        before, self._plain, self._newer = self._plain, self._newer, None
        self._has_failed = False
        before.flush(self._timeout)
        if self._fenced is not None:
            self._fenced = self._term = None

    def _made(self) -> Producer:
        with translate.failures():
            return Producer(self._options, logger=logger)

    def _wants_fencing(self, term: Term) -> bool:
        if self._fencing is Fencing.AUTO and term.foreign:
            logger.warning(
                "Writing without fencing, because %s of another product can be elected too", " and ".join(term.foreign)
            )
            return False
        return self._fencing is not Fencing.OFF

    def _fencing_producer(self) -> Producer | None:
        producer = Producer(
            {
                **self._options,
                "transactional.id": self._transactional_id,
                "transaction.timeout.ms": self._options["message.timeout.ms"],
            },
            logger=logger,
        )
        try:
            with translate.failures():
                # Asked while it is not connected, librdkafka looks for the coordinator again half a second later.
                producer.list_topics(self._topic, self._timeout)
                producer.init_transactions(_INIT_SECONDS)
        except KafkaFailure as failure:
            if self._fencing is Fencing.ON or not (failure.name in _FORBIDDEN or self._has_no_transactions()):
                raise
            logger.warning(
                "Writing without fencing, because the cluster does not let the transactional id %s be used: %s",
                self._transactional_id,
                failure.message,
            )
            return None
        return producer

    def _has_no_transactions(self) -> bool:
        """Whether the cluster cannot even keep transactions (too few brokers for their topic): then nobody uses any."""
        try:
            with translate.failures():
                topics = self._plain.list_topics(timeout=self._timeout).topics
        except KafkaFailure:
            return False
        return _TRANSACTIONS_TOPIC not in topics

    def _transaction(self, producer: Producer, batch: Batch) -> int:
        end = None
        try:
            with translate.failures():
                producer.begin_transaction()
                end = self._delivered(producer, batch)
                self._commit(producer)
        except KafkaFailure as failure:
            self._give_up(producer, failure, is_committing=end is not None)
            raise
        return end

    def _commit(self, producer: Producer) -> None:
        """Commit, asking again while the answer is not known."""
        give_up = time.monotonic() + self._timeout
        while True:
            try:
                return producer.commit_transaction(self._timeout)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > give_up:
                    raise

    def _give_up(self, producer: Producer, failure: KafkaFailure, *, is_committing: bool) -> None:
        """Abort, so that the next transaction can begin; raises DeposedError if there can be no next one."""
        try:
            with translate.failures():
                producer.abort_transaction(self._timeout)
        except KafkaFailure:
            self._fenced = self._term = None
            message = f"another primary has taken over, or may have: {failure.message}"
            raise DeposedError(message, is_outcome_known=not is_committing) from failure

    def _delivered_plainly(self, batch: Batch) -> int:
        with self._noting_failure():
            return self._delivered(self._plain, batch)

    @contextmanager
    def _noting_failure(self) -> Iterator[None]:
        try:
            with translate.failures():
                yield
        except KafkaFailure:
            self._has_failed = True
            raise

    def _delivered(self, producer: Producer, batch: Batch) -> int:
        reports: list[tuple[KafkaError | None, Message]] = []
        with translate.failures():
            for key, value in batch:
                producer.produce(
                    self._topic,
                    key=key,
                    value=value,
                    partition=0,
                    on_delivery=lambda error, message: reports.append((error, message)),
                )
            producer.flush(self._timeout)
            if len(reports) < len(batch):
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))  # noqa: SLF001 - its public name
            for error, _ in reports:
                if error is not None:
                    raise KafkaException(error)
        return max(message.offset() or 0 for _, message in reports) + 1
