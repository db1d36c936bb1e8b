"""The resources and records of REST v3 as JSON Schema, for `/openapi.json`; `calls.py` assigns them to calls.

Source: Confluent REST Proxy API v3. docs/rest-v3.md marks what is this service's own.
"""

from typing import Annotated

import msgspec

from karapace_like.administration import Operation, PatternType, Permission, ResourceType
from karapace_like.policies.policy import Framed, Invalid, Mode, Plain, UnknownFields
from karapace_like.proxy.contracts.violations import Reason
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.v3.records import DataType, RecordData
from karapace_like.web.http.json_schemas import (
    ANYTHING,
    BOOLEAN,
    NUMBER,
    OFFSET,
    Int32,
    Int64,
    JsonSchema,
    array,
    derive,
    derive_request,
    fields,
    mapping,
    nullable,
    one_of,
    ref,
    require_fields,
    such_as,
    text,
    whole,
    with_example,
)

_CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"
URL = f"http://127.0.0.1:8082/v3/clusters/{_CLUSTER_ID}"
_CRN = f"crn:///kafka={_CLUSTER_ID}"

CLUSTER = text(_CLUSTER_ID)
TOPIC = text("lifts")
PARTITION = with_example(NUMBER, 0)
GROUP = text("lift-readers")
CONSUMER = text("reader-1-0d2f")
CONFIG = text("retention.ms")
_LEVEL: JsonSchema = {"type": "integer", "format": "int64", "examples": [7]}
_TIME = text("2026-01-01T00:00:00.000Z")
_BASE64 = text("AAE=")
_CONFIG_SOURCE = text("DYNAMIC_TOPIC_CONFIG")


# The order of the fields is the wire's: that of Confluent REST Proxy.


class ProducedPart(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The key or value of a record that is in the topic."""

    type: Annotated[DataType, such_as("JSON")]
    subject: Annotated[str, such_as("lifts-value")] | None = None
    schema_id: Int32 | None = None
    schema_version: Int32 | None = None
    size: Annotated[Int32, such_as(11)]
    """Bytes in the topic."""


class ProduceSuccess(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The result of a record that is in the topic."""

    id: Annotated[str, such_as("first")] | None = None
    error_code: Annotated[Int32, such_as(200)] | None = None
    cluster_id: Annotated[str, such_as(_CLUSTER_ID)]
    topic_name: Annotated[str, such_as("lifts")]
    partition_id: Annotated[Int32, such_as(0)]
    offset: Int64
    timestamp: Annotated[str, such_as("2026-01-01T00:00:00.000Z")]
    key: ProducedPart | None = None
    value: ProducedPart | None = None


class ProduceFailure(msgspec.Struct, omit_defaults=True, kw_only=True):
    """The result of a record that is not in the topic."""

    id: Annotated[str, such_as("second")] | None = None
    error_code: Annotated[Int32, such_as(42206)]
    message: Annotated[str, such_as("Payload error. Request body is empty. Data is required.")]


def _link_schema(path: str) -> JsonSchema:
    return {**ref("Relationship"), "examples": [{"related": f"{URL}/{path}"}]}


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
        is_default=with_example(BOOLEAN, example=False),
        is_read_only=with_example(BOOLEAN, example=False),
        is_sensitive=with_example(BOOLEAN, example=False),
        source=_CONFIG_SOURCE,
        synonyms=array(whole(name=CONFIG, value=nullable(text("604800000")), source=_CONFIG_SOURCE)),
    )


