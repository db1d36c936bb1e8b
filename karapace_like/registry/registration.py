"""Plan a registration: return the version that exists already, or the records of a new one.

Source: Confluent API, POST /subjects/{subject}/versions, and the rules of the modes for ids and versions in requests.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import msgspec

from karapace_like.registry import checks, errors, names, parsing, planning, records, spellings
from karapace_like.registry import content as contents
from karapace_like.registry.associations import Lifecycle
from karapace_like.registry.content import Content, Json
from karapace_like.registry.engine_jobs import ApplyTags, Canonicalise, CheckRules, ListTags, ResolvedSchema
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.records import ContextRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.settings import Config
from karapace_like.registry.store import MAX_ID, Deleted, Store, StoredVersion
from karapace_like.registry.view import EVERYBODY, RegistryView, SubjectReader
from karapace_like.replication.planning import Plan
from karapace_like.schema.model import (
    LATEST,
    MAX_NUMBER,
    CompatibilityLevel,
    Reference,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from karapace_like.schema.tags import TagChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The operator's settings for new schemas."""

    compatibility: CompatibilityLevel = CompatibilityLevel.BACKWARD
    strictness: Strictness = Strictness.STRICT
    max_record_bytes: int = 1_048_576
    """Largest size of one record in the topic, in bytes of key and value."""
    mode_mutability: bool = True
    """Whether modes can be changed by requests."""
    names_keks: bool = False
    """Whether rules that encrypt get the name of a KEK: where the DEK registry is served."""
    inherits_config: bool = False
    """Whether a config takes what it leaves out from the outer ones (`Config.inherit`)."""
    explicit_only: str | None = None
    """Regular expression for subjects whose new schemas need a request with `explicit=true`."""


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """A schema as a request sends it, to be registered, looked up or checked: the first stage of a schema.

    `UnparsedSchema` is its part that a parser needs, `ResolvedSchema` has its references' texts, `ParsedSchema` is what
    a format's parser returns, `Content` is stored under an id, and a `StoredVersion` is a subject's version of it.
    """

    reader: SubjectReader
    """Whoever sends it: they may refer to what they may read."""
    type: SchemaType = SchemaType.AVRO
    text: str = ""
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    id: int | None = None
    """The id in the request, which only import mode allows."""
    version: int | None = None
    """None: the next one. -1: the next one, also recorded in the metadata. Any other number must be the next one."""
    tag_changes: tuple[TagChange, ...] = ()
    """Tags to add to the text or to remove from it."""
    propagate_tags: bool = False
    """Whether the tags of the previous version are carried over."""
    normalize: bool = False
    force: bool = False
    """Whether the schema is registered without a check of its compatibility."""
    explicit: bool = False
    """Whether the request asks to register the schema (`explicit=true`), unlike a producer's."""

    @property
    def schema(self) -> UnparsedSchema:
        """The part that a parser needs."""
        return UnparsedSchema(self.type, self.text, self.references)


@dataclass(frozen=True, slots=True)
class Registered:
    """The outcome of a registration: the version that has the schema."""

    subject: str
    version: int
    id: int
    content: Content


async def plan(
    store: Store, engines: EngineAccess, *, subject: str, submission: Submission, rules: Rules
) -> Plan[Registered]:
    """Return the existing version with this content, in any mode, or the records of a new one; raises RegistryError."""
    names.check(subject)
    subject = names.canonical(subject)
    existing = await _find_existing(store, engines, subject, submission, rules)
    if existing is not None:
        return Plan(Registered(subject, existing.version, existing.id, existing.content))
    mode = planning.effective_mode(store, subject)
    if mode.is_readonly:
        raise planning.refusal(subject, "is in read-only mode")
    importing = submission.id is not None
    if importing and not mode.is_import:
        raise planning.refusal(subject, "is not in import mode")
    if not importing and mode.is_import:
        raise planning.refusal(subject, "is not in read-write mode")
    planned = await (_import if importing else _register)(store, engines, subject, submission, rules)
    guarded = rules.explicit_only is not None and not submission.explicit
    if guarded and planned.records and re.fullmatch(rules.explicit_only or "", subject):
        raise errors.explicit_only(subject)
    return planned


