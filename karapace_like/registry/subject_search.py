"""Searching subjects by what people remember of them: a part of the name, an id, a guid, a tag, the name of a field.

Only GUIDs have an index: names and texts are scanned in a worker thread, and only texts with the word are parsed.
"""

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import NamedTuple

from karapace_like.registry import errors, names, parsing
from karapace_like.registry.engine_jobs import ListFields, ListTags
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.settings import Mode
from karapace_like.registry.store import Deleted, Store, StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.schema.model import CompatibilityLevel, SchemaType

MAX_QUERY = 256
"""Characters of a query; longer ones are refused."""
_PARSING_SECONDS = 0.4
"""Time in which hits are parsed; those that are left are not listed, and the answer says so."""
_SHOWN_FIELDS = 5
_GUID = re.compile(r"[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}")
_DIGITS = re.compile(r"[0-9a-f]{32}")
_INLINE_TAGS = ("confluent:tags", "confluent.field_meta", "confluent.message_meta", "confluent.enum_meta")
_KINDS = ("name", "id", "guid", "tag", "field")


class SubjectQuery(NamedTuple):
    """Which subjects are wanted."""

    kind: str = ""
    """One of `_KINDS`; empty: a name, or an id or guid where the word is one."""
    word: str = ""
    deleted: Deleted = Deleted.EXCLUDE
    context: str | None = None
    type: SchemaType | None = None
    level: CompatibilityLevel | None = None
    mode: Mode | None = None
    default_level: CompatibilityLevel = CompatibilityLevel.BACKWARD
    """Of subjects for which none is set."""
    ids: frozenset[tuple[str, int]] | None = None
    """(context, id) of each id with the guid, once `find_guid` has found them; None without a guid."""


class SubjectHit(NamedTuple):
    """A subject that was found."""

    latest: StoredVersion
    """The version that was found, or the latest one."""
    versions: int
    """How many versions there are, soft-deleted ones included where they are wanted."""
    fields: Sequence[str] = ()
    """The paths of the fields that were found."""


def parse_query(text: str) -> tuple[str, str]:
    """Return kind and word of a query such as `orders`, `id:7` or `field:amount`; raises RegistryError (400)."""
    if len(text) > MAX_QUERY:
        raise errors.malformed_query(f"has {len(text)} characters", f"at most {MAX_QUERY}")
    kind, colon, word = text.strip().partition(":")
    return (kind, word.strip()) if colon and kind in _KINDS else ("", text.strip())


async def find_guid(view: RegistryView, query: SubjectQuery) -> SubjectQuery:
    """Return the query with the ids that have the guid; as it is where it names none."""
    word = query.word.lower()
    if query.kind != "guid" and (query.kind or not _GUID.fullmatch(word)):
        return query
    digits = word.replace("-", "")
    with_guid = await view.ids_with_digest(bytes.fromhex(digits)) if _DIGITS.fullmatch(digits) else ()
    return query._replace(ids=frozenset(with_guid))


def list_names(store: Store) -> list[str]:
    """Return the names of all subjects: a copy, for a thread to read while the store changes."""
    return [name for context in list(store.context_names()) for name in list(store.subjects_in(context))]


def scan(view: RegistryView, store: Store, all_names: Sequence[str], query: SubjectQuery) -> list[SubjectHit]:
    """Return the subjects with the properties of the query, by name. It may run in a thread.

    Where a field or a tag is wanted, the texts contain the word, and have still to be parsed (`confirm`).
    """
    matches = _make_filter(query)
    has_settings = query.type is not None or query.mode is not None or query.level is not None
    hits = []
    for name in all_names:
        if query.context is not None and names.context_of(name) != query.context:
            continue
        if query.kind in {"", "name"} and not matches.name(name):
            continue
        by_number = view.versions_by_number(name)
        stored = list((by_number or {}).values())
        versions = [version for version in stored if version.deleted in query.deleted.states]
        hit = next((version for version in reversed(versions) if matches.version(version)), None)
        if hit is not None and (not has_settings or _has_settings(store, name, hit, query)):
            hits.append(SubjectHit(hit, len(versions)))
    hits.sort(key=lambda hit: hit.latest.subject)
    return hits


