"""Reading the store for the API's GET and look-up calls: pure functions that raise RegistryError for a miss."""

from collections.abc import AsyncGenerator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from karapace_like.process.turns import Turn
from karapace_like.registry import content as contents
from karapace_like.registry import errors, names, parsing, registration, spellings
from karapace_like.registry.content import DIGEST_BYTES, Content
from karapace_like.registry.engine_jobs import ListTags
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.registration import Submission
from karapace_like.registry.store import Deleted, StoredVersion
from karapace_like.registry.subject_order import find_range
from karapace_like.registry.view import RegistryView
from karapace_like.schema.model import LATEST, Reference, Strictness, Subject
from karapace_like.schema.tags import Entity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListPage:
    """The part of a listing that is asked for; a limit below 1 means all."""

    offset: int = 0
    limit: int = -1

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """Return the page of these items."""
        return items[self.offset : self.offset + self.limit if self.limit > 0 else None]

    def is_complete(self, count: int) -> bool:
        """Return whether the first so many items contain the page."""
        return 0 < self.limit <= count - self.offset


async def subjects(store: RegistryView, prefix: str, deleted: Deleted, page: ListPage) -> list[str]:
    """The page of the subjects with the prefix, in order; one is soft-deleted when all its versions are."""
    listed: list[str] = []
    async with aclosing(_walk(store, prefix)) as subjects_in_order:
        async for name, versions in subjects_in_order:
            if all(stored.deleted for stored in versions.values()) in deleted.states:
                listed.append(name)
                if page.is_complete(len(listed)):
                    break
    return listed[page.offset :]


async def _walk(
    store: RegistryView, prefix: str, also: Collection[str] = ()
) -> AsyncGenerator[tuple[str, Mapping[int, StoredVersion]], None]:
    """Yield the subjects with the prefix and those in `also` with their versions, in order.

    Other requests have their turns meanwhile: what is registered or deleted then may be left out or not.
    """
    begins, turn = _prefix_filter(prefix), Turn()
    names_in_order = store.ordered_subjects()
    start = "" if also or prefix.startswith(names.EVERY_CONTEXT) else names.canonical(prefix)
    for name in find_range(names_in_order, start):
        if turn.is_over():
            await turn.yield_to_others()
        if not name.startswith(start):
            return
        if begins(name) or name in also:
            versions = store.versions_by_number(name)
            if versions:
                yield name, versions


def _prefix_filter(prefix: str) -> Callable[[str], bool]:
    """Whether a subject has the prefix; `:*:` means every context."""
    if prefix.startswith(names.EVERY_CONTEXT):
        local = prefix[len(names.EVERY_CONTEXT) :]
        return lambda subject: names.local_name(subject).startswith(local)
    wanted, context = names.canonical(prefix), names.context_of(prefix)
    return lambda subject: names.context_of(subject) == context and subject.startswith(wanted)


async def list_versions(
    store: RegistryView,
    prefix: str,
    deleted: Deleted,
    page: ListPage,
    *,
    also: Collection[str] = (),
    latest_only: bool = False,
    rule_type: str | None = None,
    selects: Callable[[str], bool] = lambda _: True,
) -> list[StoredVersion]:
    """The page of the versions of the subjects with the prefix and of those in `also`, by subject and number.

    On request the latest of each, those with such a rule only, and those of selected subjects only.
    """
    listed: list[StoredVersion] = []
    async with aclosing(_walk(store, prefix, also)) as subjects_in_order:
        async for name, versions in subjects_in_order:
            shown = [stored for stored in versions.values() if stored.deleted in deleted.states]
            if latest_only:
                shown = shown[-1:]
            if rule_type is not None:
                shown = [stored for stored in shown if contents.has_rule_of_type(stored.content.rule_set, rule_type)]
            if shown and selects(name):
                listed += shown
                if page.is_complete(len(listed)):
                    break
    return list(page.of(listed))


def aliases(store: RegistryView, prefix: str) -> Mapping[str, Sequence[str]]:
    """The subjects with the prefix that stand for another one, by that one."""
    by_target: dict[str, list[str]] = {}
    begins = _prefix_filter(prefix)
    for name in store.aliases():
        if begins(name):
            by_target.setdefault(store.resolve_alias(name), []).append(name)
    return by_target


