"""The tree under `normalize=true`: equal for files that differ in form only.

Sorted are imports, options, fields (by number), oneofs (by their first field), enum values, extension numbers and
reserved ones; type names become absolute; extensions of one message come together; empty oneofs and
`syntax = "proto2"` (the default) go. The order of messages stays: clients count messages by it. The first value of an
enum stays first too, because it is the enum's default.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from karapace_like.schema.protobuf.normal_options import normal_options
from karapace_like.schema.protobuf.scope import Scope, member
from karapace_like.schema.protobuf.syntax_tree import (
    MAX_ENUM_NUMBER,
    WIRE_GROUPS,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Message,
    Oneof,
    Option,
    Range,
    Service,
)


def normal_form(file: File, scope: Scope, extensions: Mapping[str, Field]) -> File:
    """Return the normal form of a file; `scope` resolves its type names, `extensions` its custom options."""
    normal = _Normal(scope, extensions)
    return replace(
        file,
        syntax=None if file.syntax == "proto2" else file.syntax,
        imports=tuple(sorted(set(file.imports), key=lambda imported: (imported.path, imported.kind))),
        options=normal.options(file.options, file.package),
        messages=tuple(normal.message(message, file.package) for message in file.messages),
        enums=tuple(normal.enum(enum, file.package) for enum in file.enums),
        extends=normal.extends(file.extends, file.package),
        services=tuple(normal.service(service, file.package) for service in file.services),
    )


@dataclass(frozen=True, slots=True)
class _Normal:
    """The normal forms of what refers to types; `within` is the full name of the enclosing message or package."""

    scope: Scope
    known_extensions: Mapping[str, Field]

    def options(self, options: Iterable[Option], within: str) -> tuple[Option, ...]:
        return normal_options(options, within, self.known_extensions)

    def message(self, message: Message, within: str) -> Message:
        name = member(within, message.name)
        oneofs = [self.oneof(oneof, name) for oneof in message.oneofs]
        return replace(
            message,
            fields=self.fields(message.fields, name),
            oneofs=tuple(sorted((oneof for oneof in oneofs if oneof.fields or oneof.groups), key=_first_number)),
            groups=self.groups(message.groups, name),
            messages=tuple(self.message(nested, name) for nested in message.messages),
            enums=tuple(self.enum(enum, name) for enum in message.enums),
            extensions=self.extensions(message.extensions, name),
            extends=self.extends(message.extends, name),
            options=self.options(message.options, name),
            reserved=_sort_reserved(message.reserved),
        )

    def fields(self, fields: Iterable[Field], within: str) -> tuple[Field, ...]:
        return tuple(
            replace(field, type=self.absolute(field.type, within), options=self.options(field.options, within))
            for field in sorted(fields, key=lambda field: field.number)
        )

    def groups(self, groups: Iterable[Group], within: str) -> tuple[Group, ...]:
        return tuple(
            replace(group, message=self.message(group.message, within), options=self.options(group.options, within))
            for group in sorted(groups, key=lambda group: group.number)
        )

    def oneof(self, oneof: Oneof, within: str) -> Oneof:
        return replace(
            oneof,
            fields=self.fields(oneof.fields, within),
            groups=self.groups(oneof.groups, within),
            options=self.options(oneof.options, within),
        )

    def extensions(self, extensions: Iterable[Extensions], within: str) -> tuple[Extensions, ...]:
        """Return one statement for each range."""
        ranges = [
            (numbers, self.options(extension.options, within))
            for extension in extensions
            for numbers in extension.ranges
        ]
        return tuple(
            Extensions((numbers,), options) for numbers, options in sorted(ranges, key=lambda numbers: numbers[0].start)
        )

    def extends(self, extends: Iterable[Extend], within: str) -> tuple[Extend, ...]:
        """Return one declaration for each message that is extended."""
        together: dict[str, Extend] = {}
        for extend in extends:
            name = self.absolute(extend.type, within)
            earlier = together.get(name, Extend(name))
            together[name] = Extend(name, earlier.fields + extend.fields, earlier.groups + extend.groups)
        return tuple(
            Extend(extend.type, self.fields(extend.fields, within), self.groups(extend.groups, within))
            for extend in together.values()
        )

    def enum(self, enum: Enum, within: str) -> Enum:
        values = [replace(value, options=self.options(value.options, within)) for value in enum.values]
        values[1:] = sorted(values[1:], key=lambda value: (value.number, value.name))
        options = self.options(enum.options, within)
        return replace(enum, values=tuple(values), options=options, reserved=_sort_reserved(enum.reserved))

    def service(self, service: Service, within: str) -> Service:
        rpcs = (
            replace(
                rpc,
                request=self.absolute(rpc.request, within),
                response=self.absolute(rpc.response, within),
                options=self.options(rpc.options, within),
            )
            for rpc in service.rpcs
        )
        return replace(service, rpcs=tuple(rpcs), options=self.options(service.options, within))

    def absolute(self, type_name: str, within: str) -> str:
        if type_name in WIRE_GROUPS:
            return type_name
        full_name = self.scope.resolve(type_name, within)
        return type_name if full_name is None else f".{full_name}"


def _first_number(oneof: Oneof) -> int:
    return min([*(field.number for field in oneof.fields), *(group.number for group in oneof.groups)])


def _sort_reserved(statements: Iterable[tuple[Range | str, ...]]) -> tuple[tuple[Range | str, ...], ...]:
    """Return one statement for each value: numbers first, then names."""

    def key(value: Range | str) -> tuple[int, str]:
        return (value.start, "") if isinstance(value, Range) else (MAX_ENUM_NUMBER, value)

    return tuple((value,) for value in sorted((spelled for values in statements for spelled in values), key=key))
