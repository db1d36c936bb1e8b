"""Reading the store as the API's GET and look-up calls ask: pure functions, each raising RegistryError for a miss."""

import enum
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from karapace_like.registry import content as contents
from karapace_like.registry import errors, names, parsing, registration
from karapace_like.registry.content import Content
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.registration import Submission
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import LATEST, Reference, Strictness, Subject
from karapace_like.schema.tags import Entity

T = TypeVar("T")


class Deleted(enum.Enum):
    """Which versions a listing shows (`deleted` and `deletedOnly`)."""

    NO = "live ones"
    ALSO = "live and soft-deleted ones"
    ONLY = "soft-deleted ones"

    def keeps(self, is_deleted: bool) -> bool:  # noqa: FBT001 - the one thing that it asks for
        """Whether what is soft-deleted, or not, is shown."""
        return {Deleted.NO: not is_deleted, Deleted.ALSO: True, Deleted.ONLY: is_deleted}[self]


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a listing that is asked for; a limit below 1 means all."""

    offset: int = 0
    limit: int = -1

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """That part."""
        return items[self.offset : self.offset + self.limit if self.limit > 0 else None]


def subjects(store: Store, prefix: str, deleted: Deleted) -> list[str]:
    """The subjects with the prefix, in order; one is soft-deleted when all its versions are."""
    are_deleted: dict[str, bool] = {}
    begins = _prefixed(prefix)
    for each in store.all_versions():
        if begins(each.subject):
            are_deleted[each.subject] = each.deleted and are_deleted.get(each.subject, True)
    return [subject for subject, is_deleted in are_deleted.items() if deleted.keeps(is_deleted)]


def _prefixed(prefix: str) -> Callable[[str], bool]:
    """Whether a subject has the prefix; `:*:` means every context."""
    if prefix.startswith(names.EVERY_CONTEXT):
        local = prefix[len(names.EVERY_CONTEXT) :]
        return lambda subject: names.local_name(subject).startswith(local)
    wanted, context = names.canonical(prefix), names.context_of(prefix)
    return lambda subject: names.context_of(subject) == context and subject.startswith(wanted)


def listed(
    store: Store,
    prefix: str,
    deleted: Deleted,
    *,
    also: Collection[str] = (),
    latest_only: bool = False,
    rule_type: str | None = None,
) -> list[StoredVersion]:
    """The versions of the subjects with the prefix and of those in `also`, by subject and number.

    On request the latest of each, and those with such a rule only.
    """
    begins = _prefixed(prefix)
    found = [
        each
        for each in store.all_versions()
        if (begins(each.subject) or each.subject in also) and deleted.keeps(each.deleted)
    ]
    if latest_only:
        found = list({each.subject: each for each in found}.values())
    if rule_type is None:
        return found
    return [each for each in found if contents.has_rule_of_type(each.content.rule_set, rule_type)]


def aliases(store: Store, prefix: str) -> Mapping[str, Sequence[str]]:
    """The subjects with the prefix that stand for another one, by that one."""
    found: dict[str, list[str]] = {}
    begins = _prefixed(prefix)
    for name, config in store.configs.items():
        if name is not None and config.alias and begins(name) and store.shows(name):
            found.setdefault(names.resolve_reference(config.alias, name), []).append(name)
    return found


def version_numbers(store: Store, subject: str, deleted: Deleted) -> list[int]:
    """The subject's version numbers; 40401 without the subject, which is gone when all are soft-deleted."""
    versions = store.versions(subject, deleted=deleted is not Deleted.NO)
    if not versions:
        raise errors.subject_not_found(subject)
    return [each.version for each in versions if deleted.keeps(each.deleted)]


def version(store: Store, subject: str, number: int, *, deleted: bool = False) -> StoredVersion:
    """One version, -1 for the latest live one in any case; 40401 without the subject, 40402 without the version."""
    found = store.version(subject, number, deleted=deleted)
    if found is None:
        if not store.versions(subject, deleted=deleted):
            raise errors.subject_not_found(subject)
        raise errors.version_not_found(number)
    return found


def version_in_any_context(store: Store, subject: str, number: int, *, deleted: bool = False) -> StoredVersion:
    """As `version`, but an unqualified subject that lacks it is looked for in every context."""
    for name in _spelled_for_contexts(store, subject):
        found = store.version(name, number, deleted=deleted)
        if found is not None:
            return found
    return version(store, subject, number, deleted=deleted)


def _spelled_for_contexts(store: Store, subject: str) -> Iterator[str]:
    """The subject itself and, unqualified, the subjects of that name in the other contexts."""
    yield subject
    if subject and not subject.startswith(":."):
        yield from (names.qualified(each, subject) for each in sorted(store.contexts) if each != names.DEFAULT_CONTEXT)


def latest_with_metadata(
    store: Store, subject: str, properties: Sequence[tuple[str, str]], *, deleted: bool
) -> StoredVersion:
    """The newest version whose metadata has all these properties; 40401 or 40403."""
    versions = store.versions(subject, deleted=deleted)
    if not versions:
        raise errors.subject_not_found(subject)
    for each in reversed(versions):
        found = (each.content.metadata or {}).get("properties")
        if found is not None and all(found.get(name) == value for name, value in properties):
            return each
    raise errors.schema_not_found()


