"""The registry's state in memory: subjects, ids, configs and modes, as of some offset of the topic.

Only `apply.py` calls what changes the state. Every text is stored once; nothing is parsed here (see `parsing.py`).
"""

import enum
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import msgspec

from karapace_like.process.lru import LruCache
from karapace_like.registry import names
from karapace_like.registry.associations import AssociationIndex
from karapace_like.registry.content import Content
from karapace_like.registry.fingerprints import FingerprintIndex
from karapace_like.registry.guids import GuidIndex
from karapace_like.registry.settings import Config, Mode
from karapace_like.registry.statistics import RegistryCounts
from karapace_like.registry.subject_order import SubjectOrder
from karapace_like.schema.model import LATEST, MAX_NUMBER, Reference

COUNTED_IDS = 2**30
"""Ids from here on exist only by import and do not advance a context's counter."""
MAX_ID = MAX_NUMBER
_RETIRED_IDS = 10_000
_RETIRED_CHARACTERS = 2**25
"""Of the texts of all retired ids."""


class Deleted(enum.Enum):
    """Which versions a call considers, by whether they are soft-deleted (the API's `deleted` and `deletedOnly`)."""

    EXCLUDE = (False,)
    INCLUDE = (False, True)
    ONLY = (True,)

    def __init__(self, *states: bool) -> None:
        self.states = states
        """The values of `StoredVersion.deleted` that are considered."""


class StoredVersion(msgspec.Struct, eq=False, gc=False, array_like=True):
    """One version of a subject: a number, an id and a Content."""

    subject: str
    version: int
    id: int
    content: Content
    deleted: bool
    timestamp: int
    """The timestamp of its record in the topic: milliseconds since the epoch."""


class RetiredIds:
    """The ids that no version has any more, because the last one was deleted permanently, and what they meant.

    Not part of the state that all nodes agree on: what a node holds depends on what compaction has left of the topic
    when it was started, and the oldest are dropped. A hit is true in any case, since an id never gets other content.
    """

    def __init__(self) -> None:
        self._versions: LruCache[tuple[str, int], StoredVersion] = LruCache(
            _RETIRED_IDS, capacity=_RETIRED_CHARACTERS, weigh=lambda _, version: len(version.content.text)
        )
        """By context and id."""
        self._ids: LruCache[tuple[str, bytes], int] = LruCache(_RETIRED_IDS)
        """By context and content digest."""

    def add(self, context: str, version: StoredVersion) -> None:
        """Remember what the id of the version, its last one, means."""
        self._versions.put((context, version.id), version)
        self._ids.put((context, version.content.digest), version.id)

    def find_version(self, context: str, schema_id: int) -> StoredVersion | None:
        """Return the version that had the id last; None for an id that is not remembered."""
        return self._versions.get((context, schema_id))

    def list_versions(self) -> list[tuple[str, StoredVersion]]:
        """Return (context, version) of each id that is remembered; `add` in this order remembers the same."""
        ids = self._versions.list_keys()
        return [(name, version) for name, schema_id in ids if (version := self.find_version(name, schema_id))]

    def find_id(self, context: str, content: Content) -> int | None:
        """Return the id that the content had; None for content that is not remembered."""
        schema_id = self._ids.get((context, content.digest))
        version = None if schema_id is None else self.find_version(context, schema_id)
        return schema_id if version is not None and version.content == content else None


def _make_table() -> dict[Any, Any]:
    """Return an empty dictionary that keeps the hashes of its keys.

    CPython's keeps none while all keys are texts, and reads every text again whenever its table grows: for a million
    texts of 1 KB that takes 0.2 s, a third of all insertions.
    """
    table = {b"": None}
    del table[b""]
    return table


