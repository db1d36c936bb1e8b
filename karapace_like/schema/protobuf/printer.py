"""From a tree to text, in the layout that Confluent's registry stores: two spaces, one declaration a line.

Within a body: reserved, options, fields, oneofs, groups, extensions, messages, enums, extends; the kinds are
separated by empty lines. Nothing is sorted or resolved here (`normal_form.py` does that, on the tree).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from karapace_like.schema.protobuf.syntax_tree import (
    MAX_ENUM_NUMBER,
    MAX_FIELD_NUMBER,
    Block,
    Enum,
    Extend,
    Extensions,
    Field,
    File,
    Group,
    Literal,
    Message,
    Oneof,
    Option,
    Range,
    Rpc,
    Service,
    Value,
    Word,
)

_IMPORT_ORDER = ("", "public", "weak", "option")
_ESCAPES = {"\a": "a", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t", "\v": "v", "\\": "\\", '"': '"', "'": "'"}
_ESCAPED = re.compile(r"""[\x00-\x1f\x7f"'\\\udc80-\udcff]""")
_Lines: TypeAlias = list[str]


def print_file(file: File) -> str:
    """Return the file's text: its head, then every kind of declaration after an empty line."""
    head = []
    if file.syntax is not None:
        head.append(f'syntax = "{file.syntax}";')
    if file.edition is not None:
        head.append(f'edition = "{file.edition}";')
    if file.package:
        head.append(f"package {file.package};")
    # Editions want reserved names as bare words.
    body = _Body(quotes_names=file.edition is None)
    imports = sorted(file.imports, key=lambda imported: _IMPORT_ORDER.index(imported.kind))
    sections = [
        [f"import {_prefix(imported.kind)}{_quote(imported.path.encode())};" for imported in imports],
        _option_lines(file.options),
        body.types(file.messages, file.enums),
        _join(body.extend(extend) for extend in file.extends),
        _join(_service(service) for service in file.services),
    ]
    lines = head + [line for section in sections if section for line in ["", *section]]
    return "".join(line + "\n" for line in lines)


def print_value(value: Value) -> str:
    """Return an option's value in one line."""
    return " ".join(line.strip() for line in _value(value))


def print_field(field: Field) -> str:
    """Return the declaration of a field."""
    return "\n".join(_field(field))


@dataclass(frozen=True, slots=True)
class _Body:
    """Prints declarations with a body; `quotes_names` says how reserved names are written."""

    quotes_names: bool

    def types(self, messages: Iterable[Message], enums: Iterable[Enum]) -> _Lines:
        return _join(self.message(message) for message in messages) + _join(self.enum(enum) for enum in enums)

    def message(self, message: Message) -> _Lines:
        return _block(f"{_prefix(message.visibility)}message {message.name}", self.sections(message))

    def sections(self, message: Message) -> list[_Lines]:
        return [
            [self.print_reserved(reserved, MAX_FIELD_NUMBER) for reserved in message.reserved],
            _option_lines(message.options),
            _join(_field(field) for field in message.fields),
            _join(self.oneof(oneof) for oneof in message.oneofs),
            _join(self.group(group) for group in message.groups),
            _join(_extensions(extension) for extension in message.extensions),
            _join(self.extend(extend) for extend in message.extends),
            self.types(message.messages, message.enums),
        ]

    def oneof(self, oneof: Oneof) -> _Lines:
        groups = _join(self.group(group) for group in oneof.groups)
        fields = _join(_field(field) for field in oneof.fields)
        return _block(f"oneof {oneof.name}", [_option_lines(oneof.options), fields, groups])

    def group(self, group: Group) -> _Lines:
        head = _with_options(f"{_prefix(group.label)}group {group.message.name} = {group.number}", group.options)
        return head[:-1] + _block(head[-1], self.sections(group.message))

    def extend(self, extend: Extend) -> _Lines:
        groups = _join(self.group(group) for group in extend.groups)
        return _block(f"extend {extend.type}", [_join(_field(field) for field in extend.fields), groups])

    def enum(self, enum: Enum) -> _Lines:
        members = [self.print_reserved(reserved, MAX_ENUM_NUMBER) for reserved in enum.reserved]
        members += _option_lines(enum.options)
        members += _join(_statement(f"{value.name} = {value.number}", value.options) for value in enum.values)
        return _block(f"{_prefix(enum.visibility)}enum {enum.name}", [members])

    def print_reserved(self, values: Iterable[Range | str], maximum: int) -> str:
        def print_value(value: Range | str) -> str:
            if isinstance(value, Range):
                return _range(value, maximum)
            return _quote(value.encode()) if self.quotes_names else value

        return f"reserved {', '.join(map(print_value, values))};"


