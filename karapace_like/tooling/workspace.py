"""The schemas of a tree of files, with their subjects and references.

References are resolved by name: an Avro type by its full name, a JSON document by its `$id` or relative path, an import
by the end of its path. Of several candidates, the file nearest to the referring one is used.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from karapace_like.schema import formats, limits, references
from karapace_like.schema.files import FileNeed, Source
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
from karapace_like.schema.sharing import SharedReferences
from karapace_like.tooling.accepting import Acceptances, get_today
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.project import (
    FILE_NAME,
    SUFFIXES,
    Project,
    ReferenceSettings,
    SubjectSettings,
    VersionSettings,
)
from karapace_like.tooling.trees import Tree

UNDECODED = re.compile("[\udc80-\udcff]")
"""A byte of a file that is not UTF-8, as `decode_text` writes it: 0xdc00 higher."""


@dataclass(frozen=True, slots=True)
class SchemaFile:
    """A schema file."""

    path: str
    """Path below the tree's folder, with slashes."""
    type: SchemaType
    text: str


@dataclass(frozen=True, slots=True)
class Linked:
    """A schema with all its references."""

    file: SchemaFile
    references: Mapping[str, SchemaFile]
    """Reference name -> its file; these references are registered."""
    source: Source
    paths: Mapping[str, str]
    """Document of the source -> path of its file."""
    shared: SharedReferences
    """That of its workspace."""

    def parse(self, strictness: Strictness = Strictness.STRICT) -> ParsedSchema:
        """Return the parsed schema; raises InvalidSchemaError."""
        unparsed = UnparsedSchema(self.file.type, self.file.text)
        return formats.parse(unparsed, self.source.dependencies, strictness, self.shared)


