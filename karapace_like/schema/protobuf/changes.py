"""What changed from one Protobuf schema to the next, by the rules of a category (`change_rules.py`).

Only what the file itself declares is compared: imported files are compared as the schemas that they are. Of several
rules about one change, the one of the narrowest category is reported.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from karapace_like.schema.changes import ChangeCategory, ChangeRule
from karapace_like.schema.model import Incompatibility
from karapace_like.schema.protobuf import change_rules as rules
from karapace_like.schema.protobuf.printer import print_field, print_value
from karapace_like.schema.protobuf.schema import ParsedProtobuf
from karapace_like.schema.protobuf.scope import Scope, member
from karapace_like.schema.protobuf.syntax_tree import (
    Enum,
    Field,
    File,
    Group,
    Literal,
    Message,
    Option,
    Range,
    Rpc,
    Service,
    derive_json_name,
)

_JSON_FORMS = {
    **dict.fromkeys(("int32", "uint32", "sint32", "fixed32", "sfixed32"), "whole number"),
    **dict.fromkeys(("int64", "uint64", "sint64", "fixed64", "sfixed64"), "digits in a string"),
    **dict.fromkeys(("float", "double"), "number"),
}
"""Scalar type -> how JSON writes it, where that is not the type's name. https://protobuf.dev/programming-guides/json/"""
_SCALARS = frozenset({*_JSON_FORMS, "bool", "string", "bytes"})
_CODE_OPTIONS = frozenset(
    {
        "java_package",
        "java_outer_classname",
        "java_multiple_files",
        "go_package",
        "csharp_namespace",
        "objc_class_prefix",
        "php_class_prefix",
        "php_namespace",
        "php_metadata_namespace",
        "ruby_package",
        "swift_prefix",
    }
)
"""File options that say where generated code is."""
_Reserved: TypeAlias = tuple[tuple[Range | str, ...], ...]


def find_changes(new: ParsedProtobuf, old: ParsedProtobuf, category: ChangeCategory) -> list[Incompatibility]:
    """Return the changes that break a rule of the category, in the order of the old file."""
    comparison = _Comparison(_Side(new), _Side(old))
    findings = [
        *comparison.file(),
        *comparison.types("#", _as_message(new.file), _as_message(old.file), "", ""),
        *comparison.services(),
    ]
    return [finding for finding in findings if category.includes(_category(finding))]


def _category(finding: Incompatibility) -> ChangeCategory:
    return rules.CHANGE_RULES[finding.rule.name].category


def _as_message(file: File) -> Message:
    """Return the file's types as if they were those of a message."""
    return Message("", messages=file.messages, enums=file.enums)


@dataclass(frozen=True, slots=True)
class _Member:
    """A field or group of a message, with its oneof."""

    field: Field
    oneof: str | None


class _Side:
    """One of the two schemas."""

    def __init__(self, schema: ParsedProtobuf) -> None:
        self.file = schema.file
        self._scope: Scope = schema.scope
        options = {option.name: print_value(option.value) for option in schema.file.options}
        self._default_presence = options.get("features.field_presence", "EXPLICIT")

    def name_type(self, field: Field, within: str) -> str:
        """Return the type: that of a scalar, or the full name without the package of its file."""
        if field.map_key:
            return f"map<{field.map_key}, {self._name_type(field.type, within)}>"
        return self._name_type(field.type, within)

    def _name_type(self, type_: str, within: str) -> str:
        full = None if type_ in _SCALARS else self._scope.resolve(type_, member(self.file.package, within))
        return type_ if full is None else full.removeprefix(f"{self._scope.types[full].package}.")

    def is_message(self, field: Field, within: str) -> bool:
        """Return whether values of the field are messages."""
        full = self._scope.resolve(field.type, member(self.file.package, within))
        return field.type.startswith("group ") or (
            full is not None and isinstance(self._scope.types[full].node, Message)
        )

    def presence(self, field: Field, within: str) -> str:
        """Return whether generated code can tell that the field is set."""
        said = next((print_value(o.value) for o in field.options if o.name == "features.field_presence"), "")
        if field.label == "required" or said == "LEGACY_REQUIRED":
            return "required"
        if field.label == "optional" or self.is_message(field, within):
            return "explicit"
        if self.file.edition is not None:
            return (said or self._default_presence).lower()
        return "implicit"


