"""The schemas of a tree of files: their subjects, and what they refer to in each other.

References need no listing: an Avro type is found by its name, a JSON document by its `$id` or relative path, an import
by the end of its path. Where several files would do, the nearest to the one that refers is meant.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from karapace_like.schema import formats, limits, references
from karapace_like.schema.files import Need, Source
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    InvalidSchemaError,
    ParsedSchema,
    Reference,
    SchemaType,
    Strictness,
    Subject,
    UnparsedSchema,
    Version,
)
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import FILE_NAME, SUFFIXES, Project
from karapace_like.tooling.trees import Tree


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """One file that holds a schema."""

    path: str
    """Below the tree's folder, with slashes."""
    type: SchemaType
    text: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A schema with all that it refers to."""

    file: SchemaFile
    references: Mapping[str, SchemaFile]
    """Reference name -> the file that it means: what the registry is told of."""
    source: Source
    paths: Mapping[str, str]
    """Of each document of the source, its file's path."""

    def parsed(self, strictness: Strictness = Strictness.STRICT) -> ParsedSchema:
        """The schema, understood; raises InvalidSchemaError."""
        unparsed = UnparsedSchema(self.file.type, self.file.text)
        return formats.parse(unparsed, self.source.dependencies, strictness)


class Workspace:
    """The schemas of a tree, by path and by subject."""

    def __init__(self, tree: Tree, project: Project) -> None:
        self.project = project
        self._tree = tree
        self.files: dict[str, SchemaFile] = {}
        """Path -> file: every schema that has been found, be it only because another one refers to it."""
        self._offered: dict[SchemaType, dict[str, list[SchemaFile]]] = {each: defaultdict(list) for each in SchemaType}
        self._linked: dict[str, Linked] = {}
        self._referred: dict[str, Mapping[str, SchemaFile]] = {}
        for path in tree:
            text = text_of(tree[path])
            type_ = None if path.rpartition("/")[2] == FILE_NAME else project.type_of(path, text)
            if type_ is not None:
                self._add(SchemaFile(path, type_, text))
        self._schemas: Mapping[str, SchemaFile] = dict(self.files)

    def _add(self, file: SchemaFile) -> None:
        self.files[file.path] = file
        try:
            limits.check(file.text)
            offered = FORMATS[file.type].offers(file.text, file.path)
        except InvalidSchemaError:
            return  # whoever checks the file is told
        for name in offered:
            self._offered[file.type][name].append(file)

    @cached_property
    def subjects(self) -> Mapping[str, SchemaFile]:
        """Subject -> its file; raises ToolError where two files would be one subject."""
        found: dict[str, SchemaFile] = {}
        for file in self._schemas.values():
            subject = self.subject_of(file)
            other = found.setdefault(subject, file)
            if other is not file:
                raise ToolError(
                    f"{other.path} and {file.path} would both be the subject {subject!r}. Name one of them in "
                    f"{FILE_NAME}, as [subjects.NAME] file = ..., set `subject` to a pattern such as {{path}}, or "
                    "list what is no schema of yours in `exclude`."
                )
        return found

    def file(self, path: str) -> SchemaFile | None:
        """The schema in a file, be it one that does not count otherwise; None if there is none."""
        type_ = _type_by_suffix(path)
        if path not in self.files and path in self._tree and type_ is not None:
            self._add(SchemaFile(path, type_, text_of(self._tree[path])))
        return self.files.get(path)

    def subject_of(self, file: SchemaFile) -> str:
        """What the file is registered as; raises ToolError."""
        return self.project.subject_of(file.path, self._record_name(file))

    def check_settings(self) -> None:
        """Raise ToolError if the settings name a file that is not there."""
        for subject, settings in self.project.subjects.items():
            if settings.file is not None and subject not in self.subjects:
                raise ToolError(
                    f"{FILE_NAME}: there is no file {settings.file!r}, as [subjects.{subject}] says. Its path is one "
                    f"below the folder of {FILE_NAME}."
                )

    def _record_name(self, file: SchemaFile) -> str | None:
        if not self.project.names_records:
            return None
        try:
            return FORMATS[file.type].record_name(self.link(file).parsed(Strictness.STORED))
        except InvalidSchemaError as error:
            raise ToolError(f"{file.path}: {error}") from error

    def selected(self, paths: Sequence[str], *, referring: bool = True) -> list[tuple[str, SchemaFile]]:
        """(subject, file) of the files at or below the paths, and of those `referring` to them; all for no path."""
        chosen = {
            file.path
            for file in self._schemas.values()
            if not paths or any(each in {file.path, "."} or file.path.startswith(f"{each}/") for each in paths)
        }
        return [
            (subject, file)
            for subject, file in sorted(self.subjects.items())
            if file.path in chosen or (paths and referring and not chosen.isdisjoint(self._paths_behind(file)))
        ]

    def _paths_behind(self, file: SchemaFile) -> Sequence[str]:
        try:
            return list(self.link(file).paths.values())
        except InvalidSchemaError:
            return ()

    def link(self, file: SchemaFile) -> Linked:
        """The schema with what it refers to; raises InvalidSchemaError."""
        known = self._linked.get(file.path)
        if known is None:
            known = self._linked[file.path] = self._link(file)
        return known

    def _link(self, file: SchemaFile) -> Linked:
        direct = self._references(file)
        try:
            texts = references.closure(_unparsed(file, direct), self._look_up)
        except references.CyclicReferenceError as error:
            chain = " -> ".join(part.rpartition(":")[0] for part in str(error).partition(": ")[2].split(" -> "))
            raise InvalidSchemaError(f"files refer to each other in a circle: {chain}") from error
        paths = {"": file.path}
        pending = [direct]
        while pending:
            for name, other in pending.pop().items():
                if name not in paths:
                    paths[name] = other.path
                    pending.append(self._references(other))
        return Linked(file, direct, Source(file.text, texts), paths)

    def _look_up(self, reference: Reference) -> UnparsedSchema:
        file = self.files[reference.subject]
        return _unparsed(file, self._references(file))

    def _references(self, file: SchemaFile) -> Mapping[str, SchemaFile]:
        known = self._referred.get(file.path)
        if known is None:
            known = self._referred[file.path] = self._needed(file)
        return known

    def _needed(self, file: SchemaFile) -> Mapping[str, SchemaFile]:
        """The references that a schema needs of its own, given that those of its references come with them.

        A relative name may mean another thing in the text of a reference than it does here: such ones are added.
        """
        direct = dict(self._direct(file, ""))
        pending = list(direct.items())
        seen = set(direct)
        while pending:
            seen_as, other = pending.pop(0)
            as_seen = dict(self._direct(other, seen_as))
            own = as_seen if file.path == other.path else dict(self._direct(other, ""))
            for name, far in as_seen.items():
                if name not in seen:
                    seen.add(name)
                    pending.append((name, far))
                    if name not in own:
                        direct[name] = far
        return direct

    def _direct(self, file: SchemaFile, seen_as: str) -> Iterator[tuple[str, SchemaFile]]:
        limits.check(file.text)
        for need in FORMATS[file.type].needs(file.text, seen_as, file.path):
            found = self._found(file, need)
            if found is not None:
                yield need.name, found

    def _found(self, file: SchemaFile, need: Need) -> SchemaFile | None:
        """The file that is meant; None for none: the parser knows some by itself, or says what is missing."""
        for name in need.candidates:
            offering = [each for each in self._offered[file.type].get(name, ()) if each.path != file.path]
            if offering:
                return _nearest(offering, file, name)
            if name != file.path and _type_by_suffix(name) is file.type and name in self._tree:
                return self.file(name)
        return None


def text_of(content: bytes) -> str:
    """Without the byte order mark of some editors; what is not UTF-8 is kept in a form that no parser takes."""
    return content.decode("utf-8-sig", errors="surrogateescape")


def _unparsed(file: SchemaFile, direct: Mapping[str, SchemaFile]) -> UnparsedSchema:
    """With files in place of subjects."""
    listed = tuple(Reference(name, Subject(each.path), Version(1)) for name, each in direct.items())
    return UnparsedSchema(file.type, file.text, listed)


def _nearest(offering: Sequence[SchemaFile], file: SchemaFile, name: str) -> SchemaFile:
    here = file.path.split("/")

    def distance(other: SchemaFile) -> tuple[int, int]:
        there = other.path.split("/")
        common = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), 0)
        return -common, len(there)

    best, *others = sorted(offering, key=distance)
    if others and distance(others[0]) == distance(best):
        raise InvalidSchemaError(f"{name} may be {best.path} or {others[0].path}: exclude one of them in {FILE_NAME}")
    return best


def _type_by_suffix(path: str) -> SchemaType | None:
    return next((type_ for suffix, type_ in SUFFIXES.items() if path.endswith(suffix)), None)
