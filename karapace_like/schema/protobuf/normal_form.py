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
    """The normal form of a file; `scope` says what its type names mean, `extensions` what its custom options are."""
    normal = _Normal(scope, extensions)
    return replace(
        file,
        syntax=None if file.syntax == "proto2" else file.syntax,
        imports=tuple(sorted(set(file.imports), key=lambda each: (each.path, each.kind))),
        options=normal.options(file.options, file.package),
        messages=tuple(normal.message(each, file.package) for each in file.messages),
        enums=tuple(normal.enum(each, file.package) for each in file.enums),
        extends=normal.extends(file.extends, file.package),
        services=tuple(normal.service(each, file.package) for each in file.services),
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
        oneofs = [self.oneof(each, name) for each in message.oneofs]
        return replace(
            message,
            fields=self.fields(message.fields, name),
            oneofs=tuple(sorted((each for each in oneofs if each.fields or each.groups), key=_first_number)),
            groups=self.groups(message.groups, name),
            messages=tuple(self.message(each, name) for each in message.messages),
            enums=tuple(self.enum(each, name) for each in message.enums),
            extensions=self.extensions(message.extensions, name),
            extends=self.extends(message.extends, name),
            options=self.options(message.options, name),
            reserved=_sorted_reserved(message.reserved),
        )

    def fields(self, fields: Iterable[Field], within: str) -> tuple[Field, ...]:
        return tuple(
            replace(each, type=self.absolute(each.type, within), options=self.options(each.options, within))
            for each in sorted(fields, key=lambda each: each.number)
        )

    def groups(self, groups: Iterable[Group], within: str) -> tuple[Group, ...]:
        return tuple(
            replace(each, message=self.message(each.message, within), options=self.options(each.options, within))
            for each in sorted(groups, key=lambda each: each.number)
        )

    def oneof(self, oneof: Oneof, within: str) -> Oneof:
        return replace(
            oneof,
            fields=self.fields(oneof.fields, within),
            groups=self.groups(oneof.groups, within),
            options=self.options(oneof.options, within),
        )

    def extensions(self, extensions: Iterable[Extensions], within: str) -> tuple[Extensions, ...]:
        """One statement per range."""
        ranges = [
            (each, self.options(extension.options, within)) for extension in extensions for each in extension.ranges
        ]
        return tuple(Extensions((each,), options) for each, options in sorted(ranges, key=lambda each: each[0].start))

    def extends(self, extends: Iterable[Extend], within: str) -> tuple[Extend, ...]:
        """One declaration per message that is extended."""
        together: dict[str, Extend] = {}
        for extend in extends:
            name = self.absolute(extend.type, within)
            known = together.get(name, Extend(name))
            together[name] = Extend(name, known.fields + extend.fields, known.groups + extend.groups)
        return tuple(
            Extend(each.type, self.fields(each.fields, within), self.groups(each.groups, within))
            for each in together.values()
        )

    def enum(self, enum: Enum, within: str) -> Enum:
        values = [replace(each, options=self.options(each.options, within)) for each in enum.values]
        values[1:] = sorted(values[1:], key=lambda each: (each.number, each.name))
        options = self.options(enum.options, within)
        return replace(enum, values=tuple(values), options=options, reserved=_sorted_reserved(enum.reserved))

    def service(self, service: Service, within: str) -> Service:
        rpcs = (
            replace(
                each,
                request=self.absolute(each.request, within),
                response=self.absolute(each.response, within),
                options=self.options(each.options, within),
            )
            for each in service.rpcs
        )
        return replace(service, rpcs=tuple(rpcs), options=self.options(service.options, within))

    def absolute(self, type_name: str, within: str) -> str:
        if type_name in WIRE_GROUPS:
            return type_name
        full_name = self.scope.resolve(type_name, within)
        return type_name if full_name is None else f".{full_name}"


def _first_number(oneof: Oneof) -> int:
    return min([*(each.number for each in oneof.fields), *(each.number for each in oneof.groups)])


def _sorted_reserved(statements: Iterable[tuple[Range | str, ...]]) -> tuple[tuple[Range | str, ...], ...]:
    """One statement per value: numbers first, then names."""

    def key(value: Range | str) -> tuple[int, str]:
        return (value.start, "") if isinstance(value, Range) else (MAX_ENUM_NUMBER, value)

    return tuple((value,) for value in sorted((each for values in statements for each in values), key=key))
