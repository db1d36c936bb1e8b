"""Mirrors a registry into another one, round by round: what the source has the target gets, what it lost is deleted.

A round compares the two and makes the changes, so that the round after a kill completes what the killed one began.
Ids and versions are kept. The mirrored contexts, or with a prefix the mirrored subjects, are in import mode until the
mirror is promoted. A file has what the mirror has written (`mirror_state.py`): versions of the target that neither the
source nor that file has are another writer's, and end the round before its first change.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from graphlib import CycleError
from typing import NamedTuple

from karapace_like.backup import registry_state
from karapace_like.backup.differences import DEFAULT_MODE, format_version_name, is_same_schema
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.mirror_state import MirrorState, StateFile
from karapace_like.backup.registry_state import ReportProgress, settings_path
from karapace_like.backup.restoring import (
    Outcome,
    Restoration,
    find_missing,
    find_referrers,
    find_scope,
    rank_scope,
    run_in_order,
)
from karapace_like.backup.state import add_prefix, build_store, extract_context, make_record
from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.registry import names
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Deleted, Store, StoredVersion

Place = tuple[str, int]

_GONE = frozenset({40401, 40402, 40404, 40406, 40408})
"""Codes for a version or setting that is gone already, or soft-deleted already, by a request of a killed round."""


class Selection(NamedTuple):
    """What of the source is mirrored, and under which names."""

    context: str | None = None
    """Only this context; None: all."""
    to: str | None = None
    """The context in the target; None: the same."""
    prefix: str = ""
    """Before the local name of every subject in the target."""

    def apply(self, source: Store) -> Store:
        """Return the state that the target is to have."""
        store = source
        if self.context is not None:
            store = extract_context(store, self.context, self.to or self.context)
        return add_prefix(store, self.prefix) if self.prefix else store


@dataclass(slots=True)
class Round:
    """What a round did, or would do in a dry run."""

    planned: list[str] = field(default_factory=list)
    """One line for each version to register or to delete, before the changes."""
    registered: int = 0
    soft_deleted: int = 0
    deleted: int = 0
    settings: int = 0
    versions: int = 0
    """In the mirrored part of the source."""
    refused: list[str] = field(default_factory=list)
    """One line for each change that the target rejected."""

    @property
    def changes(self) -> int:
        """How much the round changed."""
        return self.registered + self.soft_deleted + self.deleted + self.settings


class Mirror:
    """The mirror of one registry in another."""

    def __init__(self, target: RegistryClient, selection: Selection, file: StateFile, progress: ReportProgress) -> None:
        self._target = target
        self._selection = selection
        self._file = file
        self._progress = progress

    async def run_round(self, source: Store, *, dry_run: bool = False) -> Round:
        """Make the target equal to the selected part of the source; `dry_run`: change nothing, list the changes.

        Raises ForeignContentError before any change if the target has versions there that the mirror has not written,
        or uses ids for other schemas; RefusedError and UnreachableError, after which the next round goes on.
        """
        wanted, state = self._selection.apply(source), self._file.read()
        present = (await registry_state.read_versions(self._target, self._progress)).store
        region = _Region(self._selection, wanted, state)
        if foreign := list(_find_foreign(wanted, present, state, region)):
            raise ForeignContentError(foreign)
        doomed, missing = _find_doomed_versions(wanted, present, region), list(find_missing(wanted, present))
        replaced = {place for place in doomed if wanted.version(*place, Deleted.INCLUDE) is not None}
        result = Round(versions=sum(1 for _ in wanted.all_versions()))
        result.planned = [
            *(f"delete {format_version_name(stored)}" for stored in doomed.values()),
            *(f"register {format_version_name(stored)} with id {stored.id}" for stored in missing),
            *(f"register {subject} version {version} again" for subject, version in sorted(replaced)),
        ]
        if dry_run:
            return result
        self._file.write(state.extend(wanted))
        scopes = [*dict.fromkeys([*wanted.configs, *state.configs])]
        before = Store()
        await registry_state.read_settings(
            self._target, before, [*dict.fromkeys([*scopes, *region.import_scopes])], self._progress
        )
        if await self._begin_import_mode(region.import_scopes, before):
            present = (await registry_state.read_versions(self._target, self._progress)).store
            doomed = _find_doomed_versions(wanted, present, region)
        result.deleted = await self._delete(doomed, result)
        present = _without(present, doomed)
        outcome = await Restoration(self._target, wanted, self._progress).add_missing(present, before)
        _add(result, outcome)
        result.settings += await self._remove_configs(state, wanted, before)
        if not result.refused:
            self._file.write(MirrorState.of(wanted))
        return result

    async def promote(self) -> None:
        """End the mirror: the modes become those of the source, READWRITE where it has none or import mode."""
        state = self._file.read()
        region = _Region(self._selection, Store(), state)
        modes: dict[str | None, Mode] = {scope: Mode(mode) for scope, mode in state.modes}
        scopes = sorted({*modes, *region.import_scopes}, key=rank_scope)
        present = Store()
        await registry_state.read_settings(self._target, present, scopes, self._progress)
        for scope in scopes:
            mode = modes.get(scope)
            if mode is Mode.IMPORT:
                mode = None
            current = present.modes.get(scope)
            if mode is not None and mode is not (current or DEFAULT_MODE):
                await self._target.ask("PUT", settings_path("mode", scope), {"mode": mode})
            elif mode is None and current is not None:
                await self._target.ask("DELETE", settings_path("mode", scope))
        self._file.write(state.promote())

    async def _begin_import_mode(self, scopes: Iterable[str | None], before: Store) -> bool:
        """Return whether any scope was put into import mode, which may have removed soft-deleted versions."""
        changed = [scope for scope in scopes if before.modes.get(scope) is not Mode.IMPORT]
        for scope in changed:
            await self._target.ask("PUT", settings_path("mode", scope), {"mode": Mode.IMPORT}, force="true")
        return bool(changed)

    async def _delete(self, doomed: dict[Place, StoredVersion], result: Round) -> int:
        """Delete versions permanently, referring ones first; return how many."""
        done: list[Place] = []

        async def delete_version(at: Place) -> None:
            where = path("subjects", at[0], "versions", at[1])
            try:
                for query in ({}, {"permanent": "true"}):
                    await self._ask_to_delete(where, query)
            except RefusedError as error:
                if error.status >= 500:
                    raise
                result.refused.append(f"deletion of {format_version_name(doomed[at])}: {error}")
                return
            done.append(at)
            self._progress("Deleting", len(done), len(doomed))

        try:
            await run_in_order(find_referrers(doomed), delete_version)
        except CycleError as error:
            result.refused.append(f"deletion of versions that refer to each other: {error.args[1]}")
        return len(done)

    async def _remove_configs(self, state: MirrorState, wanted: Store, before: Store) -> int:
        obsolete = [scope for scope in state.configs if scope not in wanted.configs and scope in before.configs]
        for scope in obsolete:
            await self._ask_to_delete(settings_path("config", scope), {})
        return len(obsolete)

    async def _ask_to_delete(self, where: str, query: dict[str, str]) -> None:
        try:
            await self._target.ask("DELETE", where, **query)
        except RefusedError as error:
            if error.code not in _GONE:
                raise


class _Region:
    """The part of the target that belongs to the mirror."""

    def __init__(self, selection: Selection, wanted: Store, state: MirrorState) -> None:
        self._prefix = selection.prefix
        places = [*state.places, *((stored.subject, stored.version, stored.id) for stored in wanted.all_versions())]
        self._contexts = {names.context_of(subject) for subject, _, _ in places}
        subjects = dict.fromkeys(subject for subject, _, _ in places)
        self.import_scopes: list[str | None] = (
            [*subjects] if self._prefix else [find_scope(context) for context in sorted(self._contexts)]
        )
        """The scopes that are in import mode: subjects with a prefix, else contexts."""

    def has(self, subject: str) -> bool:
        """Return whether the subject belongs to the mirror."""
        return names.context_of(subject) in self._contexts and names.local_name(subject).startswith(self._prefix)


def _find_foreign(wanted: Store, present: Store, state: MirrorState, region: _Region) -> Iterator[str]:
    """Yield a line for each version that another writer has put where the mirror writes, or whose id it needs."""
    own = set(state.places)
    ids = {(names.context_of(stored.subject), stored.id): stored for stored in wanted.all_versions()}
    for stored in present.all_versions():
        if not region.has(stored.subject):
            source = ids.get((names.context_of(stored.subject), stored.id))
            if source is not None and not is_same_schema(source, wanted, stored, present):
                yield (
                    f"{format_version_name(stored)} has id {stored.id}, which {format_version_name(source)} is to have"
                )
        elif (stored.subject, stored.version, stored.id) not in own:
            source = wanted.version(stored.subject, stored.version, Deleted.INCLUDE)
            if source is None:
                yield f"{format_version_name(stored)} is not in the source, and not of this mirror"
            elif not is_same_schema(source, wanted, stored, present):
                yield f"{format_version_name(stored)} has another schema, or id {stored.id} instead of {source.id}"


def _find_doomed_versions(wanted: Store, present: Store, region: _Region) -> dict[Place, StoredVersion]:
    """Return the versions of the mirror that the source lacks, or has with another schema or id."""
    doomed = {}
    for stored in present.all_versions():
        source = wanted.version(stored.subject, stored.version, Deleted.INCLUDE)
        if region.has(stored.subject) and (source is None or not is_same_schema(source, wanted, stored, present)):
            doomed[stored.subject, stored.version] = stored
    return doomed


def _without(present: Store, doomed: dict[Place, StoredVersion]) -> Store:
    """Return the versions that are left after the deletion."""
    return build_store(
        make_record(stored) for stored in present.all_versions() if (stored.subject, stored.version) not in doomed
    )


def _add(result: Round, outcome: Outcome) -> None:
    result.registered += outcome.registered
    result.soft_deleted += outcome.deleted
    result.settings += outcome.settings
    result.refused += outcome.refused
