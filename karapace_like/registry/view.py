"""The registry as one caller may see it: the permitted subjects, and the versions that their schemas refer to.

`RegistryView` is what look-ups read. `Store` shows everything; `CallerView` has each of its methods written out, so
that a method which is added to the store shows nothing to callers until it is decided what.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from karapace_like.registry import names
from karapace_like.registry.content import Content
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Deleted, Store, StoredVersion
from karapace_like.schema.model import Reference


class SubjectReader(Protocol):
    """Whoever reads schemas."""

    def may_read(self, subject: str) -> bool:
        """Return whether the schemas of the subject, by its canonical name, are shown."""
        ...


class _Everybody:
    """Reads every subject."""

    def may_read(self, _: str) -> bool:
        return True


EVERYBODY: SubjectReader = _Everybody()
"""For requests of this service itself, and where access control is off."""


class RegistryView(Protocol):
    """The part of the registry's state that look-ups read; see `Store` for each method."""

    @property
    def revision(self) -> int:
        """Return what grows with every change except new versions at the end of a subject."""
        ...

    def shows(self, subject: str) -> bool:
        """Return whether the subject is shown."""
        ...

    def context_names(self) -> Iterable[str]:
        """Return the names of all contexts."""
        ...

    def subjects_in(self, context: str) -> Iterable[str]:
        """Return the subjects of the context that are shown."""
        ...

    def max_id(self, subject: str) -> int:
        """Return the largest id that the context of the subject has given out."""
        ...

    async def ids_with_digest(self, digest: bytes) -> Sequence[tuple[str, int]]:
        """Return (context, id) of each id that has a content with this digest, in order."""
        ...

    def aliases(self) -> Iterable[str]:
        """Return the subjects that stand for another one."""
        ...

    def versions(self, subject: str, deleted: Deleted = Deleted.EXCLUDE) -> list[StoredVersion]:
        """Return the versions of the subject."""
        ...

    def versions_by_number(self, subject: str) -> Mapping[int, StoredVersion] | None:
        """Return the versions of the subject as the store keeps them."""
        ...

    def version(self, subject: str, number: int, deleted: Deleted = Deleted.EXCLUDE) -> StoredVersion | None:
        """Return one version of the subject."""
        ...

    def ordered_subjects(self) -> Sequence[str]:
        """Return the names of all subjects in order, of which `versions_by_number` shows some."""
        ...

    def holders(self, subject: str, schema_id: int) -> list[StoredVersion]:
        """Return the versions that have the id in the subject's context."""
        ...

    def retired_version(self, subject: str, schema_id: int) -> StoredVersion | None:
        """Return the version that had the id last, if none has it any more."""
        ...

    def meaning(self, subject: str, schema_id: int) -> Content | None:
        """Return the content that the id means, where its versions have several."""
        ...

    def ids_like(self, subject: str, fingerprint: int) -> Sequence[int] | None:
        """Return the ids of the subject's context that may have a text with this fingerprint."""
        ...

    def resolve_reference(
        self, reference: Reference, referrer: str, deleted: Deleted = Deleted.INCLUDE
    ) -> StoredVersion | None:
        """Return the version that a reference means."""
        ...

    def references_to(self, subject: str, version: int, deleted: Deleted = Deleted.EXCLUDE) -> Sequence[StoredVersion]:
        """Return the versions that refer to this one."""
        ...

    def resolve_alias(self, subject: str) -> str:
        """Return the subject that this one stands for."""
        ...

    def config(self, subject: str | None) -> Config | None:
        """Return the config that holds for the subject or context."""
        ...