async def _find_existing(
    store: Store, engines: EngineAccess, subject: str, submission: Submission, rules: Rules
) -> StoredVersion | None:
    """Return the live version with this content as sent; None where the config or the request adds to it.

    A stored text is found even if it would not be accepted today.
    """
    config = store.config(subject)
    live = store.versions(subject)
    if not live or submission.version == LATEST or submission.tag_changes or submission.propagate_tags:
        return None
    if not submission.text.strip() or (config is not None and config.adds_to_schemas):
        return None
    if not submission.version and submission.id is None:
        same = await find_same_text(store, engines, live, submission, config)
        if same is not None:
            return same
    strictness = rules.strictness if submission.id is None else Strictness.STORED
    try:
        _, content = await understand(store, engines, subject, submission, strictness, config)
    except errors.RegistryError as error:
        if strictness is Strictness.STORED or error.status != errors.UNPROCESSABLE:
            raise
        _, content = await understand(store, engines, subject, submission, Strictness.STORED, config)
    normalize = is_normalized(submission, config)
    newest = await find_newest(store, engines, live, content, normalize=normalize)
    if newest is None or submission.id not in {None, newest.id}:
        return None
    if not submission.version:
        return newest
    same = store.version(subject, submission.version)
    if submission.id is None or same is None or same.id != newest.id:
        return None
    return same if same.content == newest.content else None


async def _register(
    store: Store, engines: EngineAccess, subject: str, submission: Submission, rules: Rules
) -> Plan[Registered]:
    config = store.config(subject)
    versions = store.versions(subject, Deleted.INCLUDE)
    live = [version for version in versions if not version.deleted]
    latest = live[-1] if live else None
    submission = complete(submission, latest, config)
    changes_tags = bool(submission.tag_changes)
    if changes_tags or submission.propagate_tags:
        submission = await _change_tags(store, engines, subject, submission, latest, rules)
    fault = contents.rule_set_fault(submission.rule_set)
    if fault is not None and (config is None or config.validate_rules is not False):
        raise errors.invalid_rule_set(fault)
    resolved, content = await understand(store, engines, subject, submission, rules.strictness, config)
    if config is not None and config.validate_rules and content.rule_set:
        texts = msgspec.json.encode(content.rule_set), msgspec.json.encode(content.metadata)
        await engines.run(CheckRules(resolved, *texts))
    normalize = is_normalized(submission, config)
    content = await spellings.adopt(store, engines, subject, versions, content, normalize=normalize)
    next_version = versions[-1].version + 1 if versions else 1
    existing = await find_newest(store, engines, live, content, normalize=normalize)
    if existing is None or submission.version:
        numbered = _number(content, submission.version or 0, next_version, live)
        if numbered is not content:
            content = numbered
            newest = await find_newest(store, engines, live, content, normalize=normalize)
            existing = newest or (None if changes_tags else existing)
    if existing is not None:
        return Plan(Registered(subject, existing.version, existing.id, existing.content))
    _require_storable(store, subject, submission, content, rules)
    if not submission.force:
        judgement = await checks.check(store, engines, resolved, content.metadata, live, config, rules.compatibility)
        if not judgement.is_compatible:
            is_readable = submission.reader.may_read(subject)
            raise errors.incompatible_schema(subject, judgement.messages if is_readable else judgement.settings)
    plan_new = partial(_new, subject=subject, version=next_version, content=content, versions=versions, rules=rules)
    planned = plan_new(store)
    if any(reference.version == LATEST for reference in submission.references):
        return planned
    revision = store.revision

    def refresh(store: Store) -> Plan[Registered] | None:
        if store.revision != revision or len(store.versions_by_number(subject) or ()) != len(versions):
            return None
        return planned if _choose_id(store, subject, content) == planned.answer.id else plan_new(store)

    return replace(planned, refresh=refresh)


