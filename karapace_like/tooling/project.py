"""`karapace-like.toml`: the schema files of a folder, their subjects, and the settings of these.

Without the file, every schema below the folder counts, and its subject is its file name without the suffix.
"""

import codecs
import re
import string
import tomllib
from collections.abc import Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import msgspec

from karapace_like.policies import names
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import check_consistency
from karapace_like.policies.policy import TopicPolicy
from karapace_like.schema.changes import ChangeCategory
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType, VersionNumber
from karapace_like.tooling.errors import ToolError

FILE_NAME = "karapace-like.toml"

SUFFIXES: Mapping[str, SchemaType] = {
    ".avsc": SchemaType.AVRO,
    ".json": SchemaType.JSON,
    ".proto": SchemaType.PROTOBUF,
}
PLACEHOLDERS = ("stem", "folder", "path", "record")
"""Placeholders of `subject`: the file's name and path without suffix, its folder, the record's full name."""
_SCHEMA_SUFFIX = ".schema"
_DIALECT = re.compile(r'"\$schema"\s*:\s*"https?:\\?/\\?/json-schema\.org\b')
"""The dialect of a JSON Schema; some writers of JSON escape slashes."""


class ReferenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reference of a schema, in place of those that are found in its text."""

    name: str
    """The name that the text uses."""
    subject: str
    version: VersionNumber | None = None
    """One of `versions`; None: the schema in the subject's file."""


class SubjectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="camel"):
    """The settings of one subject."""

    file: str | None = None
    type: SchemaType | None = None
    compatibility: CompatibilityLevel | None = None
    mode: str | None = None
    normalize: bool = False
    references: Sequence[ReferenceSettings] | None = None
    """None: those that are found in the text."""
    metadata: Mapping[str, Any] | None = None
    """Of the registration, as in the API."""
    rule_set: Mapping[str, Any] | None = None
    """Of the registration, as in the API."""
    config: Mapping[str, Any] = {}
    """Further fields of the subject's config, as in the API."""


class VersionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A registered version in a file of its own, because another schema refers to it; it is never registered."""

    subject: str
    version: VersionNumber
    file: str
    type: SchemaType | None = None
    references: Sequence[ReferenceSettings] | None = None


class GlobalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The global settings that `apply` makes."""

    compatibility: CompatibilityLevel | None = None
    mode: str | None = None
    config: Mapping[str, Any] = {}


class CheckSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What `check` asks of changes beyond the registry's rules."""

    use: ChangeCategory | None = None
    """The category whose rules are applied; None: those of the registry alone."""


class LintPack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a team asks of its own schemas."""

    subjects: Sequence[str] = ("*",)
    """Patterns of the subjects."""
    names: Mapping[Literal["record", "field", "enum", "symbol", "type"], str] = {}
    """Kind of an element -> the pattern of its names."""
    docs: Sequence[Literal["record", "field", "enum", "symbol", "type"]] = ()
    """Kinds of elements that are documented."""
    tags: Mapping[str, str] = {}
    """Pattern of field names -> the tag that such fields have."""
    properties: Sequence[str] = ()
    """Properties that the metadata of the subject have in the settings file, such as `owner`."""


class LintSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Severities of rules by name, for all formats or for one."""

    use: Literal["minimal", "basic", "standard"] = "standard"
    """The category whose rules are applied."""
    fields: str | None = None
    """The style of field names."""
    packs: Mapping[str, LintPack] = {}
    rules: Mapping[str, str] = {}
    avro: Mapping[str, str] = {}
    json: Mapping[str, str] = {}
    protobuf: Mapping[str, str] = {}


class ProfileSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, rename="kebab"):
    """A registry that commands may name, with the environment variables that hold its secrets."""

    registry: str
    proxy: str | None = None
    user: str | None = None
    password_env: str | None = None
    token_env: str | None = None


