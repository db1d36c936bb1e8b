"""Topics as other registries write them, byte for byte: made by hand from what is known of their writers.

Each is a list of (key, value) in the topic's order; None is a real null.
"""

Log = list[tuple[bytes, bytes | None]]


def version_key(subject: str, version: int) -> bytes:
    return b'{"keytype":"SCHEMA","subject":"%s","version":%d,"magic":1}' % (subject.encode(), version)


CONFLUENT: Log = [
    (b'{"keytype":"NOOP","magic":0}', None),
    (b'{"keytype":"CONFIG","magic":0}', b'{"compatibilityLevel":"FULL","compatibilityPolicy":"STRICT"}'),
    (
        version_key("money", 1),
        (
            b'{"subject":"money","version":1,"id":1,"schemaType":"AVRO","schema":"{\\"type\\":\\"record\\",\\"name\\":\\"Money\\",'
            b'\\"fields\\":[{\\"name\\":\\"cents\\",\\"type\\":\\"long\\"}]}","deleted":false}'
        ),
    ),
    (
        version_key("order", 1),
        (
            b'{"subject":"order","version":1,"id":2,"md5":"2gIsXk5bJ0i1m3q8s4yG8A==","schemaType":"AVRO","references":'
            b'[{"name":"Money","subject":"money","version":1}],"metadata":{"properties":{"owner":"sales","secret":"AbC="},'
            b'"sensitive":["secret"]},"ruleSet":{"domainRules":[{"name":"positive","kind":"CONDITION","mode":"WRITE",'
            b'"type":"CEL","expr":"message.total.cents > 0","disabled":false}]},"schema":"{\\"type\\":\\"record\\",'
            b'\\"name\\":\\"Order\\",\\"fields\\":[{\\"name\\":\\"total\\",\\"type\\":\\"Money\\"}]}","deleted":false}'
        ),
    ),
    (
        version_key("old", 1),
        b'{"subject":"old","version":1,"id":3,"schemaType":"JSON","schema":"{\\"type\\":\\"object\\"}","deleted":false}',
    ),
    (
        version_key("old", 2),
        b'{"subject":"old","version":2,"id":4,"schemaType":"JSON","schema":"{\\"type\\":\\"string\\"}","deleted":false}',
    ),
    (b'{"keytype":"DELETE_SUBJECT","subject":"old","magic":0}', b'{"subject":"old","version":2}'),
    # Permanently deleted.
    (
        version_key("gone", 1),
        b'{"subject":"gone","version":1,"id":5,"schemaType":"AVRO","schema":"\\"bytes\\"","deleted":false}',
    ),
    (
        version_key("gone", 1),
        b'{"subject":"gone","version":1,"id":5,"schemaType":"AVRO","schema":"\\"bytes\\"","deleted":true}',
    ),
    (version_key("gone", 1), None),
    (
        b'{"keytype":"CONFIG","subject":"order","magic":0}',
        b'{"subject":"order","alias":"","compatibilityLevel":"NONE"}',
    ),
    (b'{"keytype":"CONFIG","subject":"money","magic":0}', b'{"compatibilityLevel":"BACKWARD"}'),
    (b'{"keytype":"MODE","subject":"money","magic":0}', b'{"subject":"money","mode":"READONLY"}'),
    # A context is written before its first schema, and has ids of its own.
    (
        b'{"keytype":"CONTEXT","tenant":"default","context":".eu","magic":0}',
        b'{"tenant":"default","context":".eu"}',
    ),
    (
        version_key(":.eu:order", 1),
        (
            b'{"subject":":.eu:order","version":1,"id":1,"schemaType":"PROTOBUF","schema":"syntax = \\"proto3\\";\\n\\n'
            b'message Order {\\n  int64 total = 1;\\n}\\n","deleted":false}'
        ),
    ),
    # Imported over soft-deleted versions.
    (
        version_key("cleared", 1),
        b'{"subject":"cleared","version":1,"id":6,"schemaType":"AVRO","schema":"\\"float\\"","deleted":true}',
    ),
    (b'{"keytype":"CLEAR_SUBJECT","subject":"cleared","magic":0}', b'{"subject":"cleared"}'),
    # An id that is taken already, and how its writer takes it back: by what the key held before.
    (
        version_key("late", 1),
        b'{"subject":"late","version":1,"id":1,"schemaType":"AVRO","schema":"\\"double\\"","deleted":false}',
    ),
    (version_key("late", 1), None),
    (
        version_key("money", 1),
        b'{"subject":"money","version":1,"id":2,"schemaType":"AVRO","schema":"\\"double\\"","deleted":false}',
    ),
    (
        version_key("money", 1),
        (
            b'{"subject":"money","version":1,"id":1,"schemaType":"AVRO","schema":"{\\"type\\":\\"record\\",\\"name\\":\\"Money\\",'
            b'\\"fields\\":[{\\"name\\":\\"cents\\",\\"type\\":\\"long\\"}]}","deleted":false,"offset":2,"ts":1700000000000}'
        ),
    ),
    (
        (
            b'{"keytype":"ASSOC","tenant":"default","resourceName":"orders","resourceNamespace":"lkc","resourceType":"topic",'
            b'"associationType":"value","subject":"order","magic":0}'
        ),
        b'{"guid":"x","tenant":"default","resourceName":"orders"}',
    ),
]
"""By Confluent Schema Registry 8."""

