"""Making a registry equal to a backup through its API: ids and versions kept, again and again until it is.

What is to be done is the difference between the backup and what is there, so a run that was interrupted anywhere is
gone on with by another one. In order: import mode for the contexts in which versions are missing, the versions (each
after those that it refers to and those below it), soft deletions, configs, and last the modes, which end import mode.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

import msgspec

from karapace_like.backup import registry_state
from karapace_like.backup.differences import DEFAULT_MODE, place_of, same_schema, scope_name
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.registry_state import Progress, each_at_once, place
from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.registry import names
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.store import Store, StoredVersion

Place = tuple[str, int]

_AT_ONCE = 64
"""Writes that wait at the same time: the primary writes those that wait together in one transaction."""
_DONE_ALREADY = frozenset({40404, 40406})
"""Soft-deleted by now: the registry goes on with what a run has asked for that was killed."""


@dataclass(slots=True)
class Outcome:
    """What a run has done."""

    registered: int = 0
    deleted: int = 0
    settings: int = 0
    refused: list[str] = field(default_factory=list)
    """A sentence for each thing that the registry did not take."""


class Restoration:
    """One run on one registry."""

    def __init__(self, client: RegistryClient, backup: Store, progress: Progress) -> None:
        self._client = client
        self._backup = backup
        self._progress = progress
        self._outcome = Outcome()

    async def run(self) -> Outcome:
        """Do what is missing; ForeignContentError, before anything is changed, if the registry holds other things.

        Raises UnreachableError; the registry may be in import mode then, which the next run ends.
        """
        present = await registry_state.read_versions(self._client, self._progress)
        contexts = {names.context_of(each.subject) for each in self._backup.all_versions()}
        if foreign := list(_foreign(self._backup, present, contexts)):
            raise ForeignContentError(foreign)
        before = Store()
        scopes = list({*map(_scope_of, contexts), *self._backup.configs, *self._backup.modes})
        await registry_state.read_settings(self._client, before, scopes, self._progress)
        lacking = {names.context_of(each.subject) for each in _missing(self._backup, present)}
        for context in sorted(lacking):
            await self._set_mode(_scope_of(context), Mode.IMPORT, before.modes.get(_scope_of(context)), force=True)
        if lacking:  # import mode may have let soft-deleted versions go
            present = await registry_state.read_versions(self._client, self._progress)
        await self._register(present)
        await self._soft_delete(present)
        await self._configure(before)
        await self._end_import_mode(before, contexts)
        return self._outcome

    async def _register(self, present: Store) -> None:
        missing = {(each.subject, each.version): each for each in _missing(self._backup, present)}
        done = 0

        async def one(at: Place) -> None:
            nonlocal done
            stored = missing[at]
            body = _registration(stored)
            if await self._taken(place_of(stored), "POST", path("subjects", stored.subject, "versions"), body):
                self._outcome.registered += 1
            done += 1
            self._progress("Registering", done, len(missing))

        try:
            await _in_order(_prerequisites(missing), one)
        except CycleError as error:
            names_ = " -> ".join(f"{subject} version {version}" for subject, version in error.args[1])
            self._outcome.refused.append(f"the backup has references in a circle: {names_}")

    async def _soft_delete(self, present: Store) -> None:
        """Those first that refer to others: what is referred to cannot be deleted."""
        marked = {(each.subject, each.version): each for each in self._backup.all_versions() if each.deleted}
        to_do = {}
        for at, each in marked.items():
            found = present.version(*at, deleted=True)
            if found is None or not found.deleted:
                to_do[at] = each
        done = 0

        async def one(at: Place) -> None:
            nonlocal done
            if await self._taken(place_of(to_do[at]), "DELETE", path("subjects", at[0], "versions", at[1])):
                self._outcome.deleted += 1
            done += 1
            self._progress("Soft-deleting", done, len(to_do))

        referrers: dict[Place, set[Place]] = {at: set() for at in to_do}
        for at, needed in _prerequisites(to_do).items():
            for target in needed:
                referrers[target].add(at)
        with suppress(CycleError):  # reported when they were to be registered
            await _in_order(referrers, one)

    async def _configure(self, before: Store) -> None:
        async def one(scope: str | None) -> None:
            wanted, found = self._backup.configs[scope], before.configs.get(scope)
            if wanted == found:
                return
            body = _config_update(wanted, found)
            if await self._taken(f"config of {scope_name(scope)}", "PUT", place("config", scope), body):
                self._outcome.settings += 1

        await each_at_once(list(self._backup.configs), one)

    async def _end_import_mode(self, before: Store, contexts: Iterable[str]) -> None:
        """Set the backup's modes, the nearest first; where it has none, what was there before the import."""
        wanted: dict[str | None, Mode | None] = {}
        for scope in map(_scope_of, contexts):
            found = before.modes.get(scope)
            wanted[scope] = None if found is Mode.IMPORT else found
        wanted |= self._backup.modes
        now = Store()
        await registry_state.read_settings(self._client, now, list(wanted), self._progress)
        for scope in sorted(wanted, key=_breadth):
            mode, found = wanted[scope], now.modes.get(scope)
            if mode is not None:
                await self._set_mode(scope, mode, found)
            elif found is not None:
                await self._client.ask("DELETE", place("mode", scope))

    async def _set_mode(self, scope: str | None, wanted: Mode, found: Mode | None, *, force: bool = False) -> None:
        if wanted is (found or (DEFAULT_MODE if scope is None else None)):
            return
        await self._client.ask("PUT", place("mode", scope), {"mode": wanted}, force="true" if force else None)

    async def _taken(self, what: str, method: str, at: str, body: Any = None) -> bool:
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