ACL = {
    "resource_type": with_example(one_of(ResourceType), "TOPIC"),
    "resource_name": TOPIC,
    "pattern_type": with_example(one_of(PatternType), "LITERAL"),
    "principal": text("User:alice"),
    "host": text("*"),
    "operation": with_example(one_of(Operation), "READ"),
    "permission": with_example(one_of(Permission), "ALLOW"),
}
_AT = {"topic_name": TOPIC, "partition_id": PARTITION}
_MEMBER = {"consumer_id": CONSUMER, "instance_id": nullable(text("reader-1")), "client_id": text("reader")}
_PART = with_example(
    nullable(
        require_fields(
            fields(
                type=one_of(DataType), size=NUMBER, data=ANYTHING, error_code=NUMBER, message=text("Unknown schema")
            ),
            "type",
            "size",
        )
    ),
    {"type": "JSON", "size": 11, "data": {"floor": 3}},
)
_POLICY_PART = whole(
    schema=whole(
        subject=nullable(text("lifts-value")),
        version={"anyOf": [one_of(["latest"]), NUMBER]},
        metadata=with_example(nullable(mapping(text("2"))), None),
    ),
    plain=with_example(one_of(Plain), "encode"),
    framed=with_example(one_of(Framed), "subject"),
    versions=with_example(nullable(fields(min=NUMBER, max=NUMBER)), None),
    unknown_fields=one_of(UnknownFields),
    lenient_json=BOOLEAN,
    invalid=one_of(Invalid),
)
_POLICY_METADATA = whole(self=text("http://127.0.0.1:8082/policies/lifts"), resource_name=text("crn:///policy=lifts"))
_MODE = with_example(one_of(Mode), "observe")
_RECORD_PART = with_example(one_of(RecordPart), "value")
_REASON = one_of(Reason)
_TOPIC_PATH, _TOPIC_NAME = "topics/lifts", "topic=lifts"
_PARTITION_PATH, _PARTITION_NAME = f"{_TOPIC_PATH}/partitions/0", f"{_TOPIC_NAME}/partition=0"
_GROUP_PATH, _GROUP_NAME = "consumer-groups/lift-readers", "consumer-group=lift-readers"
_CONSUMER_PATH = f"{_GROUP_PATH}/consumers/reader-1-0d2f"

