"""What the operator decided about reading and writing records."""

import enum
from dataclasses import dataclass

from karapace_like.proxy.subjects import SubjectNameStrategy

MAX_TIMEOUT_MS = 300_000
"""How long a request may wait for records, whatever it says."""


class OffsetReset(enum.StrEnum):
    """Where to read where the group has committed nothing, or what it committed is gone (Kafka, auto.offset.reset)."""

    EARLIEST = "earliest"
    LATEST = "latest"
    NONE = "none"


class Undecodable(enum.StrEnum):
    """What becomes of a record that cannot be decoded."""

    REFUSE = "refuse"
    """It ends the answer before it, and is refused with 40801 until the reader goes on after it (Confluent)."""
    REPORT = "report"
    """It is one of the answer's records, with the error in place of key and value, and reading goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxySettings:
    """Defaults of consumer instances and limits of their requests."""

    request_timeout_ms: int = 1000
    """How long a poll waits for records, unless it or its instance says otherwise."""
    request_max_bytes: int = 64 * 1024 * 1024
    """Bytes of keys and values in one poll's answer; a larger record comes alone."""
    fetch_min_bytes: int = 1
    """A poll answers once this many bytes are there; -1: only at its timeout."""
    auto_commit: bool = True
    auto_offset_reset: OffsetReset = OffsetReset.LATEST
    park_after: float = 60.0
    """Seconds without a request after which an instance leaves its group until the next one; 0: never."""
    idle_timeout: float = 300.0
    """Seconds without a request after which an instance is closed; 0: never."""
    max_instances: int = 1000
    """How many consumer instances there are at the same time."""
    max_instances_of_user: int = 250
    """How many of them one user may have; callers who do not say who they are share all."""
    max_records_under_way: int = 100_000
    """Records of all requests that are not confirmed yet; a request that would make them more is refused."""
    max_reads: int = 16
    """How many reads without a consumer instance there are at the same time; others wait for their turn."""
    max_streams: int = 64
    """How many topics are followed at the same time."""
    heartbeat: float = 15.0
    """Seconds without a record after which a stream shows that it is alive."""
    stalled_after: float = 60.0
    """Seconds after which a stream ends whose client takes nothing."""
    base_uri: str | None = None
    """Where clients reach this service, for the addresses of instances; None: as the request says."""
    name_strategy: SubjectNameStrategy = SubjectNameStrategy.TOPIC_NAME
    """Which subject produced schemas belong to, unless a request says it."""
    overrides_allowed: frozenset[str] = frozenset()
    """Which of the fields of ProducerOverrides requests may have."""
    max_records: int = 100_000
    """How many records one request may write; as many as the Kafka client's queue holds."""
    max_batch_entries: int = 10
    """How many records one batch of REST v3 may write."""
    max_nesting: int = 500
    """How many objects and lists may lie inside of each other in a record of REST v3."""
    produce_timeout: float = 30.0
    """Seconds in which a request to write is answered, however it ends."""
    undecodable: Undecodable = Undecodable.REFUSE
    record_timestamps: bool = False
    """Whether consumed records show their timestamp, in milliseconds since the epoch."""
