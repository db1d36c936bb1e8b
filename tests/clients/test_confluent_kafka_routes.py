"""Every route that confluent-kafka's registry clients know, driven through both of them against the service."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from confluent_kafka.schema_registry import (
    AssociationCreateOrUpdateInfo,
    AssociationCreateOrUpdateRequest,
    AsyncSchemaRegistryClient,
    ConfigCompatibilityLevel,
    Metadata,
    MetadataProperties,
    Rule,
    RuleKind,
    RuleMode,
    RuleParams,
    RuleSet,
    Schema,
    SchemaReference,
    SchemaRegistryClient,
    SchemaRegistryError,
    ServerConfig,
)

from tests.clients.conftest import Awaited, Library

PARCEL = Schema('{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"}]}')
PARCEL_2 = Schema(
    '{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"grams","type":"int"},'
    '{"name":"fragile","type":"boolean","default":false}]}'
)
BROKEN = Schema('{"type":"record","name":"Parcel","namespace":"own","fields":[{"name":"depot","type":"string"}]}')
SPREAD = Schema(
    '{"fields": [{"type": "int", "name": "grams"}], "namespace": "own", "name": "Parcel", "type": "record"}'
)
LOCAL = {"clear_caches", "clear_latest_caches", "close", "aclose", "config", "new_client"}
"""Methods that reach no route."""


def route(subject: str) -> Schema:
    """A schema that refers to a parcel."""
    text = '{"type":"record","name":"Route","namespace":"own","fields":[{"name":"load","type":"Parcel"}]}'
    return Schema(text, references=[SchemaReference("own.Parcel", subject, 1)])


def described(schema: Schema, **properties: str) -> Schema:
    """The schema with metadata; without tags, for which the library's cache has no hash."""
    return Schema(schema.schema_str, metadata=Metadata(None, MetadataProperties(properties), sensitive=["owner"]))


async def refused(call: Awaitable[object], status: int, code: int) -> None:
    """The call must fail with this status and code."""
    with pytest.raises(SchemaRegistryError) as raised:
        await call
    assert (raised.value.http_status_code, raised.value.error_code) == (status, code)


async def registering(client: Awaited, subject: str) -> None:
    """A schema is registered once, and found again under its subject in any spelling that normalizes to it."""
    found = await client.register_schema_full_response(subject, PARCEL)
    assert (found.subject, found.version, found.schema.schema_str) == (subject, 1, PARCEL.schema_str)
    assert await client.register_schema(f"{subject}-twin", PARCEL) == found.schema_id
    assert await client.register_schema(subject, SPREAD, normalize_schemas=True) == found.schema_id
    looked_up = await client.lookup_schema(subject, SPREAD, normalize_schemas=True, fmt="resolved", deleted=True)
    assert (looked_up.version, looked_up.guid, looked_up.schema_id) == (1, found.guid, found.schema_id)
    await refused(client.lookup_schema(subject, BROKEN), 404, 40403)
    await refused(client.register_schema(subject, BROKEN), 409, 40901)


async def reading(client: Awaited, subject: str) -> None:
    """A schema is read by id, guid and version, with all places where it is registered."""
    await client.register_schema(subject, PARCEL)
    wanted = await client.register_schema(f"{subject}-route", route(subject))
    await client.clear_caches()
    schema = await client.get_schema(wanted, f"{subject}-route", reference_format="qualified")
    assert schema == route(subject)
    await client.clear_caches()
    resolved = await client.get_schema(wanted, fmt="resolved")
    assert '"name":"Parcel"' in resolved.schema_str
    found = await client.get_version(f"{subject}-route", 1, fmt="default")
    assert (found.schema_id, found.schema, found.subject) == (wanted, route(subject), f"{subject}-route")
    assert await client.get_schema_by_guid(found.guid, fmt="default") == route(subject)
    assert (await client.get_version(subject)).version == 1
    assert (await client.get_latest_version(f"{subject}-route", fmt="resolved")).schema == resolved
    assert sorted(await client.get_schema_types()) == ["AVRO", "JSON", "PROTOBUF"]
    assert await client.get_subjects_by_schema_id(wanted) == [f"{subject}-route"]
    versions = await client.get_schema_versions(wanted, subject_name=f"{subject}-route", deleted=True, limit=1)
    assert [(each.subject, each.version) for each in versions] == [(f"{subject}-route", 1)]
    assert await client.get_referenced_by(subject, 1) == [wanted]
    await refused(client.delete_version(subject, 1), 422, 42206)
    await refused(client.get_schema(2**31 - 1), 404, 40403)
    await refused(client.get_schema_by_guid("00000000-0000-0000-0000-000000000000"), 404, 40403)
    await refused(client.get_version(subject, 7), 404, 40402)


