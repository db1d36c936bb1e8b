"""Schemas that an earlier state has and the new files have not: deleted ones, and renamed ones by their content."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product

from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import InvalidSchemaError, Strictness
from karapace_like.schema.outline import ElementKind
from karapace_like.tooling.workspace import SchemaFile, Workspace

_MIN_SIMILARITY = 0.5
"""Share of the named elements that a renamed schema has in common with the earlier one."""
_MAX_COMPARED_PAIRS = 100_000
"""Above it, only equal texts are recognised."""


@dataclass(frozen=True, slots=True)
class Removals:
    """What happened to the subjects that no file has any more."""

    deleted: Mapping[str, SchemaFile] = field(default_factory=dict)
    """Subject -> its earlier file."""
    renamed: Mapping[str, str] = field(default_factory=dict)
    """New subject -> its earlier one."""


def find_removals(old: Workspace, new: Workspace) -> Removals:
    """Compare the subjects of two states; raises ToolError."""
    gone = {subject: file for subject, file in old.subjects.items() if subject not in new.subjects}
    added = {subject: file for subject, file in new.subjects.items() if subject not in old.subjects}
    renamed = _match_equal_texts(gone, added)
    gone = {subject: file for subject, file in gone.items() if subject not in renamed.values()}
    added = {subject: file for subject, file in added.items() if subject not in renamed}
    if len(gone) * len(added) <= _MAX_COMPARED_PAIRS:
        renamed |= _match_similar_schemas(_list_names(old, gone), _list_names(new, added))
    return Removals({subject: file for subject, file in gone.items() if subject not in renamed.values()}, renamed)


def _match_equal_texts(gone: Mapping[str, SchemaFile], added: Mapping[str, SchemaFile]) -> dict[str, str]:
    by_text: dict[tuple[str, str], list[str]] = {}
    for subject, file in gone.items():
        by_text.setdefault((file.type, file.text), []).append(subject)
    candidates = {subject: by_text.get((file.type, file.text), []) for subject, file in added.items()}
    return {subject: earlier.pop(0) for subject, earlier in candidates.items() if earlier}


def _match_similar_schemas(gone: Mapping[str, frozenset[str]], added: Mapping[str, frozenset[str]]) -> dict[str, str]:
    """Return the pairs that have most names in common, the most similar ones first."""
    scored = sorted(
        (
            (-len(gone[before] & added[after]) / len(gone[before] | added[after]), before, after)
            for before, after in product(gone, added)
            if gone[before] & added[after]
        ),
    )
    renamed: dict[str, str] = {}
    for score, before, after in scored:
        if -score >= _MIN_SIMILARITY and after not in renamed and before not in renamed.values():
            renamed[after] = before
    return renamed


def _list_names(workspace: Workspace, files: Mapping[str, SchemaFile]) -> dict[str, frozenset[str]]:
    """Return the names of the elements of each schema that can be read, with their kinds and the format."""
    names: dict[str, frozenset[str]] = {}
    for subject, file in files.items():
        try:
            parsed = workspace.link(file).parse(Strictness.STORED)
            elements = FORMATS[file.type].list_elements(parsed, file.text)
        except InvalidSchemaError:
            continue
        names[subject] = frozenset(
            f"{file.type} {element.kind} {element.name}"
            for element in elements
            if element.kind is not ElementKind.SCHEMA and element.name
        )
    return names
