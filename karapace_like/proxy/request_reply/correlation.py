"""The headers that join a reply to its request, and the ids of requests.

The headers are those of Spring for Apache Kafka (`ReplyingKafkaTemplate`): a service copies the correlation id of the
request to its reply, byte for byte, and writes it to the topic and partition that the request names. Source: Spring for
Apache Kafka, reference, "Using ReplyingKafkaTemplate"; `KafkaHeaders`.
"""

import re
import secrets
from typing import NamedTuple, Self

from karapace_like.ownership import Owner
from karapace_like.records import Headers

CORRELATION_ID = "kafka_correlationId"
REPLY_TOPIC = "kafka_replyTopic"
REPLY_PARTITION = "kafka_replyPartition"
OWN_HEADERS = frozenset({CORRELATION_ID, REPLY_TOPIC, REPLY_PARTITION})
PARTITION_BYTES = 4
"""A reply partition is a big-endian integer of so many bytes."""
MAX_CORRELATION_BYTES = 1_000
_TOKEN_BYTES = 16
_ID = re.compile(r"([0-9a-f]{8})\.([0-9]{1,4})-([0-9a-f]{32})", re.ASCII)


class RequestId(NamedTuple):
    """Names a request, and the process that waits for its reply."""

    owner: Owner
    token: str

    @classmethod
    def create(cls, owner: Owner) -> Self:
        """Return a new id, which nobody can guess."""
        return cls(owner, secrets.token_hex(_TOKEN_BYTES))

    def __str__(self) -> str:
        """Return the text that clients see; in ASCII, it is the correlation id of the record."""
        return f"{self.owner.node}.{self.owner.worker}-{self.token}"


def parse_request_id(text: str) -> RequestId | None:
    """Return the id; None for any other text."""
    match = _ID.fullmatch(text)
    return None if match is None else RequestId(Owner(match[1], int(match[2])), match[3])


def make_headers(correlation: bytes, topic: str, partition: int | None) -> Headers:
    """Return the headers of a request whose reply is expected in this topic, and in this partition if it names one."""
    headers = ((CORRELATION_ID, correlation), (REPLY_TOPIC, topic.encode()))
    if partition is None:
        return headers
    return *headers, (REPLY_PARTITION, partition.to_bytes(PARTITION_BYTES, "big"))


def find_header(headers: Headers, name: str) -> bytes | None:
    """Return the last value of the name, as Kafka's clients choose; None without one."""
    return next((value for key, value in reversed(headers) if key == name), None)
