"""Reads the state of a running registry through its API, concurrently with writes.

Versions come in pages. Each page begins with the last entry of the previous page; another first entry means that
versions came or went before it, and the listing restarts. So a version that exists throughout is never missed. Some
registries leave soft-deleted versions out of their listing, or do not mark them: these are asked for by subject.

The API shows effective settings: one that equals what holds without it counts as not set. Karapace answers the mode of
every subject with its only one. Settings of subjects without versions are read where the API names the subject, as an
alias or in its list of subjects, or the caller does.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import msgspec

from karapace_like.backup import associations
from karapace_like.backup.differences import DEFAULT_MODE, is_default_config
from karapace_like.backup.errors import ChangingError
from karapace_like.backup.state import add_record, build_store
from karapace_like.client.registry_client import RegistryClient, UnreachableError, path
from karapace_like.registry import names
from karapace_like.registry.content import Content, check_metadata, check_rule_set
from karapace_like.registry.records import (
    ConfigRecord,
    ContextRecord,
    ModeRecord,
    SchemaRecord,
    SchemaVersion,
    decode_config,
)
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Store
from karapace_like.schema.model import (
    IdNumber,
    Reference,
    ReferenceVersion,
    SchemaType,
    Subject,
    Version,
    VersionNumber,
)

T = TypeVar("T")

ReportProgress = Callable[[str, int, int], None]
"""(label of the work, items done, items in total); the total is 0 while it is unknown."""

_PAGE = 1000
"""Largest page of Confluent's registry."""
_ATTEMPTS = 10
"""Attempts of a listing before it fails."""
_AT_ONCE = 64
"""Concurrent requests."""


class _Reference(msgspec.Struct):
    name: str
    subject: str
    version: ReferenceVersion


class _Listed(msgspec.Struct, rename="camel"):
    """An entry of GET /schemas; older registries and Karapace send no `deleted`."""

    subject: str
    version: VersionNumber
    id: IdNumber
    schema: str
    schema_type: SchemaType = SchemaType.AVRO
    references: list[_Reference] | None = None
    metadata: dict[str, Any] | None = None
    rule_set: dict[str, Any] | None = None
    deleted: bool | None = None

    aliases: list[str] | None = None
    """Other names of the subject, which have no versions."""

    @property
    def place(self) -> tuple[str, int]:
        return self.subject, self.version

    def make_record(self, *, deleted: bool) -> SchemaRecord:
        references = tuple(
            Reference(reference.name, Subject(reference.subject), Version(reference.version))
            for reference in self.references or ()
        )
        content = Content(self.schema_type, self.schema, references, self.metadata, self.rule_set)
        return SchemaRecord(self.subject, self.version, SchemaVersion(self.id, content, deleted))


class Versions(NamedTuple):
    """All versions of a registry, and the names that its API knows besides."""

    store: Store
    subjects: Collection[str]
    """Every subject that is named, those without a version too."""


async def read(client: RegistryClient, progress: ReportProgress, also: Iterable[str | None] = ()) -> Store:
    """Return the whole state; `also` are places whose settings are asked for in any case, such as those of a backup.

    Raises UnreachableError, RefusedError, ChangingError.
    """
    store, subjects = await read_versions(client, progress)
    listed = await client.setting("/contexts")
    contexts = [
        context for context in _convert(client, listed or [], list[str], "contexts") if context != names.DEFAULT_CONTEXT
    ]
    for context in contexts:
        add_record(store, ContextRecord(context))
    places = {None, names.GLOBAL_SCOPE, *(f":{context}:" for context in contexts), *subjects, *also}
    await read_associations(client, store)
    ordered = sorted(places, key=lambda scope: (scope is not None, scope or ""))
    await read_settings(client, store, ordered, progress)
    if listed is None and not store.modes.keys() & {None, names.GLOBAL_SCOPE}:
        # A registry without contexts, such as Karapace, has one mode, and answers with it for every subject.
        store.modes = {scope: mode for scope, mode in store.modes.items() if mode is not DEFAULT_MODE}
    return store


async def read_versions(client: RegistryClient, progress: ReportProgress) -> Versions:
    """Return all versions of all contexts, including soft-deleted ones, without settings."""
    listed = await _list_versions(client, progress, deleted="true", aliases="true")
    live = None
    if any(entry.deleted is None for entry in listed):
        live = {entry.place for entry in await _list_versions(client, progress)}
    subjects = set(await _list(client, progress, "/subjects", str, lambda subject: subject, deleted="true"))
    omitted = await _read_omitted_versions(client, listed, subjects, progress, is_marked=live is None)
    store = build_store(
        [
            *(
                entry.make_record(deleted=bool(entry.deleted) if live is None else entry.place not in live)
                for entry in listed
            ),
            *(entry.make_record(deleted=entry.deleted is not False) for entry in omitted),
        ]
    )
    named = {name for entry in listed for name in (entry.subject, *(entry.aliases or ()))}
    return Versions(store, subjects | named)


