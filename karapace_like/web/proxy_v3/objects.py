"""The bodies of the REST proxy's v3 as JSON Schema, for `/openapi.json`. Source: Confluent REST Proxy API v3."""

from karapace_like.web.json_schemas import ANYTHING, BOOLEAN, NUMBER, OFFSET, STRING, array, fields
from karapace_like.web.routing import Call

_PAYLOAD = fields(
    type=STRING,
    data=ANYTHING,
    subject=STRING,
    subject_name_strategy=STRING,
    schema_id=NUMBER,
    schema_version=NUMBER,
    schema=STRING,
)
_RECORD = {
    "partition_id": NUMBER,
    "timestamp": STRING,
    "headers": array(fields(name=STRING, value=STRING)),
    "key": _PAYLOAD,
    "value": _PAYLOAD,
}
_ACL = fields(
    resource_type=STRING,
    resource_name=STRING,
    pattern_type=STRING,
    principal=STRING,
    host=STRING,
    operation=STRING,
    permission=STRING,
)

PRODUCE = Call(body=fields(**_RECORD))
PRODUCE_BATCH = Call(body=fields(entries=array(fields(id=STRING, **_RECORD))), status=207)
CREATE_TOPIC = Call(
    body=fields(
        topic_name=STRING,
        partitions_count=NUMBER,
        replication_factor=NUMBER,
        configs=array(fields(name=STRING, value=STRING)),
        validate_only=BOOLEAN,
    ),
    status=201,
)
CHANGE_TOPIC = Call(body=fields(partitions_count=NUMBER))
CREATE_ACL = Call(body=_ACL, status=201)
CREATE_ACLS = Call(body=fields(data=array(_ACL)), status=201)
SET_CONFIG = Call(body=fields(value=STRING), status=204)
ALTER_CONFIGS = Call(
    body=fields(data=array(fields(name=STRING, value=STRING, operation=STRING)), validate_only=BOOLEAN), status=204
)
ALTER_OFFSETS = Call(body=fields(data=array(fields(topic_name=STRING, partition_id=NUMBER, offset=OFFSET))), status=204)
