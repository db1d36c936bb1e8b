"""Finding a schema that another registry has stored in a spelling of its own.

This registry stores the canonical form of what clients send; other registries store other texts of the same schema. So
where the very text is not there, the stored texts with its fingerprint are compared by their canonical forms, and the
schema takes on the spelling that is stored: from then on, equal contents are equal texts.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice

from karapace_like.registry import errors, fingerprints, parsing
from karapace_like.registry.content import LONG_CHARACTERS, Content
from karapace_like.registry.engine_jobs import (
    LIGHT_CHARACTERS,
    Fingerprint,
    IsSpellingOf,
    Job,
    MeanTheSame,
    ResolvedSchema,
)
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.fingerprints import FingerprintIndex
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.schema import spelling

_CHUNK = 100
"""Texts that a thread works on before the event loop has its turn: one or two milliseconds."""
_MOST_COMPARED = 32
"""Stored texts that are parsed for one request; texts with one fingerprint are rarely more than two."""


async def build_index(store: Store) -> FingerprintIndex:
    """Give the store its index of fingerprints; returns it when it is complete, with long texts unindexed.

    The event loop is free meanwhile.
    """
    index = store.fingerprints = FingerprintIndex()
    listed = store.list_contents()
    while chunk := list(islice(listed, _CHUNK)):
        contents = []
        for name, schema_id, content in chunk:
            if len(content.text) > LONG_CHARACTERS:
                index.unindexed[name, schema_id, content.digest] = content
            else:
                contents.append((name, schema_id, content))
        work = partial(_make_entries, contents)
        is_little = sum(len(content.text) for _, _, content in contents) <= LIGHT_CHARACTERS
        for entry in work() if is_little else await asyncio.to_thread(work):
            index.insert(entry)
    index.is_complete = True
    return index


async def index_long_texts(index: FingerprintIndex, engines: EngineAccess) -> None:
    """Take the long texts into the index that were stored elsewhere, or before it was built."""
    for key, content in list(index.unindexed.items()):
        # An engine may be busy or lost: the text stays one that may have any fingerprint.
        with suppress(RegistryError):
            index.settle(key, await _fingerprint(engines, content))


async def _fingerprint(engines: EngineAccess, content: Content) -> int:
    """Return the fingerprint of the content's text."""
    known = fingerprints.find_cheaply(content)
    if known is None:
        known = await engines.run(Fingerprint(ResolvedSchema(content.type, content.text)))
        fingerprints.remember(content, known)
    return known


async def _may_spell(engines: EngineAccess, content: Content, fingerprint: int) -> bool:
    """Return whether a content that `ids_like` finds may have the fingerprint: a long text may not be indexed yet."""
    return len(content.text) <= LONG_CHARACTERS or await _fingerprint(engines, content) == fingerprint


def _make_entries(contents: Iterable[tuple[str, int, Content]]) -> list[int]:
    return [fingerprints.make_entry_of(context, content, schema_id) for context, schema_id, content in contents]


async def adopt(
    store: Store,
    engines: EngineAccess,
    subject: str,
    versions: Sequence[StoredVersion],
    content: Content,
    *,
    normalize: bool,
) -> Content:
    """The content in the spelling of the subject's versions, or of an id of its context; as it is if there is none."""
    content = await respell(store, engines, versions, content, normalize=normalize)
    context = store.context(subject)
    if context.id_of(content) is not None:
        return content
    wanted = await _fingerprint(engines, content)
    for schema_id in (store.ids_like(subject, wanted) or ())[:_MOST_COMPARED]:
        held = context.ids.get(schema_id)
        if held is None or not held[0].content.has_same_parts(content):
            continue
        if not await _may_spell(engines, held[0].content, wanted):
            continue
        if any(holder.content == content for holder in held):
            is_same = await mean_the_same(store, engines, held[0].content, content, subject)
        else:
            is_same = await _is_spelling(store, engines, held[0].content, content, subject, normalize=normalize)
        if is_same:
            return held[0].content
    return content


async def respell(
    store: RegistryView, engines: EngineAccess, versions: Sequence[StoredVersion], content: Content, *, normalize: bool
) -> Content:
    """The content with the text and references of the newest version (they ascend) that spells them differently."""
    if any(
        version.content.text == content.text and version.content.references == content.references
        for version in versions
    ):
        return content
    for version in (await _find_alike(store, engines, versions, content))[:_MOST_COMPARED]:
        stored = version.content
        if await _is_spelling(store, engines, stored, content, version.subject, normalize=normalize):
            return Content(content.type, stored.text, stored.references, content.metadata, content.rule_set)
    return content


async def _find_alike(
    store: RegistryView, engines: EngineAccess, versions: Sequence[StoredVersion], content: Content
) -> list[StoredVersion]:
    """Return the versions, the newest first, whose texts have the content's fingerprint."""
    candidates = [
        version
        for version in reversed(versions)
        if version.content.type is content.type and version.content.refers_to_same(content)
    ]
    if not candidates:
        return []
    wanted = await _fingerprint(engines, content)
    ids = store.ids_like(candidates[0].subject, wanted)
    if ids is None:
        return [version for version in candidates if await _fingerprint(engines, version.content) == wanted]
    wanted_ids = frozenset(ids)
    return [
        version
        for version in candidates
        if version.id in wanted_ids and await _may_spell(engines, version.content, wanted)
    ]


async def _is_spelling(
    store: RegistryView, engines: EngineAccess, stored: Content, sent: Content, subject: str, *, normalize: bool
) -> bool:
    return await _ask(store, engines, partial(IsSpellingOf, normalize=normalize), sent, stored, subject) or False


async def mean_the_same(store: RegistryView, engines: EngineAccess, one: Content, other: Content, subject: str) -> bool:
    """Whether two contents of one id, or of one to be, are the same schema with the same metadata and rules."""
    if one == other:
        return True
    if not one.has_same_parts(other):
        return False
    answer = await _ask(store, engines, MeanTheSame, one, other, subject)
    return spelling.are_equal_json(one.type, one.text, other.text) if answer is None else answer


async def _ask(
    store: RegistryView,
    engines: EngineAccess,
    question: Callable[[ResolvedSchema, ResolvedSchema], Job[bool]],
    one: Content,
    other: Content,
    subject: str,
) -> bool | None:
    """The answer about two contents; None if what they refer to is not there."""
    try:
        job = question(
            parsing.resolve_stored_schema(store, one, subject), parsing.resolve_stored_schema(store, other, subject)
        )
        return await engines.run(job)
    except RegistryError as error:
        if error.status != errors.UNPROCESSABLE:
            raise
        return None


async def is_meant_by_id(store: RegistryView, engines: EngineAccess, version: StoredVersion) -> bool:
    """Whether the version's id means its content: another registry may have given the id to two schemas."""
    meaning = store.meaning(version.subject, version.id)
    return meaning is None or await mean_the_same(store, engines, meaning, version.content, version.subject)
