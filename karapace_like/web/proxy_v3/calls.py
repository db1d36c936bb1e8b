"""The parameters, bodies and responses of the REST v3 calls, for `/openapi.json`."""

from karapace_like.policies.policy import TopicPolicy
from karapace_like.proxy.v3.records import DataType, RecordRequest
from karapace_like.web.http.json_schemas import (
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    OFFSET,
    array,
    derive_request,
    fields,
    mapping,
    nullable,
    one_of,
    ref,
    require_fields,
    text,
    whole,
    with_example,
)
from karapace_like.web.proxy.objects import ATOMIC, IDEMPOTENCY_KEY, ISOLATION, LENIENT_JSON, READERS
from karapace_like.web.proxy_v3.objects import ACL, CONFIG, PARTITION, TOPIC, URL
from karapace_like.web.routing import Call, Parameter

_PAGE = (
    Parameter("page_size", with_example(NUMBER, 100), "The most items of a page; all if unset."),
    Parameter("page_token", text("100"), "Token of the page, from `metadata.next` of the previous page."),
)


def describe_one(kind: str, *query: Parameter) -> Call:
    """Describe a call that responds with one object."""
    return Call(query, response=ref(kind))


def describe_list(kind: str, *query: Parameter) -> Call:
    """Describe a call that responds with a list, or a page of it."""
    metadata = whole(self=text(URL), next=nullable(text(f"{URL}?page_size=100&page_token=100")))
    return Call(
        (*query, *_PAGE), response=whole(kind=one_of([f"{kind}List"]), metadata=metadata, data=array(ref(kind)))
    )


_SENT = {"key": {"type": "STRING", "data": "north"}, "value": {"type": "JSON", "data": {"floor": 3}}}
_RECORD = derive_request(
    RecordRequest, {"headers.name": text("trace"), "key": ref("ProduceData"), "value": ref("ProduceData")}
)
_ENTRY = require_fields({**_RECORD, "properties": {"id": text("first"), **_RECORD["properties"]}}, "id")
PRODUCE = Call(
    (LENIENT_JSON,),
    body=with_example(_RECORD, _SENT),
    response={"anyOf": [ref("ProduceSuccess"), ref("ProduceFailure")]},
)
PRODUCE_BATCH = Call(
    (LENIENT_JSON, ATOMIC),
    body=whole(entries=array(with_example(_ENTRY, {"id": "first", **_SENT}))),
    response=whole(successes=array(ref("ProduceSuccess")), failures=array(ref("ProduceFailure"))),
    status=207,
    headers=(IDEMPOTENCY_KEY,),
)
_TYPE = one_of(DataType)
READ = Call(
    (
        Parameter("offset", text("earliest"), "Where to start: `earliest`, `latest` or an offset."),
        Parameter("timestamp", MILLISECONDS, "Start at the first records that are not older, instead of the offset."),
        Parameter("type", _TYPE, "Format of keys and values; BINARY if unset."),
        Parameter("key_type", _TYPE, "Format of keys, if it is not `type`."),
        Parameter("value_type", _TYPE, "Format of values, if it is not `type`."),
        Parameter("limit", with_example(NUMBER, 100), "The most records of a page."),
        Parameter("timeout", with_example(NUMBER, 1000), "Milliseconds to wait for a record at the end of the topic."),
        Parameter("stream", BOOLEAN, "Stream one record on each line as they arrive, until `limit` records are sent."),
        Parameter("page_token", text("0:42"), "Token of the page, from `metadata.next` of the previous page."),
        ISOLATION,
        *READERS,
    ),
    response=describe_list("KafkaRecord").response,
)

