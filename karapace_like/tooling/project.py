"""`karapace-like.toml`: which files are schemas, what their subjects are called, and what holds for them.

Without the file, every schema below the folder counts, and its subject is its name without the suffix.
"""

import string
import tomllib
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import msgspec

from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType
from karapace_like.tooling.errors import ToolError

FILE_NAME = "karapace-like.toml"

SUFFIXES: Mapping[str, SchemaType] = {
    ".avsc": SchemaType.AVRO,
    ".json": SchemaType.JSON,
    ".proto": SchemaType.PROTOBUF,
}
PLACEHOLDERS = ("stem", "folder", "path", "record")
"""What `subject` may be made of: the file's name and path without suffix, its folder, the record's full name."""
_SCHEMA_SUFFIX = ".schema"


class SubjectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds for one subject."""

    file: str | None = None
    compatibility: CompatibilityLevel | None = None
    mode: str | None = None
    normalize: bool = False
    type: SchemaType | None = None


class GlobalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What `apply` sets for all subjects that have nothing of their own."""

    compatibility: CompatibilityLevel | None = None
    mode: str | None = None


class LintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rules by name: on (with their severity) or off, for all formats or in a table for one."""

    fields: str | None = None
    """The style of fields' names."""
    rules: Mapping[str, str] = {}
    avro: Mapping[str, str] = {}
    json: Mapping[str, str] = {}
    protobuf: Mapping[str, str] = {}


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The settings file."""

    subject: str = "{stem}"
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    compatibility: CompatibilityLevel | None = None
    policy: CompatibilityPolicy | None = None
    subjects: Mapping[str, SubjectSettings] = {}
    registry: GlobalSettings = GlobalSettings()
    lint: LintSettings = LintSettings()

    def type_of(self, path: str, text: str) -> SchemaType | None:
        """The format of a file; None for one that is no schema."""
        named = next((each for each in self.subjects.values() if each.file == path), None)
        by_suffix = SUFFIXES.get(PurePosixPath(path).suffix)
        if named is not None:
            return named.type or by_suffix
        if by_suffix is None or any(fnmatchcase(path, each) for each in self.exclude):
            return None
        if self.include:
            return by_suffix if any(fnmatchcase(path, each) for each in self.include) else None
        return by_suffix if by_suffix is not SchemaType.JSON or _says_so(path, text) else None

    def level(self, subject: str) -> CompatibilityLevel | None:
        """The level that the file sets for the subject."""
        own = self.subjects.get(subject)
        return (own and own.compatibility) or self.compatibility

    def subject_of(self, path: str, record: str | None) -> str:
        """What a file's subject is called; `record` is its record's full name. Raises ToolError without one."""
        named = next((name for name, each in self.subjects.items() if each.file == path), None)
        if named is not None:
            return named
        pure = PurePosixPath(path)
        stem = pure.stem.removesuffix(_SCHEMA_SUFFIX)
        if record is None and self.names_records:
            raise ToolError(
                f"{path}: the subject is to be called {self.subject!r}, but the schema has no record name. Name the "
                f"subject in {FILE_NAME}, as [subjects.NAME] file = {path!r}."
            )
        folder = "" if str(pure.parent) == "." else str(pure.parent)
        return self.subject.format(
            stem=stem, folder=folder, path=f"{folder}/{stem}" if folder else stem, record=record or ""
        )

    @property
    def names_records(self) -> bool:
        """Whether subjects are called by their records, as the record-name strategies do."""
        return "record" in {name for _, name, _, _ in string.Formatter().parse(self.subject)}


def _says_so(path: str, text: str) -> bool:
    """Not every JSON file is a schema: one that says `$schema`, or is called `*.schema.json`."""
    return PurePosixPath(path).stem.endswith(_SCHEMA_SUFFIX) or '"$schema"' in text


def read(text: bytes, path: str) -> Project:
    """The settings in a file's text; raises ToolError that names the file and the entry."""
    try:
        project = msgspec.toml.decode(text, type=Project)
    except msgspec.ValidationError as error:
        raise ToolError(f"{path}: {error}".replace(" - at `$.", " - at `")) from error
    except (tomllib.TOMLDecodeError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path} is not TOML: {error}") from error
    _check_placeholders(project, path)
    return project


def _check_placeholders(project: Project, path: str) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(project.subject) if name is not None]
    except ValueError as error:
        raise ToolError(f"{path}: subject = {project.subject!r}: {error}") from error
    for name in names:
        if name not in PLACEHOLDERS:
            known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            raise ToolError(f"{path}: subject = {project.subject!r}: {{{name}}} is not known, only {known}")


def find(start: Path) -> Path | None:
    """The settings file of the folder or of the nearest one above it, up to the repository's top."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            return None
    return None
