"""Reading the state of a running registry through its API, while others may write.

Versions come in pages of a listing. Each page begins with the last entry of the page before: where that is another one,
something came or went further up, and the listing begins again. So what existed all the time is never missed. The
effective setting of the default context is what the API shows: where it is the reference's default, it counts as not
set. Settings of subjects that have no version cannot be found this way; the topic has them.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from karapace_like.backup.differences import DEFAULT_CONFIG, DEFAULT_MODE
from karapace_like.backup.errors import ChangingError
from karapace_like.backup.state import store_of, take
from karapace_like.client.registry_client import RegistryClient, UnreachableError, path
from karapace_like.registry import names
from karapace_like.registry.content import Content
from karapace_like.registry.records import (
    ConfigRecord,
    ContextRecord,
    ModeRecord,
    SchemaRecord,
    SchemaVersion,
    decoded_config,
)
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Store
from karapace_like.schema.model import Reference, SchemaType, Subject, Version

Progress = Callable[[str, int, int], None]
"""(what is done, how many are done, of how many); of 0 where that is not known."""

_PAGE = 1000
"""The most that the reference registry answers."""
_ATTEMPTS = 10
"""How often a listing begins again before it is given up."""
_AT_ONCE = 64
"""Questions that wait for their answers at the same time."""


class _Reference(msgspec.Struct):
    name: str
    subject: str
    version: int


class _Listed(msgspec.Struct, rename="camel"):
    """An entry of GET /schemas; `deleted` is not there in older registries and Karapace."""

    subject: str
    version: int
    id: int
    schema: str
    schema_type: SchemaType = SchemaType.AVRO
    references: list[_Reference] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    deleted: bool | None = None

    @property
    def place(self) -> tuple[str, int]:
        return self.subject, self.version

    def record(self, live: set[tuple[str, int]] | None) -> SchemaRecord:
        """The record that makes it; `live` are the places of the live ones, where entries do not say it themselves."""
        references = tuple(
            Reference(each.name, Subject(each.subject), Version(each.version)) for each in self.references or ()
        )
        content = Content(self.schema_type, self.schema, references, self.metadata, self.rule_set)
        deleted = bool(self.deleted) if live is None else self.place not in live
        return SchemaRecord(self.subject, self.version, SchemaVersion(self.id, content, deleted))


async def read(client: RegistryClient, progress: Progress) -> Store:
    """The whole state; raises UnreachableError, RefusedError, ChangingError."""
    store = await read_versions(client, progress)
    contexts = await client.setting("/contexts") or []
    for context in contexts:
        if context != names.DEFAULT_CONTEXT:
            take(store, ContextRecord(context))
    subjects = {each.subject for each in store.all_versions()}
    scopes = [None, names.GLOBAL_SCOPE, *(f":{each}:" for each in contexts if each != names.DEFAULT_CONTEXT)]
    await read_settings(client, store, [*scopes, *sorted(subjects)], progress)
    return store


async def read_versions(client: RegistryClient, progress: Progress) -> Store:
    """All versions of all contexts, soft-deleted ones too; no settings."""
    listed = await _listing(client, progress, deleted="true")
    live = None
    if any(each.deleted is None for each in listed):
        live = {each.place for each in await _listing(client, progress)}
    return store_of(each.record(live) for each in listed)


async def read_settings(client: RegistryClient, store: Store, scopes: Sequence[str | None], progress: Progress) -> None:
    """Put what is set at these places into the store."""
    done = 0

    async def one(scope: str | None) -> None:
        nonlocal done
        config, mode = await asyncio.gather(
            client.setting(place("config", scope)), client.setting(place("mode", scope))
        )
        if config is not None:
            found = decoded_config(msgspec.json.encode(config))
            if scope is not None or found != DEFAULT_CONFIG:
                take(store, ConfigRecord(scope, found))
        if mode is not None:
            known = Mode.__members__.get(mode.get("mode"))
            if known is not None and (scope is not None or known is not DEFAULT_MODE):
                take(store, ModeRecord(scope, known))
        done += 1
        progress("Reading settings", done, len(scopes))

    await each_at_once(scopes, one)


def place(kind: str, scope: str | None) -> str:
    """The path of a config or mode."""
    return path(kind) if scope is None else path(kind, scope)


async def each_at_once(items: Iterable[Any], do: Callable[[Any], Any]) -> None:
    """Do it for every item, some at the same time; the first failure ends the others."""
    remaining = iter(items)

    async def worker(turns: Iterator[Any]) -> None:
        for item in turns:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(worker(remaining))


async def _listing(client: RegistryClient, progress: Progress, **query: str) -> list[_Listed]:
    for _ in range(_ATTEMPTS):
        found = await _pages(client, progress, query)
        if found is not None:
            return found
    raise ChangingError(
        f"The registry at {client.url} changed each of the {_ATTEMPTS} times that it was listed. Try again when it is "
        "less busy, or read the topic: --bootstrap-uri."
    )


async def _pages(client: RegistryClient, progress: Progress, query: dict[str, str]) -> list[_Listed] | None:
    """Every entry; None if the listing changed between two pages."""
    found: list[_Listed] = []
    while True:
        offset = max(len(found) - 1, 0)
        answer = await client.ask("GET", "/schemas", subjectPrefix=":*:", offset=offset, limit=_PAGE, **query)
        try:
            page = msgspec.convert(answer, list[_Listed])
        except msgspec.ValidationError as error:
            raise UnreachableError(f"What answers at {client.url} lists schemas in no known form: {error}") from error
        if found and (not page or page[0].place != found[-1].place):
            return None
        found += page[1:] if found else page
        is_last = len(page) != _PAGE  # or, where there are no pages, everything
        progress("Reading versions", len(found), len(found) if is_last else 0)
        if is_last:
            return found