def version_numbers(store: RegistryView, subject: str, deleted: Deleted) -> list[int]:
    """The subject's version numbers; 40401 without the subject, which is gone when all are soft-deleted."""
    versions = store.versions(subject, Deleted.EXCLUDE if deleted is Deleted.EXCLUDE else Deleted.INCLUDE)
    if not versions:
        raise errors.subject_not_found_error(subject)
    return [stored.version for stored in versions if stored.deleted in deleted.states]


def version(store: RegistryView, subject: str, number: int, deleted: Deleted = Deleted.EXCLUDE) -> StoredVersion:
    """One version, -1 for the latest live one in any case; 40401 without the subject, 40402 without the version."""
    stored = store.version(subject, number, deleted)
    if stored is None:
        if not store.versions(subject, deleted):
            raise errors.subject_not_found_error(subject)
        raise errors.version_not_found_error(number)
    return stored


def version_in_any_context(
    store: RegistryView, subject: str, number: int, deleted: Deleted = Deleted.EXCLUDE
) -> StoredVersion:
    """As `version`, but an unqualified subject that lacks it is looked for in every context."""
    for name in _spell_for_contexts(store, subject):
        stored = store.version(name, number, deleted)
        if stored is not None:
            return stored
    return version(store, subject, number, deleted)


def _spell_for_contexts(store: RegistryView, subject: str) -> Iterator[str]:
    """The subject itself and, unqualified, the subjects of that name in the other contexts."""
    yield subject
    if subject and not subject.startswith(":."):
        yield from (
            names.qualify(context, subject)
            for context in sorted(store.context_names())
            if context != names.DEFAULT_CONTEXT
        )


def latest_with_metadata(
    store: RegistryView, subject: str, properties: Sequence[tuple[str, str]], deleted: Deleted
) -> StoredVersion:
    """The newest version whose metadata has all these properties; 40401 or 40403."""
    versions = store.versions(subject, deleted)
    if not versions:
        raise errors.subject_not_found_error(subject)
    for stored in reversed(versions):
        own = (stored.content.metadata or {}).get("properties")
        if own is not None and all(own.get(name) == value for name, value in properties):
            return stored
    raise errors.schema_not_found_error()


def holders(store: RegistryView, schema_id: int, subject: str | None) -> list[StoredVersion]:
    """The versions that have the id, those with the content that it means first, of these live ones, then by age.

    Without a subject the default context is meant. A subject that names a context, or is qualified, picks that
    context; an unqualified one is looked for in the default context, then in every other that has the subject.
    """
    for name in _spell_for_contexts(store, subject or ""):
        versions = _in_context(store, schema_id, name)
        if versions:
            return versions
    return [] if subject is not None and subject.startswith(":.") else _in_context(store, schema_id, "")


def sharers(store: RegistryView, schema_id: int, subject: str | None) -> Sequence[StoredVersion]:
    """All versions that have the id in the context where `holders` finds it."""
    versions = holders(store, schema_id, subject)
    return store.holders(versions[0].subject, schema_id) if versions else []


async def schema_by_id(
    store: RegistryView, engines: EngineAccess, schema_id: int, subject: str | None, *, retired: bool = False
) -> StoredVersion:
    """The first of the versions that have the id, a live one if there is one; 40403 if there is none.

    Without a subject, a version with other content than the id means is as good as none: the id means one schema to
    every caller. With `retired`, where no version has the id any more, the last one that had it.
    """
    version = next(iter(holders(store, schema_id, subject)), None)
    if version is not None:
        if names.local_name(subject or "") or await spellings.is_meant_by_id(store, engines, version):
            return version
    elif retired and (last := store.retired_version(subject or "", schema_id)) is not None:
        return last
    raise errors.schema_not_found_error(schema_id)


def find_plain_schema(store: RegistryView, schema_id: int) -> StoredVersion | None:
    """Return what `schema_by_id` does without a subject; None where there is none, or where an engine has to decide."""
    versions = _in_context(store, schema_id, "")
    return versions[0] if versions and store.meaning("", schema_id) is None else None


def _in_context(store: RegistryView, schema_id: int, subject: str) -> list[StoredVersion]:
    versions = store.holders(subject, schema_id)
    if names.local_name(subject):
        wanted = names.canonical(subject)
        versions = [stored for stored in versions if stored.subject == wanted]
    if len(versions) < 2:
        return versions
    versions = sorted(versions, key=lambda stored: stored.deleted)
    meaning = store.meaning(subject, schema_id)
    return versions if meaning is None else sorted(versions, key=lambda stored: stored.content != meaning)


