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
    STRING,
    JsonSchema,
    array,
    fields,
    mapping,
    ref,
)
from karapace_like.web.routing import Parameter


def _one_of(values: type[SchemaType | Mode | CompatibilityLevel | CompatibilityPolicy | EntityKind]) -> JsonSchema:
    return {"type": "string", "enum": [each.value for each in values]}


_CONTENT = {
    "schemaType": _one_of(SchemaType),
    "references": array(ref("SchemaReference")),
    "metadata": ref("Metadata"),
    "ruleSet": ref("RuleSet"),
    "schema": STRING,
}
_IDENTITY = {"subject": STRING, "version": NUMBER, "id": NUMBER, "guid": STRING}
_STORED = {"ts": MILLISECONDS, "deleted": BOOLEAN}
_TAGS = array(ref("SchemaTags"))
_SETTINGS = {
    "alias": STRING,
    "aliasForDeks": STRING,
    "normalize": BOOLEAN,
    "validateFields": BOOLEAN,
    "validateNewSchemas": BOOLEAN,
    "validateRules": BOOLEAN,
    "compatibilityPolicy": _one_of(CompatibilityPolicy),
    "compatibilityGroup": STRING,
    "defaultMetadata": ref("Metadata"),
    "overrideMetadata": ref("Metadata"),
    "defaultRuleSet": ref("RuleSet"),
    "overrideRuleSet": ref("RuleSet"),
}

OBJECTS: dict[str, JsonSchema] = {
    "SchemaReference": fields(name=STRING, subject=STRING, version=NUMBER),
    "Metadata": fields(tags=mapping(array(STRING)), properties=mapping(STRING), sensitive=array(STRING)),
    "Rule": fields(
        name=STRING,
        doc=STRING,
        kind={"type": "string", "enum": ["TRANSFORM", "CONDITION"]},
        mode={"type": "string", "enum": ["UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"]},
        type=STRING,
        tags=array(STRING),
        params=mapping(STRING),
        expr=STRING,
        onSuccess=STRING,
        onFailure=STRING,
        disabled=BOOLEAN,
    ),
    "RuleSet": fields(
        migrationRules=array(ref("Rule")),
        domainRules=array(ref("Rule")),
        encodingRules=array(ref("Rule")),
        enableAt={"type": "string", "enum": ["NONE", "ALL", "SERVER", "GATEWAY", "CLIENT"]},
    ),
    "SchemaTags": fields(schemaEntity=fields(entityPath=STRING, entityType=_one_of(EntityKind)), tags=array(STRING)),
    "RegisterSchemaRequest": fields(
        version=NUMBER,
        id=NUMBER,
        **_CONTENT,
        schemaTagsToAdd=_TAGS,
        schemaTagsToRemove=_TAGS,
        propagateSchemaTags=BOOLEAN,
    ),
    "RegisterSchemaResponse": fields(id=NUMBER, version=NUMBER, guid=STRING, **_CONTENT),
    "TagSchemaRequest": fields(
        newVersion=NUMBER,
        tagsToAdd=_TAGS,
        tagsToRemove=_TAGS,
        metadata=ref("Metadata"),
        ruleSet=ref("RuleSet"),
        rulesToMerge=ref("RuleSet"),
        rulesToRemove=array(STRING),
    ),
    "Schema": fields(**_IDENTITY, **_CONTENT, schemaTags=_TAGS, **_STORED),
    "ExtendedSchema": fields(**_IDENTITY, **_CONTENT, **_STORED, aliases=array(STRING)),
    "SchemaString": fields(
        subject=STRING,
        version=NUMBER,
        guid=STRING,
        **_CONTENT,
        schemaTags=_TAGS,
        maxId=NUMBER,
        **_STORED,
        subjects=array(STRING),
    ),
    "SubjectVersion": fields(subject=STRING, version=NUMBER),
    "ContextId": fields(context=STRING, id=NUMBER),
    "Config": fields(**_SETTINGS, compatibilityLevel=_one_of(CompatibilityLevel)),
    "ConfigUpdateRequest": fields(**_SETTINGS, compatibility=_one_of(CompatibilityLevel)),
    "Mode": fields(mode=_one_of(Mode)),
    "ServerClusterId": fields(id=STRING, scope=fields(path=array(STRING), clusters=mapping(STRING))),
    "ServerVersion": fields(version=STRING, commitId=STRING),
    "ServerDeployment": fields(attributes=array(STRING)),
    "CompatibilityCheckResponse": fields(is_compatible=BOOLEAN, messages=array(STRING)),
}

DELETED = Parameter("deleted", BOOLEAN, "Soft-deleted ones, too.")
DELETED_ONLY = Parameter("deletedOnly", BOOLEAN, "Soft-deleted ones only.")
NEGATIVE = Parameter("deletedAsNegative", BOOLEAN, "Soft-deleted versions as negative numbers.")
PREFIX = Parameter("subjectPrefix", STRING, "Of the subjects' names; `:*:` is every context.")
PAGE = (
    Parameter("offset", NUMBER, "How many to leave out first."),
    Parameter("limit", NUMBER, "How many at most; below 1 is all."),
)
NORMALIZE = Parameter("normalize", BOOLEAN, "Whether schemas that differ in form only are the same.")
FORCE = Parameter("force", BOOLEAN, "Accepted; changes nothing here.")
FORCE_MODE = Parameter("force", BOOLEAN, "Import mode also where there are subjects.")
FORMAT = Parameter("format", STRING, "`resolved` (Avro), `serialized` or `ignore_extensions` (Protobuf).")
REFERENCE_FORMAT = Parameter("referenceFormat", STRING, "`qualified`: references with their contexts.")
FIND_TAGS = Parameter("findTags", array(STRING), "Show what is tagged so; `*` is any tag.")
PERMANENT = Parameter("permanent", BOOLEAN, "For good, after a soft deletion.")
RECURSIVE = Parameter("recursive", BOOLEAN, "The modes of the subjects inside, too.")
INHERITED = Parameter("defaultToGlobal", BOOLEAN, "What holds, wherever it is set.")
VERBOSE = Parameter("verbose", BOOLEAN, "With the reasons.")
SUBJECT = Parameter("subject", STRING, "Look in this subject's context, or in `:.context:`.")
