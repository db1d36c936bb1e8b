"""Every way in which a Protobuf schema can fail to read what another wrote, with an example.

The names and the first two sentences are those that users of Confluent's registry see; what the rules mean is in
`compatibility.py`. Not listed, because always compatible: fields, enums and enum values added, removed or renamed,
`reserved`, options, services, extensions and the syntax version.
"""

from collections.abc import Mapping

from karapace_like.schema.model import Rule

_P3 = 'syntax = "proto3";\npackage shop;\n\n'
_P2 = 'syntax = "proto2";\npackage shop;\n\n'

PACKAGE_CHANGED = Rule(
    "PACKAGE_CHANGED",
    "The package at path '{path}' in the {reader} schema does not match the package in the {writer} schema",
    old=_P3 + "message Crate {\n  string label = 1;\n}\n",
    new='syntax = "proto3";\npackage store;\n\nmessage Crate {\n  string label = 1;\n}\n',
)
MESSAGE_REMOVED = Rule(
    "MESSAGE_REMOVED",
    "The {reader} schema is missing a MESSAGE type at path '{path}' in the {writer} schema",
    old=_P3 + "message Crate {\n  string label = 1;\n}\n",
    new=_P3 + "message Box {\n  string label = 1;\n}\n",
)
FIELD_KIND_CHANGED = Rule(
    "FIELD_KIND_CHANGED",
    "The kind (scalar, message or map) of a field at path '{path}' in the {reader} schema does not match its kind"
    " in the {writer} schema",
    old=_P3 + "message Crate {\n  string label = 1;\n}\n",
    new=_P3 + "message Crate {\n  map<string, string> label = 1;\n}\n",
)
FIELD_SCALAR_KIND_CHANGED = Rule(
    "FIELD_SCALAR_KIND_CHANGED",
    "The kind of a SCALAR field at path '{path}' in the {reader} schema does not match its kind in the {writer} schema",
    old=_P3 + "message Crate {\n  int32 slots = 1;\n}\n",
    new=_P3 + "message Crate {\n  string slots = 1;\n}\n",
)
FIELD_NAMED_TYPE_CHANGED = Rule(
    "FIELD_NAMED_TYPE_CHANGED",
    "The type of a MESSAGE field at path '{path}' in the {reader} schema does not match its type in the {writer}"
    " schema",
    old=_P3 + "message Crate {\n  Size size = 1;\n}\nmessage Size {}\nmessage Mass {}\n",
    new=_P3 + "message Crate {\n  Mass size = 1;\n}\nmessage Size {}\nmessage Mass {}\n",
)
FIELD_NUMERIC_LABEL_CHANGED = Rule(
    "FIELD_NUMERIC_LABEL_CHANGED",
    "The label of a numeric field at path '{path}' in the {reader} schema does not match its label in the {writer}"
    " schema",
    old=_P3 + "message Crate {\n  repeated int32 slots = 1;\n}\n",
    new=_P3 + "message Crate {\n  optional int32 slots = 1;\n}\n",
)
REQUIRED_FIELD_ADDED = Rule(
    "REQUIRED_FIELD_ADDED",
    "The {reader} schema has a required field at path '{path}' which is missing in the {writer} schema",
    old=_P2 + "message Crate {\n  optional string label = 1;\n}\n",
    new=_P2 + "message Crate {\n  optional string label = 1;\n  required int32 slots = 2;\n}\n",
)
REQUIRED_FIELD_REMOVED = Rule(
    "REQUIRED_FIELD_REMOVED",
    "The {reader} schema is missing a field at path '{path}' which is required in the {writer} schema",
    old=_P2 + "message Crate {\n  optional string label = 1;\n  required int32 slots = 2;\n}\n",
    new=_P2 + "message Crate {\n  optional string label = 1;\n}\n",
)
ONEOF_FIELD_REMOVED = Rule(
    "ONEOF_FIELD_REMOVED",
    "The {reader} schema is missing a oneof field at path '{path}' in the {writer} schema",
    old=_P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n  }\n}\n",
    new=_P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n  }\n}\n",
)
MULTIPLE_FIELDS_MOVED_TO_ONEOF = Rule(
    "MULTIPLE_FIELDS_MOVED_TO_ONEOF",
    "The oneof at path '{path}' in the {reader} schema holds several fields which are outside of a oneof in the"
    " {writer} schema",
    old=_P3 + "message Crate {\n  int32 slots = 1;\n  int32 litres = 2;\n}\n",
    new=_P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n  }\n}\n",
)
FIELD_MOVED_TO_EXISTING_ONEOF = Rule(
    "FIELD_MOVED_TO_EXISTING_ONEOF",
    "The oneof at path '{path}' in the {reader} schema joins a field from outside with fields of a oneof in the"
    " {writer} schema",
    old=_P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n  }\n\n  int32 litres = 2;\n}\n",
    new=_P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n  }\n}\n",
)

RULES: Mapping[str, Rule] = {
    rule.name: rule
    for rule in (
        PACKAGE_CHANGED,
        MESSAGE_REMOVED,
        FIELD_KIND_CHANGED,
        FIELD_SCALAR_KIND_CHANGED,
        FIELD_NAMED_TYPE_CHANGED,
        FIELD_NUMERIC_LABEL_CHANGED,
        REQUIRED_FIELD_ADDED,
        REQUIRED_FIELD_REMOVED,
        ONEOF_FIELD_REMOVED,
        MULTIPLE_FIELDS_MOVED_TO_ONEOF,
        FIELD_MOVED_TO_EXISTING_ONEOF,
    )
}

DIFFERENCES: Mapping[str, str] = {
    "New schemas must be accepted by protoc, unless `schema_validation` is `reference`": "Confluent accepts "
    "duplicate or far field numbers, empty enums, clashing names, unknown options and bad defaults, from which no "
    "client can generate code.",
    "A reference's name must be the path that the schema imports": "protoc finds files by path; Confluent also "
    "searches every other reference of the request.",
    "Editions 2023 and 2024 are accepted": "Confluent rejects them.",
    "The normalized text keeps an enum's first value first": "Confluent sorts values, which makes a proto3 schema "
    "invalid and changes the default of a proto2 one.",
    "Weak imports, the values of custom options and quoted defaults of bytes are stored as written": "Nothing "
    "about them may change between registration and use.",
    "The normalized text keeps all digits of a number, and the groups and options of extensions": "Confluent "
    "rounds to three digits and omits groups and options.",
}
"""The verdicts that differ from Confluent's on purpose, each with its reason."""