class Workspace:
    """The schemas of a tree, by path and by subject."""

    def __init__(self, tree: Tree, project: Project) -> None:
        self.project = project
        self.acceptances = Acceptances(project.accept, decode_text(tree.get(FILE_NAME, b"")), get_today())
        self._tree = tree
        self.files: dict[str, SchemaFile] = {}
        """Path -> file: the schemas, and files that are used only as references."""
        self._offered: dict[SchemaType, dict[str, list[SchemaFile]]] = {
            schema_type: defaultdict(list) for schema_type in SchemaType
        }
        self.shared = SharedReferences()
        self._linked: dict[str, Linked] = {}
        self._closures: dict[str, _Closure] = {}
        """Path -> closure of the file's references."""
        self._referred: dict[str, Mapping[str, SchemaFile]] = {}
        self._seen: dict[tuple[str, str], Sequence[tuple[str, SchemaFile]]] = {}
        """(path, name by which the file is referred to) -> the references in its text."""
        self._inherited: dict[str, bool] = {}
        """Path -> whether the file lists only the references in its own text."""
        for path in tree:
            text = decode_text(tree[path])
            type_ = None if path.rpartition("/")[2] == FILE_NAME else project.detect_type(path, text)
            if type_ is not None and path in project.versions_by_file:
                self.files[path] = SchemaFile(path, type_, text)  # no automatic reference leads to it
            elif type_ is not None:
                self._add(SchemaFile(path, type_, text))
        self._schemas: Mapping[str, SchemaFile] = {
            path: file for path, file in self.files.items() if path not in project.versions_by_file
        }

    def _add(self, file: SchemaFile) -> None:
        self.files[file.path] = file
        try:
            limits.check(file.text)
            offered = FORMATS[file.type].list_offered_names(file.text, file.path)
        except InvalidSchemaError:
            return  # a check of the file reports the error
        for name in offered:
            self._offered[file.type][name].append(file)

    @cached_property
    def subjects(self) -> Mapping[str, SchemaFile]:
        """Subject -> its file; raises ToolError if two files have one subject."""
        files: dict[str, SchemaFile] = {}
        for file in self._schemas.values():
            subject = self.subject_of(file)
            other = files.setdefault(subject, file)
            if other is not file:
                raise ToolError(
                    f"{other.path} and {file.path} would both be the subject {subject!r}. Name one of them in "
                    f"{FILE_NAME}, as [subjects.NAME] file = ..., set `subject` to a pattern such as {{path}}, or "
                    "list what is no schema of yours in `exclude`."
                )
        return files

    def file(self, path: str) -> SchemaFile | None:
        """Return the schema in a file, even one that the settings exclude; None if it does not exist."""
        type_ = _type_by_suffix(path)
        if path not in self.files and path in self._tree and type_ is not None:
            self._add(SchemaFile(path, type_, decode_text(self._tree[path])))
        return self.files.get(path)

    def subject_of(self, file: SchemaFile) -> str:
        """Return the subject of the file; raises ToolError."""
        return self.project.subject_of(file.path, self._record_name(file))

    def check_settings(self) -> None:
        """Raise ToolError if the settings name a file that is not there, or that is another subject's."""
        for subject, settings in self.project.subjects.items():
            if settings.file in self.files and subject not in self.subjects:
                first = self.subject_of(self.files[settings.file])
                raise ToolError(
                    f"{FILE_NAME}: {settings.file!r} is the file of [subjects.{first}] and of [subjects.{subject}]. A "
                    "file has one subject: copy it for the other one."
                )
            if settings.file is not None and subject not in self.subjects:
                raise ToolError(
                    f"{FILE_NAME}: there is no file {settings.file!r}, as [subjects.{subject}] says. Its path is one "
                    f"below the folder of {FILE_NAME}."
                )
        for version in self.project.versions:
            if version.file not in self.files:
                raise ToolError(
                    f"{FILE_NAME}: there is no schema file {version.file!r}, as [[versions]] of {version.subject} says."
                )

    def _record_name(self, file: SchemaFile) -> str | None:
        if not self.project.names_records:
            return None
        try:
            return FORMATS[file.type].find_record_name(self.link(file).parse(Strictness.STORED))
        except InvalidSchemaError as error:
            raise ToolError(f"{file.path}: {error}") from error

    def select(self, paths: Sequence[str], *, referring: bool = True) -> list[tuple[str, SchemaFile]]:
        """Return (subject, file) at or below the paths, with those `referring` to them; all without a path."""
        chosen = {file.path for file in self._schemas.values() if is_at_or_below(file.path, paths)}
        return [
            (subject, file)
            for subject, file in sorted(self.subjects.items())
            if file.path in chosen or (paths and referring and not chosen.isdisjoint(self._list_reference_paths(file)))
        ]

    def _list_reference_paths(self, file: SchemaFile) -> Sequence[str]:
        try:
            return list(self.link(file).paths.values())
        except InvalidSchemaError:
            return ()

    def link(self, file: SchemaFile) -> Linked:
        """Return the schema with its references; raises InvalidSchemaError."""
        linked = self._linked.get(file.path)
        if linked is None:
            linked = self._linked[file.path] = self._link(file)
        return linked

    def link_own_text(self, file: SchemaFile) -> Linked:
        """Return the schema with as much of its references as its outline needs; raises InvalidSchemaError."""
        if FORMATS[file.type].NEEDS_ALL_REFERENCES:
            return self.link(file)
        direct = dict(self._direct(file, ""))
        texts = {name: other.text for name, other in direct.items()}
        paths = {"": file.path, **{name: other.path for name, other in direct.items()}}
        return Linked(file, direct, Source(file.text, texts), paths, self.shared)

    def _link(self, file: SchemaFile) -> Linked:
        closure = self._close(file)
        paths = {"": file.path, **closure.paths}
        return Linked(file, self._references(file), Source(file.text, closure.texts), paths, self.shared)

    def _close(self, file: SchemaFile) -> "_Closure":
        """Return the closure of the file's references, made from theirs; raises InvalidSchemaError."""
        opened = {file.path: file}
        while file.path not in self._closures:
            top = next(reversed(opened.values()))
            direct = self._references(top)
            other = next((other for other in direct.values() if other.path not in self._closures), None)
            if other is None:
                self._closures[top.path] = _merge_closures(direct, self._closures)
                del opened[top.path]
            elif other.path in opened:
                self._check_closure(file)
            else:
                opened[other.path] = other
        if len(self._closures[file.path].paths) > references.MAX_REFERENCES:
            self._check_closure(file)
        return self._closures[file.path]

    def _check_closure(self, file: SchemaFile) -> None:
        """Raise InvalidSchemaError for a cycle of references, or too many of them."""
        try:
            references.closure(_make_unparsed_schema(file, self._references(file)), self._look_up)
        except references.CyclicReferenceError as error:
            chain = " -> ".join(part.rpartition(":")[0] for part in str(error).partition(": ")[2].split(" -> "))
            raise InvalidSchemaError(f"files refer to each other in a cycle: {chain}") from error

    def _look_up(self, reference: Reference) -> UnparsedSchema:
        file = self.files[reference.subject]
        return _make_unparsed_schema(file, self._references(file))

    def _references(self, file: SchemaFile) -> Mapping[str, SchemaFile]:
        needed = self._referred.get(file.path)
        if needed is None:
            listed = self._find_listed_references(file)
            needed = self._referred[file.path] = self._list_needed(file) if listed is None else dict(listed)
        return needed

    def _find_listed_references(self, file: SchemaFile) -> Sequence[tuple[str, SchemaFile]] | None:
        """Return the references that the settings list for a file; None if they list none."""
        settings: VersionSettings | SubjectSettings | None = self.project.versions_by_file.get(file.path)
        if settings is None and self._has_listed_references:
            settings = self.project.subjects.get(self.subject_of(file))
        if settings is None or settings.references is None:
            return None
        return [(reference.name, self._find_referred_file(reference)) for reference in settings.references]

    def _find_referred_file(self, reference: ReferenceSettings) -> SchemaFile:
        file = (
            self.subjects.get(reference.subject)
            if reference.version is None
            else next(
                (
                    self.files[version.file]
                    for version in self.project.versions
                    if (version.subject, version.version) == (reference.subject, reference.version)
                ),
                None,
            )
        )
        if file is None:
            version = f" version {reference.version}" if reference.version else ""
            raise InvalidSchemaError(
                f"the reference {reference.name!r} leads to {reference.subject}{version}, which no file has: see "
                f"{FILE_NAME}"
            )
        return file

    @cached_property
    def _has_listed_references(self) -> bool:
        return any(settings.references is not None for settings in self.project.subjects.values())

    def _list_needed(self, file: SchemaFile) -> Mapping[str, SchemaFile]:
        """Return the references that a schema must list itself; those of its references are inherited.

        A relative name inside a reference can resolve to another file than here; such references are added.
        """
        direct = dict(self._direct(file, ""))
        if self._is_inherited(file):
            return direct
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

    def _is_inherited(self, file: SchemaFile) -> bool:
        """Return whether each reference of the file's references leads from there where it leads from the file."""
        opened = {file.path: file}
        while file.path not in self._inherited:
            top = next(reversed(opened.values()))
            direct = self._direct(top, "")
            others = [other for _, other in direct]
            other = next((other for other in others if other.path not in self._inherited), None)
            if other is None or other.path in opened:
                self._inherited[top.path] = (
                    other is None
                    and all(self._inherited[other.path] for other in others)
                    and all(self._direct(other, name) == self._direct(other, "") for name, other in direct)
                )
                del opened[top.path]
            else:
                opened[other.path] = other
        return self._inherited[file.path]

    def _direct(self, file: SchemaFile, seen_as: str) -> Sequence[tuple[str, SchemaFile]]:
        direct = self._seen.get((file.path, seen_as))
        if direct is None:
            direct = self._seen[file.path, seen_as] = list(self._find_direct(file, seen_as))
        return direct

    def _find_direct(self, file: SchemaFile, seen_as: str) -> Iterator[tuple[str, SchemaFile]]:
        listed = self._find_listed_references(file)
        if listed is not None:
            yield from listed
            return
        limits.check(file.text)
        for need in FORMATS[file.type].list_file_needs(file.text, seen_as, file.path):
            needed = self._find(file, need)
            if needed is not None:
                yield need.name, needed

    def _find(self, file: SchemaFile, need: FileNeed) -> SchemaFile | None:
        """Return the file of a reference; None if the parser has it built in or must report it as missing."""
        for name in need.candidates:
            offering = [other for other in self._offered[file.type].get(name, ()) if other.path != file.path]
            if offering:
                return _choose_nearest(offering, file, name)
            if name != file.path and _type_by_suffix(name) is file.type and name in self._tree:
                return self.file(name)
        return None