@dataclass(slots=True)
class Context:
    """One id space: its subjects and its ids."""

    subjects: dict[str, dict[int, StoredVersion]] = field(default_factory=_make_table)
    """Qualified subject -> version number -> version; versions are in ascending order."""
    ids: dict[int, list[StoredVersion]] = field(default_factory=dict)
    """Id -> the versions that have it, in the order they were written. The id means the content of the first; another
    registry may have written the same schema in other words, or even another one (see `mixed`)."""
    by_key: dict[str | bytes, int] = field(default_factory=_make_table)
    """Key of a content (`Content.key`) -> its smallest id."""
    twins: dict[str | bytes, set[int]] = field(default_factory=dict)
    """Key of a content -> its ids, where there are several: contents imported twice, or unequal ones (see Content)."""
    mixed: set[int] = field(default_factory=set)
    """Ids whose versions have unequal contents: spellings of one schema, or a conflict (see `conflicts.py`)."""
    max_id: int = 0
    """The counter: the largest id below COUNTED_IDS that was ever seen."""

    def count(self, schema_id: int) -> None:
        """Advance the counter to the id, unless the id is COUNTED_IDS or larger."""
        if self.max_id < schema_id < COUNTED_IDS:
            self.max_id = schema_id

    def id_of(self, content: Content) -> int | None:
        """Return the smallest id of the content; None if it has none."""
        key = content.key
        first = self.by_key.get(key)
        if first is None:
            return None
        for schema_id in sorted(self.twins.get(key, (first,))):
            if self.ids[schema_id][0].content == content:
                return schema_id
        return None

    def next_id(self, after: int = 0) -> int:
        """Return the id for the next new content, above `after`; larger than MAX_ID where none is left."""
        schema_id = max(self.max_id, after) + 1
        while schema_id in self.ids:  # only beyond COUNTED_IDS, where imports may be
            schema_id += 1
        return schema_id