async def _read_omitted_versions(
    client: RegistryClient,
    listed: Iterable[_Listed],
    subjects: Collection[str],
    progress: ReportProgress,
    *,
    is_marked: bool,
) -> list[_Listed]:
    """Return the versions that the listing has left out: soft-deleted ones.

    A listing that marks soft-deleted versions has them: only subjects with gaps, or without any version, are asked for.
    """
    present: dict[str, set[int]] = {subject: set() for subject in subjects}
    for entry in listed:
        present.setdefault(entry.subject, set()).add(entry.version)
    doubtful = [name for name, numbers in present.items() if not is_marked or len(numbers) != max(numbers, default=-1)]
    omitted: list[_Listed] = []
    done = 0

    async def examine(subject: str) -> None:
        nonlocal done
        numbers = _convert(
            client,
            await client.setting(path("subjects", subject, "versions") + "?deleted=true") or [],
            list[int],
            "versions",
        )
        for number in numbers:
            if number not in present[subject]:
                version = await client.setting(path("subjects", subject, "versions", number) + "?deleted=true")
                omitted.extend([] if version is None else [_convert(client, version, _Listed, "a version")])
        done += 1
        progress("Reading soft-deleted versions", done, len(doubtful))

    await for_each_concurrently(doubtful, examine)
    return omitted


async def read_settings(
    client: RegistryClient, store: Store, scopes: Sequence[str | None], progress: ReportProgress
) -> None:
    """Add the configs and modes of these scopes to the store, except the defaults of the service."""
    done = 0

    async def read_one(scope: str | None) -> None:
        nonlocal done
        config, mode = await asyncio.gather(
            client.setting(settings_path("config", scope)), client.setting(settings_path("mode", scope))
        )
        if config is not None:
            try:
                decoded = decode_config(msgspec.json.encode(config))
            except ValueError as error:
                raise _unknown_form_error(client, f"a config: {error}") from error
            if scope not in {None, names.GLOBAL_SCOPE} or not is_default_config(decoded):
                add_record(store, ConfigRecord(scope, decoded))
        if mode is not None:
            parsed_mode = Mode.__members__.get(str(mode.get("mode"))) if isinstance(mode, dict) else None
            if parsed_mode is not None and (scope not in {None, names.GLOBAL_SCOPE} or parsed_mode is not DEFAULT_MODE):
                add_record(store, ModeRecord(scope, parsed_mode))
        done += 1
        progress("Reading settings", done, len(scopes))

    await for_each_concurrently(scopes, read_one)


async def read_associations(client: RegistryClient, store: Store) -> None:
    """Add the associations to the store; none of a registry that has no API for them."""
    listed = await client.setting(associations.ALL)
    try:
        for record in associations.parse(listed):
            add_record(store, record)
    except msgspec.ValidationError as error:
        raise _unknown_form_error(client, f"associations: {error}") from error


def settings_path(kind: str, scope: str | None) -> str:
    """Return the path of a config or mode."""
    return path(kind) if scope is None else path(kind, scope)


async def for_each_concurrently(items: Iterable[Any], do: Callable[[Any], Any]) -> None:
    """Call `do` for every item, up to 64 concurrently; the first failure cancels the others."""
    remaining = iter(items)

    async def worker(turns: Iterator[Any]) -> None:
        for item in turns:
            await do(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(worker(remaining))


async def _list_versions(client: RegistryClient, progress: ReportProgress, **query: str) -> list[_Listed]:
    listed = await _list(client, progress, "/schemas", _Listed, lambda entry: entry.place, **query)
    for entry in listed:
        try:
            check_metadata(entry.metadata)
            check_rule_set(entry.rule_set)
        except msgspec.ValidationError as error:
            raise _unknown_form_error(client, f"schemas: {error}") from error
    return listed


async def _list(
    client: RegistryClient,
    progress: ReportProgress,
    resource: str,
    kind: type[T],
    identify: Callable[[T], Any],
    **query: str,
) -> list[T]:
    """Return every entry of a listing of all contexts."""
    for _ in range(_ATTEMPTS):
        listed = await _read_pages(client, progress, resource, kind, identify, query)
        if listed is not None:
            return listed
    raise ChangingError(
        f"The registry at {client.url} changed during each of {_ATTEMPTS} attempts to list it. Try again when it is "
        "less busy, or read the topic with --bootstrap-uri."
    )


async def _read_pages(
    client: RegistryClient,
    progress: ReportProgress,
    resource: str,
    kind: type[T],
    identify: Callable[[T], Any],
    query: dict[str, str],
) -> list[T] | None:
    """Return every entry; None if the listing changed between two pages."""
    listed: list[T] = []
    what = resource.removeprefix("/")
    while True:
        offset = max(len(listed) - 1, 0)
        answer = await client.ask("GET", resource, subjectPrefix=":*:", offset=offset, limit=_PAGE, **query)
        page = _convert(client, answer, list[kind], what)  # type: ignore[valid-type]
        if listed and [identify(entry) for entry in page] == [identify(entry) for entry in listed]:
            return listed  # without pages, everything comes each time: here as much as a page
        if listed and (not page or identify(page[0]) != identify(listed[-1])):
            return None
        listed += page[1:] if listed else page
        is_last = len(page) != _PAGE  # a registry without pages sends everything at once
        progress(f"Reading {what}", len(listed), len(listed) if is_last else 0)
        if is_last:
            return listed


def _convert(client: RegistryClient, answer: Any, kind: type[T], what: str) -> T:
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise _unknown_form_error(client, f"{what}: {error}") from error


def _unknown_form_error(client: RegistryClient, what: str) -> UnreachableError:
    return UnreachableError(f"The server at {client.url} sent an unknown form of {what}")
