"""Restores a backup into a registry through its API; ids and versions are kept.

A run makes the changes that the registry still lacks, so that another run completes an interrupted one. The order is:
import mode for contexts with missing versions, the versions (each after its references and lower versions), soft
deletions, configs, weak associations, the modes, which end import mode, and last the strong associations.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from karapace_like.backup import associations, registry_state
from karapace_like.backup.differences import DEFAULT_MODE, format_scope, format_version_name, is_same_schema
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.registry_state import ReportProgress, for_each_concurrently, settings_path
from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.registry import names
from karapace_like.registry.associations import Lifecycle
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Deleted, Store, StoredVersion

Place = tuple[str, int]

_AT_ONCE = 64
"""Concurrent writes; the primary writes those that wait together in one transaction."""
_DONE_ALREADY = frozenset({40404, 40406})
"""Codes for a version that is already soft-deleted, by a request of a run that was killed."""


@dataclass(slots=True)
class Outcome:
    """The counts of one run."""

    registered: int = 0
    deleted: int = 0
    settings: int = 0
    associated: int = 0
    refused: list[str] = field(default_factory=list)
    """One line for each rejected item."""


class Restoration:
    """One run on one registry."""

    def __init__(self, client: RegistryClient, backup: Store, progress: ReportProgress) -> None:
        self._client = client
        self._backup = backup
        self._progress = progress
        self._outcome = Outcome()

    async def run(self) -> Outcome:
        """Make the missing changes and return their counts.

        Raises ForeignContentError, before any change, if the registry has versions that the backup lacks, and
        UnreachableError, after which the registry may be in import mode until the next run.
        """
        present = (await registry_state.read_versions(self._client, self._progress)).store
        contexts = {names.context_of(version.subject) for version in self._backup.all_versions()}
        if foreign := list(_find_foreign(self._backup, present, contexts)):
            raise ForeignContentError(foreign)
        before = Store()
        scopes = list({*map(find_scope, contexts), *self._backup.configs, *self._backup.modes})
        await registry_state.read_settings(self._client, before, scopes, self._progress)
        lacking = {names.context_of(version.subject) for version in find_missing(self._backup, present)}
        for context in sorted(lacking):
            await self._set_mode(find_scope(context), Mode.IMPORT, before.modes.get(find_scope(context)), force=True)
        if lacking:  # import mode may have removed soft-deleted versions
            present = (await registry_state.read_versions(self._client, self._progress)).store
        await self.add_missing(present, before)
        associated = Store()
        await registry_state.read_associations(self._client, associated)
        await self._associate(associated, Lifecycle.WEAK)
        await self._end_import_mode(before, contexts)
        await self._associate(associated, Lifecycle.STRONG)  # with schemas, which import mode refuses
        return self._outcome

    async def add_missing(self, present: Store, before: Store) -> Outcome:
        """Register and soft-delete what `present` lacks, and set the configs that `before` lacks; in import mode."""
        await self._register(present)
        await self._soft_delete(present)
        await self._configure(before)
        return self._outcome

    async def _associate(self, present: Store, lifecycle: Lifecycle) -> None:
        for creation in associations.list_creations(self._backup, present, lifecycle):
            if await self._send(creation.name, creation.method, path(*creation.path), creation.body):
                self._outcome.associated += 1

    async def _register(self, present: Store) -> None:
        missing = {(version.subject, version.version): version for version in find_missing(self._backup, present)}
        done = 0

        async def register_version(at: Place) -> None:
            nonlocal done
            stored = missing[at]
            body = _make_registration(stored)
            if await self._send(
                format_version_name(stored), "POST", path("subjects", stored.subject, "versions"), body
            ):
                self._outcome.registered += 1
            done += 1
            self._progress("Registering", done, len(missing))

        try:
            await run_in_order(find_prerequisites(missing), register_version)
        except CycleError as error:
            names_ = " -> ".join(f"{subject} version {version}" for subject, version in error.args[1])
            self._outcome.refused.append(f"the backup has a cycle of references: {names_}")

    async def _soft_delete(self, present: Store) -> None:
        """Delete referring versions before the versions that they refer to, which cannot be deleted earlier."""
        marked = {
            (version.subject, version.version): version for version in self._backup.all_versions() if version.deleted
        }
        to_do = {}
        for at, version in marked.items():
            registered = present.version(*at, Deleted.INCLUDE)
            if registered is None or not registered.deleted:
                to_do[at] = version
        done = 0

        async def delete_version(at: Place) -> None:
            nonlocal done
            if await self._send(format_version_name(to_do[at]), "DELETE", path("subjects", at[0], "versions", at[1])):
                self._outcome.deleted += 1
            done += 1
            self._progress("Soft-deleting", done, len(to_do))

        with suppress(CycleError):  # reported by the registration
            await run_in_order(find_referrers(to_do), delete_version)

    async def _configure(self, before: Store) -> None:
        async def set_config(scope: str | None) -> None:
            wanted, current = self._backup.configs[scope], before.configs.get(scope)
            if wanted == current:
                return
            body = _make_config_update(wanted, current)
            if await self._send(f"config of {format_scope(scope)}", "PUT", settings_path("config", scope), body):
                self._outcome.settings += 1

        await for_each_concurrently(list(self._backup.configs), set_config)

    async def _end_import_mode(self, before: Store, contexts: Iterable[str]) -> None:
        """Set the modes of the backup, subjects first; where it has none, restore the mode from before the import."""
        wanted: dict[str | None, Mode | None] = {}
        for scope in map(find_scope, contexts):
            present_mode = before.modes.get(scope)
            wanted[scope] = None if present_mode is Mode.IMPORT else present_mode
        wanted |= self._backup.modes
        now = Store()
        await registry_state.read_settings(self._client, now, list(wanted), self._progress)
        for scope in sorted(wanted, key=rank_scope):
            mode, present_mode = wanted[scope], now.modes.get(scope)
            if mode is not None:
                await self._set_mode(scope, mode, present_mode)
            elif present_mode is not None:
                await self._client.ask("DELETE", settings_path("mode", scope))

    async def _set_mode(self, scope: str | None, wanted: Mode, current: Mode | None, *, force: bool = False) -> None:
        if wanted is (current or (DEFAULT_MODE if scope is None else None)):
            return
        await self._client.ask("PUT", settings_path("mode", scope), {"mode": wanted}, force="true" if force else None)

    async def _send(self, what: str, method: str, at: str, body: Any = None) -> bool:
        try:
            await self._client.ask(method, at, body)
        except RefusedError as error:
            if error.code in _DONE_ALREADY:
                return False
            if error.status >= 500:
                raise
            self._outcome.refused.append(f"{what}: {error}")
            return False
        return True


def _find_foreign(backup: Store, present: Store, contexts: set[str]) -> Iterator[str]:
    """Yield a line for each version in these contexts that is missing or different in the backup."""
    for stored in present.all_versions():
        if names.context_of(stored.subject) not in contexts:
            continue
        saved = backup.version(stored.subject, stored.version, Deleted.INCLUDE)
        if saved is None:
            yield f"{format_version_name(stored)} is not in the backup"
        elif not is_same_schema(saved, backup, stored, present):
            name = format_version_name(stored)
            yield f"{name} has another schema, with id {stored.id}, than in the backup, with id {saved.id}"


def find_missing(backup: Store, present: Store) -> Iterator[StoredVersion]:
    """Yield the versions to register: they are missing, or deleted in the registry only."""
    for stored in backup.all_versions():
        registered = present.version(stored.subject, stored.version, Deleted.INCLUDE)
        if registered is None or (registered.deleted and not stored.deleted):
            yield stored


def find_prerequisites(chosen: Mapping[Place, StoredVersion]) -> dict[Place, set[Place]]:
    """Return, for each version, the versions to register before it: its references and the next lower one."""
    needed: dict[Place, set[Place]] = {}
    below: Place | None = None
    for at, stored in chosen.items():
        known = {
            (names.resolve_reference(reference.subject, stored.subject), int(reference.version))
            for reference in stored.content.references
        }
        if below is not None and below[0] == at[0]:
            known.add(below)
        needed[at] = (known & chosen.keys()) - {at}  # the registry rejects a self-reference, without a cycle here
        below = at
    return needed


def find_referrers(chosen: Mapping[Place, StoredVersion]) -> dict[Place, set[Place]]:
    """Return, for each version, the versions to delete before it: those to register after it."""
    referrers: dict[Place, set[Place]] = {at: set() for at in chosen}
    for at, needed in find_prerequisites(chosen).items():
        for target in needed:
            referrers[target].add(at)
    return referrers


async def run_in_order(prerequisites: Mapping[Place, Iterable[Place]], do: Callable[[Place], Awaitable[None]]) -> None:
    """Call `do` for each version after its prerequisites, up to 64 concurrently; raises CycleError before any call."""
    order = TopologicalSorter(prerequisites)
    order.prepare()
    ready: asyncio.Queue[Place | None] = asyncio.Queue()

    def queue_ready() -> None:
        for version in order.get_ready():
            ready.put_nowait(version)
        if not order.is_active():
            for _ in range(_AT_ONCE):
                ready.put_nowait(None)

    async def worker() -> None:
        while (at := await ready.get()) is not None:
            await do(at)
            order.done(at)
            queue_ready()

    queue_ready()
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(worker())


def _make_registration(stored: StoredVersion) -> dict[str, Any]:
    """Return the request body that registers the version in import mode."""
    content = stored.content
    place = {"version": stored.version, "id": stored.id}
    return {**place, "schemaType": content.type, **content.attachments, "schema": content.text}


def _make_config_update(wanted: Config, current: Config | None) -> dict[str, Any]:
    """Return the request body that makes the config equal: the registry merges it, and null removes a value."""
    set_now = {} if current is None else msgspec.to_builtins(current)
    body = {**dict.fromkeys(set_now), **msgspec.to_builtins(wanted)}
    return {"compatibility" if name == "compatibilityLevel" else name: value for name, value in body.items()}


def find_scope(context: str) -> str | None:
    """Return the scope of a context's config and mode."""
    return names.scope(names.qualify(context, ""))


def rank_scope(scope: str | None) -> tuple[int, str]:
    """Sort subjects before contexts before the global scope, whose mode still allows changes of narrower scopes."""
    if scope == names.GLOBAL_SCOPE:
        return 2, ""
    return (1, scope or "") if scope is None or names.is_context(scope) else (0, scope)