def _new(
    store: Store, subject: str, version: int, content: Content, versions: list[StoredVersion], rules: Rules
) -> Plan[Registered]:
    """Return the plan of the next version."""
    schema_id = _choose_id(store, subject, content)
    if schema_id > MAX_ID:
        raise errors.no_id_left_error(names.qualify(names.context_of(subject), ""), MAX_ID)
    return _plan_record(store, Registered(subject, version, schema_id, content), versions, rules)


def _choose_id(store: Store, subject: str, content: Content) -> int:
    """Return the id that the content has or had in the subject's context, else the next id."""
    context = store.context(subject)
    return context.id_of(content) or store.retired_id(subject, content) or context.next_id()


async def _import(
    store: Store, engines: EngineAccess, subject: str, submission: Submission, rules: Rules
) -> Plan[Registered]:
    assert submission.id is not None
    _, content = await understand(store, engines, subject, submission, Strictness.STORED, store.config(subject))
    versions = store.versions(subject, Deleted.INCLUDE)
    context = store.context(subject)
    if submission.id in context.ids:
        meant = context.ids[submission.id][0].content
        if not await spellings.mean_the_same(store, engines, meant, content, subject):
            raise errors.overwrite_not_permitted_error(submission.id, names.qualify(names.context_of(subject), ""))
        content = meant  # in the spelling that is stored: other registries drop another one
    if not 0 <= submission.id <= MAX_ID:
        raise errors.overwrite_not_permitted_error(submission.id, names.qualify(names.context_of(subject), ""))
    version = submission.version if submission.version and submission.version > 0 else None
    if version is None:
        version = versions[-1].version + 1 if versions else 1
    for reference in content.references:
        if (names.resolve_reference(reference.subject, subject), reference.version) == (subject, version):
            raise errors.missing_reference(submission.type, reference.subject, reference.version)
    registered = Registered(subject, version, submission.id, content)
    existing = store.version(subject, version, Deleted.INCLUDE)
    if existing is not None and not existing.deleted and (existing.id, existing.content) == (submission.id, content):
        return Plan(registered)
    if existing is not None and existing.content != content and store.references_to(subject, version, Deleted.INCLUDE):
        raise errors.reference_exists(subject, version)
    return _plan_record(store, registered, [], rules)


def _require_storable(store: Store, subject: str, submission: Submission, content: Content, rules: Rules) -> None:
    """Refuse what no comparison with earlier versions, which may take long, would change."""
    if len(content.text) > rules.max_record_bytes:
        raise errors.schema_too_large()
    require_live_references(store, subject, submission)
    if rules.strictness is Strictness.STRICT:
        _refuse_references_to_strong_subjects(store, subject, submission)


def _refuse_references_to_strong_subjects(store: Store, subject: str, submission: Submission) -> None:
    """Raise 42206 for a reference to a subject that belongs to one resource alone, and may be deleted with it."""
    for reference in submission.references:
        target = names.resolve_reference(reference.subject, subject)
        if target != subject and any(
            association.lifecycle is Lifecycle.STRONG for association in store.associations.of_subject(target)
        ):
            raise errors.strong_subject_referenced_error(target)


def require_live_references(store: RegistryView, subject: str, submission: Submission) -> None:
    """Raise 42201 for a new schema with a reference to a soft-deleted version or to an invalid name, even indirectly.

    Stored schemas keep such references, and imports restore schemas as they were in another registry.
    """
    for reference in submission.references:
        if not names.is_referable(reference.subject, subject):
            raise errors.missing_reference(submission.type, reference.subject, reference.version)
    parsing.require_live(store, submission.schema, subject)


