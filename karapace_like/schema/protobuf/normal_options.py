"""Options in the normal form: extensions by full name, each said once as a whole, entries sorted, plain numbers.

`(o).a = 1` beside `(o).b = 0x2` is `(o) = {a: 1, b: 2}`. The meaning of an option is not known here, only the
spellings that protobuf allows.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal

from karapace_like.schema.protobuf.scope import innermost
from karapace_like.schema.protobuf.syntax_tree import Block, Field, Option, Sequence, Value, Word

_INTEGER = re.compile(r"(-?)(?:0[xX]([0-9a-fA-F]+)|0([0-7]+))\Z")
_DECIMAL = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\Z")
_MAX_EXPONENT = 30
"""Powers of ten that are still written out in digits."""


def normal_options(options: Iterable[Option], within: str, extensions: Mapping[str, Field]) -> tuple[Option, ...]:
    """Return the options of a node inside of the package or message `within`, sorted by name without the parentheses.

    Options of one name, as of a repeated one, keep their order. `extensions` holds what custom options are called.
    """
    said: dict[str, list[Option]] = {}
    for option in options:
        whole, is_single = _whole(option, within, extensions)
        same = said.setdefault(whole.name, [])
        before = same[-1].value if same else None
        if is_single and isinstance(before, Block) and isinstance(whole.value, Block):
            same[-1] = Option(whole.name, _merge(before, whole.value))
        else:
            same.append(whole)
    ordered = sorted(said.items(), key=lambda item: item[0].lstrip("(").partition(")")[0])
    return tuple(
        [replace(option, value=_normal(option.value, within, extensions)) for _, same in ordered for option in same]
    )


def _whole(option: Option, within: str, extensions: Mapping[str, Field]) -> tuple[Option, bool]:
    """Return a known extension under its full name with its whole value, and whether it has one value only.

    Any other option as it is.
    """
    extension, _, path = option.name.removeprefix("(").partition(")")
    name = innermost(extensions, extension, within) if option.name.startswith("(") else None
    if name is None:
        return option, False
    if "(" in path:
        return Option(f"({name}){path}", option.value), False
    value = option.value
    for key in reversed(path.split(".")[1:]):
        value = Block(((key, value),))
    return Option(f"({name})", value), extensions[name].label != "repeated"


def _merge(before: Block, after: Block) -> Block:
    """Two values of one message that were set field by field."""
    entries = list(before.entries)
    for key, value in after.entries:
        place = next((place for place, entry in enumerate(entries) if entry[0] == key), None)
        earlier = None if place is None else entries[place][1]
        if place is not None and isinstance(earlier, Block) and isinstance(value, Block):
            entries[place] = key, _merge(earlier, value)
        else:
            entries.append((key, value))
    return Block(tuple(entries))


def _normal(value: Value, within: str, extensions: Mapping[str, Field]) -> Value:
    if isinstance(value, Word):
        return Word(_plain(value.text))
    if isinstance(value, Sequence):
        return Sequence(tuple([_normal(member, within, extensions) for member in value.values]))
    if isinstance(value, Block):
        listed: dict[str, list[Value]] = {}
        for key, member in value.entries:
            full_name = innermost(extensions, key[1:-1], within) if key.startswith("[") else None
            values = member.values if isinstance(member, Sequence) else (member,)
            listed.setdefault(f"[{full_name}]" if full_name else key, []).extend(
                [_normal(one, within, extensions) for one in values]
            )
        return Block(
            tuple(
                [
                    (key, values[0] if len(values) == 1 else Sequence(tuple(values)))
                    for key, values in sorted(listed.items())
                    if values
                ]
            )
        )
    return value


def _plain(word: str) -> str:
    """Return a number in decimal without exponent and needless zeros; any other word unchanged."""
    integer = _INTEGER.match(word)
    if integer is not None:
        sign, hexadecimal, octal = integer.groups()
        return f"{sign}{int(hexadecimal, 16) if hexadecimal else int(octal, 8)}"
    if not _DECIMAL.match(word):
        return word
    number = Decimal(word)
    if number == 0 or abs(number.adjusted()) > _MAX_EXPONENT:
        return word if number else "-0" if word.startswith("-") else "0"
    digits = f"{number:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits
