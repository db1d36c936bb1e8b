"""The changes that bring a registry to the desired state, which a folder describes.

The planner only reads; `execution.py` makes the changes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter
from typing import Any

import msgspec

from karapace_like.client.registry_client import RefusedError
from karapace_like.errors import NOT_JSON
from karapace_like.schema.model import CompatibilityLevel, InvalidSchemaError
from karapace_like.tooling.actions import (
    Action,
    Delete,
    PlannedReference,
    Register,
    RestoreLevel,
    SetConfig,
    SetLevel,
    SetMode,
)
from karapace_like.tooling.checking import Judge
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.policies import plan_policies
from karapace_like.tooling.project import SubjectSettings
from karapace_like.tooling.remote import Remote, read_registry_baseline
from karapace_like.tooling.report import Case, Report
from karapace_like.tooling.workspace import SchemaFile, Workspace

_CLOSED = frozenset({"READONLY", "READONLY_OVERRIDE"})


class Superseded(msgspec.Struct, frozen=True):
    """A schema that is registered, but not as the latest version: only deletions make it that."""

    subject: str
    file: str
    version: int
    later: Sequence[int]
    """The versions after it."""

    @property
    def sentence(self) -> str:
        """One line that says what clients of the latest version get, and what to do about it."""
        later = ", ".join(map(str, self.later))
        commands = " and ".join(f"`delete {self.subject} --version {number}`" for number in reversed(self.later))
        return (
            f"! {self.subject} has the schema of {self.file} as version {self.version}, and later ones: {later}. "
            f"To roll back: {commands}"
        )


class Plan(msgspec.Struct, frozen=True):
    """Changes in the order in which they are made."""

    actions: Sequence[Action]
    superseded: Sequence[Superseded] = ()
    """What no change of the plan mends."""

    @property
    def finds_drift(self) -> bool:
        """Whether the registry is not in the state of the files."""
        return bool(self.actions or self.superseded)

    def text(self) -> str:
        """Return the changes as lines of text."""
        if not self.finds_drift:
            return "No changes: the registry matches the files.\n"
        return "".join(f"{change.sentence}\n" for change in (*self.actions, *self.superseded))

    def json(self) -> str:
        """Return the plan as JSON, which `read_plan` reads."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