async def listing(client: Awaited, subject: str) -> None:
    """Subjects and versions are listed by prefix, in pages, with and without deleted ones."""
    names = [f"{subject}-{letter}" for letter in "abc"]
    for name in names:
        await client.register_schema(name, PARCEL)
    await client.register_schema(names[0], PARCEL_2)
    assert await client.get_subjects(subject_prefix=f"{subject}-") == names
    assert await client.get_subjects(subject_prefix=f"{subject}-", offset=1, limit=1) == [names[1]]
    assert await client.get_versions(names[0]) == [1, 2]
    assert await client.get_versions(names[0], offset=1, limit=1) == [2]
    await client.delete_subject(names[1])
    assert await client.get_subjects(subject_prefix=f"{subject}-") == [names[0], names[2]]
    assert await client.get_subjects(subject_prefix=f"{subject}-", deleted=True) == names
    await refused(client.get_versions(f"{subject}-d"), 404, 40401)


async def deleting(client: Awaited, subject: str) -> None:
    """What is deleted softly can be seen, and comes back as a new version; what is deleted for good is gone."""
    here = Schema(str(PARCEL_2.schema_str).replace('"Parcel"', f'"Parcel","doc":"{subject}"'))
    first = await client.register_schema(subject, PARCEL)
    second = await client.register_schema(subject, here)
    await refused(client.delete_version(subject, 1, permanent=True), 404, 40407)
    assert await client.delete_version(subject, 1) == 1
    assert await client.get_versions(subject) == [2]
    assert await client.get_versions(subject, deleted=True) == [1, 2]
    assert (await client.get_version(subject, 1, deleted=True)).schema_id == first
    assert await client.delete_version(subject, 1, permanent=True) == 1
    assert await client.get_versions(subject, deleted=True) == [2]
    await refused(client.delete_subject(subject, permanent=True), 404, 40405)
    assert await client.delete_subject(subject) == [2]
    await refused(client.delete_subject(subject), 404, 40404)
    assert await client.get_subjects_by_schema_id(second, deleted=True) == [subject]
    assert await client.get_schema_versions(second) == []
    await client.clear_caches()
    assert await client.register_schema(subject, here) == second
    assert await client.delete_subject(subject) == [3]
    assert await client.delete_subject(subject, permanent=True) == [3]
    await client.clear_caches()
    await refused(client.get_schema(second, subject), 404, 40403)


async def finding_by_metadata(client: Awaited, subject: str) -> None:
    """The newest version with the wanted properties is found, and metadata and rules come back as they were sent."""
    rule = Rule(
        "checked", "small ones", RuleKind.CONDITION, RuleMode.WRITE, "CEL", ["SIZE"], RuleParams({"a": "b"}),
        "message.grams > 0", "NONE", "ERROR", disabled=False,
    )  # fmt: skip
    first = described(PARCEL, owner="me", application="post")
    ruled = Schema(PARCEL_2.schema_str, metadata=first.metadata, rule_set=RuleSet([], [rule]))
    await client.register_schema(subject, first)
    await client.register_schema(subject, ruled)
    await client.register_schema(subject, described(PARCEL_2, owner="you"))
    found = await client.get_latest_with_metadata(subject, {"owner": "me", "application": "post"}, fmt="default")
    assert (found.version, found.schema.metadata) == (2, ruled.metadata)
    assert found.schema.rule_set.domain_rules == [rule]
    assert (await client.get_latest_with_metadata(subject, {"owner": "you"}, deleted=True)).version == 3
    await refused(client.get_latest_with_metadata(subject, {"owner": "nobody"}), 404, 40403)


async def checking_compatibility(client: Awaited, subject: str) -> None:
    """A candidate is judged against one version and against all of them."""
    await client.register_schema(subject, PARCEL)
    await client.register_schema(subject, PARCEL_2)
    assert await client.test_compatibility(subject, SPREAD, 1, normalize=True, verbose=True)
    assert not await client.test_compatibility(subject, BROKEN, verbose=True)
    assert await client.test_compatibility_all_versions(subject, PARCEL, normalize=True, verbose=True)
    assert not await client.test_compatibility_all_versions(subject, BROKEN)
    await refused(client.test_compatibility(subject, PARCEL, 9), 404, 40402)