def _field(field: Field) -> _Lines:
    type_name = f"map<{field.map_key}, {field.type}>" if field.map_key else field.type
    return _statement(f"{_prefix(field.label)}{type_name} {field.name} = {field.number}", field.options)


def _extensions(extensions: Extensions) -> _Lines:
    ranges = ", ".join(_range(numbers, MAX_FIELD_NUMBER) for numbers in extensions.ranges)
    return _statement(f"extensions {ranges}", extensions.options)


def _range(numbers: Range, maximum: int) -> str:
    if numbers.start == numbers.end:
        return str(numbers.start)
    return f"{numbers.start} to {'max' if numbers.end >= maximum else numbers.end}"


def _service(service: Service) -> _Lines:
    return _block(f"service {service.name}", [_option_lines(service.options), _join(_rpc(rpc) for rpc in service.rpcs)])


def _rpc(rpc: Rpc) -> _Lines:
    request = _prefix("stream" if rpc.streams_request else "") + rpc.request
    response = _prefix("stream" if rpc.streams_response else "") + rpc.response
    head = f"rpc {rpc.name} ({request}) returns ({response})"
    return _end(_block(head, [_option_lines(rpc.options)]) if rpc.options else [head])


def _option_lines(options: Iterable[Option]) -> _Lines:
    return _join(_end(_prefix_lines("option ", _option(option))) for option in options)


def _statement(head: str, options: tuple[Option, ...]) -> _Lines:
    return _end(_with_options(head, options))


def _with_options(head: str, options: tuple[Option, ...]) -> _Lines:
    """Append options: one stays on the line, several get a line each."""
    if not options:
        return [head]
    if len(options) == 1:
        lines = _option(options[0])
        lines[-1] += "]"
        return _prefix_lines(f"{head} [", lines)
    return [f"{head} [", *_indent(_list_members(_option(option) for option in options)), "]"]


def _option(option: Option) -> _Lines:
    return _prefix_lines(f"{option.name} = ", _value(option.value))


def _value(value: Value) -> _Lines:
    if isinstance(value, Word):
        return [value.text]
    if isinstance(value, Literal):
        return [_quote(value.value)]
    if isinstance(value, Block):
        members = (_prefix_lines(f"{key}: ", _value(member)) for key, member in value.entries)
        return ["{", *_indent(_list_members(members)), "}"]
    return ["[", *_indent(_list_members(map(_value, value.values))), "]"]


def _quote(value: bytes) -> str:
    """Return a string literal in double quotes; bytes that are no UTF-8 become octal escapes."""

    def escape(match: re.Match[str]) -> str:
        simple = _ESCAPES.get(match[0])
        return f"\\{simple}" if simple else f"\\{ord(match[0]) & 0xFF:03o}"

    return f'"{_ESCAPED.sub(escape, value.decode(errors="surrogateescape"))}"'


def _prefix(word: str) -> str:
    return f"{word} " if word else ""


def _block(head: str, sections: Iterable[_Lines]) -> _Lines:
    """Head, members and closing brace; empty lines between the sections, none of them before the first."""
    lines = [line for section in sections if section for line in ["", *_indent(section)]]
    return [f"{head} {{", *lines[1:], "}"] if lines else [f"{head} {{}}"]


def _indent(lines: Iterable[str]) -> _Lines:
    # Empty lines too: Confluent's registry stores them so.
    return ["  " + line for line in lines]


def _join(members: Iterable[_Lines]) -> _Lines:
    return [line for member in members for line in member]


def _list_members(members: Iterable[_Lines]) -> _Lines:
    """Return the members with commas between them."""
    listed = list(members)
    for member in listed[:-1]:
        member[-1] += ","
    return _join(listed)


def _end(lines: _Lines) -> _Lines:
    return [*lines[:-1], lines[-1] + ";"]


def _prefix_lines(prefix: str, lines: _Lines) -> _Lines:
    return [prefix + lines[0], *lines[1:]]
