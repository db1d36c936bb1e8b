"""What REST v3 answers hold, and records, as JSON Schema for `/openapi.json`; `calls.py` says which call has which.

Source: Confluent REST Proxy API v3. What is this service's own is marked so in docs/rest-v3.md.
"""

from karapace_like.administration import Operation, PatternType, Permission, ResourceType
from karapace_like.proxy.subjects import SubjectNameStrategy
from karapace_like.proxy.v3.records import DataType
from karapace_like.web.json_schemas import (
    ANYTHING,
    BOOLEAN,
    NUMBER,
    OFFSET,
    JsonSchema,
    array,
    fields,
    needing,
    nullable,
    one_of,
    shown,
    text,
    whole,
)

_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
URL = f"http://127.0.0.1:8082/v3/clusters/{_CLUSTER_ID}"
_CRN = f"crn:///kafka={_CLUSTER_ID}"

CLUSTER = text(_CLUSTER_ID)
TOPIC = text("lifts")
PARTITION = shown(NUMBER, 0)
GROUP = text("lift-readers")
CONSUMER = text("reader-1-0d2f")
CONFIG = text("retention.ms")
_LEVEL: JsonSchema = {"type": "integer", "format": "int64", "examples": [7]}
_TIME = text("2026-01-01T00:00:00.000Z")
_BASE64 = text("AAE=")
_CONFIG_SOURCE = text("DYNAMIC_TOPIC_CONFIG")


def _related(path: str) -> JsonSchema:
    return whole(related=text(f"{URL}/{path}"))


def _metadata(path: str, name: str) -> JsonSchema:
    return whole(self=text(f"{URL}/{path}"), resource_name=text(f"{_CRN}/{name}"))


def _entity(kind: str, path: str, name: str, /, **more: JsonSchema) -> JsonSchema:
    return whole(kind=one_of([kind]), metadata=_metadata(path, name), cluster_id=CLUSTER, **more)


def _config(kind: str, path: str, name: str, /, **owner: JsonSchema) -> JsonSchema:
    return _entity(
        kind,
        f"{path}/retention.ms",
        f"{name}=retention.ms",
        **owner,
        name=CONFIG,
        value=nullable(text("604800000")),
        is_default=shown(BOOLEAN, example=False),
        is_read_only=shown(BOOLEAN, example=False),
        is_sensitive=shown(BOOLEAN, example=False),
        source=_CONFIG_SOURCE,
        synonyms=array(whole(name=CONFIG, value=nullable(text("604800000")), source=_CONFIG_SOURCE)),
    )


ACL = {
    "resource_type": shown(one_of(ResourceType), "TOPIC"),
    "resource_name": TOPIC,
    "pattern_type": shown(one_of(PatternType), "LITERAL"),
    "principal": text("User:alice"),
    "host": text("*"),
    "operation": shown(one_of(Operation), "READ"),
    "permission": shown(one_of(Permission), "ALLOW"),
}
_AT = {"topic_name": TOPIC, "partition_id": PARTITION}
_MEMBER = {"consumer_id": CONSUMER, "instance_id": nullable(text("reader-1")), "client_id": text("reader")}
_WRITTEN = shown(
    needing(
        fields(
            type=one_of(DataType),
            size=NUMBER,
            subject=text("lifts-value"),
            schema_id=NUMBER,
            schema_version=NUMBER,
        ),
        "type",
        "size",
    ),
    {"type": "JSON", "size": 11},
)
_PART = shown(
    nullable(
        needing(
            fields(
                type=one_of(DataType), size=NUMBER, data=ANYTHING, error_code=NUMBER, message=text("Unknown schema")
            ),
            "type",
            "size",
        )
    ),
    {"type": "JSON", "size": 11, "data": {"floor": 3}},
)
_TOPIC_PATH, _TOPIC_NAME = "topics/lifts", "topic=lifts"
_PARTITION_PATH, _PARTITION_NAME = f"{_TOPIC_PATH}/partitions/0", f"{_TOPIC_NAME}/partition=0"
_GROUP_PATH, _GROUP_NAME = "consumer-groups/lift-readers", "consumer-group=lift-readers"
_CONSUMER_PATH = f"{_GROUP_PATH}/consumers/reader-1-0d2f"