async def configuring(client: Awaited, subject: str) -> None:
    """A configuration of a subject is set, merged, read and deleted; that of everything can be set and read."""
    before = await client.get_compatibility()
    assert await client.set_compatibility(level=before) == {"compatibility": before}
    await refused(client.get_config(subject), 404, 40408)
    group = MetadataProperties({"group": "post"})
    wanted = ServerConfig(
        compatibility=ConfigCompatibilityLevel.FULL,
        compatibility_group="group",
        default_metadata=Metadata(None, group, sensitive=["owner"]),
        override_rule_set=RuleSet([], [], []),
    )
    await client.set_config(subject, wanted)
    await client.set_compatibility(subject, "forward")
    found = await client.get_config(subject)
    assert (found.compatibility_level, found.compatibility_group) == (ConfigCompatibilityLevel.FORWARD, "group")
    assert found.default_metadata == wanted.default_metadata
    await client.register_schema(subject, described(PARCEL, group="post"))
    registered = await client.get_latest_version(subject)
    assert registered.schema.metadata.properties == group
    assert await client.get_compatibility(subject) == "FORWARD"
    assert (await client.delete_config(subject)).compatibility_level == ConfigCompatibilityLevel.FORWARD
    await refused(client.get_compatibility(subject), 404, 40408)
    await refused(client.set_compatibility(subject, "sideways"), 422, 42203)
    await client.set_config(config=ServerConfig(compatibility=ConfigCompatibilityLevel(before)))
    assert (await client.get_config()).compatibility_level == before


async def changing_mode(client: Awaited, subject: str) -> None:
    """A mode holds at once, for one subject and for all of them."""
    await client.register_schema(subject, PARCEL)
    await refused(client.get_mode(subject), 404, 40409)
    assert await client.update_mode(subject, "READONLY") == "READONLY"
    assert await client.get_mode(subject) == "READONLY"
    await refused(client.register_schema(subject, PARCEL_2), 422, 42205)
    await refused(client.update_mode(subject, "IMPORT"), 422, 42205)
    assert await client.update_mode(subject, "IMPORT", force=True) == "IMPORT"
    assert await client.delete_mode(subject) == "IMPORT"
    await refused(client.update_mode(subject, "SIDEWAYS"), 422, 42204)
    assert await client.get_global_mode() == "READWRITE"
    try:
        assert await client.update_global_mode("READONLY", force=True) == "READONLY"
        await refused(client.register_schema(f"{subject}-other", PARCEL_2), 422, 42205)
    finally:
        assert await client.update_global_mode("READWRITE") == "READWRITE"


async def using_contexts(client: Awaited, subject: str) -> None:
    """A qualified subject lives in its own context, with ids of its own."""
    context = f".{subject}"
    qualified = f":{context}:value"
    found = await client.register_schema_full_response(qualified, PARCEL)
    assert (found.schema_id, found.subject) == (1, qualified)
    assert context in await client.get_contexts()
    assert len(await client.get_contexts(offset=0, limit=1)) == 1
    assert await client.get_subjects(subject_prefix=f":{context}:") == [qualified]
    await client.clear_caches()
    assert await client.get_schema(1, qualified) == PARCEL
    await client.update_mode(f":{context}:", "READONLY")
    await refused(client.register_schema(qualified, PARCEL_2), 422, 42205)


async def associating(client: Awaited, subject: str) -> None:
    """A topic's subject is another one than its name says."""
    wanted = AssociationCreateOrUpdateRequest(
        resource_name=subject,
        resource_namespace="own",
        resource_id=subject,
        resource_type="topic",
        associations=[
            AssociationCreateOrUpdateInfo(subject, "value", "WEAK", frozen=False, schema=None, normalize=None)
        ],
    )
    assert await client.get_associations_by_resource_name(subject, "-", "topic", ["value"]) == []
    await refused(client.create_association(wanted), 409, 40907)
    await client.register_schema(subject, PARCEL)
    created = await client.create_association(wanted)
    assert [info.subject for info in created.associations] == [subject]
    [association] = await client.get_associations_by_resource_name(subject, "-", "topic", ["value"])
    assert (association.subject, association.resource_id, association.frozen) == (subject, subject, False)
    await refused(client.delete_subject(subject), 409, 40904)
    await client.delete_associations(subject, "topic", ["value"])
    assert await client.get_associations_by_resource_name(subject, "-", "topic", ["value"]) == []


WALKS = (
    registering,
    reading,
    listing,
    deleting,
    finding_by_metadata,
    checking_compatibility,
    configuring,
    changing_mode,
    using_contexts,
    associating,
)


@pytest.mark.parametrize("walk", WALKS)
async def test_the_client_gets_what_it_expects(
    library: Library, topic: Callable[[], str], walk: Callable[[Awaited, str], Awaitable[None]]
) -> None:
    """Each walk holds with both flavours of the client."""
    await walk(library.client, topic())


@pytest.mark.parametrize("kind", [SchemaRegistryClient, AsyncSchemaRegistryClient])
def test_no_method_of_the_client_is_left_out(kind: type[Any]) -> None:
    """A method that a newer client brings along fails here until it is driven."""
    public = {name for name, _ in inspect.getmembers(kind, callable) if not name.startswith("_")}
    driven = {name for walk in WALKS for name in walk.__code__.co_names}
    assert public - LOCAL <= driven
