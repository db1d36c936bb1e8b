"""The registry API's objects, parameters and answers as JSON Schema, for `/openapi.json`.

Source: Confluent API, "Schemas". Requests may hold more fields than these; answers leave out what is null or empty.
"""

from karapace_like.registry.settings import Mode
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType
from karapace_like.schema.tags import EntityKind
from karapace_like.web.json_schemas import (
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    JsonSchema,
    array,
    fields,
    mapping,
    needing,
    one_of,
    ref,
    shown,
    text,
    whole,
)
from karapace_like.web.routing import Parameter

SUBJECT_NAME = text("lifts-value")
SCHEMA_TEXT = text('{"type":"record","name":"Lift","fields":[{"name":"floor","type":"int"}]}')
SCHEMA_OBJECT: JsonSchema = {
    "description": "The schema: JSON, or for Protobuf its text.",
    "examples": [{"type": "record", "name": "Lift", "fields": [{"name": "floor", "type": "int"}]}],
}
_GUID = text("7bf1f6e5-4d0c-6a0e-8a7a-0d3b0e6f9a11")
_SHOWN = {"schemaType": "AVRO", "schema": SCHEMA_TEXT["examples"][0]}
_VERSION = {
    "subject": "lifts-value",
    "version": 1,
    "id": 1,
    "guid": _GUID["examples"][0],
    **_SHOWN,
    "ts": 1767225600000,
    "deleted": False,
}
_CONTENT = {
    "schemaType": one_of(SchemaType),
    "references": array(ref("SchemaReference")),
    "metadata": ref("Metadata"),
    "ruleSet": ref("RuleSet"),
    "schema": SCHEMA_TEXT,
}
_IDENTITY = {"subject": SUBJECT_NAME, "version": NUMBER, "id": NUMBER, "guid": _GUID}
_STORED = {"ts": MILLISECONDS, "deleted": BOOLEAN}
_TAGS = array(ref("SchemaTags"))
_SETTINGS = {
    "alias": SUBJECT_NAME,
    "aliasForDeks": SUBJECT_NAME,
    "normalize": BOOLEAN,
    "validateFields": BOOLEAN,
    "validateNewSchemas": BOOLEAN,
    "validateRules": BOOLEAN,
    "compatibilityPolicy": one_of(CompatibilityPolicy),
    "compatibilityGroup": text("major"),
    "defaultMetadata": ref("Metadata"),
    "overrideMetadata": ref("Metadata"),
    "defaultRuleSet": ref("RuleSet"),
    "overrideRuleSet": ref("RuleSet"),
}