OBJECTS: dict[str, JsonSchema] = {
    "KafkaCluster": _entity(
        "KafkaCluster",
        "",
        "",
        controller=nullable(_related("brokers/1")),
        acls=_related("acls"),
        brokers=_related("brokers"),
        broker_configs=_related("broker-configs"),
        consumer_groups=_related("consumer-groups"),
        topics=_related("topics"),
        partition_reassignments=_related("topics/-/partitions/-/reassignment"),
    ),
    "KafkaBroker": _entity(
        "KafkaBroker",
        "brokers/1",
        "broker=1",
        broker_id=NUMBER,
        host=text("kafka-1.example.org"),
        port=shown(NUMBER, 9092),
        rack=nullable(text("east")),
        configs=_related("brokers/1/configs"),
        partition_replicas=_related("brokers/1/partition-replicas"),
    ),
    "KafkaTopic": _entity(
        "KafkaTopic",
        _TOPIC_PATH,
        _TOPIC_NAME,
        topic_name=TOPIC,
        is_internal=shown(BOOLEAN, example=False),
        replication_factor=shown(NUMBER, 3),
        partitions_count=shown(NUMBER, 6),
        partitions=_related(f"{_TOPIC_PATH}/partitions"),
        configs=_related(f"{_TOPIC_PATH}/configs"),
        partition_reassignments=_related(f"{_TOPIC_PATH}/partitions/-/reassignment"),
        authorized_operations=array(shown(one_of(Operation), "READ")),
    ),
    "KafkaPartition": _entity(
        "KafkaPartition",
        _PARTITION_PATH,
        _PARTITION_NAME,
        **_AT,
        leader=nullable(_related(f"{_PARTITION_PATH}/replicas/1")),
        replicas=_related(f"{_PARTITION_PATH}/replicas"),
        reassignment=_related(f"{_PARTITION_PATH}/reassignment"),
    ),
    "KafkaPartitionOffset": _entity(
        "KafkaPartitionOffset",
        f"{_PARTITION_PATH}/offset",
        f"{_PARTITION_NAME}/offset",
        **_AT,
        offset_type=one_of(["latest", "earliest"]),
        offset=OFFSET,
        partition=_related(_PARTITION_PATH),
    ),
    "KafkaReplica": _entity(
        "KafkaReplica",
        f"{_PARTITION_PATH}/replicas/1",
        f"{_PARTITION_NAME}/replica=1",
        **_AT,
        broker_id=NUMBER,
        is_leader=BOOLEAN,
        is_in_sync=BOOLEAN,
        broker=_related("brokers/1"),
    ),
    "KafkaReassignment": _entity(
        "KafkaReassignment",
        f"{_PARTITION_PATH}/reassignment",
        f"{_PARTITION_NAME}/reassignment",
        **_AT,
        adding_replicas=array(shown(NUMBER, 3)),
        removing_replicas=array(shown(NUMBER, 1)),
        replicas=_related(f"{_PARTITION_PATH}/replicas"),
    ),
    "KafkaTopicConfig": _config(
        "KafkaTopicConfig", f"{_TOPIC_PATH}/configs", f"{_TOPIC_NAME}/config", topic_name=TOPIC
    ),
    "KafkaBrokerConfig": _config("KafkaBrokerConfig", "brokers/1/configs", "broker=1/config", broker_id=NUMBER),
    "KafkaClusterConfig": _config(
        "KafkaClusterConfig", "broker-configs", "broker-config", config_type=one_of(["BROKER"])
    ),
    "KafkaConsumerGroup": _entity(
        "KafkaConsumerGroup",
        _GROUP_PATH,
        _GROUP_NAME,
        consumer_group_id=GROUP,
        is_simple=shown(BOOLEAN, example=False),
        partition_assignor=text("range"),
        state=text("STABLE"),
        coordinator=nullable(_related("brokers/1")),
        consumers=_related(f"{_GROUP_PATH}/consumers"),
        lag_summary=_related(f"{_GROUP_PATH}/lag-summary"),
    ),
    "KafkaConsumer": _entity(
        "KafkaConsumer",
        _CONSUMER_PATH,
        f"{_GROUP_NAME}/consumer=reader-1-0d2f",
        consumer_group_id=GROUP,
        **_MEMBER,
        assignments=_related(f"{_CONSUMER_PATH}/assignments"),
    ),
    "KafkaConsumerAssignment": _entity(
        "KafkaConsumerAssignment",
        f"{_CONSUMER_PATH}/assignments/lifts/partitions/0",
        f"{_GROUP_NAME}/consumer=reader-1-0d2f/assignment=lifts/partition=0",
        consumer_group_id=GROUP,
        consumer_id=CONSUMER,
        **_AT,
        partition=_related(_PARTITION_PATH),
        lag=_related(f"{_GROUP_PATH}/lags/lifts/partitions/0"),
    ),
    "KafkaConsumerLag": _entity(
        "KafkaConsumerLag",
        f"{_GROUP_PATH}/lags/lifts/partitions/0",
        f"{_GROUP_NAME}/lag=lifts/partition=0",
        consumer_group_id=GROUP,
        **_AT,
        **_MEMBER,
        current_offset=shown(OFFSET, 35),
        log_end_offset=OFFSET,
        lag=_LEVEL,
    ),
    "KafkaConsumerGroupLagSummary": _entity(
        "KafkaConsumerGroupLagSummary",
        f"{_GROUP_PATH}/lag-summary",
        f"{_GROUP_NAME}/lag-summary",
        consumer_group_id=GROUP,
        max_lag_consumer_id=CONSUMER,
        max_lag_consumer=_related(_CONSUMER_PATH),
        max_lag_client_id=text("reader"),
        max_lag_instance_id=nullable(text("reader-1")),
        max_lag_topic_name=TOPIC,
        max_lag_partition_id=PARTITION,
        max_lag_partition=_related(_PARTITION_PATH),
        max_lag=_LEVEL,
        total_lag=_LEVEL,
    ),
    "KafkaConsumerGroupOffset": whole(
        kind=one_of(["KafkaConsumerGroupOffset"]),
        cluster_id=CLUSTER,
        consumer_group_id=GROUP,
        **_AT,
        offset=OFFSET,
        partition=_related(_PARTITION_PATH),
    ),
    "KafkaAcl": whole(kind=one_of(["KafkaAcl"]), metadata=whole(self=text(f"{URL}/acls")), cluster_id=CLUSTER, **ACL),
    "KafkaRecord": _entity(
        "KafkaRecord",
        f"{_PARTITION_PATH}/records?offset=42&limit=1",
        f"{_PARTITION_NAME}/record=42",
        **_AT,
        offset=OFFSET,
        timestamp=_TIME,
        headers=array(whole(name=text("trace"), value=nullable(_BASE64))),
        key=_PART,
        value=_PART,
    ),
    "ProduceData": shown(
        fields(
            type=one_of(DataType),
            data=ANYTHING,
            subject=text("lifts-value"),
            subject_name_strategy=one_of(SubjectNameStrategy),
            schema_id=NUMBER,
            schema_version=NUMBER,
            schema=text('{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'),
        ),
        {"type": "JSON", "data": {"floor": 3}},
    ),
    "ProduceSuccess": needing(
        fields(
            id=text("first"),
            error_code=shown(NUMBER, 200),
            cluster_id=CLUSTER,
            **_AT,
            offset=OFFSET,
            timestamp=_TIME,
            key=_WRITTEN,
            value=_WRITTEN,
        ),
        *("cluster_id", "topic_name", "partition_id", "offset", "timestamp"),
    ),
    "ProduceFailure": needing(
        fields(
            id=text("second"),
            error_code=shown(NUMBER, 42206),
            message=text("Payload error. Request body is empty. Data is required."),
        ),
        "error_code",
        "message",
    ),
}
