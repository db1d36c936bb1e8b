"""The rules of `lint` that a team sets for its own schemas: `[lint.packs.NAME]` in the settings file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, NamedTuple

from karapace_like.schema.outline import Element, ElementKind
from karapace_like.schema.tags import Entity, EntityKind
from karapace_like.tooling.project import LintPack


class PackedSchema(NamedTuple):
    """What these rules read."""

    outline: Sequence[Element]
    packs: Mapping[str, LintPack]
    """Name -> pack, of those that cover the subject."""
    properties: Mapping[str, Any]
    """Those of the subject's metadata in the settings file."""
    list_tags: Callable[[], Mapping[Entity, Sequence[str]]]


def select_packs(packs: Mapping[str, LintPack], subject: str) -> Mapping[str, LintPack]:
    """Return the packs that cover the subject."""
    return {
        name: pack for name, pack in packs.items() if any(fnmatchcase(subject, pattern) for pattern in pack.subjects)
    }


def find_names(schema: PackedSchema) -> Iterator[tuple[Element, str]]:
    """Yield the elements whose name is not as a pack asks."""
    for title, pack in schema.packs.items():
        for kind, pattern in pack.names.items():
            for element in schema.outline:
                if element.kind.value == kind and element.name and not fnmatchcase(element.name, pattern):
                    yield element, f"{element.name} does not match {pattern}, as the pack {title} asks"


def find_docs(schema: PackedSchema) -> Iterator[tuple[Element, str]]:
    """Yield the elements without the documentation that a pack asks for."""
    for title, pack in schema.packs.items():
        for element in schema.outline:
            if element.kind in pack.docs and not element.attributes.get("doc"):
                yield element, f"{element.name or 'The schema'} has no documentation, as the pack {title} asks"


def find_tags(schema: PackedSchema) -> Iterator[tuple[Element, str]]:
    """Yield the fields without the tag that a pack asks for; of fields with one name, each needs it."""
    for title, pack in schema.packs.items():
        for element in schema.outline if pack.tags else ():
            if element.kind is not ElementKind.FIELD:
                continue
            for pattern, tag in pack.tags.items():
                if fnmatchcase(element.name, pattern) and not _has_tag(schema, element.name, tag):
                    yield element, f"{element.name} is not tagged {tag}, as the pack {title} asks"


def _has_tag(schema: PackedSchema, name: str, tag: str) -> bool:
    tags = [
        tags
        for entity, tags in schema.list_tags().items()
        if entity.kind is EntityKind.FIELD and entity.path.rpartition(".")[2] == name
    ]
    return bool(tags) and all(tag in listed for listed in tags)


def find_properties(schema: PackedSchema) -> Iterator[tuple[Element, str]]:
    """Yield the schema once for each property that its metadata lack."""
    for title, pack in schema.packs.items():
        for name in pack.properties:
            if not schema.properties.get(name):
                yield schema.outline[0], f"The metadata have no property {name}, as the pack {title} asks"