OBJECTS: dict[str, JsonSchema] = {
    "SchemaReference": fields(name=text("house.Floor"), subject=text("floors"), version=NUMBER),
    "Metadata": shown(
        fields(
            tags=mapping(array(text("PII"))),
            properties=mapping(text("lifts-team")),
            sensitive=array(text("owner")),
        ),
        {"properties": {"owner": "lifts-team"}},
    ),
    "Rule": fields(
        name=text("floorIsThere"),
        doc=text("No lift is below ground."),
        kind=one_of(["CONDITION", "TRANSFORM"]),
        mode=one_of(["WRITE", "READ", "WRITEREAD", "UPGRADE", "DOWNGRADE", "UPDOWN"]),
        type=text("CEL"),
        tags=array(text("PII")),
        params=shown(mapping(text("")), {"policy": "strict"}),
        expr=text("message.floor >= 0"),
        onSuccess=text("NONE"),
        onFailure=text("ERROR"),
        disabled=shown(BOOLEAN, example=False),
    ),
    "RuleSet": fields(
        migrationRules=array(ref("Rule")),
        domainRules=array(ref("Rule")),
        encodingRules=array(ref("Rule")),
        enableAt=one_of(["ALL", "NONE", "SERVER", "GATEWAY", "CLIENT"]),
    ),
    "SchemaTags": fields(
        schemaEntity=fields(entityPath=text("house.Lift.floor"), entityType=shown(one_of(EntityKind), "sr_field")),
        tags=array(text("PII")),
    ),
    "RegisterSchemaRequest": shown(
        fields(
            version=NUMBER,
            id=NUMBER,
            **_CONTENT,
            schemaTagsToAdd=_TAGS,
            schemaTagsToRemove=_TAGS,
            propagateSchemaTags=BOOLEAN,
        ),
        _SHOWN,
    ),
    "RegisterSchemaResponse": shown(
        needing(fields(id=NUMBER, version=NUMBER, guid=_GUID, **_CONTENT), "id"),
        {"id": 1, "version": 1, "guid": _GUID["examples"][0], **_SHOWN},
    ),
    "TagSchemaRequest": shown(
        fields(
            newVersion=NUMBER,
            tagsToAdd=_TAGS,
            tagsToRemove=_TAGS,
            metadata=ref("Metadata"),
            ruleSet=ref("RuleSet"),
            rulesToMerge=ref("RuleSet"),
            rulesToRemove=array(text("floorIsThere")),
        ),
        {"tagsToAdd": [{"schemaEntity": {"entityPath": "Lift.floor", "entityType": "sr_field"}, "tags": ["PII"]}]},
    ),
    "Schema": shown(fields(**_IDENTITY, **_CONTENT, schemaTags=_TAGS, **_STORED), _VERSION),
    "ExtendedSchema": shown(fields(**_IDENTITY, **_CONTENT, **_STORED, aliases=array(SUBJECT_NAME)), _VERSION),
    "SchemaString": shown(
        fields(
            subject=SUBJECT_NAME,
            version=NUMBER,
            guid=_GUID,
            **_CONTENT,
            schemaTags=_TAGS,
            maxId=NUMBER,
            **_STORED,
            subjects=array(SUBJECT_NAME),
        ),
        {"guid": _GUID["examples"][0], **_SHOWN},
    ),
    "SubjectVersion": whole(subject=SUBJECT_NAME, version=NUMBER),
    "ContextId": whole(context=text("."), id=NUMBER),
    "Config": shown(fields(**_SETTINGS, compatibilityLevel=one_of(CompatibilityLevel)), {"compatibilityLevel": "FULL"}),
    "ConfigUpdateRequest": shown(
        fields(**_SETTINGS, compatibility=one_of(CompatibilityLevel)), {"compatibility": "FULL"}
    ),
    "Mode": fields(mode=shown(one_of(Mode), "READONLY")),
    "ServerClusterId": whole(
        id=text(""),
        scope=whole(
            path=shown(array(text("")), []),
            clusters=shown(
                mapping(text("")),
                {"kafka-cluster": "MkU3OEVBNTcwNTJENDM2Qk", "schema-registry-cluster": "schema-registry"},
            ),
        ),
    ),
    "ServerVersion": whole(version=text("1.0.0"), commitId=text("")),
    "ServerDeployment": whole(attributes=array(text("opensource"))),
    "CompatibilityCheckResponse": needing(
        fields(is_compatible=shown(BOOLEAN, example=False), messages=array(text("{oldSchemaVersion: 1}"))),
        "is_compatible",
    ),
}

DELETED = Parameter("deleted", BOOLEAN, "Soft-deleted ones, too.")
DELETED_ONLY = Parameter("deletedOnly", BOOLEAN, "Soft-deleted ones only.")
NEGATIVE = Parameter("deletedAsNegative", BOOLEAN, "Soft-deleted versions as negative numbers.")
PREFIX = Parameter("subjectPrefix", text("lifts"), "Of the subjects' names; `:*:` is every context.")
PAGE = (
    Parameter("offset", NUMBER, "How many to leave out first."),
    Parameter("limit", shown(NUMBER, 100), "How many at most; below 1 is all."),
)
NORMALIZE = Parameter("normalize", BOOLEAN, "Whether schemas that differ in form only are the same.")
FORCE = Parameter("force", BOOLEAN, "Accepted; changes nothing here.")
EXPLICIT = Parameter("explicit", BOOLEAN, "Register where new schemas are not taken from producers.")
FORCE_MODE = Parameter("force", BOOLEAN, "Import mode also where there are subjects.")
FORMAT = Parameter("format", text("resolved"), "`resolved` (Avro), `serialized` or `ignore_extensions` (Protobuf).")
REFERENCE_FORMAT = Parameter("referenceFormat", text("qualified"), "`qualified`: references with their contexts.")
FIND_TAGS = Parameter("findTags", array(text("PII")), "Show what is tagged so; `*` is any tag.")
PERMANENT = Parameter("permanent", BOOLEAN, "For good, after a soft deletion.")
RECURSIVE = Parameter("recursive", BOOLEAN, "The modes of the subjects inside, too.")
INHERITED = Parameter("defaultToGlobal", BOOLEAN, "What holds, wherever it is set.")
VERBOSE = Parameter("verbose", BOOLEAN, "With the reasons.")
SUBJECT = Parameter("subject", SUBJECT_NAME, "Look in this subject's context, or in `:.context:`.")