class Acceptance(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An intended problem."""

    subject: str
    """A pattern, such as `shop.*`."""
    rule: str
    until: date
    """The last day."""
    reason: Annotated[str, msgspec.Meta(min_length=1)]
    path: str | None = None
    """A pattern of the problem's path in the schema; None for every path."""


class Project(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, dict=True):
    """The content of the settings file."""

    subject: str = "{stem}"
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    compatibility: CompatibilityLevel | None = None
    policy: CompatibilityPolicy | None = None
    deleted: Literal["error", "warning", "ignore"] = "warning"
    """The severity of a deleted or renamed schema."""
    subjects: Mapping[str, SubjectSettings] = {}
    registry: GlobalSettings = GlobalSettings()
    check: CheckSettings = CheckSettings()
    lint: LintSettings = LintSettings()
    accept: Sequence[Acceptance] = ()
    versions: Sequence[VersionSettings] = ()
    profiles: Mapping[str, ProfileSettings] = {}
    policies: Mapping[str, TopicPolicy] = {}
    """By the name of a topic, or what topics' names begin with, followed by `*`."""

    @cached_property
    def _subjects_by_file(self) -> Mapping[str, str]:
        named = [(settings.file, subject) for subject, settings in self.subjects.items() if settings.file is not None]
        return dict(reversed(named))  # the first one counts

    @cached_property
    def versions_by_file(self) -> Mapping[str, VersionSettings]:
        """The registered versions that have a file of their own."""
        return {version.file: version for version in self.versions}

    def detect_type(self, path: str, text: str) -> SchemaType | None:
        """Return the schema type of a file; None for a file that is not a schema."""
        subject = self._subjects_by_file.get(path)
        named = self.subjects[subject] if subject is not None else self.versions_by_file.get(path)
        by_suffix = SUFFIXES.get(PurePosixPath(path).suffix)
        if named is not None:
            return named.type or by_suffix
        if by_suffix is None or any(fnmatchcase(path, pattern) for pattern in self.exclude):
            return None
        if self.include:
            return by_suffix if any(fnmatchcase(path, pattern) for pattern in self.include) else None
        return by_suffix if by_suffix is not SchemaType.JSON or _is_json_schema(path, text) else None

    def level(self, subject: str) -> CompatibilityLevel | None:
        """Return the level that the settings file has for the subject."""
        own = self.subjects.get(subject)
        return (own and own.compatibility) or self.compatibility

    def subject_of(self, path: str, record: str | None) -> str:
        """Return the subject of a file; raises ToolError if it needs the full name of a `record` and there is none."""
        named = self._subjects_by_file.get(path)
        if named is not None:
            return named
        pure = PurePosixPath(path)
        stem = pure.stem.removesuffix(_SCHEMA_SUFFIX)
        if record is None and self.names_records:
            raise ToolError(
                f"{path}: the subject is {self.subject!r}, but the schema has no record name. Name the subject in "
                f"{FILE_NAME}: [subjects.NAME] file = {path!r}."
            )
        folder = "" if str(pure.parent) == "." else str(pure.parent)
        return self.subject.format(
            stem=stem, folder=folder, path=f"{folder}/{stem}" if folder else stem, record=record or ""
        )

    @property
    def names_records(self) -> bool:
        """Whether subjects are named after records, as the record-name strategies do."""
        return "record" in {name for _, name, _, _ in string.Formatter().parse(self.subject)}


def _is_json_schema(path: str, text: str) -> bool:
    """Return whether a JSON file is a schema: its `$schema` is one of json-schema.org, or its name is `*.schema.json`.

    Settings of many tools have a `$schema`, too: that of their own content, in a store of schemas.
    """
    return PurePosixPath(path).stem.endswith(_SCHEMA_SUFFIX) or _DIALECT.search(text) is not None


def parse(text: bytes, path: str) -> Project:
    """Return the settings in a file's text; raises ToolError, which names the file and the entry."""
    toml = text.removeprefix(codecs.BOM_UTF8)
    try:
        project = msgspec.toml.decode(toml, type=Project)
    except msgspec.ValidationError as error:
        # Imported here: most settings have no faults.
        from karapace_like.tooling.settings_faults import explain_fault  # noqa: PLC0415

        raise ToolError(f"{path}: {explain_fault(error, Project, msgspec.toml.decode(toml))}") from error
    except UnicodeDecodeError as error:
        raise ToolError(
            f"{path} is not UTF-8, but has the byte 0x{error.object[error.start]:02x}: save it as UTF-8."
        ) from error
    except (tomllib.TOMLDecodeError, msgspec.DecodeError) as error:
        raise ToolError(f"{path} is not TOML: {error}") from error
    _check_placeholders(project, path)
    if project.policies:
        _check_policies(project.policies, path)
    return project


def _check_placeholders(project: Project, path: str) -> None:
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(project.subject) if name is not None]
    except ValueError as error:
        raise ToolError(f"{path}: subject = {project.subject!r}: {error}") from error
    for name in names:
        if name not in PLACEHOLDERS:
            choices = ", ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
            raise ToolError(
                f"{path}: subject = {project.subject!r}: {{{name}}} is not a placeholder. Choose from {choices}."
            )


def _check_policies(policies: Mapping[str, TopicPolicy], path: str) -> None:
    """Raise ToolError for policies of the settings file at this path that cannot be meant so."""
    for name, policy in policies.items():
        if not names.is_name(name):
            raise ToolError(
                f"{path}: [policies.{name!r}]: a policy is named like a topic, or like the beginning of topics' names "
                "followed by *, such as metrics.*"
            )
        try:
            check_consistency(policy)
        except InvalidPolicyError as error:
            raise ToolError(f"{path}: [policies.{name!r}]: {error.message}") from error


def find_file(start: Path) -> Path | None:
    """Return the settings file in the folder or the nearest one above it, within the repository."""
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
        if (folder / ".git").exists():
            return None
    return None
