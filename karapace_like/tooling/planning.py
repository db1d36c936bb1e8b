"""From a folder as the desired state to the changes that a registry needs: none where it is that way already.

Making a plan only reads; `carry_out` does what the plan says, in its order, and stops at the first refusal.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from graphlib import TopologicalSorter

import msgspec

from karapace_like.client.registry_client import RefusedError
from karapace_like.errors import NOT_JSON
from karapace_like.schema.model import CompatibilityLevel, InvalidSchemaError
from karapace_like.tooling.actions import (
    Action,
    Delete,
    PlannedReference,
    Progress,
    Register,
    SetLevel,
    SetMode,
    registration,
)
from karapace_like.tooling.checking import Judge
from karapace_like.tooling.errors import ToolError
from karapace_like.tooling.remote import Remote, registry_baseline
from karapace_like.tooling.report import Report
from karapace_like.tooling.workspace import SchemaFile, Workspace

_CLOSED = frozenset({"READONLY", "READONLY_OVERRIDE"})


class Plan(msgspec.Struct, frozen=True):
    """What is to be done, in this order."""

    actions: Sequence[Action]

    def text(self) -> str:
        """For people."""
        if not self.actions:
            return "Nothing to do: the registry is as the files say.\n"
        return "".join(f"{each.sentence}\n" for each in self.actions)

    def json(self) -> str:
        """For programs, and to be carried out later."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


class Planner:
    """Compares a workspace with a registry."""

    def __init__(self, remote: Remote, workspace: Workspace) -> None:
        self._remote = remote
        self._workspace = workspace
        self._project = workspace.project

    async def whole(self, paths: Sequence[str], delete: Sequence[str]) -> tuple[Plan, Report]:
        """The plan for the schemas below the paths and their settings, and the verdict on those that it registers.

        No path stands for all, and for the settings that are of no file. Subjects that match a pattern of `delete` and
        that no file has are deleted, and their settings unset.
        """
        subjects = [subject for subject, _ in self._workspace.selected(paths, referring=False)]
        schemas, report = await self.schemas(subjects, self._project.level)
        settings = [] if paths else await self._registry_settings()
        settings += await self._settings(subjects if paths else {*subjects, *self._project.subjects}, delete)
        closing = [each for each in settings if isinstance(each, SetMode) and each.after in _CLOSED]
        opening = [each for each in settings if each not in closing]
        return Plan([*opening, *schemas, *await self._deletions(delete), *closing]), report

    async def schemas(
        self, subjects: Sequence[str], level_of: Callable[[str], CompatibilityLevel | None]
    ) -> tuple[list[Register], Report]:
        """The registrations of these subjects and of what they refer to, references first, and the verdict on them."""
        versions: dict[str, int | None] = {}
        actions: list[Register] = []
        for file in self._in_order([self._workspace.subjects[each] for each in subjects]):
            action = self._register(file, versions)
            versions[file.path] = await self._known_version(file, action)
            if versions[file.path] is None:
                actions.append(action)
        registered = [each.subject for each in actions]
        baseline = await registry_baseline(self._remote, registered, level_of)
        judge = Judge(self._workspace, baseline, level_of=level_of)
        return actions, Report(
            "check", [judge.case(each.subject, self._workspace.files[each.file]) for each in actions]
        )

    def _in_order(self, files: Sequence[SchemaFile]) -> list[SchemaFile]:
        """The files and all that they refer to, references first; raises ToolError."""
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
            sorter.add(file.path, *sorted(each.path for each in others))
            pending += others
        return [self._workspace.files[each] for each in sorter.static_order()]

    def _register(self, file: SchemaFile, versions: Mapping[str, int | None]) -> Register:
        subject = self._workspace.subject_of(file)
        listed = [
            PlannedReference(name, self._workspace.subject_of(other), versions[other.path])
            for name, other in self._workspace.link(file).references.items()
        ]
        settings = self._project.subjects.get(subject)
        return Register(subject, file.path, listed, normalize=settings is not None and settings.normalize)

    async def _known_version(self, file: SchemaFile, action: Register) -> int | None:
        """The version that is registered already; None for none, as where a reference is still to be registered."""
        known = {each.name: each.version for each in action.references if each.version is not None}
        if len(known) < len(action.references):
            return None
        body = registration(file, action.references, known)
        try:
            return await self._remote.look_up(action.subject, body, normalize=action.normalize)
        except RefusedError as error:
            raise ToolError(f"{file.path}: the registry refuses it: {error} ({error.code}).") from error

    async def _registry_settings(self) -> list[SetLevel | SetMode]:
        found: list[SetLevel | SetMode] = []
        everything = self._project.registry
        if everything.compatibility is not None:
            before = await self._remote.own_level(None)
            found += [SetLevel(None, before, everything.compatibility)] if before != everything.compatibility else []
        if everything.mode is not None:
            before = await self._remote.own_mode(None)
            found += [SetMode(None, before, everything.mode)] if before != everything.mode else []
        return found

    async def _settings(self, of: Iterable[str], delete: Sequence[str]) -> list[SetLevel | SetMode]:
        subjects = sorted(of)
        levels = await self._remote.each("Reading levels", subjects, self._remote.own_level)
        modes = await self._remote.each("Reading modes", subjects, self._remote.own_mode)
        found: list[SetLevel | SetMode] = []
        for subject in subjects:
            own = self._project.subjects.get(subject)
            level, mode = self._project.level(subject), own.mode if own else None
            is_ours = _matches(subject, delete)
            if levels[subject] != level and (level is not None or is_ours):
                found.append(SetLevel(subject, levels[subject], level))
            if modes[subject] != mode and (mode is not None or is_ours):
                found.append(SetMode(subject, modes[subject], mode))
        return found

    async def _deletions(self, delete: Sequence[str]) -> list[Delete]:
        """Those that refer to others first."""
        wanted = [
            each
            for each in (await self._remote.subjects() if delete else [])
            if _matches(each, delete) and each not in self._workspace.subjects
        ]
        sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(sorted(wanted), ()))
        numbers = await self._remote.each("Reading versions", wanted, self._remote.numbers)
        for subject in wanted:
            for each in await self._remote.versions(subject, every=True):
                for reference in each.schema.references:
                    if reference.subject in numbers and reference.subject != subject:
                        sorter.add(reference.subject, subject)
        return [Delete(each, numbers[each]) for each in sorter.static_order()]


def read_plan(text: bytes, name: str) -> Plan:
    """A plan that was saved; raises ToolError."""
    try:
        return msgspec.json.decode(text, type=Plan)
    except NOT_JSON as error:
        raise ToolError(f"{name} is no plan as `karapace-like plan --out` writes it: {error}") from error


async def carry_out(remote: Remote, workspace: Workspace, plan: Plan, told: Callable[[str], None]) -> None:
    """Do it all in order; raises ToolError at the first refusal, which says how much is done."""
    progress = Progress(workspace)
    for number, action in enumerate(plan.actions):
        try:
            outcome = await action.carry_out(remote.client, progress)
        except RefusedError as error:
            raise ToolError(
                f"Refused: {action.sentence}: {error} ({error.code}). {number} of {len(plan.actions)} changes are "
                "done; run the command again for the rest."
            ) from error
        told(f"{action.sentence}{f': {outcome}' if outcome else ''}")


def _matches(subject: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(subject, each) for each in patterns)