KARAPACE: Log = [
    # One key that is not in its canonical order makes it write the legacy order.
    (
        b'{"subject":"user","version":1,"magic":1,"keytype":"SCHEMA"}',
        (
            b'{"subject":"user","version":1,"id":1,"schema":"{\\"fields\\":[{\\"name\\":\\"id\\",\\"type\\":\\"int\\"}],'
            b'\\"name\\":\\"User\\",\\"type\\":\\"record\\"}","deleted":false}'
        ),
    ),
    (
        b'{"subject":"user","version":2,"magic":1,"keytype":"SCHEMA"}',
        (
            b'{"subject":"user","version":2,"id":2,"schema":"{\\"fields\\":[{\\"name\\":\\"id\\",\\"type\\":\\"long\\"}],'
            b'\\"name\\":\\"User\\",\\"type\\":\\"record\\"}","deleted":false}'
        ),
    ),
    (
        version_key("item", 1),
        (
            b'{"subject":"item","version":1,"id":3,"schema":"{\\"type\\":\\"object\\"}","deleted":false,"references":[],'
            b'"schemaType":"JSON"}'
        ),
    ),
    # Its tombstones are empty, not null.
    (
        version_key("dropped", 1),
        b'{"subject":"dropped","version":1,"id":4,"schema":"\\"int\\"","deleted":true}',
    ),
    (version_key("dropped", 1), b""),
    (b'{"keytype":"CONFIG","subject":null,"magic":0}', b'{"compatibilityLevel":"NONE"}'),
    (b'{"keytype":"CONFIG","subject":"user","magic":0}', b'{"compatibilityLevel":"FULL"}'),
    (b'{"keytype":"DELETE_SUBJECT","subject":"item","magic":0}', b'{"subject":"item","version":1}'),
]
"""By Karapace 5."""

REDPANDA: Log = [
    (
        b'{"keytype":"SCHEMA","subject":"a","version":1,"magic":1,"seq":0,"node":1}',
        b'{"subject":"a","version":1,"id":1,"schema":"\\"int\\"","deleted":false}',
    ),
    (
        b'{"keytype":"CONFIG","magic":0,"seq":1,"node":1}',
        b'{"compatibilityLevel":"FULL"}',
    ),
    (
        b'{"keytype":"DELETE_SUBJECT","subject":"a","magic":0,"seq":2,"node":1}',
        b'{"subject":"a"}',
    ),
]
"""By Redpanda, which numbers its writes in the keys; a deletion may name no version."""
