"""confluent-kafka's serializers and deserializers of the three formats, with references, against the service."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    header_schema_id_serializer,
)
from confluent_kafka.schema_registry.rule_registry import RuleRegistry
from confluent_kafka.schema_registry.serde import RuleContext, RuleExecutor
from confluent_kafka.serialization import MessageField, SerializationContext, SerializationError
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from tests.clients import protos
from tests.clients.conftest import Awaited, Library
from tests.service_process import ServiceProcess

PARCEL = (
    '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"barcode","type":"string"},'
    '{"name":"grams","type":"int"}]}'
)
PARCEL_2 = (
    '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"barcode","type":"string"},'
    '{"name":"grams","type":"int"},{"name":"fragile","type":"boolean","default":false}]}'
)
ROUTE = (
    '{"type":"record","name":"Route","namespace":"own","fields":['
    '{"name":"loads","type":{"type":"array","items":"Parcel"}}]}'
)
LOAD = {"barcode": "4006381333931", "grams": 12}

PARCEL_JSON = (
    '{"$id":"https://own.example/parcel.json","title":"Parcel","type":"object",'
    '"properties":{"grams":{"type":"integer"}},"required":["grams"],"additionalProperties":false}'
)
ROUTE_JSON = (
    '{"$id":"https://own.example/route.json","title":"Route","type":"object",'
    '"properties":{"loads":{"type":"array","items":{"$ref":"parcel.json"}}},"additionalProperties":false}'
)


@pytest.fixture
def messages(tmp_path: Path) -> dict[str, Any]:
    """Message classes of the Protobuf texts, as a compiler makes them, by full name."""
    compiled = protos.compile_protos(
        tmp_path, {"parcel.proto": protos.PARCEL, "route.proto": protos.route("parcel.proto")}
    )
    files = FileDescriptorSet.FromString(compiled.read_bytes()).file
    return dict(message_factory.GetMessages(files, pool=descriptor_pool.DescriptorPool()))


def value(topic: str) -> SerializationContext:
    return SerializationContext(topic, MessageField.VALUE, headers=[])


async def round_trip(library: Library, serializer: Awaited, deserializer: Awaited, wanted: object, topic: str) -> None:
    """What is written must be read again, by a reader that has to ask the service for the schema."""
    written = await serializer(wanted, value(topic))
    assert written[0] == 0
    await library.client.clear_caches()
    assert await deserializer(written, value(topic)) == wanted


async def test_avro_with_references(library: Library, topic: Callable[[], str]) -> None:
    """A record whose schema refers to another subject's is written and read."""
    name = topic()
    await library.client.register_schema(f"{name}-parcel", Schema(PARCEL))
    schema = Schema(ROUTE, "AVRO", [SchemaReference("own.Parcel", f"{name}-parcel", 1)])
    serializer = await library.serde("AvroSerializer", schema_str=schema)
    deserializer = await library.serde("AvroDeserializer")
    await round_trip(library, serializer, deserializer, {"loads": [LOAD, LOAD]}, name)
    assert (await library.client.get_latest_version(f"{name}-value")).schema == schema


@pytest.mark.parametrize("path", ["contexts/.%s", "contexts/:.%s:"])
async def test_a_client_whose_url_names_a_context(service: ServiceProcess, topic: Callable[[], str], path: str) -> None:
    """Such a client sees nothing but its context, under unqualified names."""
    name = topic()
    with SchemaRegistryClient({"url": f"{service.url}/{path % name}"}) as registry:
        library = Library(registry)
        assert await library.client.register_schema("parcel", Schema(PARCEL)) == 1
        schema = Schema(ROUTE, "AVRO", [SchemaReference("own.Parcel", "parcel", 1)])
        serializer = await library.serde("AvroSerializer", schema_str=schema)
        deserializer = await library.serde("AvroDeserializer")
        await round_trip(library, serializer, deserializer, {"loads": [LOAD]}, name)
        assert await library.client.get_subjects() == [f":.{name}:parcel", f":.{name}:{name}-value"]
        await library.client.set_compatibility("parcel", "FULL")
        assert await library.client.get_compatibility(f":.{name}:parcel") == "FULL"


async def test_json_with_references(library: Library, topic: Callable[[], str]) -> None:
    """A document whose schema refers to another subject's is written, checked and read."""
    name = topic()
    await library.client.register_schema(f"{name}-parcel", Schema(PARCEL_JSON, "JSON"))
    reference = SchemaReference("https://own.example/parcel.json", f"{name}-parcel", 1)
    schema = Schema(ROUTE_JSON, "JSON", [reference])
    serializer = await library.serde("JSONSerializer", schema_str=schema)
    deserializer = await library.serde("JSONDeserializer", schema_str=None)
    await round_trip(library, serializer, deserializer, {"loads": [{"grams": 12}]}, name)
    with pytest.raises(SerializationError, match="'many' is not of type 'integer'"):
        await serializer({"loads": [{"grams": "many"}]}, value(name))
    assert (await library.client.get_latest_version(f"{name}-value")).schema == schema


async def test_protobuf_with_references(library: Library, topic: Callable[[], str], messages: dict[str, Any]) -> None:
    """Messages of imported, nested and well-known types; the library registers the imports by itself."""
    name = topic()
    wanted = messages["own.Route"](loads=[{"grams": 12}], price={"currency_code": "CHF", "units": 9})
    wanted.stops["first"].depot.name = "north"
    wanted.stops["first"].at.FromSeconds(1_700_000_000)
    options = {"reference.subject.name.strategy": lambda _, schema: f"{name}-{schema.name}"}
    serializer = await library.serde("ProtobufSerializer", msg_type=messages["own.Route"], conf=options)
    deserializer = await library.serde("ProtobufDeserializer", message_type=messages["own.Route"])
    await round_trip(library, serializer, deserializer, wanted, name)
    registered = (await library.client.get_latest_version(f"{name}-value")).schema
    assert registered.references == [SchemaReference("parcel.proto", f"{name}-parcel.proto", 1)]
    assert "repeated .own.Parcel loads = 1;" in registered.schema_str