async def by_guid(store: RegistryView, guid: str) -> list[StoredVersion]:
    """One version for each context that has a schema with the guid; 40403 if none has."""
    try:
        digest = bytes.fromhex(guid.replace("-", ""))
    except ValueError:
        digest = b""
    smallest: dict[str, int] = {}
    for name, schema_id in await store.ids_with_digest(digest) if len(digest) == DIGEST_BYTES else ():
        smallest.setdefault(name, schema_id)
    holders = (
        [stored for stored in store.holders(names.qualify(name, ""), schema_id) if stored.content.digest == digest]
        for name, schema_id in smallest.items()
    )
    versions = [group[0] for group in holders if group]
    if not versions:
        raise errors.schema_not_found_error(guid)
    return versions


async def look_up(
    store: RegistryView, engines: EngineAccess, subject: str, submission: Submission, deleted: Deleted = Deleted.EXCLUDE
) -> StoredVersion:
    """The version that holds the submitted schema; 40401, 40403, or 42201 for one that is no schema.

    An unqualified subject that lacks it is looked for in every context. A submission is looked for as it is, and with
    the metadata and rules that it would be registered with; one without rules is found whatever they are.
    """
    stored = await _look_up_in(store, engines, subject, submission, deleted)
    others = iter(list(_spell_for_contexts(store, subject))[1:])
    while stored is None and (name := next(others, None)) is not None:
        with suppress(RegistryError):  # its references may not be there
            stored = await _look_up_in(store, engines, name, submission, deleted)
    if stored is None:
        versions = store.versions(subject, deleted)
        raise errors.schema_not_found_error() if versions else errors.subject_not_found_error(subject)
    return stored


async def _look_up_in(
    store: RegistryView, engines: EngineAccess, subject: str, submission: Submission, deleted: Deleted
) -> StoredVersion | None:
    config = store.config(subject)
    versions = store.versions(subject, deleted)
    same = await registration.find_same_text(store, engines, versions, submission, config)
    if same is not None:
        return same
    _, content = await registration.understand(
        store, engines, names.canonical(subject), submission, Strictness.STORED, config
    )
    normalize = registration.is_normalized(submission, config)
    sent = [content]
    latest = store.version(subject, LATEST)
    if latest is not None:
        completed = registration.complete(submission, latest, config)
        sent.append(Content(content.type, content.text, content.references, completed.metadata, completed.rule_set))
    for candidate in sent:
        stored = await registration.find_newest(store, engines, versions, candidate, normalize=normalize)
        if stored is not None:
            return stored
    if content.rule_set is not None:
        return None
    metadata = [candidate.metadata for candidate in sent]
    content = await spellings.respell(store, engines, versions, content, normalize=normalize)
    for version in reversed(versions):
        is_alike = version.content.same_schema(content) and version.content.metadata in metadata
        if is_alike and await spellings.is_meant_by_id(store, engines, version):
            return version
    return None


async def find_tagged_entities(
    store: RegistryView, engines: EngineAccess, stored: StoredVersion, wanted: Collection[str]
) -> Mapping[Entity, Sequence[str]]:
    """The records and fields inside of the schema that have one of the tags, with all of theirs; `*` is any tag."""
    resolved = parsing.resolve_stored_schema(store, stored.content, stored.subject)
    return {
        entity: tags
        for entity, tags in await engines.run(ListTags(resolved))
        if tags and ("*" in wanted or not set(tags).isdisjoint(wanted))
    }


def list_referrers(store: RegistryView, subject: str, number: int, deleted: Deleted) -> list[int]:
    """The ids of the schemas that refer to this version, in ascending order; 40401 or 40402."""
    stored = version_in_any_context(store, subject, number, Deleted.INCLUDE)
    return sorted({referrer.id for referrer in store.references_to(stored.subject, stored.version, deleted)})


def with_qualified_references(stored: StoredVersion) -> StoredVersion:
    """The version with the contexts of its references' subjects spelled out (`referenceFormat=qualified`)."""
    content = stored.content
    references = tuple(
        Reference(
            reference.name, Subject(names.resolve_reference(reference.subject, stored.subject)), reference.version
        )
        for reference in content.references
    )
    qualified = Content(content.type, content.text, references, content.metadata, content.rule_set)
    return msgspec.structs.replace(stored, content=qualified)