class CallerView:
    """A `RegistryView` of one caller; what changes in the store is seen here."""

    def __init__(self, store: Store, reader: SubjectReader) -> None:
        self._store = store
        self._sees = reader.may_read

    @property
    def revision(self) -> int:
        """As the store's: a number says nothing of what has changed."""
        return self._store.revision

    def shows(self, subject: str) -> bool:
        """Return whether the subject is shown."""
        return self._sees(names.canonical(subject))

    def context_names(self) -> Iterable[str]:
        """Return the names of all contexts: for look-ups that go through them, not to be listed."""
        return self._store.context_names()

    def subjects_in(self, context: str) -> Iterable[str]:
        """Return the subjects of the context that are shown."""
        return filter(self._sees, self._store.subjects_in(context))

    def max_id(self, subject: str) -> int:
        """Return the largest id of a context, which the caller knows a schema of: ids are counted, and no secret."""
        return self._store.max_id(subject)

    async def ids_with_digest(self, digest: bytes) -> Sequence[tuple[str, int]]:
        """Return where the content is, for `holders` to decide whether it is shown."""
        return await self._store.ids_with_digest(digest)

    def aliases(self) -> Iterable[str]:
        """Return the aliases that are shown."""
        return filter(self.shows, self._store.aliases())

    def versions(self, subject: str, deleted: Deleted = Deleted.EXCLUDE) -> list[StoredVersion]:
        """Return the versions as the store does; none of an invisible subject."""
        return self._store.versions(subject, deleted) if self.shows(subject) else []

    def versions_by_number(self, subject: str) -> Mapping[int, StoredVersion] | None:
        """As the store's; None of a subject that is not shown."""
        return self._store.versions_by_number(subject) if self.shows(subject) else None

    def version(self, subject: str, number: int, deleted: Deleted = Deleted.EXCLUDE) -> StoredVersion | None:
        """Return the version as the store does; None for an invisible subject."""
        return self._store.version(subject, number, deleted) if self.shows(subject) else None

    def ordered_subjects(self) -> Sequence[str]:
        """Return the names of all subjects, for listings that ask for the versions of each."""
        return self._store.ordered_subjects()

    def holders(self, subject: str, schema_id: int) -> list[StoredVersion]:
        """Return the visible versions with the id, or else those that a visible version refers to."""
        holders = self._store.holders(subject, schema_id)
        return [holder for holder in holders if self._sees(holder.subject)] or [
            holder for holder in holders if self._needs(holder)
        ]

    def retired_version(self, subject: str, schema_id: int) -> StoredVersion | None:
        """Return the version as the store does; None where its subject is invisible."""
        version = self._store.retired_version(subject, schema_id)
        return version if version is not None and self._sees(version.subject) else None

    def meaning(self, subject: str, schema_id: int) -> Content | None:
        """As the store's, to be compared with what the caller sees; None for an id without a visible version."""
        meaning = self._store.meaning(subject, schema_id)
        return meaning if meaning is not None and self.holders(subject, schema_id) else None

    def ids_like(self, subject: str, fingerprint: int) -> Sequence[int] | None:
        """Return the ids as the store does, to choose from visible versions by; none for an invisible subject."""
        return self._store.ids_like(subject, fingerprint) if self.shows(subject) else ()

    def resolve_reference(
        self, reference: Reference, referrer: str, deleted: Deleted = Deleted.INCLUDE
    ) -> StoredVersion | None:
        """As the store's: a schema is understood with all that it refers to. Those of a request are checked before."""
        return self._store.resolve_reference(reference, referrer, deleted)

    def references_to(self, subject: str, version: int, deleted: Deleted = Deleted.EXCLUDE) -> Sequence[StoredVersion]:
        """Return the referring versions as the store does, of the visible subjects."""
        referring = self._store.references_to(subject, version, deleted)
        return [version for version in referring if self._sees(version.subject)]

    def resolve_alias(self, subject: str) -> str:
        """As the store's: whether the other subject is shown is decided where it is read."""
        return self._store.resolve_alias(subject)

    def config(self, subject: str | None) -> Config | None:
        """As the store's: it decides how a schema of the subject is understood, which the caller sends."""
        return self._store.config(subject)

    def _needs(self, stored: StoredVersion) -> bool:
        """Return whether a visible version refers to this one, directly or indirectly."""
        seen, waiting = set[tuple[str, int]](), [stored]
        while waiting:
            version = waiting.pop()
            for referrer in self._store.references_to(version.subject, version.version, Deleted.INCLUDE):
                if self._sees(referrer.subject):
                    return True
                if (referrer.subject, referrer.version) not in seen:
                    seen.add((referrer.subject, referrer.version))
                    waiting.append(referrer)
        return False