async def find_newest(
    store: RegistryView, engines: EngineAccess, versions: Sequence[StoredVersion], content: Content, *, normalize: bool
) -> StoredVersion | None:
    """Return the newest of the versions (in ascending order) with this content, or else the newest equivalent one.

    A version is equivalent if it has another spelling of the schema, if it differs only in the version number of its
    metadata, or if its text with inlined references is the content: serializers send schemas without the number and
    without references. A version whose id means another schema is not returned.
    """
    newest = await _find_equal(store, engines, versions, content)
    if newest is None:
        stored = await spellings.respell(store, engines, versions, content, normalize=normalize)
        if stored is not content:
            newest = await _find_equal(store, engines, versions, stored)
    return newest


async def _find_equal(
    store: RegistryView, engines: EngineAccess, versions: Sequence[StoredVersion], content: Content
) -> StoredVersion | None:
    text = content.text  # compared here, because a subject may have thousands of versions
    for version in reversed(versions):
        stored = version.content
        if stored.text == text and stored == content and await spellings.is_meant_by_id(store, engines, version):
            return version
    for version in reversed(versions):
        stored = version.content
        if stored.text == text and contents.same_but_for_number(content, stored, version.version):
            return version
        has_more = stored.references and not content.references
        if has_more and await parsing.write_out_references(store, engines, version.content, version.subject) == content:
            return version
    return None


async def understand(
    store: RegistryView,
    engines: EngineAccess,
    subject: str,
    submission: Submission,
    strictness: Strictness,
    config: Config | None,
) -> tuple[ResolvedSchema, Content]:
    """Return the submission as engines need it, and its content as it is stored; raises 42201."""
    if not submission.text.strip():
        raise errors.empty_schema()
    if config is not None and config.validate_new_schemas is False:
        strictness = Strictness.STORED
    _check_references(submission, subject)
    schema = parsing.resolve_versions(store, submission.schema, subject)
    resolved = parsing.resolve(store, schema, subject, strictness)
    normalize = is_normalized(submission, config)
    references = schema.references
    if normalize:
        references = tuple(
            sorted(set(references), key=lambda reference: (reference.name, reference.subject, reference.version))
        )
    text = await engines.run(Canonicalise(resolved, normalize))
    return resolved, Content(submission.type, text, references, submission.metadata, submission.rule_set)


async def find_same_text(
    store: RegistryView,
    engines: EngineAccess,
    versions: Sequence[StoredVersion],
    submission: Submission,
    config: Config | None,
) -> StoredVersion | None:
    """Return the only version if its text is the one that was sent, to the letter; None does not say that it is not.

    Nothing is parsed for that. Of several versions another one may be the same schema in another spelling, and texts
    with references depend on what these are today.
    """
    if len(versions) != 1 or submission.references or is_normalized(submission, config):
        return None
    stored = versions[0].content
    if stored.text != submission.text:
        return None
    sent = Content(submission.type, submission.text, (), submission.metadata, submission.rule_set)
    return versions[0] if stored == sent and await spellings.is_meant_by_id(store, engines, versions[0]) else None


def is_normalized(submission: Submission, config: Config | None) -> bool:
    """Return whether the schema's normalized text counts, by the request or by the config."""
    return submission.normalize or bool(config and config.normalize)


def _check_references(submission: Submission, subject: str) -> None:
    """Refuse references to what the sender may not read as if it were not there: they would show it.

    Here, where they are resolved: the same reference means another subject in another context.
    """
    for reference in submission.references:
        if not submission.reader.may_read(names.resolve_reference(reference.subject, subject)):
            raise errors.missing_reference(submission.type, reference.subject, reference.version)