class Planner:
    """Compares a workspace with a registry."""

    def __init__(self, remote: Remote, workspace: Workspace) -> None:
        self._remote = remote
        self._workspace = workspace
        self._project = workspace.project
        self._found: dict[str, int] = {}
        """Subject -> its version with the schema of its file."""

    async def make_plan(self, paths: Sequence[str], delete: Sequence[str]) -> tuple[Plan, Report]:
        """Return the plan for the schemas below the paths and their settings, and the report on new versions.

        Without paths, it covers all schemas and the settings without a file. Subjects that match a pattern of `delete`
        and have no file are deleted, and their settings removed.
        """
        subjects = [subject for subject, _ in self._workspace.select(paths, referring=False)]
        schemas, report = await self.plan_schemas(subjects, self._project.level)
        settings: list[SetLevel | SetMode | SetConfig] = [] if paths else await self._plan_global_settings()
        settings += await self._plan_settings(subjects if paths else {*subjects, *self._project.subjects}, delete)
        closing = [setting for setting in settings if isinstance(setting, SetMode) and setting.after in _CLOSED]
        opening = [setting for setting in settings if setting not in closing]
        client, wanted = self._remote.client, {} if paths else self._project.policies
        policies = await plan_policies(client, wanted, lambda name: _matches(name, delete))
        deletions = await self._plan_deletions(delete)
        actions = [*self.list_repairs(), *opening, *schemas, *policies, *deletions, *closing]
        return Plan(
            actions, await self._find_superseded_files(subjects, {action.subject for action in schemas})
        ), report

    async def _find_superseded_files(self, subjects: Sequence[str], registering: Collection[str]) -> list[Superseded]:
        """Return the subjects that have the schema of their file, and later versions."""
        registered = [subject for subject in subjects if subject in self._found and subject not in registering]
        numbers = await self._remote.ask_each("Reading versions", registered, self._remote.list_version_numbers)
        return [
            Superseded(subject, self._workspace.subjects[subject].path, self._found[subject], later)
            for subject in registered
            if (later := [number for number in numbers[subject] if number > self._found[subject]])
        ]

    async def plan_schemas(
        self, subjects: Sequence[str], level_of: Callable[[str], CompatibilityLevel | None]
    ) -> tuple[list[Register], Report]:
        """Return the registrations of the subjects and their references, references first, and the report on them."""
        versions: dict[str, int | None] = {}
        actions: list[Register] = []
        for file in self._sort_by_references([self._workspace.subjects[subject] for subject in subjects]):
            if file.path in self._project.versions_by_file:
                continue
            action = self._make_registration(file, versions)
            version = versions[file.path] = await self._find_registered_version(file, action)
            if version is None:
                actions.append(action)
            else:
                self._found[action.subject] = version
        registered = [action.subject for action in actions]
        baseline = await read_registry_baseline(self._remote, registered, level_of)
        judge = Judge(self._workspace, baseline, level_of=level_of)
        judge.examples.grant(len(actions))
        cases = [judge.check(action.subject, self._workspace.files[action.file]) for action in actions]
        return list(map(_add_acceptances, actions, cases)), Report("check", cases)

    def list_repairs(self) -> list[RestoreLevel]:
        """Return the restorations of the suspended levels that the plan's reading has found."""
        return [RestoreLevel(subject, left.level) for subject, left in sorted(self._remote.suspended.items())]

    def _sort_by_references(self, files: Sequence[SchemaFile]) -> list[SchemaFile]:
        """Return the files and all their references, references first; raises ToolError."""
        sorter: TopologicalSorter[str] = TopologicalSorter()
        pending = list(files)
        seen: set[str] = set()
        while pending:
            file = pending.pop()
            if file.path in seen:
                continue
            seen.add(file.path)
            try:
                others = list(self._workspace.link(file).references.values())
            except InvalidSchemaError as error:
                raise ToolError(f"{file.path}: {error}") from error
            sorter.add(file.path, *sorted(other.path for other in others))
            pending += others
        return [self._workspace.files[path] for path in sorter.static_order()]

    def _make_registration(self, file: SchemaFile, versions: Mapping[str, int | None]) -> Register:
        subject = self._workspace.subject_of(file)
        listed: list[PlannedReference] = []
        for name, other in self._workspace.link(file).references.items():
            registered = self._project.versions_by_file.get(other.path)
            if registered is not None:
                listed.append(PlannedReference(name, registered.subject, registered.version))
            else:
                listed.append(PlannedReference(name, self._workspace.subject_of(other), versions[other.path]))
        settings = self._project.subjects.get(subject) or SubjectSettings()
        return Register(subject, file.path, listed, settings.normalize, settings.metadata, settings.rule_set)

    async def _find_registered_version(self, file: SchemaFile, action: Register) -> int | None:
        """Return the registered version with this schema; None if it, or a reference, is not registered yet."""
        versions = {
            reference.name: reference.version for reference in action.references if reference.version is not None
        }
        if len(versions) < len(action.references):
            return None
        body = action.make_body(file, versions)
        try:
            return await self._remote.look_up(action.subject, body, normalize=action.normalize)
        except RefusedError as error:
            raise ToolError(f"{file.path}: the registry rejects the schema: {error.sentence}.") from error

    async def _plan_global_settings(self) -> list[SetLevel | SetMode | SetConfig]:
        changes: list[SetLevel | SetMode | SetConfig] = []
        everything = self._project.registry
        if everything.compatibility is not None:
            before = await self._remote.fetch_level(None)
            changes += [SetLevel(None, before, everything.compatibility)] if before != everything.compatibility else []
        if everything.mode is not None:
            before = await self._remote.fetch_mode(None)
            changes += [SetMode(None, before, everything.mode)] if before != everything.mode else []
        return changes + await self._plan_config(None, everything.config)

    async def _plan_config(self, subject: str | None, wanted: Mapping[str, Any]) -> list[SetConfig]:
        """Return the change of further fields of a config, or none."""
        before = await self._remote.fetch_config(subject) if wanted else {}
        after = {name: value for name, value in wanted.items() if before.get(name) != value}
        return [SetConfig(subject, {name: before[name] for name in after if name in before}, after)] if after else []

    async def _plan_settings(self, of: Iterable[str], delete: Sequence[str]) -> list[SetLevel | SetMode | SetConfig]:
        subjects = sorted(of)
        levels = await self._remote.ask_each("Reading levels", subjects, self._remote.fetch_level)
        modes = await self._remote.ask_each("Reading modes", subjects, self._remote.fetch_mode)
        changes: list[SetLevel | SetMode | SetConfig] = []
        for subject in subjects:
            own = self._project.subjects.get(subject)
            level, mode = self._project.level(subject), own.mode if own else None
            is_ours = _matches(subject, delete)
            if levels[subject] != level and (level is not None or is_ours):
                changes.append(SetLevel(subject, levels[subject], level))
            if modes[subject] != mode and (mode is not None or is_ours):
                changes.append(SetMode(subject, modes[subject], mode))
            changes += await self._plan_config(subject, own.config if own else {})
        return changes

    async def _plan_deletions(self, delete: Sequence[str]) -> list[Delete]:
        """Return the deletions; a subject comes before those that it refers to."""
        wanted = [
            subject
            for subject in (await self._remote.list_subjects() if delete else [])
            if _matches(subject, delete) and subject not in self._workspace.subjects
        ]
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(sorted(wanted), ()))
        numbers = await self._remote.ask_each("Reading versions", wanted, self._remote.list_version_numbers)
        for subject in wanted:
            for version in await self._remote.fetch_versions(subject, every=True):
                for reference in version.schema.references:
                    if reference.subject in numbers and reference.subject != subject:
                        sorter.add(reference.subject, subject)
        return [Delete(subject, numbers[subject]) for subject in sorter.static_order()]


def _add_acceptances(action: Register, case: Case) -> Register:
    rules = sorted({problem.rule for problem in case.problems if problem.accepted})
    return msgspec.structs.replace(action, accepts=rules)


def read_plan(text: bytes, name: str) -> Plan:
    """Return a saved plan; raises ToolError."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except NOT_JSON as error:
        raise ToolError(f"{name} is not a plan that `karapace-like plan --out` wrote: {error}") from error


def _matches(subject: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(subject, pattern) for pattern in patterns)
