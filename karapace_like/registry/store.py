"""The registry's state in memory: subjects, ids, configs and modes, as the topic says up to some offset.

Nothing here decides or writes; `apply.py` is the only caller of what changes. Every text is kept once; nothing is
parsed (see `parsing.py`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import msgspec

from karapace_like.registry import names
from karapace_like.registry.census import Census
from karapace_like.registry.content import Content
from karapace_like.registry.settings import Config, Mode
from karapace_like.schema.model import Reference


class StoredVersion(msgspec.Struct, eq=False, gc=False):
    """One version of a subject."""

    subject: str
    version: int
    id: int
    content: Content
    deleted: bool
    timestamp: int
    """When it was written: milliseconds since the epoch, by the topic's record."""


@dataclass(slots=True)
class Context:
    """One id space: its subjects and its ids."""

    subjects: dict[str, dict[int, StoredVersion]] = field(default_factory=dict)
    """Qualified subject -> version number -> version; versions are in ascending order."""
    ids: dict[int, list[StoredVersion]] = field(default_factory=dict)
    """Id -> the versions that have it, in the order they were written; all have equal contents."""
    by_digest: dict[bytes, int] = field(default_factory=dict)
    """Content digest -> the smallest id that stands for it."""
    max_id: int = 0
    """The largest id that was ever seen."""


@dataclass(slots=True)
class Store:
    """All contexts, and the settings by scope (see `names.scope`)."""

    contexts: dict[str, Context] = field(default_factory=lambda: {names.DEFAULT_CONTEXT: Context()})
    configs: dict[str | None, Config] = field(default_factory=dict)
    modes: dict[str | None, Mode] = field(default_factory=dict)
    referrers: dict[tuple[str, int], dict[tuple[str, int], StoredVersion]] = field(default_factory=dict)
    """(subject, version) -> the versions whose schemas refer to it, by their own subject and version."""
    spellings: dict[bytes, list[bytes]] = field(default_factory=dict)
    """Canonical key -> every spelling of it that holds a value, if any is not canonical (other writers' dialects)."""
    revision: int = 0
    """Grows with every change but new versions at the end of a subject."""
    unknown: int = 0
    """Records that were not understood."""
    conflicts: int = 0
    """Schema records that gave an id to a second content and were not taken."""
    census: Census = field(default_factory=Census)

    def context(self, subject: str) -> Context:
        """The context that the subject lives in; an empty one, not kept, if there is none."""
        return self.contexts.get(names.context_of(subject)) or Context()

    def versions(self, subject: str, *, deleted: bool = False) -> list[StoredVersion]:
        """The subject's versions in ascending order, on request with the soft-deleted ones."""
        found = self.context(subject).subjects.get(names.canonical(subject), {})
        return [each for each in found.values() if deleted or not each.deleted]

    def kept(self, subject: str) -> Mapping[int, StoredVersion] | None:
        """All versions of the subject, as they are kept here: the same mapping grows; None if there is none."""
        return self.context(subject).subjects.get(names.canonical(subject))

    def version(self, subject: str, number: int, *, deleted: bool = False) -> StoredVersion | None:
        """One version; -1 is the latest live one, also where soft-deleted ones are asked for."""
        if number == -1:
            versions = self.versions(subject)
            return versions[-1] if versions else None
        found = self.context(subject).subjects.get(names.canonical(subject), {}).get(number)
        return found if found is not None and (deleted or not found.deleted) else None

    def holders(self, subject: str, schema_id: int) -> list[StoredVersion]:
        """The versions in the subject's context that have the id, in the order they were written."""
        return self.context(subject).ids.get(schema_id, [])

    def shows(self, subject: str) -> bool:  # noqa: ARG002 - a view's answer depends on it
        """Whether the subject is to be seen; here each is."""
        return True

    def all_versions(self) -> Iterator[StoredVersion]:
        """Every version of every subject, by the subject's qualified name and the version."""
        subjects = (each for context in self.contexts.values() for each in context.subjects.items())
        for _, versions in sorted(subjects, key=itemgetter(0)):
            yield from versions.values()

    def referenced(self, reference: Reference, referrer: str, *, deleted: bool = True) -> StoredVersion | None:
        """The version that a reference in a schema of the subject `referrer` means."""
        return self.version(names.resolve_reference(reference.subject, referrer), reference.version, deleted=deleted)

    def references_to(self, subject: str, version: int, *, deleted: bool = False) -> Sequence[StoredVersion]:
        """The versions whose schemas refer to this one."""
        found = self.referrers.get((names.canonical(subject), version), {}).values()
        return [each for each in found if deleted or not each.deleted]

    def config(self, subject: str | None) -> Config | None:
        """The config that holds for the subject or context: the nearest one that is set."""
        return next((self.configs[scope] for scope in names.scopes(subject) if scope in self.configs), None)

    def mode(self, subject: str | None) -> Mode | None:
        """The mode that holds for the subject or context: the nearest one that is set, a read-only one above all."""
        if self.modes.get(None) is Mode.READONLY_OVERRIDE:
            return Mode.READONLY_OVERRIDE
        if self.modes.get(names.GLOBAL_SCOPE) is Mode.READONLY:
            return Mode.READONLY
        return next((self.modes[scope] for scope in names.scopes(subject) if scope in self.modes), None)

    def live_keys(self, canonical: bytes) -> Iterable[bytes]:
        """The spellings under which the topic holds a value for this key, the last written one first."""
        return reversed(self.spellings.get(canonical, []))