@dataclass(frozen=True, slots=True)
class _Comparison:
    new: _Side
    old: _Side

    def file(self) -> Iterator[Incompatibility]:
        """Yield the changes of the file itself."""
        new, old = self.new.file, self.old.file
        syntaxes = [file.edition or file.syntax or "proto2" for file in (old, new)]
        if syntaxes[0] != syntaxes[1]:
            yield _report(rules.SYNTAX_CHANGED, "#/", _change(*syntaxes))
        before, after = _code_options(old), _code_options(new)
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                detail = f"{name} changed {_change(before.get(name, 'not set'), after.get(name, 'not set'))}"
                yield _report(rules.FILE_OPTION_CHANGED, "#/", detail)

    def types(self, path: str, new: Message, old: Message, within: str, earlier: str) -> Iterator[Incompatibility]:
        """Yield the changes of the types inside of a message; the last two are its full names without the package."""
        messages = {message.name: message for message in new.messages}
        enums = {enum.name: enum for enum in new.enums}
        for message in old.messages:
            inner = f"{path}/{message.name}"
            if message.name not in messages:
                yield _report(rules.TYPE_REMOVED, inner, f"message {message.name}")
                continue
            names = member(within, message.name), member(earlier, message.name)
            yield from self.message(inner, messages[message.name], message, *names)
        for enum in old.enums:
            inner = f"{path}/{enum.name}"
            if enum.name in enums:
                yield from _compare_enums(inner, enums[enum.name], enum)
            else:
                yield _report(rules.TYPE_REMOVED, inner, f"enum {enum.name}")

    def message(self, path: str, new: Message, old: Message, within: str, earlier: str) -> Iterator[Incompatibility]:
        """Yield the changes of a message, its fields first."""
        after, before = _list_members(new), _list_members(old)
        renamed = _find_renamed_oneofs(new, old)
        for oneof in old.oneofs:
            if oneof.name not in {other.name for other in new.oneofs}:
                yield _report(rules.ONEOF_REMOVED, f"{path}/{oneof.name}", oneof.name)
        for number, was in sorted(before.items()):
            place = f"{path}/{number}"
            if number not in after:
                yield from _report_removed_field(place, was.field, new.reserved)
                continue
            now = after[number]
            yield from self.field(place, now.field, was.field, within, earlier)
            if now.oneof != (was.oneof and renamed.get(was.oneof, was.oneof)):
                yield _report(rules.FIELD_ONEOF_CHANGED, place, _move(was.oneof, now.oneof))
        yield from _compare_reserved(path, new.reserved, old.reserved)
        yield from self.types(path, new, old, within, earlier)

    def field(self, place: str, new: Field, old: Field, within: str, earlier: str) -> Iterator[Incompatibility]:
        """Yield the changes of one field; each of its properties is reported once."""
        types = self.old.name_type(old, earlier), self.new.name_type(new, within)
        fragments = {"reader": print_field(new), "writer": print_field(old)}
        json_names = _json_name(old), _json_name(new)
        if json_names[0] != json_names[1]:
            yield _report(rules.FIELD_JSON_NAME_CHANGED, place, _change(*json_names), **fragments)
        elif old.name != new.name:
            yield _report(rules.FIELD_NAME_CHANGED, place, _change(old.name, new.name), **fragments)
        if types[0] != types[1]:
            forms = [_JSON_FORMS.get(name, name) for name in types]
            rule = rules.FIELD_TYPE_CHANGED if forms[0] == forms[1] else rules.FIELD_JSON_TYPE_CHANGED
            yield _report(rule, place, _change(*types), **fragments)
        lists = [_is_list(field) for field in (old, new)]
        if lists[0] != lists[1] and not (old.map_key or new.map_key):
            is_packable = old.type in _SCALARS - {"string", "bytes"} or not (
                old.type in _SCALARS or self.old.is_message(old, earlier)
            )
            rule = rules.FIELD_REPEATED_CHANGED if is_packable else rules.FIELD_LIST_CHANGED
            yield _report(rule, place, "repeated" if lists[1] else "single", **fragments)
        elif not lists[0] and types[0] == types[1]:
            presences = self.old.presence(old, earlier), self.new.presence(new, within)
            if presences[0] != presences[1]:
                yield _report(rules.FIELD_PRESENCE_CHANGED, place, _change(*presences), **fragments)
        defaults = _option(old.options, "default"), _option(new.options, "default")
        if defaults[0] != defaults[1]:
            yield _report(rules.FIELD_DEFAULT_CHANGED, place, _change(*defaults), **fragments)

    def services(self) -> Iterator[Incompatibility]:
        """Yield the changes of services."""
        services = {service.name: service for service in self.new.file.services}
        for service in self.old.file.services:
            path = f"#/{service.name}"
            if service.name in services:
                yield from _compare_services(path, services[service.name], service)
            else:
                yield _report(rules.TYPE_REMOVED, path, f"service {service.name}")


def _report(rule: ChangeRule, path: str, detail: str = "", *, reader: str = "", writer: str = "") -> Incompatibility:
    return Incompatibility(rule, path, detail, reader, writer)


def _change(before: str, after: str) -> str:
    return f"from {before} to {after}"


def _move(before: str | None, after: str | None) -> str:
    if before is None:
        return f"into the oneof {after}"
    return f"out of the oneof {before}" if after is None else f"from the oneof {before} to {after}"


def _code_options(file: File) -> dict[str, str]:
    return {option.name: print_value(option.value) for option in file.options if option.name in _CODE_OPTIONS}


