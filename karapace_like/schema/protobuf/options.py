"""Options and their values, read from the cursor: `(own.rule).max = 3` and what stands in aggregates' braces."""

from karapace_like.schema.protobuf.syntax_tree import Block, Literal, Option, Sequence, Value, Word
from karapace_like.schema.protobuf.tokens import Cursor

MAX_NESTING = 100
"""Aggregates inside of aggregates; every reader of a value recurses once per level."""


def option(cursor: Cursor) -> Option:
    """`name = value`."""
    name = _option_name(cursor)
    cursor.require("=")
    return Option(name, _value(cursor, 0))


def bracketed_options(cursor: Cursor) -> tuple[Option, ...]:
    """`[name = value, ...]`, or nothing."""
    if not cursor.accept("["):
        return ()
    options = [option(cursor)]
    while cursor.accept(","):
        options.append(option(cursor))
    cursor.require("]")
    return tuple(options)


def _option_name(cursor: Cursor) -> str:
    name = ""
    while not name or name.endswith(".") or cursor.current.startswith("."):
        if cursor.accept("("):
            name += f"({cursor.name('an extension')})"
            cursor.require(")")
        else:
            name += cursor.word("an option")
    return name


def _value(cursor: Cursor, depth: int) -> Value:
    if depth > MAX_NESTING:
        raise cursor.error(f"values are nested deeper than {MAX_NESTING} levels")
    if cursor.at_string():
        return Literal(cursor.string())
    for opening, closing in (("{", "}"), ("<", ">")):
        if cursor.accept(opening):
            return _block(cursor, closing, depth)
    if cursor.accept("["):
        return _sequence(cursor, depth)
    word = cursor.word("a value")
    return Word(word + cursor.word("a number") if word == "-" else word)


def _block(cursor: Cursor, closing: str, depth: int) -> Block:
    entries = []
    while not cursor.accept(closing):
        key = _key(cursor)
        if not cursor.accept(":") and cursor.current not in {"{", "<"}:
            raise cursor.expected_error('":"')
        entries.append((key, _value(cursor, depth + 1)))
        if not cursor.accept(","):
            cursor.accept(";")
    return Block(tuple(entries))


def _key(cursor: Cursor) -> str:
    if not cursor.accept("["):
        return cursor.word("a field")
    name = cursor.name("an extension")
    if cursor.accept("/"):
        name += "/" + cursor.name("a type")
    cursor.require("]")
    return f"[{name}]"


def _sequence(cursor: Cursor, depth: int) -> Sequence:
    values: list[Value] = []
    while not cursor.accept("]"):
        if values:
            cursor.require(",")
        values.append(_value(cursor, depth + 1))
    return Sequence(tuple(values))
