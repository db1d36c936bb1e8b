"""The store as one caller may see it: other subjects are not there, but for what the ones he sees refer to."""

from collections.abc import Callable, Iterator, Sequence

from karapace_like.registry import names
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import Reference


class View(Store):
    """To be read only; what changes in the store is seen here."""

    def __init__(self, store: Store, sees: Callable[[str], bool]) -> None:
        """`sees` says of a subject, by its canonical name, whether it is shown."""
        super().__init__(store.contexts, store.configs, store.modes, store.referrers)
        self._store = store
        self._sees = sees

    def shows(self, subject: str) -> bool:
        """Whether the subject is shown."""
        return self._sees(names.canonical(subject))

    def versions(self, subject: str, *, deleted: bool = False) -> list[StoredVersion]:
        """As the store's; none of a subject that is not shown."""
        return self._store.versions(subject, deleted=deleted) if self.shows(subject) else []

    def version(self, subject: str, number: int, *, deleted: bool = False) -> StoredVersion | None:
        """As the store's; None of a subject that is not shown."""
        return self._store.version(subject, number, deleted=deleted) if self.shows(subject) else None

    def all_versions(self) -> Iterator[StoredVersion]:
        """As the store's, of the subjects that are shown."""
        shown: dict[str, bool] = {}
        for each in self._store.all_versions():
            if each.subject not in shown:
                shown[each.subject] = self._sees(each.subject)
            if shown[each.subject]:
                yield each

    def holders(self, subject: str, schema_id: int) -> list[StoredVersion]:
        """As the store's: those that are shown, or else those that a version refers to which is shown."""
        found = self._store.holders(subject, schema_id)
        return [each for each in found if self._sees(each.subject)] or [each for each in found if self._needs(each)]

    def referenced(self, reference: Reference, referrer: str, *, deleted: bool = True) -> StoredVersion | None:
        """As the store's: a schema is understood with all that it refers to."""
        return self._store.referenced(reference, referrer, deleted=deleted)

    def references_to(self, subject: str, version: int, *, deleted: bool = False) -> Sequence[StoredVersion]:
        """As the store's, of the subjects that are shown."""
        found = self._store.references_to(subject, version, deleted=deleted)
        return [each for each in found if self._sees(each.subject)]

    def _needs(self, stored: StoredVersion) -> bool:
        """Whether a version that is shown refers to this one, directly or not."""
        seen, waiting = set[tuple[str, int]](), [stored]
        while waiting:
            each = waiting.pop()
            for referrer in self._store.references_to(each.subject, each.version, deleted=True):
                if self._sees(referrer.subject):
                    return True
                if (referrer.subject, referrer.version) not in seen:
                    seen.add((referrer.subject, referrer.version))
                    waiting.append(referrer)
        return False
