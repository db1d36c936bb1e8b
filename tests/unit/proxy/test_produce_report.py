"""The answer to a strict request of which no record is certain to be written."""

import pytest
from confluent_kafka import KafkaError
from hypothesis import given
from hypothesis import strategies as st

from karapace_like.errors import ApiError, KafkaFailure
from karapace_like.kafka import translate
from karapace_like.proxy.produce_report import ProduceReport
from karapace_like.records import Delivery

NOTHING, UNKNOWN = 50303, 50004
FAILURES = [
    translate.failure(KafkaError(code))
    for name, code in vars(KafkaError).items()
    if name.isupper() and isinstance(code, int) and code
]
"""Every failure that librdkafka can report."""
NOT_SENT = {"_QUEUE_FULL", "_UNKNOWN_PARTITION", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_ID", "UNKNOWN_TOPIC_OR_PART"}
"""Failures of records that no broker has got or taken."""


def find_certainty(*failures: KafkaFailure) -> int | None:
    """Return the code of the request whose records failed so; None where each record is answered for itself."""
    deliveries = [Delivery(failure=failure) for failure in failures]
    report = ProduceReport(["t"] * len(failures), deliveries, {}, {})
    try:
        report.require_certainty()
    except ApiError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("name", "code"),
    [
        *((name, UNKNOWN) for name in ("_MSG_TIMED_OUT", "_TIMED_OUT", "_TRANSPORT", "_PURGE_INFLIGHT", "_FATAL")),
        *((name, UNKNOWN) for name in ("REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS_AFTER_APPEND")),
        *((name, NOTHING) for name in ("_QUEUE_FULL", "_UNKNOWN_TOPIC", "UNKNOWN_TOPIC_OR_PART")),
        *((name, None) for name in ("INVALID_RECORD", "TOPIC_AUTHORIZATION_FAILED", "_UNKNOWN_PARTITION")),
    ],
)
def test_a_failure_is_unknown_or_nothing_or_a_refusal(name: str, code: int | None) -> None:
    assert find_certainty(next(failure for failure in FAILURES if failure.name == name)) == code


@given(st.lists(st.sampled_from(FAILURES), min_size=1, max_size=4))
def test_only_refusals_are_answered_without_a_code(failures: list[KafkaFailure]) -> None:
    """Where no broker has refused a record for good, a client is told to repeat, or that it does not know."""
    code = find_certainty(*failures)
    names = {failure.name for failure in failures}
    if code is None:
        assert any(not failure.retriable or failure.name == "_UNKNOWN_PARTITION" for failure in failures)
        assert all(not name.startswith("_") for name in names - {*NOT_SENT, "_INVALID_ARG"})
    elif code == NOTHING:
        assert names <= NOT_SENT
    else:
        assert code == UNKNOWN
        assert names - NOT_SENT
