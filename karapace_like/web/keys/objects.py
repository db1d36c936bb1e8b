"""The objects and parameters of the DEK registry as JSON Schema, for `/openapi.json`."""

from karapace_like.keys.keys import DekAlgorithm
from karapace_like.web.http.json_schemas import (
    BOOLEAN,
    MILLISECONDS,
    NUMBER,
    JsonSchema,
    array,
    fields,
    mapping,
    one_of,
    require_fields,
    text,
    with_example,
)
from karapace_like.web.routing import Parameter

KEK_NAME = text("lifts-kek")
SUBJECT_NAME = text("lifts-value")
_MATERIAL = text("qD2kUoWPNI9nOyaHnXJxK6e7ksaM0BJd3hFRuVCkDw==")
_PROPERTIES = with_example(mapping(text("")), {"namespace": "lifts"})
_KEK = {"name": "lifts-kek", "kmsType": "local-kms", "kmsKeyId": "lifts"}
_DEK = {"subject": "lifts-value", "version": 1, "algorithm": "AES256_GCM"}
_KEK_FIELDS = {
    "name": KEK_NAME,
    "kmsType": text("local-kms"),
    "kmsKeyId": text("lifts"),
    "kmsProps": _PROPERTIES,
    "doc": text("Names and addresses."),
    "shared": BOOLEAN,
}
_DEK_FIELDS = {
    "subject": SUBJECT_NAME,
    "version": NUMBER,
    "algorithm": one_of(DekAlgorithm),
    "encryptedKeyMaterial": _MATERIAL,
}

OBJECTS: dict[str, JsonSchema] = {
    "CreateKekRequest": with_example(fields(**_KEK_FIELDS, deleted=BOOLEAN), _KEK),
    "UpdateKekRequest": with_example(
        fields(**{name: _KEK_FIELDS[name] for name in ("kmsProps", "doc", "shared")}), {"doc": "Names."}
    ),
    "Kek": with_example(
        require_fields(
            fields(**_KEK_FIELDS, ts=MILLISECONDS, deleted=BOOLEAN),
            *("name", "kmsType", "kmsKeyId", "kmsProps", "shared", "ts"),
        ),
        {**_KEK, "kmsProps": {}, "shared": False, "ts": 1767225600000},
    ),
    "StoredKek": with_example(
        fields(**_KEK_FIELDS, deleted=BOOLEAN, type=text("KEK"), offset=NUMBER, ts=MILLISECONDS),
        {**_KEK, "kmsProps": {}, "shared": True, "deleted": False, "type": "KEK", "offset": 4, "ts": 1767225600000},
    ),
    "CreateDekRequest": with_example(
        fields(**_DEK_FIELDS, deleted=BOOLEAN), {**_DEK, "encryptedKeyMaterial": _MATERIAL["examples"][0]}
    ),
    "Dek": with_example(
        require_fields(
            fields(
                kekName=KEK_NAME,
                **_DEK_FIELDS,
                keyMaterial=text("GiAbbJ1DcnEnWYpUIlwPDBn3Bx3Tg5bYGyFz1i3vjtOWAQ=="),
                ts=MILLISECONDS,
                deleted=BOOLEAN,
            ),
            *("kekName", "subject", "version", "algorithm", "ts"),
        ),
        {"kekName": "lifts-kek", **_DEK, "ts": 1767225600000},
    ),
}

DELETED = Parameter("deleted", BOOLEAN, "Include what is soft-deleted.")
PERMANENT = Parameter("permanent", BOOLEAN, "Delete permanently, after a soft deletion.")
ALGORITHM = Parameter("algorithm", one_of(DekAlgorithm), "The cipher that the DEK is for; AES256_GCM by default.")
SUBJECT_PREFIX = Parameter(
    "subjectPrefix", array(text("lifts")), "Only KEKs with a DEK whose subject has one of these prefixes."
)
TEST_SHARING = Parameter("testSharing", BOOLEAN, "Refuse a shared KEK that the KMS does not wrap with.")
REWRAP = Parameter("rewrap", BOOLEAN, "Wrap an existing DEK again, with the current version of the KMS's key.")
CONTEXT = Parameter("context", text(".test"), "The context of a subject that names none.")
