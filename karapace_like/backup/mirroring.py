"""Mirrors a registry into another one, round by round: what the source has the target gets, what it lost is deleted.

A round compares the two and makes the changes, so that the round after a kill completes what the killed one began.
Ids and versions are kept. The mirrored contexts, or with a prefix the mirrored subjects, are in import mode until the
mirror is promoted. A file has what the mirror has written (`mirror_state.py`): versions of the target that neither the
source nor that file has are another writer's, and end the round before its first change.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError
from typing import NamedTuple

from karapace_like.backup import associations, registry_state
from karapace_like.backup.differences import DEFAULT_MODE, format_version_name, is_same_schema
from karapace_like.backup.errors import ForeignContentError
from karapace_like.backup.mirror_state import MirrorState, StateFile
from karapace_like.backup.mirrored_items import Associations, ItemRound, Keys, Kind, Policies
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
from karapace_like.keys.store import KeyStore
from karapace_like.policies.policy import TopicPolicy
from karapace_like.registry import names
from karapace_like.registry.associations import Lifecycle
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

    def rename(self, subject: str) -> str | None:
        """Return the name of the subject in the target; None for one that is not mirrored."""
        context = names.context_of(subject)
        if self.context is not None:
            if context != self.context:
                return None
            context = self.to or self.context
        return names.qualify(context, self.prefix + names.local_name(subject))


class Source(NamedTuple):
    """What is copied."""

    registry: Store
    keys: KeyStore | None = None
    """None: keys are left alone in the target; so are policies."""
    policies: Mapping[str, TopicPolicy] | None = None
    has_associations: bool = True

    def list_kinds(self, selection: Selection, wanted: Store) -> list[Kind]:
        """Return what is copied beside versions and configs, each kind after those that it needs.

        Policies are those of topics, which a part of a registry does not have, nor a copy under other names.
        """
        kinds: list[Kind] = []
        if self.has_associations:
            kinds.append(Associations(associations.identify(wanted), wanted))
        if self.keys is not None:
            kinds.append(Keys(self.keys, selection.rename))
        if self.policies is not None and selection == Selection():
            kinds.append(Policies(self.policies))
        return kinds


@dataclass(slots=True)
class Round:
    """What a round did, or would do in a dry run."""

    planned: list[str] = field(default_factory=list)
    """One line for each version or item to create or to delete, before the changes."""
    registered: int = 0
    soft_deleted: int = 0
    deleted: int = 0
    settings: int = 0
    items: int = 0
    """Associations, keys and policies that were created, changed or deleted."""
    versions: int = 0
    """In the mirrored part of the source."""
    refused: list[str] = field(default_factory=list)
    """One line for each change that the target rejected."""

    @property
    def changes(self) -> int:
        """How much the round changed."""
        return self.registered + self.soft_deleted + self.deleted + self.settings + self.items


class Mirror:
    """The mirror of one registry in another."""

    def __init__(self, target: RegistryClient, selection: Selection, file: StateFile, progress: ReportProgress) -> None:
        self._target = target
        self._selection = selection
        self._file = file
        self._progress = progress

    async def run_round(self, source: Source, *, dry_run: bool = False) -> Round:
        """Make the target equal to the selected part of the source; `dry_run`: change nothing, list the changes.

        Raises ForeignContentError before any change if the target has versions there that the mirror has not written,
        uses ids for other schemas, or has another association, key or policy of a name; RefusedError and
        UnreachableError, after which the next round goes on.
        """
        wanted, state = self._selection.apply(source.registry), self._file.read()
        present = (await registry_state.read_versions(self._target, self._progress)).store
        region = _Region(self._selection, wanted, state)
        items = {
            kind.name: ItemRound(self._target, kind, await kind.read(self._target), state.items.get(kind.name, ()))
            for kind in source.list_kinds(self._selection, wanted)
        }
        foreign = list(_find_foreign(wanted, present, state, region))
        if foreign := foreign + [line for copied in items.values() for line in copied.find_foreign()]:
            raise ForeignContentError(foreign)
        doomed = _find_doomed_versions(wanted, present, region)
        result = Round(versions=sum(1 for _ in wanted.all_versions()))
        result.planned = [
            *_plan(wanted, present, doomed),
            *(line for copied in items.values() for line in copied.plan()),
        ]
        if dry_run:
            return result
        self._file.write(state.extend(wanted, {name: [*copied.list_lacking_names()] for name, copied in items.items()}))
        for copied in reversed(items.values()):
            await copied.delete()
        await self._copy_registry(wanted, state, region, present, result)
        for copied in items.values():
            await copied.put()
            result.items += copied.changes
            result.refused += copied.refused
        if not result.refused:
            kept = state.items | {name: copied.owned for name, copied in items.items()}
            self._file.write(MirrorState.of(wanted, kept))
        return result

    async def _copy_registry(
        self, wanted: Store, state: MirrorState, region: "_Region", present: Store, result: Round
    ) -> None:
        """Change versions and configs of the target, in import mode."""
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

    async def promote(self) -> list[str]:
        """End the mirror: the modes become those of the source, READWRITE where it has none or import mode.

        Then strong associations are created. Returns a line for each of them that the target rejected.
        """
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
        refused = await self._add_strong_associations(state)
        self._file.write(state.promote())
        return refused

    async def _add_strong_associations(self, state: MirrorState) -> list[str]:
        if all(association.lifecycle is Lifecycle.WEAK for association in state.associations.values()):
            return []
        versions = (await registry_state.read_versions(self._target, self._progress)).store
        kind = Associations(state.associations, versions, is_promotion=True)
        changed = ItemRound(self._target, kind, await kind.read(self._target), state.items.get(kind.name, ()))
        await changed.put()
        return changed.refused

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


def _plan(wanted: Store, present: Store, doomed: Mapping[Place, StoredVersion]) -> Iterator[str]:
    """Yield a line for each version to register or to delete."""
    replaced = {place for place in doomed if wanted.version(*place, Deleted.INCLUDE) is not None}
    yield from (f"delete {format_version_name(stored)}" for stored in doomed.values())
    for stored in find_missing(wanted, present):
        yield f"register {format_version_name(stored)} with id {stored.id}"
    yield from (f"register {subject} version {version} again" for subject, version in sorted(replaced))


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
