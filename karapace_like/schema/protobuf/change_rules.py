"""The rules of changes in Protobuf schemas by category, each with a change that breaks it and one that keeps it.

The registry's own rules (`rules.py`) apply in every category and are not repeated here. Left out: extensions, custom
options, and options that steer the protobuf library itself, such as `packed` and `ctype`.
"""

from collections.abc import Mapping

from karapace_like.schema.changes import ChangeCategory, ChangeRule

_TYPE_RULES = frozenset({"FIELD_KIND_CHANGED", "FIELD_SCALAR_KIND_CHANGED", "FIELD_NAMED_TYPE_CHANGED"})
_P3 = 'syntax = "proto3";\npackage shop;\n\n'
_P2 = 'syntax = "proto2";\npackage shop;\n\n'
_CRATE = _P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n}\n"
_WAY = _P3 + "enum Way {\n  WAY_UNSPECIFIED = 0;\n  WAY_AIR = 1;\n}\n"
_SHELF = (
    _P3 + "message Query {}\nmessage Crate {}\n\nservice Shelf {\n  rpc Find(Query) returns (Crate);\n"
    "  rpc List(Query) returns (stream Crate);\n}\n"
)
_SIZES = (
    _P3 + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n  }\n  string label = 3;\n}\n"
)

FIELD_NUMBER_NOT_RESERVED = ChangeRule(
    "FIELD_NUMBER_NOT_RESERVED",
    "The field {detail} at path '{path}' is removed and its number is not reserved: the next field could get it",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P3 + 'message Crate {\n  reserved 2;\n  reserved "slots";\n  string label = 1;\n}\n',
    advice="reserve the number and the name of the field (`reserved`)",
)
ENUM_NUMBER_NOT_RESERVED = ChangeRule(
    "ENUM_NUMBER_NOT_RESERVED",
    "The enum value {detail} at path '{path}' is removed and its number is not reserved: the next value could get it",
    old=_WAY,
    new=_P3 + "enum Way {\n  WAY_UNSPECIFIED = 0;\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P3 + 'enum Way {\n  reserved 1;\n  reserved "WAY_AIR";\n  WAY_UNSPECIFIED = 0;\n}\n',
    advice="reserve the number and the name of the value",
)
RESERVED_NUMBER_FREED = ChangeRule(
    "RESERVED_NUMBER_FREED",
    "The number {detail} at path '{path}' was reserved and is free now: old records may have other data there",
    old=_P3 + "message Crate {\n  reserved 2;\n  string label = 1;\n}\n",
    new=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P3 + "message Crate {\n  reserved 2;\n  string label = 1;\n  int32 slots = 3;\n}\n",
    advice="keep the reservation and use a new number",
)
FIELD_REPEATED_CHANGED = ChangeRule(
    "FIELD_REPEATED_CHANGED",
    "The number field at path '{path}' became {detail}: a packed list is not read as a single number",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n  repeated int32 slots = 2;\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n  repeated int32 all_slots = 3;\n}\n",
    advice="keep the field and add one with a new number",
    repeats=frozenset({"FIELD_NUMERIC_LABEL_CHANGED"}),
)
FIELD_ONEOF_CHANGED = ChangeRule(
    "FIELD_ONEOF_CHANGED",
    "The field at path '{path}' moved {detail}: setting one field of a oneof clears the others",
    old=_SIZES,
    new=_P3
    + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n    string label = 3;\n  }\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P3
    + "message Crate {\n  oneof size {\n    int32 slots = 1;\n    int32 litres = 2;\n    string name = 4;\n  }\n"
    "  string label = 3;\n}\n",
    advice="keep the field where it is and add a new one",
)
FIELD_DEFAULT_CHANGED = ChangeRule(
    "FIELD_DEFAULT_CHANGED",
    "The default of the field at path '{path}' changed {detail}: readers see another value in the same bytes",
    old=_P2 + "message Crate {\n  optional int32 slots = 1 [default = 6];\n}\n",
    new=_P2 + "message Crate {\n  optional int32 slots = 1 [default = 12];\n}\n",
    category=ChangeCategory.WIRE,
    kept=_P2 + "message Crate {\n  optional int32 slots = 1 [default = 6];\n"
    "  optional int32 all_slots = 2 [default = 12];\n}\n",
    advice="keep the default, or add a field with a new number",
)
RPC_CHANGED = ChangeRule(
    "RPC_CHANGED",
    "The method at path '{path}' changed {detail}",
    old=_SHELF,
    new=_SHELF.replace("(stream Crate)", "(Crate)"),
    category=ChangeCategory.WIRE,
    kept=_SHELF.replace("(stream Crate);\n", "(stream Crate);\n  rpc ListAll(Query) returns (Crate);\n"),
    advice="keep the method and add another one",
)
FIELD_NAME_NOT_RESERVED = ChangeRule(
    "FIELD_NAME_NOT_RESERVED",
    "The field {detail} at path '{path}' is removed and its name is not reserved: another field could get it in JSON",
    old=_CRATE,
    new=_P3 + "message Crate {\n  reserved 2;\n  string label = 1;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + 'message Crate {\n  reserved 2;\n  reserved "slots";\n  string label = 1;\n}\n',
    advice="reserve the name, too",
)
ENUM_NAME_NOT_RESERVED = ChangeRule(
    "ENUM_NAME_NOT_RESERVED",
    "The enum value {detail} at path '{path}' is removed and its name is not reserved: another value could get it",
    old=_WAY,
    new=_P3 + "enum Way {\n  reserved 1;\n  WAY_UNSPECIFIED = 0;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + 'enum Way {\n  reserved 1;\n  reserved "WAY_AIR";\n  WAY_UNSPECIFIED = 0;\n}\n',
    advice="reserve the name, too",
)
RESERVED_NAME_FREED = ChangeRule(
    "RESERVED_NAME_FREED",
    "The name {detail} at path '{path}' was reserved and is free now: old JSON may have other data there",
    old=_P3 + 'message Crate {\n  reserved "slots";\n  string label = 1;\n}\n',
    new=_P3 + "message Crate {\n  string label = 1;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + 'message Crate {\n  reserved "slots";\n  string label = 1;\n  int32 size = 2;\n}\n',
    advice="keep the reservation and use a new name",
)
FIELD_JSON_NAME_CHANGED = ChangeRule(
    "FIELD_JSON_NAME_CHANGED",
    "The name of the field at path '{path}' in JSON changed {detail}",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n  int32 slot_count = 2;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + 'message Crate {\n  string label = 1;\n  int32 slot_count = 2 [json_name = "slots"];\n}\n',
    advice="keep the name, or set `json_name` to the old one",
)
FIELD_JSON_TYPE_CHANGED = ChangeRule(
    "FIELD_JSON_TYPE_CHANGED",
    "The type of the field at path '{path}' changed {detail}: JSON writes them in another way",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n  int64 slots = 2;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n  int64 all_slots = 3;\n}\n",
    advice="keep the type, or add a field with a new number and the new type",
    repeats=_TYPE_RULES,
)
FIELD_LIST_CHANGED = ChangeRule(
    "FIELD_LIST_CHANGED",
    "The field at path '{path}' became {detail}: JSON writes an array of the one and a value of the other",
    old=_CRATE,
    new=_P3 + "message Crate {\n  repeated string label = 1;\n  int32 slots = 2;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n  repeated string labels = 3;\n}\n",
    advice="keep the field and add one with a new number",
)
ENUM_VALUE_NAME_CHANGED = ChangeRule(
    "ENUM_VALUE_NAME_CHANGED",
    "The name of the enum value at path '{path}' changed {detail}: JSON writes names",
    old=_WAY,
    new=_P3 + "enum Way {\n  WAY_UNSPECIFIED = 0;\n  WAY_PLANE = 1;\n}\n",
    category=ChangeCategory.JSON,
    kept=_P3
    + "enum Way {\n  option allow_alias = true;\n  WAY_UNSPECIFIED = 0;\n  WAY_AIR = 1;\n  WAY_PLANE = 1;\n}\n",
    advice="keep the old name as an alias (`option allow_alias = true`)",
)
FIELD_REMOVED = ChangeRule(
    "FIELD_REMOVED",
    "The field {detail} at path '{path}' is removed: code that uses it does not compile",
    old=_CRATE,
    new=FIELD_NUMBER_NOT_RESERVED.kept,
    category=ChangeCategory.SOURCE,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2 [deprecated = true];\n}\n",
    advice="keep the field; it may be marked `deprecated`",
    repeats=frozenset({"REQUIRED_FIELD_REMOVED"}),
)
FIELD_NAME_CHANGED = ChangeRule(
    "FIELD_NAME_CHANGED",
    "The name of the field at path '{path}' changed {detail}: code that uses it does not compile",
    old=_CRATE,
    new=FIELD_JSON_NAME_CHANGED.kept,
    category=ChangeCategory.SOURCE,
    kept=_P3 + "message Crate {\n  string label = 1;\n  // The number of slots.\n  int32 slots = 2;\n}\n",
    advice="keep the name and describe the field in a comment",
)
FIELD_TYPE_CHANGED = ChangeRule(
    "FIELD_TYPE_CHANGED",
    "The type of the field at path '{path}' changed {detail}: generated code has another type",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n  uint32 slots = 2;\n}\n",
    category=ChangeCategory.SOURCE,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n  uint32 all_slots = 3;\n}\n",
    advice="keep the type, or add a field with a new number and the new type",
    repeats=_TYPE_RULES,
)
FIELD_PRESENCE_CHANGED = ChangeRule(
    "FIELD_PRESENCE_CHANGED",
    "The presence of the field at path '{path}' changed {detail}: generated code has other methods for it",
    old=_CRATE,
    new=_P3 + "message Crate {\n  string label = 1;\n  optional int32 slots = 2;\n}\n",
    category=ChangeCategory.SOURCE,
    kept=_P3 + "message Crate {\n  string label = 1;\n  int32 slots = 2;\n  optional int32 all_slots = 3;\n}\n",
    advice="keep the label, or add a field with a new number",
    repeats=frozenset({"FIELD_NUMERIC_LABEL_CHANGED"}),
)
ENUM_VALUE_REMOVED = ChangeRule(
    "ENUM_VALUE_REMOVED",
    "The enum value {detail} at path '{path}' is removed: code that uses it does not compile",
    old=_WAY,
    new=ENUM_NUMBER_NOT_RESERVED.kept,
    category=ChangeCategory.SOURCE,
    kept=_P3 + "enum Way {\n  WAY_UNSPECIFIED = 0;\n  WAY_AIR = 1 [deprecated = true];\n}\n",
    advice="keep the value; it may be marked `deprecated`",
)
TYPE_REMOVED = ChangeRule(
    "TYPE_REMOVED",
    "The {detail} at path '{path}' is removed: code that uses it does not compile",
    old=_CRATE + "\nenum Way {\n  WAY_UNSPECIFIED = 0;\n}\n",
    new=_CRATE,
    category=ChangeCategory.SOURCE,
    kept=_CRATE + "\nenum Way {\n  option deprecated = true;\n  WAY_UNSPECIFIED = 0;\n}\n",
    advice="keep it; it may be marked `deprecated`",
    repeats=frozenset({"MESSAGE_REMOVED"}),
)
ONEOF_REMOVED = ChangeRule(
    "ONEOF_REMOVED",
    "The oneof {detail} at path '{path}' is removed or renamed: code that uses it does not compile",
    old=_SIZES,
    new=_SIZES.replace("oneof size", "oneof volume"),
    category=ChangeCategory.SOURCE,
    kept=_SIZES.replace("    int32 litres = 2;\n", "    int32 litres = 2;\n    int32 pints = 4;\n"),
    advice="keep the oneof and its name",
)
RPC_REMOVED = ChangeRule(
    "RPC_REMOVED",
    "The method {detail} at path '{path}' is removed: code that calls it does not compile",
    old=_SHELF,
    new=_SHELF.replace("  rpc Find(Query) returns (Crate);\n", ""),
    category=ChangeCategory.SOURCE,
    kept=_SHELF.replace("returns (Crate);", "returns (Crate) {\n    option deprecated = true;\n  }"),
    advice="keep the method; it may be marked `deprecated`",
)
FILE_OPTION_CHANGED = ChangeRule(
    "FILE_OPTION_CHANGED",
    "The option {detail}: generated code moves to another place",
    old='syntax = "proto3";\npackage shop;\n\noption java_package = "org.shop";\n\nmessage Crate {}\n',
    new='syntax = "proto3";\npackage shop;\n\noption java_package = "org.store";\n\nmessage Crate {}\n',
    category=ChangeCategory.SOURCE,
    kept='syntax = "proto3";\npackage shop;\n\noption java_package = "org.shop";\n\nmessage Crate {}\n\n'
    "message Box {}\n",
    advice="keep the option",
)
SYNTAX_CHANGED = ChangeRule(
    "SYNTAX_CHANGED",
    "The syntax of the file changed {detail}: presence, defaults and enums of generated code differ",
    old=_P2 + "message Crate {\n  optional string label = 1;\n}\n",
    new=_P3 + "message Crate {\n  optional string label = 1;\n}\n",
    category=ChangeCategory.SOURCE,
    kept=_P2 + "message Crate {\n  optional string label = 1;\n  optional int32 slots = 2;\n}\n",
    advice="keep the syntax; new files may have another one",
)

CHANGE_RULES: Mapping[str, ChangeRule] = {
    rule.name: rule
    for rule in (
        FIELD_NUMBER_NOT_RESERVED,
        ENUM_NUMBER_NOT_RESERVED,
        RESERVED_NUMBER_FREED,
        FIELD_REPEATED_CHANGED,
        FIELD_ONEOF_CHANGED,
        FIELD_DEFAULT_CHANGED,
        RPC_CHANGED,
        FIELD_NAME_NOT_RESERVED,
        ENUM_NAME_NOT_RESERVED,
        RESERVED_NAME_FREED,
        FIELD_JSON_NAME_CHANGED,
        FIELD_JSON_TYPE_CHANGED,
        FIELD_LIST_CHANGED,
        ENUM_VALUE_NAME_CHANGED,
        FIELD_REMOVED,
        FIELD_NAME_CHANGED,
        FIELD_TYPE_CHANGED,
        FIELD_PRESENCE_CHANGED,
        ENUM_VALUE_REMOVED,
        TYPE_REMOVED,
        ONEOF_REMOVED,
        RPC_REMOVED,
        FILE_OPTION_CHANGED,
        SYNTAX_CHANGED,
    )
}
