"""From a tree to text, in the layout that the reference registry stores: two spaces, one declaration a line.

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
    """The file's text: its head, then every kind of declaration after an empty line."""
    head = []
    if file.syntax is not None:
        head.append(f'syntax = "{file.syntax}";')
    if file.edition is not None:
        head.append(f'edition = "{file.edition}";')
    if file.package:
        head.append(f"package {file.package};")
    # Editions want reserved names as bare words.
    body = _Body(quotes_names=file.edition is None)
    imports = sorted(file.imports, key=lambda each: _IMPORT_ORDER.index(each.kind))
    sections = [
        [f"import {_prefix(each.kind)}{_quoted(each.path.encode())};" for each in imports],
        _option_lines(file.options),
        body.types(file.messages, file.enums),
        _joined(body.extend(each) for each in file.extends),
        _joined(_service(each) for each in file.services),
    ]
    lines = head + [line for section in sections if section for line in ["", *section]]
    return "".join(line + "\n" for line in lines)


def print_value(value: Value) -> str:
    """An option's value in one line."""
    return " ".join(line.strip() for line in _value(value))


def print_field(field: Field) -> str:
    """One field's declaration."""
    return "\n".join(_field(field))


@dataclass(frozen=True, slots=True)
class _Body:
    """Prints declarations with a body; `quotes_names` says how reserved names are written."""

    quotes_names: bool

    def types(self, messages: Iterable[Message], enums: Iterable[Enum]) -> _Lines:
        return _joined(self.message(each) for each in messages) + _joined(self.enum(each) for each in enums)

    def message(self, message: Message) -> _Lines:
        return _block(f"{_prefix(message.visibility)}message {message.name}", self.sections(message))

    def sections(self, message: Message) -> list[_Lines]:
        return [
            [self.reserved(each, MAX_FIELD_NUMBER) for each in message.reserved],
            _option_lines(message.options),
            _joined(_field(each) for each in message.fields),
            _joined(self.oneof(each) for each in message.oneofs),
            _joined(self.group(each) for each in message.groups),
            _joined(_extensions(each) for each in message.extensions),
            _joined(self.extend(each) for each in message.extends),
            self.types(message.messages, message.enums),
        ]

    def oneof(self, oneof: Oneof) -> _Lines:
        groups = _joined(self.group(each) for each in oneof.groups)
        fields = _joined(_field(each) for each in oneof.fields)
        return _block(f"oneof {oneof.name}", [_option_lines(oneof.options), fields, groups])

    def group(self, group: Group) -> _Lines:
        head = _with_options(f"{_prefix(group.label)}group {group.message.name} = {group.number}", group.options)
        return head[:-1] + _block(head[-1], self.sections(group.message))

    def extend(self, extend: Extend) -> _Lines:
        groups = _joined(self.group(each) for each in extend.groups)
        return _block(f"extend {extend.type}", [_joined(_field(each) for each in extend.fields), groups])

    def enum(self, enum: Enum) -> _Lines:
        members = [self.reserved(each, MAX_ENUM_NUMBER) for each in enum.reserved]
        members += _option_lines(enum.options)
        members += _joined(_statement(f"{each.name} = {each.number}", each.options) for each in enum.values)
        return _block(f"{_prefix(enum.visibility)}enum {enum.name}", [members])

    def reserved(self, values: Iterable[Range | str], maximum: int) -> str:
        def written(value: Range | str) -> str:
            if isinstance(value, Range):
                return _range(value, maximum)
            return _quoted(value.encode()) if self.quotes_names else value

        return f"reserved {', '.join(map(written, values))};"


def _field(field: Field) -> _Lines:
    type_name = f"map<{field.map_key}, {field.type}>" if field.map_key else field.type
    return _statement(f"{_prefix(field.label)}{type_name} {field.name} = {field.number}", field.options)


def _extensions(extensions: Extensions) -> _Lines:
    ranges = ", ".join(_range(each, MAX_FIELD_NUMBER) for each in extensions.ranges)
    return _statement(f"extensions {ranges}", extensions.options)


def _range(numbers: Range, maximum: int) -> str:
    if numbers.start == numbers.end:
        return str(numbers.start)
    return f"{numbers.start} to {'max' if numbers.end >= maximum else numbers.end}"


def _service(service: Service) -> _Lines:
    return _block(
        f"service {service.name}", [_option_lines(service.options), _joined(_rpc(each) for each in service.rpcs)]
    )


def _rpc(rpc: Rpc) -> _Lines:
    request = _prefix("stream" if rpc.streams_request else "") + rpc.request
    response = _prefix("stream" if rpc.streams_response else "") + rpc.response
    head = f"rpc {rpc.name} ({request}) returns ({response})"
    return _ended(_block(head, [_option_lines(rpc.options)]) if rpc.options else [head])


def _option_lines(options: Iterable[Option]) -> _Lines:
    return _joined(_ended(_prefixed("option ", _option(each))) for each in options)


def _statement(head: str, options: tuple[Option, ...]) -> _Lines:
    return _ended(_with_options(head, options))


def _with_options(head: str, options: tuple[Option, ...]) -> _Lines:
    """One option stays on the line; several get a line each."""
    if not options:
        return [head]
    if len(options) == 1:
        lines = _option(options[0])
        lines[-1] += "]"
        return _prefixed(f"{head} [", lines)
    return [f"{head} [", *_indented(_listed(_option(each) for each in options)), "]"]


def _option(option: Option) -> _Lines:
    return _prefixed(f"{option.name} = ", _value(option.value))


def _value(value: Value) -> _Lines:
    if isinstance(value, Word):
        return [value.text]
    if isinstance(value, Literal):
        return [_quoted(value.value)]
    if isinstance(value, Block):
        members = (_prefixed(f"{key}: ", _value(each)) for key, each in value.entries)
        return ["{", *_indented(_listed(members)), "}"]
    return ["[", *_indented(_listed(map(_value, value.values))), "]"]


def _quoted(value: bytes) -> str:
    """A string literal in double quotes; bytes that are no UTF-8 become octal escapes."""

    def escape(match: re.Match[str]) -> str:
        simple = _ESCAPES.get(match[0])
        return f"\\{simple}" if simple else f"\\{ord(match[0]) & 0xFF:03o}"

    return f'"{_ESCAPED.sub(escape, value.decode(errors="surrogateescape"))}"'


def _prefix(word: str) -> str:
    return f"{word} " if word else ""


def _block(head: str, sections: Iterable[_Lines]) -> _Lines:
    """Head, members and closing brace; empty lines between the sections, none of them before the first."""
    lines = [line for section in sections if section for line in ["", *_indented(section)]]
    return [f"{head} {{", *lines[1:], "}"] if lines else [f"{head} {{}}"]


def _indented(lines: Iterable[str]) -> _Lines:
    # Empty lines too: the reference registry stores them so.
    return ["  " + line for line in lines]


def _joined(members: Iterable[_Lines]) -> _Lines:
    return [line for member in members for line in member]


def _listed(members: Iterable[_Lines]) -> _Lines:
    """The members with commas between them."""
    listed = list(members)
    for member in listed[:-1]:
        member[-1] += ","
    return _joined(listed)


def _ended(lines: _Lines) -> _Lines:
    return [*lines[:-1], lines[-1] + ";"]


def _prefixed(prefix: str, lines: _Lines) -> _Lines:
    return [prefix + lines[0], *lines[1:]]
