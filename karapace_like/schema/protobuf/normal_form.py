"""The tree under `normalize=true`: equal for files that differ in form only.

Sorted are imports, options, fields (by number), oneofs (by their first field), enum values and reserved ones; type
names become absolute; empty oneofs and `syntax = "proto2"` (the default) go. The order of messages stays: clients
count messages by it. The first value of an enum stays first too, because it is the enum's default.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from karapace_like.schema.protobuf.scope import Scope, member
from karapace_like.schema.protobuf.syntax_tree import (
    MAX_ENUM_NUMBER,
    WIRE_GROUPS,
    Enum,
    Extend,
    Field,
    File,
    Group,
    Message,
    Oneof,
    Option,
    Range,
    Service,
)


def normal_form(file: File, scope: Scope) -> File:
    """The normal form of a file whose type names mean what `scope` says."""
    normal = _Normal(scope)
    return replace(
        file,
        syntax=None if file.syntax == "proto2" else file.syntax,
        imports=tuple(sorted(set(file.imports), key=lambda each: (each.path, each.kind))),
        options=_sorted_options(file.options),
        messages=tuple(normal.message(each, file.package) for each in file.messages),
        enums=tuple(map(_enum, file.enums)),
        extends=tuple(normal.extend(each, file.package) for each in file.extends),
        services=tuple(normal.service(each, file.package) for each in file.services),
    )


@dataclass(frozen=True, slots=True)
class _Normal:
    """The normal forms of what refers to types; `within` is the full name of the enclosing message or package."""

    scope: Scope

    def message(self, message: Message, within: str) -> Message:
        name = member(within, message.name)
        oneofs = [self.oneof(each, name) for each in message.oneofs]
        return replace(
            message,
            fields=self.fields(message.fields, name),
            oneofs=tuple(sorted((each for each in oneofs if each.fields or each.groups), key=_first_number)),
            groups=self.groups(message.groups, name),
            messages=tuple(self.message(each, name) for each in message.messages),
            enums=tuple(map(_enum, message.enums)),
            extensions=tuple(replace(each, options=_sorted_options(each.options)) for each in message.extensions),
            extends=tuple(self.extend(each, name) for each in message.extends),
            options=_sorted_options(message.options),
            reserved=_sorted_reserved(message.reserved),
        )

    def fields(self, fields: Iterable[Field], within: str) -> tuple[Field, ...]:
        return tuple(
            replace(each, type=self.absolute(each.type, within), options=_sorted_options(each.options))
            for each in sorted(fields, key=lambda each: each.number)
        )

    def groups(self, groups: Iterable[Group], within: str) -> tuple[Group, ...]:
        return tuple(
            replace(each, message=self.message(each.message, within), options=_sorted_options(each.options))
            for each in sorted(groups, key=lambda each: each.number)
        )

    def oneof(self, oneof: Oneof, within: str) -> Oneof:
        return replace(
            oneof,
            fields=self.fields(oneof.fields, within),
            groups=self.groups(oneof.groups, within),
            options=_sorted_options(oneof.options),
        )

    def extend(self, extend: Extend, within: str) -> Extend:
        return Extend(
            self.absolute(extend.type, within), self.fields(extend.fields, within), self.groups(extend.groups, within)
        )

    def service(self, service: Service, within: str) -> Service:
        rpcs = (
            replace(
                each,
                request=self.absolute(each.request, within),
                response=self.absolute(each.response, within),
                options=_sorted_options(each.options),
            )
            for each in service.rpcs
        )
        return replace(service, rpcs=tuple(rpcs), options=_sorted_options(service.options))

    def absolute(self, type_name: str, within: str) -> str:
        if type_name in WIRE_GROUPS:
            return type_name
        full_name = self.scope.resolve(type_name, within)
        return type_name if full_name is None else f".{full_name}"


def _enum(enum: Enum) -> Enum:
    values = [replace(each, options=_sorted_options(each.options)) for each in enum.values]
    values[1:] = sorted(values[1:], key=lambda each: (each.number, each.name))
    return replace(
        enum, values=tuple(values), options=_sorted_options(enum.options), reserved=_sorted_reserved(enum.reserved)
    )


def _first_number(oneof: Oneof) -> int:
    return min([*(each.number for each in oneof.fields), *(each.number for each in oneof.groups)])


def _sorted_options(options: Iterable[Option]) -> tuple[Option, ...]:
    """By name without the parentheses; those of one name, as of a repeated option, stay in order."""
    return tuple(sorted(options, key=lambda each: each.name.lstrip("(").partition(")")[0]))


def _sorted_reserved(statements: Iterable[tuple[Range | str, ...]]) -> tuple[tuple[Range | str, ...], ...]:
    """One statement per value: numbers first, then names."""

    def key(value: Range | str) -> tuple[int, str]:
        return (value.start, "") if isinstance(value, Range) else (MAX_ENUM_NUMBER, value)

    return tuple((value,) for value in sorted((each for values in statements for each in values), key=key))