def _option(options: Iterable[Option], name: str) -> str:
    return next((print_value(option.value) for option in options if option.name == name), "none")


def _json_name(field: Field) -> str:
    own = next((option.value for option in field.options if option.name == "json_name"), None)
    return own.value.decode(errors="replace") if isinstance(own, Literal) else derive_json_name(field.name)


def _is_list(field: Field) -> bool:
    return field.label == "repeated"


def _list_members(message: Message) -> dict[int, _Member]:
    """Return the fields and groups of a message by number, those of oneofs included."""
    members = {field.number: _Member(field, None) for field in message.fields}
    members |= {group.number: _Member(_as_field(group), None) for group in message.groups}
    for oneof in message.oneofs:
        members |= {field.number: _Member(field, oneof.name) for field in oneof.fields}
        members |= {group.number: _Member(_as_field(group), oneof.name) for group in oneof.groups}
    return members


def _as_field(group: Group) -> Field:
    return Field(group.message.name.lower(), group.number, f"group {group.message.name}", group.label)


def _find_renamed_oneofs(new: Message, old: Message) -> dict[str, str]:
    """Return old name -> new name of the oneofs that have another name and a field in common."""
    kept = {oneof.name for oneof in new.oneofs} & {oneof.name for oneof in old.oneofs}
    numbers = {oneof.name: {field.number for field in oneof.fields} for oneof in new.oneofs if oneof.name not in kept}
    return {
        oneof.name: name
        for oneof in old.oneofs
        for name, others in numbers.items()
        if oneof.name not in kept and others & {field.number for field in oneof.fields}
    }


def _report_removed_field(place: str, field: Field, reserved: _Reserved) -> Iterator[Incompatibility]:
    if not _covers(reserved, field.number):
        rule = rules.FIELD_NUMBER_NOT_RESERVED
    elif field.name not in _names(reserved):
        rule = rules.FIELD_NAME_NOT_RESERVED
    else:
        rule = rules.FIELD_REMOVED
    yield _report(rule, place, field.name, writer=print_field(field))


def _compare_enums(path: str, new: Enum, old: Enum) -> Iterator[Incompatibility]:
    names: dict[int, list[str]] = {}
    for value in new.values:
        names.setdefault(value.number, []).append(value.name)
    for value in old.values:
        place = f"{path}/{value.name}"
        if value.name in names.get(value.number, ()):
            continue
        if value.number in names:
            changed = _change(value.name, " or ".join(names[value.number]))
            yield _report(rules.ENUM_VALUE_NAME_CHANGED, place, changed)
        elif not _covers(new.reserved, value.number):
            yield _report(rules.ENUM_NUMBER_NOT_RESERVED, place, value.name)
        elif value.name not in _names(new.reserved):
            yield _report(rules.ENUM_NAME_NOT_RESERVED, place, value.name)
        else:
            yield _report(rules.ENUM_VALUE_REMOVED, place, value.name)
    yield from _compare_reserved(path, new.reserved, old.reserved)


def _compare_services(path: str, new: Service, old: Service) -> Iterator[Incompatibility]:
    rpcs = {rpc.name: rpc for rpc in new.rpcs}
    for before in old.rpcs:
        place = f"{path}/{before.name}"
        after = rpcs.get(before.name)
        if after is None:
            yield _report(rules.RPC_REMOVED, place, before.name)
            continue
        texts = _print_rpc(before), _print_rpc(after)
        if texts[0] != texts[1]:
            yield _report(rules.RPC_CHANGED, place, _change(*texts))


def _print_rpc(rpc: Rpc) -> str:
    streams = "stream " * rpc.streams_request, "stream " * rpc.streams_response
    return f"({streams[0]}{rpc.request}) returns ({streams[1]}{rpc.response})"


def _compare_reserved(path: str, new: _Reserved, old: _Reserved) -> Iterator[Incompatibility]:
    """Yield the ranges and names that are not reserved any more."""
    for entry in (entry for statement in old for entry in statement):
        if isinstance(entry, str):
            if entry not in _names(new):
                yield _report(rules.RESERVED_NAME_FREED, path, entry)
        elif (freed := _find_free_number(entry, _ranges(new))) is not None:
            yield _report(rules.RESERVED_NUMBER_FREED, path, str(freed))


def _find_free_number(wanted: Range, reserved: Iterable[Range]) -> int | None:
    """Return the first number of the range that none of the others covers."""
    number = wanted.start
    for span in sorted(reserved, key=lambda span: span.start):
        if span.start <= number <= span.end:
            number = span.end + 1
    return number if number <= wanted.end else None


def _ranges(reserved: _Reserved) -> list[Range]:
    return [entry for statement in reserved for entry in statement if isinstance(entry, Range)]


def _names(reserved: _Reserved) -> Collection[str]:
    return {entry for statement in reserved for entry in statement if isinstance(entry, str)}


def _covers(reserved: _Reserved, number: int) -> bool:
    return any(span.start <= number <= span.end for span in _ranges(reserved))
