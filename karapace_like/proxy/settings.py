"""The operator's settings for producing and consuming records."""

import enum
from dataclasses import dataclass

from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.serde.formats import DEFAULT_OPTIONS, CodecOptions

MAX_TIMEOUT_MS = 300_000
"""The longest that a request may wait for records, in milliseconds."""


class OffsetReset(enum.StrEnum):
    """Where to start if the group has committed no offset, or its offset is out of range (Kafka, auto.offset.reset)."""

    EARLIEST = "earliest"
    LATEST = "latest"
    NONE = "none"


class Undecodable(enum.StrEnum):
    """How a response treats a record that cannot be decoded."""

    REFUSE = "refuse"
    """The response ends before it; then the client gets 40801 until it seeks past the record (Confluent)."""
    REPORT = "report"
    """The response contains it, with an error instead of the key or value, and continues."""


class WithoutKey(enum.StrEnum):
    """How a response treats a record with encrypted fields, for a caller who may not use their key."""

    REFUSE = "refuse"
    """As one that cannot be decoded."""
    REDACT = "redact"
    """The text `<REDACTED>` takes the place of the field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """Defaults of consumer instances, and limits of requests."""

    request_timeout_ms: int = 1000
    """How long a poll waits for records, unless it or its instance sets another time."""
    request_max_bytes: int = 64 * 1024 * 1024
    """Bytes of keys and values in one response; a larger record is returned alone."""
    fetch_min_bytes: int = 1
    """A poll responds once this many bytes are there; -1: only at its timeout."""
    auto_commit: bool = True
    auto_offset_reset: OffsetReset = OffsetReset.LATEST
    park_after: float = 60.0
    """Seconds without a request after which an instance leaves its group until the next one; 0: never."""
    topics_max_age: float = 60.0
    """Seconds after which the topics are listed again for subscriptions to patterns."""
    idle_timeout: float = 300.0
    """Seconds without a request after which an instance is closed; 0: never."""
    max_instances: int = 1000
    """Consumer instances at the same time."""
    max_active_instances: int = 250
    """Instances that are not parked: where there are more, the one that was used least recently is parked."""
    max_instances_of_user: int = 250
    """Consumer instances of one caller; anonymous callers share `max_instances`."""
    max_records_under_way: int = 100_000
    """Records of all requests without a response yet; a request that would exceed it gets 42901."""
    max_reads: int = 16
    """Concurrent reads without a consumer instance; further ones wait."""
    max_streams: int = 64
    """Topics that are followed at the same time."""
    heartbeat: float = 15.0
    """Seconds without a record after which a stream sends a heartbeat."""
    stalled_after: float = 60.0
    """Seconds after which a client that reads nothing is disconnected."""
    base_uri: str | None = None
    """The address of this service for clients, in the URLs of responses; None: that of the request."""
    name_strategy: SubjectNameStrategy = SubjectNameStrategy.TOPIC_NAME
    """The default strategy for the subject of schemas in produce requests."""
    overrides_allowed: frozenset[str] = frozenset()
    """The fields of ProducerOverrides that requests may set."""
    max_records: int = 100_000
    """Records of one request; as many as the queue of the Kafka client holds."""
    max_batch_entries: int = 10
    """Records of one batch of REST v3."""
    max_nesting: int = 500
    """Levels of nesting in a record of REST v3."""
    produce_timeout: float = 30.0
    """Seconds after which a produce request gets 50003."""
    undecodable: Undecodable = Undecodable.REFUSE
    codecs: CodecOptions = DEFAULT_OPTIONS
    record_timestamps: bool = False
    """Whether consumed records have a `timestamp`, in milliseconds since the epoch."""
