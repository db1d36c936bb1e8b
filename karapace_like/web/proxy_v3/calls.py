"""What `/openapi.json` says of each REST v3 call: its parameters, its body, its answer."""

from karapace_like.proxy.v3.records import DataType
from karapace_like.web.json_schemas import (
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    OFFSET,
    array,
    fields,
    mapping,
    needing,
    nullable,
    one_of,
    ref,
    shown,
    text,
    whole,
)
from karapace_like.web.proxy_v3.objects import ACL, CONFIG, PARTITION, TOPIC, URL
from karapace_like.web.routing import Call, Parameter

_PAGE = (
    Parameter("page_size", shown(NUMBER, 100), "How many at most; unset, all."),
    Parameter("page_token", text("100"), "From `metadata.next` of the page before."),
)


def one(kind: str, *query: Parameter) -> Call:
    """A call that answers one object."""
    return Call(query, answer=ref(kind))


def several(kind: str, *query: Parameter) -> Call:
    """A call that answers a list, or a page of it."""
    metadata = whole(self=text(URL), next=nullable(text(f"{URL}?page_size=100&page_token=100")))
    return Call((*query, *_PAGE), answer=whole(kind=one_of([f"{kind}List"]), metadata=metadata, data=array(ref(kind))))


_RECORD = {
    "partition_id": PARTITION,
    "timestamp": {"type": ["string", "integer"], "examples": ["2026-01-01T00:00:00.000Z"]},
    "headers": array(needing(fields(name=text("trace"), value=text("AAE=")), "name")),
    "key": ref("ProduceData"),
    "value": ref("ProduceData"),
}
_SENT = {"key": {"type": "STRING", "data": "north"}, "value": {"type": "JSON", "data": {"floor": 3}}}
PRODUCE = Call(body=shown(fields(**_RECORD), _SENT), answer={"anyOf": [ref("ProduceSuccess"), ref("ProduceFailure")]})
PRODUCE_BATCH = Call(
    body=whole(entries=array(shown(needing(fields(id=text("first"), **_RECORD), "id"), {"id": "first", **_SENT}))),
    answer=whole(successes=array(ref("ProduceSuccess")), failures=array(ref("ProduceFailure"))),
    status=207,
)
_TYPE = one_of(DataType)
READ = Call(
    (
        Parameter("offset", text("earliest"), "Where to begin: `earliest`, `latest` or a number."),
        Parameter("timestamp", MILLISECONDS, "Begin at the first records that are not older, in place of the offset."),
        Parameter("type", _TYPE, "How to show keys and values; BINARY if unset."),
        Parameter("key_type", _TYPE, "How to show keys, where it is not `type`."),
        Parameter("value_type", _TYPE, "How to show values, where it is not `type`."),
        Parameter("limit", shown(NUMBER, 100), "How many at most."),
        Parameter("timeout", shown(NUMBER, 1000), "Milliseconds to wait for a record where all is read."),
        Parameter("stream", BOOLEAN, "One record a line as they come, until `limit` of them or for ever."),
        Parameter("page_token", text("0:42"), "From `metadata.next` of the page before."),
    ),
    answer=several("KafkaRecord").answer,
)

TOPIC_SEEN = one("KafkaTopic", Parameter("include_authorized_operations", BOOLEAN, "With what the caller may do."))
_CONFIGS = array(needing(fields(name=CONFIG, value=nullable(text("604800000"))), "name"))
CREATE_TOPIC = Call(
    body=shown(
        needing(
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
    answer=ref("KafkaTopic"),
    status=201,
)
CHANGE_TOPIC = Call(body=whole(partitions_count=shown(NUMBER, 12)), answer=ref("KafkaTopic"))
PARTITION_OFFSET = one(
    "KafkaPartitionOffset", Parameter("offset_type", one_of(["latest", "earliest"]), "Which end; `latest` if unset.")
)
NOTHING = Call(status=204)

SET_CONFIG = Call(body=whole(value=nullable(text("604800000"))), status=204)
_CHANGE = needing(fields(name=CONFIG, value=nullable(text("604800000")), operation=one_of(["SET", "DELETE"])), "name")
ALTER_CONFIGS = Call(
    body=needing(fields(data=array(_CHANGE), validate_only=shown(BOOLEAN, example=False)), "data"), status=204
)
ALTER_TOPICS = Call(
    body=needing(
        fields(
            data=array(whole(topic_name=TOPIC, configs=array(_CHANGE))), validate_only=shown(BOOLEAN, example=False)
        ),
        "data",
    ),
    answer=whole(failures=array(whole(topic_name=TOPIC, error_code=NUMBER, message=text("No such topic.")))),
    status=207,
    or_nothing=True,
)
ALTER_OFFSETS = Call(body=whole(data=array(whole(topic_name=TOPIC, partition_id=PARTITION, offset=OFFSET))), status=204)

_ACL_BODY = whole(**ACL)
_ACL_FILTER = tuple(
    Parameter(name, ACL[name], about)
    for name, about in {
        "resource_type": "What is protected.",
        "resource_name": "Its name.",
        "pattern_type": "How it is named; MATCH: whatever holds for that name.",
        "principal": "Who is meant.",
        "host": "Where requests come from.",
        "operation": "What is done.",
        "permission": "Whether it may be.",
    }.items()
)
_NEEDED = ("resource_type", "pattern_type", "operation", "permission")
SEARCH_ACLS = several("KafkaAcl", *_ACL_FILTER)
DELETE_ACLS = Call(
    tuple(each._replace(required=each.name in _NEEDED) for each in _ACL_FILTER),
    answer=whole(data=array(ref("KafkaAcl"))),
)
CREATE_ACL = Call(body=_ACL_BODY, status=201)
CREATE_ACLS = Call(body=whole(data=array(_ACL_BODY)), status=201)