class _Filter(NamedTuple):
    name: Callable[[str], bool]
    version: Callable[[StoredVersion], bool]


def _make_filter(query: SubjectQuery) -> _Filter:
    word, kind = query.word, query.kind
    lowered = word.lower()
    by_name = _Filter(lambda name: lowered in name.lower(), lambda _: True)
    if kind == "id" or (not kind and word.isdecimal()):
        number = int(word) if word.isdecimal() else -1
        by_id = _Filter(lambda _: True, lambda version: version.id == number)
        return by_id if kind else _join(by_name, by_id)
    if query.ids is not None:
        ids, digits = query.ids, lowered.replace("-", "")
        return _Filter(
            lambda _: True,
            lambda version: (
                (names.context_of(version.subject), version.id) in ids and version.content.digest.hex() == digits
            ),
        )
    if kind == "tag":
        quoted = f'"{word}"'
        return _Filter(lambda _: True, lambda version: _may_have_tag(version, word, quoted))
    if kind == "field":
        return _Filter(lambda _: True, lambda version: word in version.content.text)
    return by_name


def _join(by_name: _Filter, by_version: _Filter) -> _Filter:
    """Return a filter for versions that either of the two takes."""
    return _Filter(lambda _: True, lambda version: by_name.name(version.subject) or by_version.version(version))


def _may_have_tag(version: StoredVersion, tag: str, quoted: str) -> bool:
    """Whether a tag is set in the metadata, or may be in the text, where it is quoted."""
    text = version.content.text
    return _has_tag_in_metadata(version, tag) or (quoted in text and any(marker in text for marker in _INLINE_TAGS))


def _has_tag_in_metadata(version: StoredVersion, tag: str) -> bool:
    metadata = version.content.metadata
    return metadata is not None and any(tag in values for values in (metadata.get("tags") or {}).values())


def _has_settings(store: Store, name: str, version: StoredVersion, query: SubjectQuery) -> bool:
    if query.type is not None and version.content.type is not query.type:
        return False
    if query.mode is not None and (store.mode(name) or Mode.READWRITE) is not query.mode:
        return False
    return query.level is None or find_level(store, name, query.default_level) is query.level


def find_level(store: RegistryView, name: str, default: CompatibilityLevel) -> CompatibilityLevel:
    """Return the level at which the next schema of the subject is checked."""
    config = store.config(name)
    return (None if config is None else config.compatibility_level) or default


async def confirm(
    view: RegistryView, engines: EngineAccess, hits: Sequence[SubjectHit], query: SubjectQuery, most: int
) -> tuple[list[SubjectHit], bool]:
    """Return the first hits that really have the field or tag, and whether these are all of them."""
    confirmed: list[SubjectHit] = []
    until = time.monotonic() + _PARSING_SECONDS
    for hit in hits:
        if len(confirmed) >= most or time.monotonic() > until:
            return confirmed, False
        with suppress(errors.RegistryError):  # in a stored schema that cannot be parsed nothing can be found
            fields = await _find_fields(view, engines, hit.latest, query)
            if fields is not None:
                confirmed.append(hit._replace(fields=fields[:_SHOWN_FIELDS]))
    return confirmed, True


async def _find_fields(
    view: RegistryView, engines: EngineAccess, version: StoredVersion, query: SubjectQuery
) -> Sequence[str] | None:
    """Return the fields that are meant; None where the version has none, and no such tag elsewhere."""
    resolved = parsing.resolve_stored_schema(view, version.content, version.subject)
    if query.kind == "field":
        fields = [title for name, title in await engines.run(ListFields(resolved)) if query.word in name]
        return fields or None
    if _has_tag_in_metadata(version, query.word):
        return ()
    tagged = [entity.path for entity, tags in await engines.run(ListTags(resolved)) if query.word in tags]
    return tagged or None
