"""The files of a registry: its latest schemas, the versions that they refer to, and the settings, as `plan` reads them.

A schema stands where those that refer to it expect it. References that the files themselves do not lead to, such as
one to an old version, stand in the settings.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import msgspec

from karapace_like.client.topic_policies import read_policies
from karapace_like.errors import NOT_JSON
from karapace_like.policies.policy import TopicPolicy
from karapace_like.schema.model import CompatibilityLevel, InvalidSchemaError, Reference, SchemaType, UnparsedSchema
from karapace_like.tooling.actions import DeletePolicy, SetPolicy
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.planning import Planner
from karapace_like.tooling.project import (
    FILE_NAME,
    GlobalSettings,
    Project,
    ReferenceSettings,
    SubjectSettings,
    VersionSettings,
)
from karapace_like.tooling.remote import Registered, Remote
from karapace_like.tooling.settings_text import render_settings
from karapace_like.tooling.workspace import Workspace

_SUFFIXES = {SchemaType.AVRO: ".avsc", SchemaType.JSON: ".schema.json", SchemaType.PROTOBUF: ".proto"}
_VERSIONS_FOLDER = "versions"
_SAFE_PART = re.compile(r"(?!node_modules$|__pycache__$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,149}(?<!\.)")
_MAX_ROUNDS = 5
"""Of finding references that have to stand in the settings; after it, all of them do."""

Key = tuple[str, int]
"""(subject, version)"""


@dataclass
class Pulled:
    """The files of a registry in the making."""

    latest: Mapping[str, Registered]
    versions: Mapping[Key, Registered]
    """Every version that one of the latest refers to, directly or indirectly, and the latest ones."""
    settings: Mapping[str, SubjectSettings]
    everything: GlobalSettings
    policies: Mapping[str, TopicPolicy]
    paths: dict[Key, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    """Path -> text."""
    listed: set[Key] = field(default_factory=set)
    """Versions whose references stand in the settings."""

    def make_project(self) -> Project:
        """Return the settings that lead from the files to the registry."""
        subjects: dict[str, SubjectSettings] = {}
        for subject, version in self.latest.items():
            key = (subject, version.version)
            settings = self.settings[subject]
            path = self.paths[key]
            if (
                Project().subject_of(path, None) != subject
                or Project().detect_type(path, "") is not version.schema.type
            ):
                settings = msgspec.structs.replace(settings, file=path)
            if key in self.listed:
                settings = msgspec.structs.replace(settings, references=self._list_references(version))
            if settings != SubjectSettings():
                subjects[subject] = settings
        versions = [
            VersionSettings(*key, path, references=self._list_references(self.versions[key]))
            for key, path in self.paths.items()
            if not self._is_latest(key)
        ]
        return Project(subjects=subjects, registry=self.everything, versions=tuple(versions), policies=self.policies)

    def make_workspace(self) -> Workspace:
        """Return the workspace that a command would open."""
        return Workspace({path: text.encode() for path, text in sorted(self.texts.items())}, self.make_project())

    def _is_latest(self, key: Key) -> bool:
        subject, version = key
        return subject in self.latest and self.latest[subject].version == version

    def _list_references(self, version: Registered) -> list[ReferenceSettings]:
        return [
            ReferenceSettings(
                reference.name,
                reference.subject,
                None if self._is_latest((reference.subject, reference.version)) else reference.version,
            )
            for reference in version.schema.references
        ]

    def place_files(self) -> None:
        """Give every version its path: first those that others expect at one."""
        taken: set[str] = {FILE_NAME.casefold()}
        referred = {
            (reference.subject, int(reference.version))
            for version in self.versions.values()
            for reference in version.schema.references
        }
        pending = [key for key in self._list_keys() if key not in referred]
        pending += [key for key in self._list_keys() if key in referred]
        expected: dict[Key, list[str]] = {}
        while pending:
            key = pending.pop(0)
            if key in self.paths:
                continue
            path = next(
                path for path in self._suggest_paths(key, expected.get(key, [])) if path.casefold() not in taken
            )
            taken.add(path.casefold())
            self.paths[key] = path
            self.texts[path] = _format_text(self.versions[key].schema)
            for reference in self.versions[key].schema.references:
                place = (reference.subject, int(reference.version))
                if place in self.versions:
                    expected.setdefault(place, []).extend(_find_expected_path(self.versions[key], reference, path))
                    pending.insert(0, place)

    def _list_keys(self) -> list[Key]:
        return [(subject, version.version) for subject, version in sorted(self.latest.items())]

    def _suggest_paths(self, key: Key, expected: Sequence[str]) -> Iterator[str]:
        subject, version = key
        suffix = _SUFFIXES[self.versions[key].schema.type]
        is_latest = self._is_latest(key)
        stem = subject if _SAFE_PART.fullmatch(subject) else ""
        readable = stem or f"{re.sub(r'[^A-Za-z0-9_]+', '-', subject)[:60].strip('-') or 'subject'}-{_digest(subject)}"
        if not is_latest:
            yield f"{_VERSIONS_FOLDER}/{readable}-{version}{suffix}"
        else:
            yield from expected
            yield f"{readable}{suffix}"
        yield f"{_VERSIONS_FOLDER}/{readable}-{version}-{_digest(subject)}{suffix}"

    def list_missing_references(self) -> None:
        """Mark the versions whose references the files do not lead to by themselves."""
        for _ in range(_MAX_ROUNDS):
            workspace = self.make_workspace()
            missing = {
                key for key in self._list_keys() if key not in self.listed and not self._leads_back(workspace, key)
            }
            if not missing:
                return
            self.listed |= missing
        self.listed |= set(self._list_keys())

    def _leads_back(self, workspace: Workspace, key: Key) -> bool:
        """Return whether the text alone leads to the references of the version, in their order."""
        wanted = [
            (reference.name, self.paths.get((reference.subject, int(reference.version))))
            for reference in self.versions[key].schema.references
        ]
        try:
            linked = workspace.link(workspace.files[self.paths[key]])
        except InvalidSchemaError:
            return False
        return [(name, file.path) for name, file in linked.references.items()] == wanted


async def read_promotion(source: Remote, target: Remote, patterns: Sequence[str]) -> Workspace:
    """Return the schemas and levels of one registry as the files that another one is to match; raises ToolError.

    Modes and global settings belong to an environment and are left out.
    """
    pulled = await _read(source, await _list_matching_subjects(source, patterns), with_global=False)
    if left_out := _drop_unreadable(pulled):
        raise ToolError(f"The state cannot be promoted: {'; '.join(left_out)}.")
    pulled.settings = {
        subject: msgspec.structs.replace(settings, mode=None) for subject, settings in pulled.settings.items()
    }
    pulled.place_files()
    pulled.texts = {path: pulled.versions[key].schema.text for key, path in pulled.paths.items()}
    pulled.list_missing_references()
    for version in pulled.make_project().versions:
        own = await target.fetch_version(version.subject, version.version)
        if own is None or own.schema.text != pulled.texts[version.file]:
            place = f"version {version.version} of {version.subject}"
            raise ToolError(
                f"A schema refers to {place}, which is missing or another schema in the target. Register "
                "that version there first, or let the schema refer to the latest version."
            )
    return pulled.make_workspace()


async def _list_matching_subjects(remote: Remote, patterns: Sequence[str]) -> list[str]:
    return [
        subject
        for subject in sorted(await remote.list_subjects())
        if not patterns or any(fnmatchcase(subject, pattern) for pattern in patterns)
    ]


async def pull(remote: Remote, patterns: Sequence[str]) -> tuple[Mapping[str, str], Sequence[str]]:
    """Return the text of each file, and a sentence for each subject that `plan` would change or that has no file.

    Without patterns, all subjects, the global settings and topic policies are read.
    """
    pulled = await _read(remote, await _list_matching_subjects(remote, patterns), with_global=not patterns)
    skipped = _drop_unreadable(pulled)
    pulled.place_files()
    pulled.list_missing_references()
    left = await _verify(remote, pulled)
    settings = f"# Written by `karapace-like pull`.\n{render_settings(pulled.make_project())}"
    return {**pulled.texts, FILE_NAME: settings}, [*skipped, *left]


async def _read(remote: Remote, subjects: Sequence[str], *, with_global: bool) -> Pulled:
    versions_of = await remote.ask_each(
        "Reading schemas", subjects, lambda subject: remote.fetch_version(subject, "latest")
    )
    latest = {subject: version for subject, version in versions_of.items() if version is not None}
    versions = {(version.subject, version.version): version for version in latest.values()}
    versions |= await remote.read_references(latest.values())

    async def read_settings(subject: str) -> SubjectSettings:
        level, mode = await remote.fetch_level(subject), await remote.fetch_mode(subject)
        version = latest[subject]
        return SubjectSettings(
            compatibility=CompatibilityLevel(level) if level else None,
            mode=mode,
            metadata=version.metadata,
            rule_set=version.rule_set,
            config=await remote.fetch_config(subject),
        )

    settings = await remote.ask_each("Reading settings", list(latest), read_settings)
    everything = GlobalSettings()
    if with_global:
        level = await remote.fetch_level(None)
        everything = GlobalSettings(
            CompatibilityLevel(level) if level else None, await remote.fetch_mode(None), await remote.fetch_config(None)
        )
    policies = await read_policies(remote.client) if with_global else {}
    return Pulled(latest, versions, settings, everything, policies)


def _drop_unreadable(pulled: Pulled) -> list[str]:
    """Leave out the subjects that refer to a version which does not exist; return a sentence for each."""
    broken = {
        key: reference
        for key, version in pulled.versions.items()
        for reference in version.schema.references
        if (reference.subject, int(reference.version)) not in pulled.versions
    }
    sentences: list[str] = []
    spread = True
    while spread:
        spread = False
        for key, version in pulled.versions.items():
            for reference in version.schema.references:
                if key not in broken and (reference.subject, int(reference.version)) in broken:
                    broken[key] = reference
                    spread = True
    for subject, version in pulled.latest.items():
        reference_ = broken.get((subject, version.version))
        if reference_ is not None:
            needed = f"version {reference_.version} of {reference_.subject}"
            sentences.append(f"{subject} has no file: it needs {needed}, which cannot be read")
    pulled.latest = {
        subject: version for subject, version in pulled.latest.items() if (subject, version.version) not in broken
    }
    pulled.versions = {key: version for key, version in pulled.versions.items() if key not in broken}
    return sentences


async def _verify(remote: Remote, pulled: Pulled) -> list[str]:
    """Write texts as registered where the registry does not know them in their layout; return what is left to plan."""
    for attempt in range(2):
        workspace = pulled.make_workspace()
        try:
            plan, _ = await Planner(remote, workspace).make_plan([], [])
        except ToolError as error:
            return [f"`plan` would fail: {error}"]
        of_subjects = [action for action in plan.actions if not isinstance(action, SetPolicy | DeletePolicy)]
        changed = [action for action in of_subjects if action.subject in pulled.latest]
        if attempt == 0:
            for action in changed:
                key = (str(action.subject), pulled.latest[str(action.subject)].version)
                pulled.texts[pulled.paths[key]] = pulled.versions[key].schema.text
        if not changed:
            break
    return [f"`plan` would make a change: {action.sentence}" for action in changed]


def _format_text(schema: UnparsedSchema) -> str:
    """Return the text in a layout for people; only white space differs."""
    if schema.type is SchemaType.PROTOBUF:
        return schema.text
    try:
        return msgspec.json.format(schema.text, indent=2) + "\n"
    except NOT_JSON:
        return schema.text


def _find_expected_path(owner: Registered, reference: Reference, path: str) -> list[str]:
    """Return the path at which the owner's text expects a reference; none if that is no path of a file."""
    name = reference.name.removeprefix("./")
    suffix = {SchemaType.JSON: ".json", SchemaType.PROTOBUF: ".proto"}.get(owner.schema.type)
    parts = PurePosixPath(name).parts
    if suffix is None or not name.endswith(suffix) or not all(map(_SAFE_PART.fullmatch, parts)):
        return []
    folder = PurePosixPath(path).parent if suffix == ".json" else PurePosixPath()
    return [(folder / name).as_posix()]


def _digest(subject: str) -> str:
    return hashlib.sha256(subject.encode(errors="surrogatepass")).hexdigest()[:8]