def _foreign(backup: Store, present: Store, contexts: set[str]) -> Iterator[str]:
    """What the registry holds in these contexts that the backup does not have so."""
    for stored in present.all_versions():
        if names.context_of(stored.subject) not in contexts:
            continue
        saved = backup.version(stored.subject, stored.version, deleted=True)
        if saved is None:
            yield f"{place_of(stored)} is not in the backup"
        elif not same_schema(saved, backup, stored, present):
            yield f"{place_of(stored)} is another schema, with id {stored.id}, than in the backup, with id {saved.id}"


def _missing(backup: Store, present: Store) -> Iterator[StoredVersion]:
    """The versions that are to be registered: they are not there, or deleted though they are not in the backup."""
    for stored in backup.all_versions():
        found = present.version(stored.subject, stored.version, deleted=True)
        if found is None or (found.deleted and not stored.deleted):
            yield stored


def _prerequisites(chosen: Mapping[Place, StoredVersion]) -> dict[Place, set[Place]]:
    """For each version the others that come first: those it refers to, and the one below it."""
    needed: dict[Place, set[Place]] = {}
    below: Place | None = None
    for at, stored in chosen.items():
        found = {
            (names.resolve_reference(each.subject, stored.subject), int(each.version))
            for each in stored.content.references
        }
        if below is not None and below[0] == at[0]:
            found.add(below)
        needed[at] = found & chosen.keys()
        below = at
    return needed


async def _in_order(prerequisites: Mapping[Place, Iterable[Place]], do: Callable[[Place], Awaitable[None]]) -> None:
    """Do it for each after its prerequisites, some at the same time; raises CycleError before anything is done."""
    order = TopologicalSorter(prerequisites)
    order.prepare()
    ready: asyncio.Queue[Place | None] = asyncio.Queue()

    def go_on() -> None:
        for each in order.get_ready():
            ready.put_nowait(each)
        if not order.is_active():
            for _ in range(_AT_ONCE):
                ready.put_nowait(None)

    async def worker() -> None:
        while (at := await ready.get()) is not None:
            await do(at)
            order.done(at)
            go_on()

    go_on()
    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(worker())


def _registration(stored: StoredVersion) -> dict[str, Any]:
    """The request that registers it in import mode."""
    content = stored.content
    place = {"version": stored.version, "id": stored.id}
    return {**place, "schemaType": content.type, **content.attached, "schema": content.text}


def _config_update(wanted: Config, found: Config | None) -> dict[str, Any]:
    """The request that makes the config equal: it is merged with what is there, and null unsets."""
    set_now = {} if found is None else msgspec.to_builtins(found)
    body = {**dict.fromkeys(set_now), **msgspec.to_builtins(wanted)}
    return {"compatibility" if name == "compatibilityLevel" else name: value for name, value in body.items()}


def _scope_of(context: str) -> str | None:
    return names.scope(names.qualified(context, ""))


def _breadth(scope: str | None) -> tuple[int, str]:
    """Subjects before contexts before everything: a narrower place may be changed while a wider one still allows it."""
    if scope == names.GLOBAL_SCOPE:
        return 2, ""
    return (1, scope or "") if scope is None or names.is_context(scope) else (0, scope)