TOPIC_SEEN = describe_one(
    "KafkaTopic",
    Parameter("include_authorized_operations", BOOLEAN, "Include the operations that the caller is allowed."),
)
_CONFIGS = array(require_fields(fields(name=CONFIG, value=nullable(text("604800000"))), "name"))
CREATE_TOPIC = Call(
    body=with_example(
        require_fields(
            fields(
                topic_name=TOPIC,
                partitions_count=NUMBER,
                replication_factor=NUMBER,
                replicas_assignments=mapping(array(NUMBER)),
                configs=_CONFIGS,
                validate_only=BOOLEAN,
            ),
            "topic_name",
        ),
        {
            "topic_name": "lifts",
            "partitions_count": 6,
            "replication_factor": 1,
            "configs": [{"name": "retention.ms", "value": "604800000"}],
        },
    ),
    response=ref("KafkaTopic"),
    status=201,
)
CHANGE_TOPIC = Call(body=whole(partitions_count=with_example(NUMBER, 12)), response=ref("KafkaTopic"))
PARTITION_OFFSETS = describe_one(
    "KafkaPartitionWithOffsets",
    Parameter("offset_type", one_of(["earliest_and_latest"]), "Which offsets: always both."),
)
NOTHING = Call(status=204)

_FORCE = Parameter("force", BOOLEAN, "Accept that plain keys get other bytes, and with them other partitions.")
LIST_POLICIES = describe_list("KafkaTopicPolicy")
GET_POLICY = describe_one(
    "KafkaTopicPolicy", Parameter("effective", BOOLEAN, "Describe the policy that is in force for the topic.")
)
PUT_POLICY = Call(
    (Parameter("dryRun", BOOLEAN, "Check the policy, and set nothing."), _FORCE),
    body=with_example(derive_request(TopicPolicy), {"mode": "observe", "value": {"plain": "refuse"}}),
    response=ref("KafkaTopicPolicy"),
)
GET_VIOLATIONS = describe_one("KafkaTopicPolicyViolations")
TEST_POLICY = Call(
    body=with_example(
        require_fields(
            fields(topic=nullable(TOPIC), policy=nullable(derive_request(TopicPolicy)), records=array(_RECORD)),
            "records",
        ),
        {"policy": {"value": {"plain": "refuse"}}, "records": [_SENT]},
    ),
    response=ref("KafkaTopicPolicyTest"),
)
DELETE_POLICY = Call((_FORCE,), status=204)

SET_CONFIG = Call(body=whole(value=nullable(text("604800000"))), status=204)
_CHANGE = require_fields(
    fields(name=CONFIG, value=nullable(text("604800000")), operation=one_of(["SET", "DELETE"])), "name"
)
ALTER_CONFIGS = Call(
    body=require_fields(fields(data=array(_CHANGE), validate_only=with_example(BOOLEAN, example=False)), "data"),
    status=204,
)
ALTER_TOPICS = Call(
    body=require_fields(
        fields(
            data=array(whole(topic_name=TOPIC, configs=array(_CHANGE))),
            validate_only=with_example(BOOLEAN, example=False),
        ),
        "data",
    ),
    response=whole(failures=array(whole(topic_name=TOPIC, error_code=NUMBER, message=text("No such topic.")))),
    status=207,
    may_be_empty=True,
)
ALTER_OFFSETS = Call(body=whole(data=array(whole(topic_name=TOPIC, partition_id=PARTITION, offset=OFFSET))), status=204)

_ACL_BODY = whole(**ACL)
_ACL_FILTER = tuple(
    Parameter(name, ACL[name], about)
    for name, about in {
        "resource_type": "Kind of the resource.",
        "resource_name": "Name of the resource.",
        "pattern_type": "How the name matches; MATCH finds every ACL that applies to the name.",
        "principal": "Principal, such as `User:alice`.",
        "host": "Host of the client; `*` is every host.",
        "operation": "Operation on the resource.",
        "permission": "ALLOW or DENY.",
    }.items()
)
_NEEDED = ("resource_type", "pattern_type", "operation", "permission")
SEARCH_ACLS = describe_list("KafkaAcl", *_ACL_FILTER)
DELETE_ACLS = Call(
    tuple(parameter._replace(required=parameter.name in _NEEDED) for parameter in _ACL_FILTER),
    response=whole(data=array(ref("KafkaAcl"))),
)
CREATE_ACL = Call(body=_ACL_BODY, status=201)
CREATE_ACLS = Call(body=whole(data=array(_ACL_BODY)), status=201)