OBJECTS: dict[str, JsonSchema] = {
    "Relationship": whole(related=text(URL)),
    "KafkaCluster": _entity(
        "KafkaCluster",
        "",
        "",
        controller=nullable(_link_schema("brokers/1")),
        acls=_link_schema("acls"),
        brokers=_link_schema("brokers"),
        broker_configs=_link_schema("broker-configs"),
        consumer_groups=_link_schema("consumer-groups"),
        topics=_link_schema("topics"),
        partition_reassignments=_link_schema("topics/-/partitions/-/reassignment"),
    ),
    "KafkaBroker": _entity(
        "KafkaBroker",
        "brokers/1",
        "broker=1",
        broker_id=NUMBER,
        host=text("kafka-1.example.org"),
        port=with_example(NUMBER, 9092),
        rack=nullable(text("east")),
        configs=_link_schema("brokers/1/configs"),
        partition_replicas=_link_schema("brokers/1/partition-replicas"),
    ),
    "KafkaTopic": _entity(
        "KafkaTopic",
        _TOPIC_PATH,
        _TOPIC_NAME,
        topic_name=TOPIC,
        is_internal=with_example(BOOLEAN, example=False),
        replication_factor=with_example(NUMBER, 3),
        partitions_count=with_example(NUMBER, 6),
        partitions=_link_schema(f"{_TOPIC_PATH}/partitions"),
        configs=_link_schema(f"{_TOPIC_PATH}/configs"),
        partition_reassignments=_link_schema(f"{_TOPIC_PATH}/partitions/-/reassignment"),
        authorized_operations=array(with_example(one_of(Operation), "READ")),
    ),
    "KafkaPartition": _entity(
        "KafkaPartition",
        _PARTITION_PATH,
        _PARTITION_NAME,
        **_AT,
        leader=nullable(_link_schema(f"{_PARTITION_PATH}/replicas/1")),
        replicas=_link_schema(f"{_PARTITION_PATH}/replicas"),
        reassignment=_link_schema(f"{_PARTITION_PATH}/reassignment"),
    ),
    "KafkaPartitionWithOffsets": _entity(
        "KafkaPartitionWithOffsets",
        f"{_PARTITION_PATH}/offset",
        f"{_PARTITION_NAME}/offset_type=earliest_and_latest",
        **_AT,
        earliest_offset=OFFSET,
        latest_offset=OFFSET,
    ),
    "KafkaReplica": _entity(
        "KafkaReplica",
        f"{_PARTITION_PATH}/replicas/1",
        f"{_PARTITION_NAME}/replica=1",
        **_AT,
        broker_id=NUMBER,
        is_leader=BOOLEAN,
        is_in_sync=BOOLEAN,
        broker=_link_schema("brokers/1"),
    ),
    "KafkaReplicaSize": _entity(
        "KafkaReplicaSize",
        f"{_PARTITION_PATH}/replicas/1",
        f"{_PARTITION_NAME}/replica=1",
        **_AT,
        broker_id=NUMBER,
        size_bytes=with_example(OFFSET, 1_048_576),
    ),
    "KafkaReassignment": _entity(
        "KafkaReassignment",
        f"{_PARTITION_PATH}/reassignment",
        f"{_PARTITION_NAME}/reassignment",
        **_AT,
        adding_replicas=array(with_example(NUMBER, 3)),
        removing_replicas=array(with_example(NUMBER, 1)),
        replicas=_link_schema(f"{_PARTITION_PATH}/replicas"),
    ),
    "KafkaTopicConfig": _config(
        "KafkaTopicConfig", f"{_TOPIC_PATH}/configs", f"{_TOPIC_NAME}/config", topic_name=TOPIC
    ),
    "KafkaBrokerConfig": _config("KafkaBrokerConfig", "brokers/1/configs", "broker=1/config", broker_id=NUMBER),
    "KafkaClusterConfig": _config(
        "KafkaClusterConfig", "broker-configs", "broker-config", config_type=one_of(["BROKER"])
    ),
    "KafkaTopicPolicy": whole(
        kind=one_of(["KafkaTopicPolicy"]),
        metadata=_POLICY_METADATA,
        name=TOPIC,
        source=one_of(["topic", "file"]),
        updated_at=nullable(_TIME),
        problem=with_example(nullable(text("value.plain: expected allow or refuse.")), None),
        mode=_MODE,
        key=_POLICY_PART,
        value=_POLICY_PART,
        dead_letter_topic=nullable(text("lifts.invalid")),
    ),
    "KafkaTopicPolicyViolations": whole(
        kind=one_of(["KafkaTopicPolicyViolations"]),
        metadata=_POLICY_METADATA,
        name=TOPIC,
        counts=array(whole(mode=_MODE, part=_RECORD_PART, reason=_REASON, count=NUMBER)),
        examples=array(
            whole(
                timestamp=_TIME,
                mode=_MODE,
                topic=TOPIC,
                part=_RECORD_PART,
                reason=_REASON,
                subject=nullable(text("lifts-value")),
                version=nullable(NUMBER),
                path=text("floor"),
                found_type=nullable(text("string")),
                message=text("Topic lifts does not accept this value (policy lifts): it is json and names no schema."),
            )
        ),
        nodes=whole(answered=NUMBER, known=nullable(NUMBER)),
    ),
    "KafkaTopicPolicyTest": whole(
        kind=one_of(["KafkaTopicPolicyTest"]),
        metadata=_POLICY_METADATA,
        name=TOPIC,
        topic=TOPIC,
        results=array(
            whole(
                is_accepted=BOOLEAN,
                error_code=with_example(nullable(NUMBER), None),
                message=with_example(nullable(text("It names no schema.")), None),
                reason=with_example(nullable(_REASON), None),
                dead_letter_topic=with_example(nullable(TOPIC), None),
                key=with_example(nullable(derive(ProducedPart)), None),
                value=with_example(nullable(derive(ProducedPart)), None),
            )
        ),
    ),
    "KafkaConsumerGroup": _entity(
        "KafkaConsumerGroup",
        _GROUP_PATH,
        _GROUP_NAME,
        consumer_group_id=GROUP,
        is_simple=with_example(BOOLEAN, example=False),
        partition_assignor=text("range"),
        state=text("STABLE"),
        type=one_of(["CLASSIC", "CONSUMER"]),
        is_mixed_consumer_group=with_example(BOOLEAN, example=False),
        coordinator=nullable(_link_schema("brokers/1")),
        consumers=_link_schema(f"{_GROUP_PATH}/consumers"),
        lag_summary=_link_schema(f"{_GROUP_PATH}/lag-summary"),
    ),
    "KafkaConsumer": _entity(
        "KafkaConsumer",
        _CONSUMER_PATH,
        f"{_GROUP_NAME}/consumer=reader-1-0d2f",
        consumer_group_id=GROUP,
        **_MEMBER,
        assignments=_link_schema(f"{_CONSUMER_PATH}/assignments"),
    ),
    "KafkaConsumerAssignment": _entity(
        "KafkaConsumerAssignment",
        f"{_CONSUMER_PATH}/assignments/lifts/partitions/0",
        f"{_GROUP_NAME}/consumer=reader-1-0d2f/assignment=lifts/partition=0",
        consumer_group_id=GROUP,
        consumer_id=CONSUMER,
        **_AT,
        partition=_link_schema(_PARTITION_PATH),
        lag=_link_schema(f"{_GROUP_PATH}/lags/lifts/partitions/0"),
    ),
    "KafkaConsumerLag": _entity(
        "KafkaConsumerLag",
        f"{_GROUP_PATH}/lags/lifts/partitions/0",
        f"{_GROUP_NAME}/lag=lifts/partition=0",
        consumer_group_id=GROUP,
        **_AT,
        **_MEMBER,
        current_offset=with_example(OFFSET, 35),
        log_end_offset=OFFSET,
        lag=_LEVEL,
    ),
    "KafkaConsumerGroupLagSummary": _entity(
        "KafkaConsumerGroupLagSummary",
        f"{_GROUP_PATH}/lag-summary",
        f"{_GROUP_NAME}/lag-summary",
        consumer_group_id=GROUP,
        max_lag_consumer_id=CONSUMER,
        max_lag_consumer=_link_schema(_CONSUMER_PATH),
        max_lag_client_id=text("reader"),
        max_lag_instance_id=nullable(text("reader-1")),
        max_lag_topic_name=TOPIC,
        max_lag_partition_id=PARTITION,
        max_lag_partition=_link_schema(_PARTITION_PATH),
        max_lag=_LEVEL,
        total_lag=_LEVEL,
    ),
    "KafkaConsumerGroupOffset": whole(
        kind=one_of(["KafkaConsumerGroupOffset"]),
        cluster_id=CLUSTER,
        consumer_group_id=GROUP,
        **_AT,
        offset=OFFSET,
        partition=_link_schema(_PARTITION_PATH),
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
    "ProduceData": with_example(
        derive_request(
            RecordData,
            {
                "subject": text("lifts-value"),
                "schema_id": NUMBER,
                "schema_version": NUMBER,
                "schema": text('{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}'),
            },
        ),
        {"type": "JSON", "data": {"floor": 3}},
    ),
    "ProduceSuccess": with_example(
        derive(ProduceSuccess),
        {
            "error_code": 200,
            "cluster_id": _CLUSTER_ID,
            "topic_name": "lifts",
            "partition_id": 0,
            "offset": 42,
            "timestamp": _TIME["examples"][0],
            "value": {"type": "JSON", "size": 11},
        },
    ),
    "ProduceFailure": derive(ProduceFailure),
}
