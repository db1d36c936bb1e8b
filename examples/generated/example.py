"""Register a schema, check another, produce a record and read it back (docs/generated-clients.md)."""

import os

from registry_client import Client
from registry_client.api.registry_compatibility import post_compatibility_subjects_subject_versions_version as check
from registry_client.api.registry_subjects import post_subjects_subject_versions as register
from registry_client.api.rest_proxy_v_2_consumers import get_topics_topic_partitions_partition_records as read
from registry_client.api.rest_proxy_v_2_produce import post_topics_topic as produce
from registry_client.models import GetTopicsTopicPartitionsPartitionRecordsFormat as ReadFormat
from registry_client.models import ProducedRecord, ProduceRequest, ProduceRequestValueFormat, RegisterSchemaRequest

topic = os.environ["TOPIC"]
lift = RegisterSchemaRequest(schema='{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}')
other = RegisterSchemaRequest(schema='{"type":"record","name":"Lift","fields":[{"name":"door","type":"int"}]}')
with Client(os.environ["BASE"]) as client:
    registered = register.sync(f"{topic}-value", client=client, body=lift)
    checked = check.sync(f"{topic}-value", "latest", client=client, body=other)
    print("compatible:", str(checked.is_compatible).lower())
    body = ProduceRequest(
        [ProducedRecord(value={"floor": 3})],
        value_format=ProduceRequestValueFormat.AVRO,
        value_schema_id=registered.id,
    )
    print("offset:", produce.sync(topic, client=client, body=body).offsets[0].offset)
    for record in read.sync(topic, 0, client=client, format_=ReadFormat.AVRO, offset=0, timeout=30_000):
        print("floor:", record.value["floor"])
