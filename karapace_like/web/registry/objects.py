"""The objects, parameters and responses of the registry's API as JSON Schema, for `/openapi.json`.

Source: Confluent API, "Schemas". Requests may have further fields; responses omit fields that are null or empty.
"""

from karapace_like.registry.association_planning import AssociationOperation
from karapace_like.registry.associations import TOPIC, AssociationType, Lifecycle
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import CompatibilityLevel, SchemaType
from karapace_like.schema.tags import EntityKind
from karapace_like.web.http.json_schemas import (
    ANYTHING,
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    JsonSchema,
    array,
    derive,
    fields,
    mapping,
    one_of,
    ref,
    require_fields,
    text,
    whole,
    with_example,
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
_CONFIG = derive(
    Config,
    {
        "alias": SUBJECT_NAME,
        "aliasForDeks": SUBJECT_NAME,
        "compatibilityGroup": text("major"),
        "defaultMetadata": ref("Metadata"),
        "overrideMetadata": ref("Metadata"),
        "defaultRuleSet": ref("RuleSet"),
        "overrideRuleSet": ref("RuleSet"),
    },
)
_TOPIC = {"resourceName": "lifts", "resourceNamespace": "lkc-1", "resourceId": "lifts-id", "resourceType": "topic"}
_RESOURCE = {
    "resourceName": text("lifts"),
    "resourceNamespace": text("lkc-1"),
    "resourceId": text("lifts-id"),
    "resourceType": one_of([TOPIC]),
}
_ASSOCIATED = {
    "associationType": one_of(AssociationType),
    "lifecycle": one_of(Lifecycle),
    "frozen": with_example(BOOLEAN, example=False),
}
_SETTINGS = {name: schema for name, schema in _CONFIG["properties"].items() if name != "compatibilityLevel"}
"""The settings that have the same name in requests and responses."""

OBJECTS: dict[str, JsonSchema] = {
    "SchemaReference": fields(name=text("house.Floor"), subject=text("floors"), version=NUMBER),
    "Metadata": with_example(
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
        params=with_example(mapping(text("")), {"policy": "strict"}),
        expr=text("message.floor >= 0"),
        onSuccess=text("NONE"),
        onFailure=text("ERROR"),
        disabled=with_example(BOOLEAN, example=False),
    ),
    "RuleSet": fields(
        migrationRules=array(ref("Rule")),
        domainRules=array(ref("Rule")),
        encodingRules=array(ref("Rule")),
        enableAt=one_of(["ALL", "NONE", "SERVER", "GATEWAY", "CLIENT"]),
    ),
    "SchemaTags": fields(
        schemaEntity=fields(
            entityPath=text("house.Lift.floor"), entityType=with_example(one_of(EntityKind), "sr_field")
        ),
        tags=array(text("PII")),
    ),
    "RegisterSchemaRequest": with_example(
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
    "RegisterSchemaResponse": with_example(
        require_fields(fields(id=NUMBER, version=NUMBER, guid=_GUID, **_CONTENT), "id"),
        {"id": 1, "version": 1, "guid": _GUID["examples"][0], **_SHOWN},
    ),
    "TagSchemaRequest": with_example(
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
    "TestRulesRequest": with_example(
        fields(record=ANYTHING, mode=one_of(["WRITE", "READ"]), writerVersion=NUMBER),
        {"record": {"floor": 3}, "mode": "WRITE"},
    ),
    "TestRulesResponse": fields(
        subject=SUBJECT_NAME,
        version=NUMBER,
        id=NUMBER,
        mode=one_of(["WRITE", "READ"]),
        accepted=BOOLEAN,
        message=text("Rule failed: floorIsThere: No lift is below ground."),
        record=ANYTHING,
        rules=array(
            fields(
                name=text("floorIsThere"),
                type=text("CEL"),
                kind=one_of(["CONDITION", "TRANSFORM"]),
                mode=one_of(["WRITE", "READ", "UPGRADE", "DOWNGRADE"]),
                outcome=one_of(["passed", "failed"]),
                action=text("NONE"),
                reason=text("the condition does not hold: message.floor >= 0"),
                before=ANYTHING,
                after=ANYTHING,
            )
        ),
    ),
    "Schema": with_example(fields(**_IDENTITY, **_CONTENT, schemaTags=_TAGS, **_STORED), _VERSION),
    "ExtendedSchema": with_example(
        fields(
            **_IDENTITY,
            **_CONTENT,
            **_STORED,
            aliases=array(SUBJECT_NAME),
            associations=array(ref("Association")),
        ),
        _VERSION,
    ),
    "SchemaString": with_example(
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
    "Association": with_example(
        fields(
            subject=SUBJECT_NAME,
            guid=_GUID,
            **_RESOURCE,
            **_ASSOCIATED,
            createTs=MILLISECONDS,
            updateTs=MILLISECONDS,
        ),
        {"subject": "lifts-value", **_TOPIC, "associationType": "value", "lifecycle": "WEAK", "frozen": False},
    ),
    "AssociationInfo": with_example(
        fields(subject=SUBJECT_NAME, **_ASSOCIATED, schema=ref("Schema")),
        {"subject": "lifts-value", "associationType": "value", "lifecycle": "WEAK", "frozen": False},
    ),
    "AssociationResponse": with_example(
        fields(**_RESOURCE, associations=array(ref("AssociationInfo"))),
        {**_TOPIC, "associations": [{"subject": "lifts-value", "associationType": "value", "lifecycle": "WEAK"}]},
    ),
    "AssociationCreateOrUpdateInfo": with_example(
        fields(subject=SUBJECT_NAME, **_ASSOCIATED, schema=ref("RegisterSchemaRequest"), normalize=BOOLEAN),
        {"subject": "lifts-value", "associationType": "value"},
    ),
    "AssociationCreateOrUpdateRequest": with_example(
        fields(**_RESOURCE, associations=array(ref("AssociationCreateOrUpdateInfo"))),
        {**_TOPIC, "associations": [{"subject": "lifts-value", "associationType": "value"}]},
    ),
    "AssociationBatchGetRequest": with_example(
        fields(
            requests=array(
                fields(**_RESOURCE, associationTypes=array(one_of(AssociationType)), lifecycle=one_of(Lifecycle))
            )
        ),
        {"requests": [_TOPIC]},
    ),
    "AssociationBatchRequest": with_example(
        fields(
            requests=array(
                fields(
                    **_RESOURCE,
                    associations=array(
                        fields(
                            opType=one_of(AssociationOperation),
                            subject=SUBJECT_NAME,
                            **_ASSOCIATED,
                            schema=ref("RegisterSchemaRequest"),
                            normalize=BOOLEAN,
                            cascadeLifecycle=BOOLEAN,
                        )
                    ),
                )
            )
        ),
        {
            "requests": [
                {**_TOPIC, "associations": [{"opType": "UPSERT", "subject": "lifts-value", "lifecycle": "WEAK"}]}
            ]
        },
    ),
    "AssociationBatchResponse": with_example(
        fields(
            results=array(
                fields(
                    result=ref("AssociationResponse"),
                    error=fields(error_code=NUMBER, message=text("The subject 'lifts-value' has no version.")),
                )
            )
        ),
        {"results": [{"result": _TOPIC}]},
    ),
    "SubjectVersion": whole(subject=SUBJECT_NAME, version=NUMBER),
    "ContextId": whole(context=text("."), id=NUMBER),
    "Config": with_example(_CONFIG, {"compatibilityLevel": "FULL"}),
    "ConfigUpdateRequest": with_example(
        fields(**_SETTINGS, compatibility=one_of(CompatibilityLevel)), {"compatibility": "FULL"}
    ),
    "Mode": fields(mode=with_example(one_of(Mode), "READONLY")),
    "ServerClusterId": whole(
        id=text(""),
        scope=whole(
            path=with_example(array(text("")), []),
            clusters=with_example(
                mapping(text("")),
                {"kafka-cluster": "MkU3OEVBNTcwNTJENDM2Qk", "schema-registry-cluster": "schema-registry"},
            ),
        ),
    ),
    "ServerVersion": whole(version=text("1.0.0"), commitId=text("")),
    "ServerDeployment": whole(attributes=array(text("opensource"))),
    "CompatibilityCheckResponse": require_fields(
        fields(is_compatible=with_example(BOOLEAN, example=False), messages=array(text("{oldSchemaVersion: 1}"))),
        "is_compatible",
    ),
}

DELETED = Parameter("deleted", BOOLEAN, "Include what is soft-deleted.")
DELETED_ONLY = Parameter("deletedOnly", BOOLEAN, "Only what is soft-deleted.")
NEGATIVE = Parameter("deletedAsNegative", BOOLEAN, "Return the numbers of soft-deleted versions as negative numbers.")
PREFIX = Parameter("subjectPrefix", text("lifts"), "Only subjects whose name has this prefix; `:*:` is every context.")
PAGE = (
    Parameter("offset", NUMBER, "Number of entries to skip."),
    Parameter("limit", with_example(NUMBER, 100), "Largest number of entries; all below 1."),
)
NORMALIZE = Parameter(
    "normalize", BOOLEAN, "Normalize the schema, so that schemas that differ in form only are the same."
)
FORCE = Parameter(
    "force", BOOLEAN, "Register without a check of compatibility; needs the operation `config` on the subject."
)
EXPLICIT = Parameter(
    "explicit", BOOLEAN, "Register even where `explicit_registration_subjects` excludes the schemas of producers."
)
FORCE_MODE = Parameter("force", BOOLEAN, "Set import mode even if there are subjects.")
FORMAT = Parameter(
    "format", text("resolved"), "Form of the text: `resolved` (Avro), `serialized` or `ignore_extensions` (Protobuf)."
)
REFERENCE_FORMAT = Parameter(
    "referenceFormat", text("qualified"), "`qualified`: return the subjects of references with their contexts."
)
FIND_TAGS = Parameter("findTags", array(text("PII")), "Include the elements with these tags; `*` is any tag.")
PERMANENT = Parameter("permanent", BOOLEAN, "Delete permanently, after a soft deletion.")
RECURSIVE = Parameter("recursive", BOOLEAN, "Delete the modes of the subjects inside as well.")
INHERITED = Parameter("defaultToGlobal", BOOLEAN, "Return the effective setting, wherever it is set.")
VERBOSE = Parameter("verbose", BOOLEAN, "Include the reasons.")
SUBJECT = Parameter("subject", SUBJECT_NAME, "Search the context of this subject, or that of `:.context:`.")
