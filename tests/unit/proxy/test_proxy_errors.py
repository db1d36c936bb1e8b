"""Kafka's failures as the API's errors."""

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.proxy import errors


@pytest.mark.parametrize(
    ("name", "retriable", "for_request", "for_record"),
    [
        ("UNKNOWN_TOPIC_OR_PART", True, 40403, 50003),
        ("_UNKNOWN_PARTITION", True, 40403, 50003),
        ("TOPIC_EXCEPTION", False, 40002, 50002),
        ("POLICY_VIOLATION", False, 40002, 50002),
        ("_AUTHENTICATION", False, 40101, 40101),
        ("SASL_AUTHENTICATION_FAILED", False, 40101, 40101),
        ("TOPIC_AUTHORIZATION_FAILED", False, 40301, 40301),
        ("GROUP_AUTHORIZATION_FAILED", False, 40301, 40301),
        ("BROKER_NOT_AVAILABLE", False, 50302, 50002),
        ("_MSG_TIMED_OUT", True, 50003, 50003),
        ("INVALID_RECORD", False, 50002, 50002),
    ],
)
def test_a_failure_has_a_code_for_a_request_and_for_a_record(
    name: str, for_request: int, for_record: int, *, retriable: bool
) -> None:
    failure = KafkaFailure(name, "why", retriable=retriable)
    assert errors.record_code(failure) == for_record
    with pytest.raises(errors.ProxyError) as caught, errors.translate_kafka_failures():
        raise failure
    assert (caught.value.code, caught.value.message) == (for_request, "why")
    assert caught.value.status == for_request // 100
    assert caught.value.retry_after == (1 if for_request in {50003, 50302} else None)