async def test_protobuf_of_a_nested_message(
    library: Library, topic: Callable[[], str], messages: dict[str, Any]
) -> None:
    """A message inside of another one, which the wire names by its indexes."""
    name = topic()
    nested = messages["own.Route"].Stop
    options = {"reference.subject.name.strategy": lambda _, schema: f"{name}-{schema.name}"}
    serializer = await library.serde("ProtobufSerializer", msg_type=nested, conf=options)
    deserializer = await library.serde("ProtobufDeserializer", message_type=nested)
    await round_trip(library, serializer, deserializer, nested(depot={"name": "south"}), name)


async def test_protobuf_text_and_descriptor_are_one_schema(
    library: Library, topic: Callable[[], str], messages: dict[str, Any]
) -> None:
    """A schema registered as text is found by its descriptor, and read as one."""
    subject = topic()
    registered = await library.client.register_schema(
        subject, Schema(protos.PARCEL, "PROTOBUF"), normalize_schemas=True
    )
    found = FileDescriptorProto()
    messages["own.Parcel"].DESCRIPTOR.file.CopyToProto(found)
    descriptor = Schema(base64.b64encode(found.SerializeToString()).decode(), "PROTOBUF")
    assert (await library.client.lookup_schema(subject, descriptor, normalize_schemas=True)).schema_id == registered
    await library.client.clear_caches()
    serialized = await library.client.get_schema(registered, subject, fmt="serialized")
    read = FileDescriptorProto.FromString(base64.b64decode(serialized.schema_str))
    fields = [(each.name, each.number, each.type) for each in found.message_type[0].field]
    assert [(each.name, each.number, each.type) for each in read.message_type[0].field] == fields
    assert (read.package, read.syntax) == ("own", "proto3")


@pytest.mark.parametrize(
    "choice",
    [
        {"normalize.schemas": True},
        {"auto.register.schemas": False},
        {"auto.register.schemas": False, "use.latest.version": True},
        {"auto.register.schemas": False, "use.latest.with.metadata": {"stage": "ripe"}},
        {"auto.register.schemas": False, "use.schema.id": True},
        {"schema.id.serializer": header_schema_id_serializer},
        {"subject.name.strategy.type": "TOPIC"},
    ],
    ids=" ".join,
)
async def test_a_serializer_finds_its_schema(
    library: Library, topic: Callable[[], str], choice: dict[str, Any]
) -> None:
    """By registering, looking up, latest version, metadata or id; the id goes before the data or into a header."""
    name = topic()
    ripe, raw = (Metadata(None, MetadataProperties({"stage": stage}), []) for stage in ("ripe", "raw"))
    subject = f"{name}-value"
    with_metadata = "use.latest.with.metadata" in choice
    wanted = await library.client.register_schema(subject, Schema(PARCEL, metadata=ripe if with_metadata else None))
    if with_metadata:
        await library.client.register_schema(subject, Schema(PARCEL_2, metadata=raw))
    options = choice | ({"use.schema.id": wanted} if "use.schema.id" in choice else {})
    serializer = await library.serde("AvroSerializer", schema_str=Schema(PARCEL), conf=options)
    deserializer = await library.serde("AvroDeserializer")
    context = value(name)
    written = await serializer(LOAD, context)
    if context.headers:
        guid = (await library.client.get_version(subject, 1)).guid.replace("-", "")
        assert context.headers == [("__value_schema_id", b"\x01" + bytes.fromhex(guid))]
    else:
        assert written[:5] == b"\0" + wanted.to_bytes(4, "big")
    assert await deserializer(written, context) == LOAD


class Heavier(RuleExecutor):
    """Adds the rule's expression to the grams."""

    def type(self) -> str:
        return "HEAVIER"

    def transform(self, ctx: RuleContext, message: dict[str, int]) -> dict[str, int]:
        return {**message, "grams": message["grams"] + int(ctx.rule.expr or 0)}


def _heavier(mode: RuleMode, grams: int) -> Rule:
    kind = RuleKind.TRANSFORM
    return Rule(f"heavier {grams}", None, kind, mode, "HEAVIER", None, None, str(grams), None, None, disabled=False)


async def test_rules_of_the_registry_are_applied(library: Library, topic: Callable[[], str]) -> None:
    """A client applies the domain rules when it writes, and the migration rules of all later versions when it reads."""
    name = topic()
    RuleRegistry.register_rule_executor(Heavier())
    await library.client.set_compatibility(f"{name}-value", "NONE")
    first = Schema(PARCEL, rule_set=RuleSet(None, [_heavier(RuleMode.WRITE, 1)]))
    second = Schema(PARCEL_2, rule_set=RuleSet([_heavier(RuleMode.UPGRADE, 100)], None))
    third = Schema(PARCEL, rule_set=RuleSet([_heavier(RuleMode.UPGRADE, 1000)], None))
    await library.client.register_schema(f"{name}-value", first)
    latest = {"auto.register.schemas": False, "use.latest.version": True}
    serializer = await library.serde("AvroSerializer", conf=latest)
    written = await serializer(LOAD, value(name))
    await library.client.register_schema(f"{name}-value", second)
    await library.client.register_schema(f"{name}-value", third)
    await library.client.clear_caches()
    reader = await library.serde("AvroDeserializer", conf={"use.latest.version": True})
    assert await reader(written, value(name)) == LOAD | {"grams": 1113}
