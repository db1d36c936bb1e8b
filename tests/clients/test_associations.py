"""A topic that is associated with a subject of another name: serializers as configured by default, and REST."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka.schema_registry import Schema
from confluent_kafka.serialization import MessageField, SerializationContext

from tests.calling import call
from tests.clients.conftest import Library
from tests.service_process import ServiceProcess

PARCEL = '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"}]}'
AVRO = "application/vnd.kafka.avro.v2+json"
BINARY = "application/vnd.kafka.binary.v2+json"


def associate(service: ServiceProcess, topic: str, subject: str, **fields: Any) -> None:
    body = {
        "resourceName": topic,
        "resourceNamespace": "own",
        "resourceId": topic,
        "associations": [{"subject": subject, **fields}],
    }
    assert call(service.url, "POST", "/associations", body)["associations"][0]["subject"] == subject


async def test_a_default_serializer_uses_the_associated_subject(
    service: ServiceProcess, library: Library, topic: Callable[[], str]
) -> None:
    """It registers there, and a reader finds the schema, in another context too."""
    for subject in (f"{topic()}-shared", f":.{topic()}:shared"):
        name = topic()
        await library.client.register_schema(subject, Schema(PARCEL))
        associate(service, name, subject)
        serializer = await library.serde("AvroSerializer", schema_str=Schema(PARCEL))
        context = SerializationContext(name, MessageField.VALUE, headers=[])
        written = await serializer({"grams": 3}, context)
        await library.client.clear_caches()
        deserializer = await library.serde("AvroDeserializer")
        assert await deserializer(written, context) == {"grams": 3}
        assert f"{name}-value" not in call(service.url, "GET", "/subjects")


@pytest.mark.parametrize("is_in_context", [False, True])
def test_the_proxy_uses_the_associated_subject(
    service: ServiceProcess, topic: Callable[[], str], *, is_in_context: bool
) -> None:
    """Writing with a schema and with the latest one, by v2 and v3; and reading, where the id is of another context."""
    name, other = topic(), topic()
    subject = f":.{other}:shared" if is_in_context else f"{other}-shared"
    registered = call(service.url, "POST", f"/subjects/{subject}/versions", {"schema": PARCEL})
    records = {"records": [{"value": {"grams": 3}}]}
    associate(service, name, subject)
    produced = call(service.url, "POST", f"/topics/{name}", {"value_schema": PARCEL, **records}, content_type=AVRO)
    assert produced["value_schema_id"] == registered["id"]
    assert (
        call(service.url, "POST", f"/topics/{name}", records, content_type=AVRO)["value_schema_id"]
        == (registered["id"])
    )
    [cluster] = call(service.url, "GET", "/v3/clusters")["data"]
    path = f"/v3/clusters/{cluster['cluster_id']}/topics/{name}/records"
    for data in ({"type": "AVRO", "schema": PARCEL}, {}, {"schema_id": registered["id"]}):
        status = call(service.url, "POST", path, {"value": {**data, "data": {"grams": 3}}})
        assert (status["error_code"], status["value"]["subject"]) == (200, subject)
    assert f"{name}-value" not in call(service.url, "GET", "/subjects")
    read = call(service.url, "GET", f"/topics/{name}/partitions/0/records?offset=0&count=5", accept=AVRO)
    assert [record["value"] for record in read] == [{"grams": 3}] * 5
    framed = call(service.url, "GET", f"/topics/{name}/partitions/0/records?offset=0&count=1", accept=BINARY)
    assert base64.b64decode(framed[0]["value"]) == b"\0" + registered["id"].to_bytes(4, "big") + b"\x06"


def test_a_strategy_or_subject_in_the_request_decides(service: ServiceProcess, topic: Callable[[], str]) -> None:
    name = topic()
    subject = f"{name}-shared"
    call(service.url, "POST", f"/subjects/{subject}/versions", {"schema": PARCEL})
    associate(service, name, subject)
    records = {"records": [{"value": {"grams": 3}}], "value_schema": PARCEL}
    for named, expected in (
        ({"value_subject_name_strategy": "TOPIC_NAME"}, f"{name}-value"),
        ({"value_subject": f"{name}-own"}, f"{name}-own"),
    ):
        call(service.url, "POST", f"/topics/{name}", {**records, **named}, content_type=AVRO)
        assert expected in call(service.url, "GET", "/subjects")