def complete(submission: Submission, latest: StoredVersion | None, config: Config | None) -> Submission:
    """Return the submission with defaults: the previous text, metadata and rules, and those of the config.

    The response shows all of that, so the previous text is for callers only who may read it.
    """
    has_only_attachments = not submission.text.strip() and bool(submission.metadata or submission.rule_set)
    if has_only_attachments and latest is not None and submission.reader.may_read(latest.subject):
        previous = latest.content
        submission = msgspec.structs.replace(
            submission,
            type=previous.type,
            text=previous.text,
            references=previous.references,
            reader=EVERYBODY,  # what is registered is understood with all that it refers to
        )
    if config is None and (latest is None or (latest.content.metadata is None and latest.content.rule_set is None)):
        return submission
    config = config or Config()
    metadata, rule_set = submission.metadata, submission.rule_set
    if latest is not None:
        metadata = latest.content.metadata if metadata is None else metadata
        rule_set = latest.content.rule_set if rule_set is None else rule_set
    return msgspec.structs.replace(
        submission,
        metadata=contents.merge(config.default_metadata, metadata, config.override_metadata),
        rule_set=contents.merge(config.default_rule_set, rule_set, config.override_rule_set),
    )


async def _change_tags(
    store: Store,
    engines: EngineAccess,
    subject: str,
    submission: Submission,
    latest: StoredVersion | None,
    rules: Rules,
) -> Submission:
    """Return the submission with its tag changes made in the text; raises 42201 for the path of no element."""
    resolved, _ = await understand(store, engines, subject, submission, rules.strictness, store.config(subject))
    changes = submission.tag_changes
    if submission.propagate_tags and latest is not None and latest.content.type is resolved.type:
        before = await engines.run(ListTags(parsing.resolve_stored_schema(store, latest.content, subject)))
        present = {entity for entity, _ in await engines.run(ListTags(resolved))}
        unchanged = [TagChange(entity, tuple(tags)) for entity, tags in before if tags and entity in present]
        changes = (*unchanged, *changes)
    text = await engines.run(ApplyTags(resolved, changes))
    version = -1 if submission.tag_changes and submission.version is None else submission.version
    return msgspec.structs.replace(submission, text=text, version=version)


def _number(content: Content, wanted: int, next_version: int, live: list[StoredVersion]) -> Content:
    """Return the content with its version number in the metadata, if the request or the previous metadata has one.

    `wanted` is 0 for no number, -1 for the next one; any other number but the next one is 42201, unless it is that of
    a live version with this schema.
    """
    carried = contents.metadata_property(content.metadata, contents.VERSION_PROPERTY)
    if not wanted and carried is None:
        return content
    for version in reversed(live):
        number = contents.metadata_property(version.content.metadata, contents.VERSION_PROPERTY)
        if number == str(version.version) and wanted in {-1, version.version} and version.content.same_schema(content):
            return version.content
    if wanted > 0 and wanted != next_version:
        raise errors.version_not_next()
    metadata = contents.with_property(content.metadata, contents.VERSION_PROPERTY, str(next_version))
    return Content(content.type, content.text, content.references, metadata, content.rule_set)


def _plan_record(store: Store, registered: Registered, versions: list[StoredVersion], rules: Rules) -> Plan[Registered]:
    subject, content = registered.subject, registered.content
    if registered.version > MAX_NUMBER:
        raise errors.no_version_left_error(subject, MAX_NUMBER)
    record = SchemaRecord(subject, registered.version, SchemaVersion(registered.id, content))
    key, value = records.encode(record)
    if len(key) + len(value or b"") > rules.max_record_bytes:
        raise errors.schema_too_large()
    written: list[Record] = []
    context = names.context_of(subject)
    if context not in store.contexts:
        written.append(ContextRecord(context))
    written.append(record)
    written += [
        SchemaRecord(subject, version.version, None)
        for version in versions
        if version.deleted
        and version.content == content
        and version.version != registered.version
        and not store.references_to(subject, version.version, Deleted.INCLUDE)
    ]
    return Plan(registered, planning.with_counters(store, written))