class _Closure(NamedTuple):
    """All that a file refers to, directly and indirectly, by the names of the references: dependencies first."""

    texts: Mapping[str, str]
    paths: Mapping[str, str]


def _merge_closures(direct: Mapping[str, SchemaFile], closures: Mapping[str, _Closure]) -> _Closure:
    """Return the closure of a file with these references, as `references.closure` would: the first of a name counts."""
    texts: dict[str, str] = {}
    paths: dict[str, str] = {}
    for name, other in direct.items():
        closure = closures[other.path]
        if texts:
            # The difference first: most references have the same ones.
            missing = closure.texts.keys() - texts.keys()
            texts.update((key, text) for key, text in closure.texts.items() if key in missing)
            paths.update((key, path) for key, path in closure.paths.items() if key in missing)
        else:
            texts, paths = dict(closure.texts), dict(closure.paths)
        texts.setdefault(name, other.text)
        paths.setdefault(name, other.path)
    return _Closure(texts, paths)


def is_at_or_below(file: str, paths: Sequence[str]) -> bool:
    """Return whether the path of a file is one of the paths or below one of them; always, without a path."""
    return not paths or any(path in {file, "."} or file.startswith(f"{path}/") for path in paths)


def decode_text(content: bytes) -> str:
    """Return the text without a byte order mark; bytes that are not UTF-8 become characters that no parser accepts."""
    return content.decode("utf-8-sig", errors="surrogateescape")


def _make_unparsed_schema(file: SchemaFile, direct: Mapping[str, SchemaFile]) -> UnparsedSchema:
    """Return the schema with file paths in place of subjects."""
    listed = tuple(Reference(name, Subject(other.path), Version(1)) for name, other in direct.items())
    return UnparsedSchema(file.type, file.text, listed)


def _choose_nearest(offering: Sequence[SchemaFile], file: SchemaFile, name: str) -> SchemaFile:
    here = file.path.split("/")

    def distance(other: SchemaFile) -> tuple[int, int]:
        there = other.path.split("/")
        common = next((at for at, (a, b) in enumerate(zip(here, there, strict=False)) if a != b), 0)
        return -common, len(there)

    best, *others = sorted(offering, key=distance)
    if others and distance(others[0]) == distance(best):
        raise InvalidSchemaError(
            f"{name} is ambiguous: {best.path} or {others[0].path}. Exclude one of them in {FILE_NAME}."
        )
    return best


def _type_by_suffix(path: str) -> SchemaType | None:
    return next((type_ for suffix, type_ in SUFFIXES.items() if path.endswith(suffix)), None)
