"""confluent-kafka's own registry client against the service: what a Python producer or consumer does all day."""

from collections.abc import Callable, Iterator

import pytest
from confluent_kafka.schema_registry import Schema, SchemaReference, SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.service_process import ServiceProcess

PARCEL = '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"}]}'
PARCEL_2 = (
    '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"},'
    '{"name":"fragile","type":"boolean","default":false}]}'
)
BROKEN = '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"depot","type":"string"}]}'


@pytest.fixture
def client(service: ServiceProcess) -> Iterator[SchemaRegistryClient]:
    with SchemaRegistryClient({"url": service.url}) as found:
        yield found


def test_the_client_registers_looks_up_lists_checks_and_deletes(
    client: SchemaRegistryClient, topic: Callable[[], str]
) -> None:
    """The whole life of a subject."""
    subject = f"{topic()}-value"
    first = client.register_schema(subject, Schema(PARCEL, "AVRO"))
    assert client.register_schema(subject, Schema(PARCEL, "AVRO")) == first
    found = client.lookup_schema(subject, Schema(PARCEL, "AVRO"))
    assert (found.subject, found.version, found.schema_id) == (subject, 1, first)
    assert client.get_schema(first).schema_str == PARCEL
    assert client.test_compatibility(subject, Schema(PARCEL_2, "AVRO"))
    assert not client.test_compatibility(subject, Schema(BROKEN, "AVRO"))
    second = client.register_schema(subject, Schema(PARCEL_2, "AVRO"))
    assert second != first
    assert client.get_versions(subject) == [1, 2]
    assert subject in client.get_subjects()
    assert client.get_latest_version(subject).schema_id == second
    assert client.get_version(subject, 1).schema_id == first
    assert client.delete_version(subject, 1) == 1
    assert client.delete_subject(subject) == [2]
    assert client.delete_subject(subject, permanent=True) == [1, 2]
    assert subject not in client.get_subjects()


def test_the_client_sets_and_reads_compatibility(client: SchemaRegistryClient, topic: Callable[[], str]) -> None:
    """Levels are per subject, and hold at once."""
    subject = f"{topic()}-value"
    client.register_schema(subject, Schema(PARCEL, "AVRO"))
    client.set_compatibility(subject, "NONE")
    assert client.get_compatibility(subject) == "NONE"
    client.register_schema(subject, Schema(BROKEN, "AVRO"))
    client.set_compatibility(subject, "FULL_TRANSITIVE")
    with pytest.raises(SchemaRegistryError) as raised:
        client.register_schema(subject, Schema(PARCEL_2, "AVRO"))
    assert (raised.value.http_status_code, raised.value.error_code) == (409, 40901)


def test_references_reach_the_serializer(client: SchemaRegistryClient, topic: Callable[[], str]) -> None:
    """A schema with a reference serializes and deserializes with the library's own serdes."""
    name = topic()
    client.register_schema(f"{name}-parcel", Schema(PARCEL, "AVRO"))
    route = '{"type":"record","name":"Route","namespace":"own","fields":[{"name":"load","type":"own.Parcel"}]}'
    schema = Schema(route, "AVRO", [SchemaReference("own.Parcel", f"{name}-parcel", 1)])
    context = SerializationContext(name, MessageField.VALUE)
    written = AvroSerializer(client, schema)({"load": {"grams": 12}}, context)
    assert AvroDeserializer(client)(written, context) == {"load": {"grams": 12}}


def test_errors_keep_their_codes(client: SchemaRegistryClient, topic: Callable[[], str]) -> None:
    """The client shows the code and the sentence of the service."""
    with pytest.raises(SchemaRegistryError) as raised:
        client.get_latest_version(topic())
    assert (raised.value.http_status_code, raised.value.error_code) == (404, 40401)
    with pytest.raises(SchemaRegistryError) as raised:
        client.register_schema(topic(), Schema("{", "AVRO"))
    assert (raised.value.http_status_code, raised.value.error_code) == (422, 42201)
