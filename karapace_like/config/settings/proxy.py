"""Settings of the Kafka REST proxy."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from karapace_like.config.choices import MAX_PORT, NameStrategy, PoliciesEnabled
from karapace_like.config.description import Group, SettingsGroup, describe
from karapace_like.config.forms import BROKERS, OVERRIDES, URL
from karapace_like.proxy.settings import OffsetReset, Undecodable, WithoutKey
from karapace_like.secret import Secret


@dataclass(frozen=True, kw_only=True)
class ProduceSettings(SettingsGroup):
    """Records that clients write."""

    group: ClassVar = Group.PRODUCE

    producer_acks: Annotated[
        Literal["all", "-1", "1", "0"],
        describe("Replicas that must have a record before it counts as written: `all`, `1` or `0`.", "1"),
    ] = "all"
    producer_compression_type: Annotated[
        Literal["none", "gzip", "snappy", "lz4", "zstd"],
        describe("Compression of batches: `none`, `gzip`, `snappy`, `lz4` or `zstd`.", "lz4"),
    ] = "none"
    producer_linger_ms: Annotated[
        int,
        describe(
            "Time that a record waits for others in its batch. Requests of up to 5 records do not wait while few "
            "others are in flight. With more than four in flight, requests of many records wait 5 ms at least, and all "
            "requests do where brokers acknowledge slowly: a batch that is due before the acknowledgement of the one "
            "before it costs the Kafka client more CPU. With the default, requests of few records wait for the "
            "acknowledgement of those before them instead, while brokers are quick.",
            5,
            ge=0,
            le=900_000,
        ),
    ] = 1
    producer_max_request_size: Annotated[
        int, describe("Largest record in bytes; it limits schemas as well.", 4_194_304, ge=1_000, le=1_000_000_000)
    ] = 1_048_576
    producer_overrides_allowed: Annotated[
        str,
        describe(
            "Producer settings that requests may override, comma separated: `acks`, `compression`, `partitioner`, "
            "`delivery_timeout_ms`.",
            "acks,compression",
            form=OVERRIDES,
        ),
    ] = ""
    producer_max_records: Annotated[
        int, describe("Records in one request; a request with more is rejected with 413.", 10_000, ge=1)
    ] = 100_000
    producer_max_transactions: Annotated[
        int,
        describe(
            "Transactions of one worker process at the same time (`atomic=true`), each with a Kafka client; further "
            "requests wait.",
            16,
            ge=1,
            le=100,
        ),
    ] = 8
    producer_async_max_bytes: Annotated[
        int,
        describe(
            "Bytes of requests with `Prefer: respond-async` that one worker process carries out, and of their "
            "responses of the last five minutes; further ones are rejected with 429.",
            268_435_456,
            ge=10_000,
        ),
    ] = 67_108_864
    producer_max_batch_entries: Annotated[
        int, describe("Entries in one `records:batch` of REST v3; more are rejected with 422 (42206).", 100, ge=1)
    ] = 10
    producer_max_nesting: Annotated[
        int, describe("Depth of nested objects and arrays in a record of REST v3, 500 at most.", 100, ge=2, le=500)
    ] = 500
    producer_max_records_under_way: Annotated[
        int,
        describe(
            "Records of all requests to one worker process that Kafka has not acknowledged; further requests are "
            "rejected with 429.",
            10_000,
            ge=1,
        ),
    ] = 100_000
    producer_request_timeout_ms: Annotated[
        int, describe("Deadline of a request that writes records.", 60_000, ge=1)
    ] = 30_000
    producer_delivery_timeout_ms: Annotated[
        int, describe("Time after which a record that brokers have not acknowledged has failed.", 30_000, ge=1)
    ] = 15_000
    name_strategy: Annotated[
        NameStrategy,
        describe(
            "Subject of a record's schema: `topic_name` (`topic-key`, `topic-value`), `record_name` or "
            "`topic_record_name`. Requests can override it.",
            "record_name",
        ),
    ] = NameStrategy.TOPIC_NAME
    avro_generated_encoder: Annotated[
        bool,
        describe(
            "Whether generated functions encode Avro records once a schema has encoded 100 values. `false`: the "
            "general encoder writes the same bytes in about twice the time."
        ),
    ] = True


@dataclass(frozen=True, kw_only=True)
class IdempotencySettings(SettingsGroup):
    """Produce requests with an `Idempotency-Key`."""

    group: ClassVar = Group.IDEMPOTENCY

    idempotency_enabled: Annotated[
        bool,
        describe(
            "Whether produce requests with the header `Idempotency-Key` are carried out once, and repeated ones get "
            "the first answer; see [writing](rest.md#retries-that-write-once). `false`: they are refused."
        ),
    ] = True
    idempotency_topic: Annotated[
        str | None,
        describe(
            "Topic that holds the answers. Unset: `_produce_receipts`; with another `topic_name` than `_schemas`, that "
            "name followed by `_receipts`. Services that share a cluster must not share it.",
            "_produce_receipts_eu",
        ),
    ] = None
    idempotency_seconds: Annotated[
        int, describe("Seconds for which an answer is repeated; after that, its key counts as new.", 86_400, ge=1)
    ] = 3_600
    idempotency_max_bytes: Annotated[
        int,
        describe(
            "Memory of the answers in each process, about 600 bytes for a request of one record. Beyond it requests "
            "with new keys are rejected with 429, and no answer is forgotten before its time.",
            1_073_741_824,
            ge=1_000,
        ),
    ] = 134_217_728


@dataclass(frozen=True, kw_only=True)
class PolicySettings(SettingsGroup):
    """What is done with records that do not fit."""

    group: ClassVar = Group.POLICIES

    topic_policies_enabled: Annotated[
        PoliciesEnabled,
        describe(
            "Whether requests can set policies, which a topic holds. `auto`: they can, but where Kafka denies this "
            "service that topic at its start, it runs without policies and with a warning. `true`: then no record is "
            "accepted. `false`: only the file of `topic_policies` has policies."
        ),
    ] = PoliciesEnabled.AUTO
    topic_policies_topic: Annotated[
        str | None,
        describe(
            "Topic that holds the policies. Unset: `_topic_policies`; with another `topic_name` than `_schemas`, that "
            "name followed by `_policies`. Registries that share a cluster must not share it.",
            "_topic_policies_eu",
        ),
    ] = None
    topic_policies: Annotated[
        str | None,
        describe(
            "JSON file with topic policies, by name. It is read again when it changes; requests cannot change its "
            "policies.",
            "/etc/karapace-like/policies.json",
        ),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ConsumeSettings(SettingsGroup):
    """Consumer instances, polls and streams."""

    group: ClassVar = Group.CONSUME

    rest_base_uri: Annotated[
        str | None,
        describe(
            "Beginning of the `base_uri` of consumer instances. Unset: the address that the client called.",
            "https://kafka.example.org",
            form=URL,
        ),
    ] = None
    consumer_enable_auto_commit: Annotated[
        bool, describe("Whether instances commit offsets by themselves; an instance can override it.")
    ] = True
    consumer_request_timeout_ms: Annotated[int, describe("Time that a poll waits for records.", 5_000, ge=0)] = 1_000
    consumer_request_max_bytes: Annotated[
        int, describe("Largest total size in bytes of the records in one response.", 1_048_576, ge=1)
    ] = 67_108_864
    consumer_idle_disconnect_timeout: Annotated[
        int, describe("Seconds after which an idle instance is deleted; 0: never.", 600, ge=0)
    ] = 300
    consumer_park_timeout: Annotated[
        int,
        describe("Seconds after which an idle instance leaves its group until its next request; 0: never.", 30, ge=0),
    ] = 60
    consumer_auto_offset_reset: Annotated[
        OffsetReset,
        describe("Start of a group without committed offsets: `earliest`, `latest` or `none`.", "earliest"),
    ] = OffsetReset.LATEST
    consumer_record_timestamps: Annotated[
        bool, describe("Whether records have a `timestamp`, in milliseconds since the epoch.")
    ] = False
    consumer_undecodable: Annotated[
        Undecodable,
        describe(
            "Handling of a record that cannot be decoded. `refuse`: polls fail with 408 (40801) until the consumer "
            "seeks past it, as with Confluent. `report`: an error takes the place of its key and value. Instances and "
            "requests can override it."
        ),
    ] = Undecodable.REFUSE
    consumer_without_key: Annotated[
        WithoutKey,
        describe(
            "Handling of a record with encrypted fields for a caller who may not use their key. `refuse`: as one that "
            "cannot be decoded. `redact`: `<REDACTED>` takes the place of these fields.",
            WithoutKey.REDACT,
        ),
    ] = WithoutKey.REFUSE
    consumer_max_instances: Annotated[
        int, describe("Consumer instances of one worker process; further ones are rejected with 429.", 200, ge=0)
    ] = 1_000
    consumer_max_active_instances: Annotated[
        int,
        describe(
            "Consumer instances of one worker process with a Kafka client, which takes three threads and one for each "
            "broker; beyond them the least recently used one leaves its group until its next request. Twice as many "
            "are the limit (429). A process has room for 950 clients in all, those of reads, streams, queues, reply "
            "topics, WebSocket topics and transactions included.",
            100,
            ge=1,
        ),
    ] = 250
    consumer_prefetch_max_bytes: Annotated[
        int,
        describe(
            "Bytes of records that all consumer instances of one worker process fetch ahead of their polls; each gets "
            "at most 16 MiB, and less the more there are.",
            1_073_741_824,
            ge=1_048_576,
        ),
    ] = 33_554_432
    consumer_statistics: Annotated[
        bool,
        describe(
            "Whether the Kafka clients of consumer instances are counted in the metrics of `rest_consumers`, at 0.2 MB "
            "for each client.",
            False,
        ),
    ] = True
    consumer_max_instances_of_user: Annotated[
        int,
        describe(
            "Consumer instances of one user at one worker process; further ones are rejected with 429. Where no "
            "credentials are checked, all callers at one address count as one user.",
            20,
            ge=0,
        ),
    ] = 250
    consumer_max_reads: Annotated[
        int,
        describe(
            "Concurrent reads without an instance at one worker process; further ones queue and are then rejected with "
            "429.",
            32,
            ge=0,
        ),
    ] = 16
    consumer_max_streams: Annotated[
        int, describe("Concurrent topic streams of one worker process; further ones are rejected with 429.", 128, ge=0)
    ] = 64
    queue_max_members: Annotated[
        int,
        describe(
            "Members of share groups of one worker process, each with one lease at most, and with three threads and "
            "one for each broker; where there are more leases, receivers wait. See [queues](queues.md).",
            200,
            ge=1,
            le=1_000,
        ),
    ] = 100
    queue_max_receivers: Annotated[
        int,
        describe(
            "Receivers of one worker process that wait for records of queues; further ones are rejected with 429.",
            5_000,
            ge=1,
        ),
    ] = 1_000
    queue_max_receivers_of_user: Annotated[
        int, describe("Those of one caller; callers without a user are counted by address.", 2_500, ge=1)
    ] = 500
    queue_max_leases_of_user: Annotated[
        int,
        describe(
            "Leases of one worker process of which one caller has records that are not acknowledged; further receives "
            "are rejected with 429.",
            100,
            ge=1,
        ),
    ] = 50
    request_reply_max_waiting: Annotated[
        int,
        describe(
            "Requests of one worker process that wait for a reply; further ones are rejected with 429. See "
            "[request and reply](request-reply.md).",
            5_000,
            ge=1,
        ),
    ] = 1_000
    request_reply_max_waiting_of_user: Annotated[
        int, describe("Those of one caller; callers without a user are counted by address.", 500, ge=1)
    ] = 250
    request_reply_max_topics: Annotated[
        int,
        describe("Reply topics that one worker process reads at the same time, each with a Kafka client.", 100, ge=1),
    ] = 50
    request_reply_late_timeout: Annotated[
        float,
        describe("Seconds after the time-out of a request during which a late reply to it can be fetched.", 900, ge=0),
    ] = 300.0
    websocket_max_connections: Annotated[
        int,
        describe(
            "WebSocket connections of one worker process; further ones are rejected with 429. Each counts as one of "
            "`http_requests_max`, too. See [WebSocket](websocket.md).",
            5_000,
            ge=0,
        ),
    ] = 1_000
    websocket_max_connections_of_user: Annotated[
        int, describe("Those of one caller; callers without a user are counted by address.", 2_500, ge=1)
    ] = 500
    websocket_max_topics: Annotated[
        int,
        describe(
            "Topics that the WebSocket connections of one worker process subscribe to, each with a Kafka client.",
            100,
            ge=1,
        ),
    ] = 50
    fetch_min_bytes: Annotated[int, describe("Bytes of records that end a poll before its timeout.", 1_024, ge=0)] = 1


@dataclass(frozen=True, kw_only=True)
class CallerSettings(SettingsGroup):
    """Whose permissions in Kafka a request has."""

    group: ClassVar = Group.CALLERS

    rest_authorization: Annotated[
        bool,
        describe(
            "Whether requests to the REST proxy use Kafka as the principal of their `Authorization` header (Basic or "
            "Bearer)."
        ),
    ] = False
    sasl_bootstrap_uri: Annotated[
        str | None,
        describe(
            "Brokers that take callers' credentials. Unset: `bootstrap_uri`.", "kafka-1:9094,kafka-2:9094", form=BROKERS
        ),
    ] = None
    rest_authorization_max_users: Annotated[
        int,
        describe("Callers with open Kafka clients; further callers are rejected with 429.", 500, ge=1),
    ] = 100
    rest_authorization_idle_timeout: Annotated[
        int,
        describe("Seconds after which the Kafka clients of an idle caller without instances are closed.", 60, ge=0),
    ] = 300
    rest_authorization_proof_timeout: Annotated[
        int,
        describe(
            "Seconds after which the brokers verify a caller's credentials again; a revoked password works until then.",
            60,
            ge=0,
        ),
    ] = 300
    rest_internal_resources: Annotated[
        bool,
        describe(
            "Whether the REST proxy gives access to internal topics and groups: the schemas topic, `__*`, the election "
            "group; see [security](security.md). `false`: 403 for every caller."
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class RemoteRegistrySettings(SettingsGroup):
    """A registry elsewhere that has the proxy's schemas."""

    group: ClassVar = Group.REMOTE_REGISTRY

    registry_host: Annotated[
        str | None,
        describe(
            "Host of another registry that has the REST proxy's schemas. Unset: this service.", "schemas.example.org"
        ),
    ] = None
    registry_port: Annotated[int, describe("Port of that registry.", 443, ge=1, le=MAX_PORT)] = 8081
    registry_scheme: Annotated[Literal["http", "https"], describe("`http` or `https`.", "https")] = "http"
    registry_ca: Annotated[
        str | None,
        describe(
            "PEM file of the CA certificates that verify that registry. Unset: the system's.", "/etc/karapace/ca.pem"
        ),
    ] = None
    registry_user: Annotated[str | None, describe("User name at that registry.", "rest-proxy")] = None
    registry_password: Annotated[Secret | None, describe("Password of `registry_user`.", "correct horse")] = None
