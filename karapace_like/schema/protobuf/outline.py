"""The messages, fields, enums and values of a .proto file; the comments before and behind them are their documentation.

A field is the same one where its message and number are the same, a value where its enum and name are.
"""

import re
from collections.abc import Callable, Iterator

from karapace_like.schema.files import Source, SourceLocation
from karapace_like.schema.outline import Element, ElementKind
from karapace_like.schema.protobuf.places import finder
from karapace_like.schema.protobuf.printer import print_value
from karapace_like.schema.protobuf.schema import ParsedProtobuf
from karapace_like.schema.protobuf.scope import member
from karapace_like.schema.protobuf.syntax_tree import Enum, Field, Message, Option

_COMMENT_MARKS = re.compile(r"^\s*(?://+|/\*+|\*+/?)\s?|\s*\*+/\s*$")


def list_elements(parsed: ParsedProtobuf, text: str) -> list[Element]:
    """Return the file itself, then everything that it defines, messages first."""
    file = parsed.written
    said = {"package": file.package, "syntax": file.syntax or file.edition}
    whole = Element("", "schema", ElementKind.SCHEMA, "", "", "#/", {name: text for name, text in said.items() if text})
    outliner = _Outliner(text, finder(Source(text, {})))
    elements = [whole]
    for message in file.messages:
        elements += outliner.message(message, file.package, "#")
    for enum in file.enums:
        elements += outliner.enum(enum, file.package, "#")
    return elements


class _Outliner:
    def __init__(self, text: str, find: Callable[[str], SourceLocation]) -> None:
        self._lines = text.split("\n")
        self._text = text
        self._find = find

    def message(self, message: Message, within: str, path: str) -> Iterator[Element]:
        key, path = member(within, message.name), f"{path}/{message.name}"
        yield Element(key, key, ElementKind.RECORD, message.name, within, path, self._attributes(path, message.options))
        for field in message.fields:
            yield self._field(field, key, path, {})
        for oneof in message.oneofs:
            for field in oneof.fields:
                yield self._field(field, key, path, {"oneof": oneof.name})
        for enum in message.enums:
            yield from self.enum(enum, key, path)
        for nested in message.messages:
            yield from self.message(nested, key, path)

    def enum(self, enum: Enum, within: str, path: str) -> Iterator[Element]:
        key, path = member(within, enum.name), f"{path}/{enum.name}"
        yield Element(key, key, ElementKind.ENUM, enum.name, within, path, self._attributes(path, enum.options))
        for value in enum.values:
            said = {"number": str(value.number), **self._attributes(f"{path}/{value.name}", value.options)}
            title = f"{key}.{value.name}"
            yield Element(title, title, ElementKind.SYMBOL, value.name, key, f"{path}/{value.name}", said)

    def _field(self, field: Field, message: str, path: str, more: dict[str, str]) -> Element:
        path = f"{path}/{field.number}"
        type_ = f"map<{field.map_key}, {field.type}>" if field.map_key else field.type
        said = {"name": field.name, "type": f"{field.label} {type_}".strip(), "number": str(field.number)}
        key = f"{message}/{field.number}"
        title = f"{message}.{field.name} = {field.number}"
        return Element(
            key,
            title,
            ElementKind.FIELD,
            field.name,
            message,
            path,
            {**said, **more, **self._attributes(path, field.options)},
        )

    def _attributes(self, path: str, options: tuple[Option, ...]) -> dict[str, str]:
        said = {f"option {option.name}": print_value(option.value) for option in options}
        doc = self._doc(self._find(path))
        return {"doc": doc, **said} if doc else said

    def _doc(self, place: SourceLocation) -> str:
        """Return the comment on the lines before, or at the end of the line."""
        line = self._text.count("\n", 0, place.offset)
        _, mark, behind = self._lines[line].partition("//")
        if mark:
            return behind.strip()
        lines: list[str] = []
        while line > 0 and self._lines[line - 1].lstrip().startswith(("//", "/*", "*")):
            line -= 1
            lines.insert(0, _COMMENT_MARKS.sub("", self._lines[line]).strip())
        return " ".join(filter(None, lines))
