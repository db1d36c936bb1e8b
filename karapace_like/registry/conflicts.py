"""Ids that several registries have given to different schemas.

Each version is served with the text that was written; the id means the schema that had it first. A version with another
one is in conflict: data that was written with its id is read by the wrong schema, so no look-up or registration answers
with it. The same schema in another spelling is no conflict.
"""

import asyncio
import logging
from typing import NamedTuple

from karapace_like.registry import spellings
from karapace_like.registry.engine_jobs import Job
from karapace_like.registry.engines import EngineAccess, T
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.model import InvalidSchemaError

logger = logging.getLogger(__name__)

_INTERVAL_SECONDS = 5.0
_MOST_LOGGED = 10


class Conflict(NamedTuple):
    """A version whose id means another schema."""

    version: StoredVersion
    meaning: StoredVersion
    """A version with the schema that the id means."""

    def __str__(self) -> str:
        version, meaning = self
        return (
            f"{version.subject} version {version.version} has the id {version.id}, which means the schema of "
            f"{meaning.subject} version {meaning.version}"
        )


async def find_conflicts(
    store: Store, engines: EngineAccess, verified: set[tuple[bytes, bytes]] | None = None
) -> list[Conflict]:
    """Return every version whose id means another schema, by context and id.

    `verified` has the digests of contents that are known to be the same, and grows by those that are found to be.
    """
    verified = set() if verified is None else verified
    suspected = [
        (context.ids[schema_id][0], version)
        for _, context in sorted(store.contexts.items())
        for schema_id in sorted(context.mixed)
        for version in context.ids[schema_id][1:]
    ]
    conflicts = []
    for meaning, version in suspected:
        pair = meaning.content.digest, version.content.digest
        if pair in verified:
            continue
        if await spellings.mean_the_same(store, engines, meaning.content, version.content, version.subject):
            verified.add(pair)
        else:
            conflicts.append(Conflict(version, meaning))
    return conflicts


def find_conflicts_at_once(store: Store) -> list[Conflict]:
    """As `find_conflicts`, for a command, which has no event loop to keep free."""
    finding = find_conflicts(store, _Inline())
    try:
        finding.send(None)
    except StopIteration as done:
        conflicts: list[Conflict] = done.value
        return conflicts
    raise AssertionError("an engine that answers at once has suspended")


class _Inline(EngineAccess):
    """Computes every job where it is asked for."""

    async def run(self, job: Job[T], /) -> T:
        try:
            return job.run()
        except InvalidSchemaError as error:
            raise job.refusal(str(error)) from error


class ConflictWatch:
    """Finds the conflicts of a running registry whenever the ids with several texts have changed."""

    def __init__(self, store: Store, engines: EngineAccess) -> None:
        self.conflicts: tuple[Conflict, ...] = ()
        """The conflicts, as of the last look."""
        self.seen = 0
        """How many were found since the process started: a counter."""
        self._store = store
        self._engines = engines
        self._examined: tuple[int, int] | None = None
        self._verified: set[tuple[bytes, bytes]] = set()

    @property
    def warning(self) -> str | None:
        """The sentence for `/health/ready`, which names no subject, since not all callers see each."""
        if not self.conflicts:
            return None
        return (
            f"{len(self.conflicts)} versions have an id that means another schema, such as the id "
            f"{self.conflicts[0].version.id}; `karapace-like doctor` lists them and gives each an id of its own"
        )

    async def run(self) -> None:
        """Look whenever something has changed, until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(_INTERVAL_SECONDS)

    async def look(self) -> None:
        """Find the conflicts of now, and log those that are new."""
        store = self._store
        suspected = sum(
            len(context.ids[schema_id]) for context in store.contexts.values() for schema_id in context.mixed
        )
        if (suspected, store.revision) == self._examined or (not suspected and not self.conflicts):
            return
        self._examined = suspected, store.revision
        earlier = {_name(conflict) for conflict in self.conflicts}
        self.conflicts = tuple(await find_conflicts(store, self._engines, self._verified))
        new = [conflict for conflict in self.conflicts if _name(conflict) not in earlier]
        self.seen += len(new)
        for conflict in new[:_MOST_LOGGED]:
            logger.warning("%s", conflict)


def _name(conflict: Conflict) -> tuple[str, int, int]:
    return conflict.version.subject, conflict.version.version, conflict.version.id
