"""The lines of files and of their progress, as `/openapi.json` describes the calls."""

from karapace_like.proxy.formats import AUTO, EmbeddedFormat
from karapace_like.web.http.json_schemas import MILLISECONDS, NUMBER, OFFSET, one_of, text, with_example
from karapace_like.web.proxy.objects import READERS
from karapace_like.web.routing import Call, Parameter

NDJSON = "application/x-ndjson"
AVRO_TYPES = ("application/avro", "avro/binary")
"""Media types of Avro container files: none is registered, and both are in use."""
SCHEMAS = ("register", "latest")
_FORMAT = one_of(EmbeddedFormat)
_READ_FORMAT = one_of([*EmbeddedFormat, AUTO])
_BYTES = {"format": "binary"}
"""No text for generated clients: they send and return it as bytes."""
UPLOAD = Call(
    query=(
        Parameter("key_format", _FORMAT, "Format of the keys of lines; `json` if unset."),
        Parameter("value_format", _FORMAT, "Format of the values of lines; `json` if unset."),
        Parameter("key_schema_id", NUMBER, "Schema of the keys; the latest of the topic's subject if unset."),
        Parameter("value_schema_id", NUMBER, "Schema of the values; the latest of the topic's subject if unset."),
        Parameter(
            "schema",
            one_of(SCHEMAS),
            "Of an Avro file: `register` its schema in the topic's subject if need be, which is the default, or write "
            "its values with the `latest` one, which they have to fit.",
        ),
        Parameter("skip", OFFSET, "Leave out so many records at the beginning, which an earlier call has written."),
    ),
    body={**text('{"key": "north", "value": {"floor": 3}}\n{"key": "south", "value": {"floor": 1}}\n'), **_BYTES},
    response={
        **text('{"progress":{"records":500,"written":500}}\n{"done":true,"records":812,"written":812}\n'),
        **_BYTES,
    },
    request_types=(NDJSON, *AVRO_TYPES),
    response_types=(NDJSON,),
)
DOWNLOAD = Call(
    query=(
        Parameter("from", MILLISECONDS, "Only records that are not older."),
        Parameter("to", MILLISECONDS, "Only records that are older; at most those that are there now."),
        Parameter("format", _READ_FORMAT, "Format of keys and values of lines; recognised (`auto`) if unset."),
        Parameter("key_format", _READ_FORMAT, "Format of the keys, if it is not `format`."),
        Parameter("value_format", _READ_FORMAT, "Format of the values, if it is not `format`."),
        *READERS,
    ),
    response=with_example(
        {**text(""), **_BYTES},
        '{"topic":"lifts","key":"north","value":{"floor":3},"partition":0,"offset":42,"timestamp":1795000000000}\n'
        '{"done":true,"records":1}\n',
    ),
    response_types=(NDJSON, *AVRO_TYPES),
)