@dataclass(slots=True)
class Store:
    """All contexts, and the settings by scope (see `names.scope`)."""

    contexts: dict[str, Context] = field(default_factory=lambda: {names.DEFAULT_CONTEXT: Context()})
    configs: dict[str | None, Config] = field(default_factory=dict)
    modes: dict[str | None, Mode] = field(default_factory=dict)
    referrers: dict[tuple[str, int], dict[tuple[str, int], StoredVersion]] = field(default_factory=dict)
    """(subject, version) -> the versions whose schemas refer to it, by their own subject and version."""
    counters: dict[str, int] = field(default_factory=dict)
    """Context -> the largest assigned id, where a record keeps it because versions may no longer have it."""
    spellings: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Canonical key -> every spelling of it that holds a value, if any is not canonical (other writers' dialects)."""
    associations: AssociationIndex = field(default_factory=AssociationIndex)
    inherits_config: bool = False
    """Whether a config takes what it leaves out from the outer ones."""
    revision: int = 0
    """Grows with every change except new versions at the end of a subject to whose latest version nothing refers."""
    unknown: int = 0
    """Number of records that could not be read."""
    unreadable: dict[bytes, int] = field(default_factory=dict)
    """Key -> offset of the last record under it, where that could not be read; in the order of the offsets."""
    fingerprints: FingerprintIndex | None = None
    """The index of all texts; None before it is begun, and in a state in which nothing is registered."""
    guids: GuidIndex | None = field(default=None, compare=False)
    """The index of all digests, for `ids_with_digest`; None before its first call."""
    census: RegistryCounts = field(default_factory=RegistryCounts)
    subject_order: SubjectOrder = field(default_factory=SubjectOrder, compare=False)
    """For `ordered_subjects`."""
    retired: RetiredIds = field(default_factory=RetiredIds, compare=False)
    """The ids whose last version was deleted permanently; `retired_version` and `retired_id` read them."""

    def context(self, subject: str) -> Context:
        """Return the context of the subject; an empty one, which is not stored, if there is none."""
        name = names.context_of(subject)
        return self.contexts.get(name) or self.new_context(name)

    def new_context(self, name: str) -> Context:
        """Return an empty context, which is not stored, with the counter of a removed context of this name."""
        return Context(max_id=self.counters.get(name, 0))

    def context_names(self) -> Iterable[str]:
        """The names of all contexts."""
        return self.contexts

    def subjects_in(self, context: str) -> Iterable[str]:
        """The subjects of the context."""
        return self.contexts[context].subjects if context in self.contexts else ()

    def max_id(self, subject: str) -> int:
        """The largest id that the context of the subject has given out."""
        return self.context(subject).max_id

    async def ids_with_digest(self, digest: bytes) -> list[tuple[str, int]]:
        """Return (context, id) of each id that has a content with this digest, in order.

        The first call builds an index, which takes 4 µs for each schema; other tasks have their turns meanwhile.
        """
        guids = self.guids = self.guids or GuidIndex()
        await guids.complete(self.list_contents)
        return [
            (name, schema_id)
            for name, context in sorted(self.contexts.items())
            for schema_id in guids.find_candidates(name, digest)
            if any(holder.content.digest == digest for holder in context.ids.get(schema_id, ()))
        ]

    def list_contents(self) -> Iterator[tuple[str, int, Content]]:
        """Yield (context, id, content) of each content of each id. What is added meanwhile may be left out."""
        for name, context in list(self.contexts.items()):
            for schema_id in list(context.ids):
                holders = context.ids.get(schema_id, ())
                if schema_id in context.mixed:
                    yield from [(name, schema_id, content) for content in {holder.content for holder in holders}]
                elif holders:
                    yield name, schema_id, holders[0].content

    def aliases(self) -> Iterable[str]:
        """The subjects that stand for another one."""
        return (name for name, config in self.configs.items() if name is not None and config.alias)

    def versions(self, subject: str, deleted: Deleted = Deleted.EXCLUDE) -> list[StoredVersion]:
        """Return the subject's versions in ascending order; `deleted` selects soft-deleted ones."""
        versions = self.context(subject).subjects.get(names.canonical(subject), {})
        if deleted is Deleted.INCLUDE:
            return list(versions.values())
        wanted = deleted is Deleted.ONLY
        return [version for version in versions.values() if version.deleted is wanted]

    def versions_by_number(self, subject: str) -> Mapping[int, StoredVersion] | None:
        """Return the stored mapping of all versions of the subject, which grows with it; None if there is none."""
        return self.context(subject).subjects.get(names.canonical(subject))

    def version(self, subject: str, number: int, deleted: Deleted = Deleted.EXCLUDE) -> StoredVersion | None:
        """Return one version; -1 is the latest live one, whatever `deleted` selects."""
        if number == -1:
            versions = self.versions(subject)
            return versions[-1] if versions else None
        stored = self.context(subject).subjects.get(names.canonical(subject), {}).get(number)
        return stored if stored is not None and stored.deleted in deleted.states else None

    def holders(self, subject: str, schema_id: int) -> list[StoredVersion]:
        """Return the versions in the subject's context that have the id, in the order in which they were written."""
        return self.context(subject).ids.get(schema_id, [])

    def retired_version(self, subject: str, schema_id: int) -> StoredVersion | None:
        """Return the version that had the id last in the subject's context, if none has it any more."""
        context = names.context_of(subject)
        return None if self.holders(subject, schema_id) else self.retired.find_version(context, schema_id)

    def retired_id(self, subject: str, content: Content) -> int | None:
        """Return the id that the content had in the subject's context, if no version has it any more."""
        schema_id = self.retired.find_id(names.context_of(subject), content)
        return None if schema_id is None or self.holders(subject, schema_id) else schema_id

    def meaning(self, subject: str, schema_id: int) -> Content | None:
        """Return the content that the id means in the subject's context; None where its versions have one content."""
        context = self.context(subject)
        return context.ids[schema_id][0].content if schema_id in context.mixed else None

    def ids_like(self, subject: str, fingerprint: int) -> Sequence[int] | None:
        """Return the ids of the subject's context that may have a text with this fingerprint, the smallest first.

        None where that is unknown, because the index is not complete.
        """
        if self.fingerprints is None or not self.fingerprints.is_complete:
            return None
        return self.fingerprints.find(names.context_of(subject), fingerprint)

    def shows(self, subject: str) -> bool:  # noqa: ARG002 - a view's answer depends on it
        """Return whether the subject is visible; the store itself shows every one."""
        return True

    def all_versions(self) -> Iterator[StoredVersion]:
        """Yield every version of every subject, ordered by the subject's qualified name and the version."""
        for name in self.ordered_subjects():
            yield from (self.versions_by_number(name) or {}).values()

    def ordered_subjects(self) -> Sequence[str]:
        """Return the qualified names of all subjects in order, maybe with some that are gone; it never changes."""
        return self.subject_order.list_names(
            chain.from_iterable(context.subjects for context in self.contexts.values())
        )

    def resolve_reference(
        self, reference: Reference, referrer: str, deleted: Deleted = Deleted.INCLUDE
    ) -> StoredVersion | None:
        """Return the version that a reference in a schema of the subject `referrer` names."""
        return self.version(names.resolve_reference(reference.subject, referrer), reference.version, deleted)

    def references_to(self, subject: str, version: int, deleted: Deleted = Deleted.EXCLUDE) -> Sequence[StoredVersion]:
        """Return the versions whose schemas refer to this one."""
        name = names.canonical(subject)
        referring = list(self.referrers.get((name, version), {}).values())
        to_latest = self.referrers.get((name, LATEST))  # as other registries may have written it
        if to_latest:
            latest = self.version(name, LATEST)
            referring += to_latest.values() if latest is not None and latest.version == version else ()
        return [referrer for referrer in referring if referrer.deleted in deleted.states]

    def resolve_path(self, subject: str, context: str | None) -> str:
        """Return the canonical subject of a path, aliases resolved; `context` is that of the path's prefix, if any."""
        return self.resolve_alias(names.place_in_context(subject, context))

    def resolve_alias(self, subject: str) -> str:
        """Return the canonical name of the subject that this one is an alias of, or of the subject itself."""

        def alias_of(name: str) -> str | None:
            config = self.configs.get(name)
            return None if config is None else config.alias

        return names.resolve_alias(subject, alias_of)

    def resolve_alias_for_deks(self, subject: str) -> str:
        """Return the subject whose DEKs this one uses: a config's `aliasForDeks` takes the place of its `alias`."""

        def alias_of(name: str) -> str | None:
            config = self.configs.get(name)
            return None if config is None else config.alias_for_deks or config.alias

        return names.resolve_alias(subject, alias_of)

    def config(self, subject: str | None) -> Config | None:
        """Return the effective config of the subject or context: the nearest one that is set.

        Where configs are inherited, it has the settings of the outer ones that it leaves out.
        """
        nearest: Config | None = None
        for scope in names.scopes(subject):
            config = self.configs.get(scope)
            if config is not None:
                nearest = config if nearest is None else nearest.inherit(config)
                if not self.inherits_config:
                    break
        return nearest

    def mode(self, subject: str | None) -> Mode | None:
        """Return the effective mode of the subject or context: the nearest one that is set; a global override wins."""
        if self.modes.get(None) is Mode.READONLY_OVERRIDE:
            return Mode.READONLY_OVERRIDE
        if self.modes.get(names.GLOBAL_SCOPE) is Mode.READONLY:
            return Mode.READONLY
        return next((self.modes[scope] for scope in names.scopes(subject) if scope in self.modes), None)

    def live_keys(self, canonical: bytes) -> Iterable[bytes]:
        """Return the spellings under which the topic holds a value for this key, the last written one first."""
        return reversed(self.spellings.get(canonical, []))