def holders(store: Store, schema_id: int, subject: str | None) -> list[StoredVersion]:
    """The versions that have the id, live ones first, then by age.

    Without a subject the default context is meant. A subject that names a context, or is qualified, picks that
    context; an unqualified one is looked for in the default context, then in every other that has the subject.
    """
    for name in _spelled_for_contexts(store, subject or ""):
        found = _in_context(store, schema_id, name)
        if found:
            return found
    return [] if subject is not None and subject.startswith(":.") else _in_context(store, schema_id, "")


def sharers(store: Store, schema_id: int, subject: str | None) -> Sequence[StoredVersion]:
    """All versions that have the id in the context where `holders` finds it."""
    found = holders(store, schema_id, subject)
    return store.holders(found[0].subject, schema_id) if found else []


def schema_by_id(store: Store, schema_id: int, subject: str | None) -> StoredVersion:
    """The first of the versions that have the id, a live one if there is one; 40403 if there is none."""
    found = holders(store, schema_id, subject)
    if not found:
        raise errors.schema_not_found(schema_id)
    return found[0]


def _in_context(store: Store, schema_id: int, subject: str) -> list[StoredVersion]:
    found = store.holders(subject, schema_id)
    if names.local_name(subject):
        wanted = names.canonical(subject)
        found = [each for each in found if each.subject == wanted]
    return sorted(found, key=lambda each: each.deleted)


def by_guid(store: Store, guid: str) -> list[StoredVersion]:
    """One version for each context that has a schema with the guid; 40403 if none has."""
    try:
        digest = bytes.fromhex(guid.replace("-", ""))
    except ValueError:
        digest = b""
    holders = (
        store.holders(names.qualified(name, ""), context.by_digest[digest])
        for name, context in sorted(store.contexts.items())
        if digest in context.by_digest
    )
    found = [each[0] for each in holders if each]
    if not found:
        raise errors.schema_not_found(guid)
    return found


def look_up(store: Store, subject: str, submission: Submission, *, deleted: bool = False) -> StoredVersion:
    """The version that holds the submitted schema; 40401, 40403, or 42201 for one that is no schema.

    An unqualified subject that lacks it is looked for in every context. A submission is looked for as it is, and with
    the metadata and rules that it would be registered with; one without rules is found whatever they are.
    """
    found = _found(store, subject, submission, deleted=deleted)
    others = iter(list(_spelled_for_contexts(store, subject))[1:])
    while found is None and (name := next(others, None)) is not None:
        with suppress(RegistryError):  # its references may not be there
            found = _found(store, name, submission, deleted=deleted)
    if found is None:
        known = store.versions(subject, deleted=deleted)
        raise errors.schema_not_found() if known else errors.subject_not_found(subject)
    return found


def _found(store: Store, subject: str, submission: Submission, *, deleted: bool) -> StoredVersion | None:
    config = store.config(subject)
    _, content = registration.understood(store, names.canonical(subject), submission, Strictness.STORED, config)
    versions = store.versions(subject, deleted=deleted)
    sent = [content]
    latest = store.version(subject, LATEST)
    if latest is not None:
        completed = registration.completed(submission, latest, config)
        sent.append(msgspec.structs.replace(content, metadata=completed.metadata, rule_set=completed.rule_set))
    for each in sent:
        found = registration.newest_with(store, versions, each)
        if found is not None:
            return found
    if content.rule_set is not None:
        return None
    metadata = [each.metadata for each in sent]
    alike = (each for each in reversed(versions) if each.content.same_schema(content))
    return next((each for each in alike if each.content.metadata in metadata), None)


def tagged_entities(store: Store, stored: StoredVersion, wanted: Collection[str]) -> Mapping[Entity, Sequence[str]]:
    """The records and fields inside of the schema that have one of the tags, with all of theirs; `*` is any tag."""
    parsed = parsing.stored(store, stored.content, stored.subject)
    return {
        entity: tags
        for entity, tags in FORMATS[parsed.type].entity_tags(parsed).items()
        if tags and ("*" in wanted or not set(tags).isdisjoint(wanted))
    }


def referenced_by(store: Store, subject: str, number: int, *, deleted: bool) -> list[int]:
    """The ids of the schemas that refer to this version, in ascending order; 40401 or 40402."""
    found = version_in_any_context(store, subject, number, deleted=True)
    return sorted({each.id for each in store.references_to(found.subject, found.version, deleted=deleted)})


def with_qualified_references(stored: StoredVersion) -> StoredVersion:
    """The version with the contexts of its references' subjects spelled out (`referenceFormat=qualified`)."""
    content = stored.content
    references = tuple(
        Reference(each.name, Subject(names.resolve_reference(each.subject, stored.subject)), each.version)
        for each in content.references
    )
    qualified = Content(content.type, content.text, references, content.metadata, content.rule_set)
    return msgspec.structs.replace(stored, content=qualified)
