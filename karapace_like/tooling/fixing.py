"""The problems of `lint` that have one right answer, fixed in the text of the schema: `lint --fix`."""

import codecs
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from karapace_like.explanation.excerpts import find_offset
from karapace_like.tooling.report import Report
from karapace_like.tooling.workspace import SchemaFile

_DRAFT = '"$schema": "http://json-schema.org/draft-07/schema#"'


class Insertion(NamedTuple):
    """A text to insert."""

    offset: int
    text: str


def find_fix(rule: str, text: str, offset: int) -> Insertion | None:
    """Return the insertion that fixes the problem of the rule at the offset; None if there is none for sure."""
    fixer = _FIXERS.get(rule)
    return None if fixer is None else fixer(text, offset)


def fix_files(root: Path, files: Mapping[str, SchemaFile], report: Report) -> list[str]:
    """Fix the files below the root that have fixable problems, which are not accepted; return their paths.

    `files` are those of the report's paths, which are relative to the root. Raises OSError.
    """
    fixed: list[str] = []
    for case in report.cases:
        if case.path not in files:
            continue  # the settings file, whose problems only its author can fix
        file = files[case.path]
        insertions = [
            fix
            for problem in case.problems
            if problem.accepted is None and problem.place.path == file.path
            if (
                fix := find_fix(
                    problem.rule, file.text, find_offset(file.text, problem.place.line, problem.place.column)
                )
            )
            is not None
        ]
        if insertions:
            path = root / file.path
            mark = codecs.BOM_UTF8 if path.read_bytes().startswith(codecs.BOM_UTF8) else b""
            path.write_bytes(mark + apply_fixes(file.text, insertions).encode(errors="surrogateescape"))
            fixed.append(file.path)
    return fixed


def apply_fixes(text: str, insertions: Sequence[Insertion]) -> str:
    """Return the text with the insertions, of which two at one place are made once."""
    for insertion in sorted(set(insertions), reverse=True):
        text = f"{text[: insertion.offset]}{insertion.text}{text[insertion.offset :]}"
    return text


def _fix_nullable_default(text: str, offset: int) -> Insertion | None:
    """Insert the default of a field whose first branch is null: only that branch's value may be the default."""
    start = text.rfind("{", 0, offset + 1)
    try:
        field, end = json.JSONDecoder().raw_decode(text, start)
    except ValueError:  # a comment, which JSON has not
        return None
    types = field.get("type") if isinstance(field, dict) else None
    if not isinstance(types, list) or types[:1] != ["null"] or "default" in field or "name" not in field:
        return None
    last = len(text[: end - 1].rstrip())
    return Insertion(last, ', "default": null')


def _fix_dialect(text: str, _: int) -> Insertion | None:
    start = text.find("{")
    try:
        schema = json.loads(text)
    except ValueError:
        return None
    if not isinstance(schema, dict):
        return None
    rest = text[start + 1 :]
    space = rest[: len(rest) - len(rest.lstrip())]
    return Insertion(start + 1, f"{space if schema else ''}{_DRAFT}{',' if schema else ''}")


def _fix_syntax(text: str, _: int) -> Insertion:
    line_end = "\r\n" if text.partition("\n")[0].endswith("\r") else "\n"
    return Insertion(0, f'syntax = "proto2";{line_end}')


_FIXERS: Mapping[str, Callable[[str, int], Insertion | None]] = {
    "nullable-default": _fix_nullable_default,
    "dialect": _fix_dialect,
    "syntax": _fix_syntax,
}
FIXABLE = frozenset(_FIXERS)
"""The rules with a fix."""
