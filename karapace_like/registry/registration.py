"""Planning a registration: (store, request) -> the version that exists already, or the records of a new one.

Source: Confluent API, POST /subjects/{subject}/versions, and the modes' rules about given ids and versions.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from karapace_like.registry import checks, errors, names, parsing, planning, records
from karapace_like.registry import content as contents
from karapace_like.registry.content import Content, Json
from karapace_like.registry.planning import Plan
from karapace_like.registry.records import ContextRecord, Record, SchemaRecord, SchemaVersion
from karapace_like.registry.settings import Config
from karapace_like.registry.store import Store, StoredVersion
from karapace_like.schema.formats import FORMATS
from karapace_like.schema.model import (
    LATEST,
    CompatibilityLevel,
    InvalidSchemaError,
    ParsedSchema,
    Reference,
    SchemaType,
    Strictness,
    UnparsedSchema,
)
from karapace_like.schema.tags import TagChange

MAX_ID = 2**31 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the operator decided about new schemas."""

    compatibility: CompatibilityLevel = CompatibilityLevel.BACKWARD
    strictness: Strictness = Strictness.STRICT
    max_record_bytes: int = 1_048_576
    """Key and value of one record in the topic."""
    mode_mutability: bool = True
    """Whether modes can be changed by requests."""
    explicit_only: str | None = None
    """Subjects, as a regular expression, whose new schemas are registered only by requests that say they mean it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """A schema as a request brings it: to be registered, looked up or checked."""

    type: SchemaType = SchemaType.AVRO
    text: str = ""
    references: tuple[Reference, ...] = ()
    metadata: Json | None = None
    rule_set: Json | None = None
    id: int | None = None
    """Only in import mode."""
    version: int | None = None
    """None: the next one. -1: the next one, and recorded in the metadata. Else it must be the next one."""
    tag_changes: tuple[TagChange, ...] = ()
    """Tags that are written into the text, or taken out of it."""
    propagate_tags: bool = False
    """Whether what is tagged in the previous version keeps its tags."""
    normalize: bool = False
    explicit: bool = False
    """Whether somebody means to register the schema, and it is not just a producer's."""

    @property
    def schema(self) -> UnparsedSchema:
        """The part that a parser needs."""
        return UnparsedSchema(self.type, self.text, self.references)


@dataclass(frozen=True, slots=True)
class Registered:
    """What a registration answers."""

    subject: str
    version: int
    id: int
    content: Content


def plan(store: Store, subject: str, submission: Submission, rules: Rules) -> Plan[Registered]:
    """The existing version with this content, in any mode, or the records that make it; raises RegistryError."""
    names.check(subject)
    subject = names.canonical(subject)
    known = _known(store, subject, submission, rules)
    if known is not None:
        return Plan(Registered(subject, known.version, known.id, known.content))
    mode = planning.effective_mode(store, subject)
    if mode.is_readonly:
        raise planning.refused(subject, "is in read-only mode")
    importing = submission.id is not None
    if importing and not mode.is_import:
        raise planning.refused(subject, "is not in import mode")
    if not importing and mode.is_import:
        raise planning.refused(subject, "is not in read-write mode")
    planned = _import(store, subject, submission, rules) if importing else _register(store, subject, submission, rules)
    guarded = rules.explicit_only is not None and not submission.explicit
    if guarded and planned.records and re.fullmatch(rules.explicit_only or "", subject):
        raise errors.explicit_only(subject)
    return planned


def _known(store: Store, subject: str, submission: Submission, rules: Rules) -> StoredVersion | None:
    """The live version that this is already, as sent; None where the config or the request adds something to it.

    A text that is stored is known again, also one that would not be accepted today.
    """
    config = store.config(subject)
    live = store.versions(subject)
    if not live or submission.version == LATEST or submission.tag_changes or submission.propagate_tags:
        return None
    if not submission.text.strip() or (config is not None and config.adds_to_schemas):
        return None
    strictness = rules.strictness if submission.id is None else Strictness.STORED
    try:
        _, content = understood(store, subject, submission, strictness, config)
    except errors.RegistryError:
        if strictness is Strictness.STORED:
            raise
        _, content = understood(store, subject, submission, Strictness.STORED, config)
    found = newest_with(store, live, content)
    if found is None or submission.id not in {None, found.id}:
        return None
    if not submission.version:
        return found
    same = store.version(subject, submission.version)
    if submission.id is None or same is None or same.id != found.id:
        return None
    return same if same.content == found.content else None


def _register(store: Store, subject: str, submission: Submission, rules: Rules) -> Plan[Registered]:
    config = store.config(subject)
    versions = store.versions(subject, deleted=True)
    live = [each for each in versions if not each.deleted]
    latest = live[-1] if live else None
    submission = completed(submission, latest, config)
    if submission.tag_changes or submission.propagate_tags:
        submission = _tagged(store, subject, submission, latest, rules)
    fault = contents.rule_set_fault(submission.rule_set)
    if fault is not None and (config is None or config.validate_rules is not False):
        raise errors.invalid_rule_set(fault)
    parsed, content = understood(store, subject, submission, rules.strictness, config)
    next_version = versions[-1].version + 1 if versions else 1
    existing = newest_with(store, live, content)
    if existing is None or submission.version:
        content = _numbered(content, submission.version or 0, next_version, live)
        existing = newest_with(store, live, content) or existing
    if existing is not None:
        return Plan(Registered(subject, existing.version, existing.id, existing.content))
    judgement = checks.check(store, parsed, content.metadata, live, config, rules.compatibility)
    if not judgement.is_compatible:
        raise errors.incompatible_schema(subject, "[" + ", ".join(judgement.messages) + "]")
    planned = partial(_new, subject=subject, version=next_version, content=content, versions=versions, rules=rules)
    if any(each.version == LATEST for each in submission.references):
        return planned(store)
    revision = store.revision

    def again(store: Store) -> Plan[Registered] | None:
        if store.revision != revision or len(store.kept(subject) or ()) != len(versions):
            return None
        return planned(store)

    return replace(planned(store), again=again)


def _new(
    store: Store, subject: str, version: int, content: Content, versions: list[StoredVersion], rules: Rules
) -> Plan[Registered]:
    """The version after those that there are, with the id that its content has, or the next one."""
    context = store.context(subject)
    schema_id = context.by_digest.get(content.digest) or context.max_id + 1
    if schema_id > MAX_ID:
        raise errors.no_id_left(names.qualified(names.context_of(subject), ""), MAX_ID)
    return _written(store, Registered(subject, version, schema_id, content), versions, rules)


def _import(store: Store, subject: str, submission: Submission, rules: Rules) -> Plan[Registered]:
    assert submission.id is not None
    _, content = understood(store, subject, submission, Strictness.STORED, store.config(subject))
    versions = store.versions(subject, deleted=True)
    context = store.context(subject)
    holders = context.ids.get(submission.id, [])
    if not 0 <= submission.id <= MAX_ID or (holders and holders[0].content != content):
        raise errors.overwrite_not_permitted(submission.id, names.qualified(names.context_of(subject), ""))
    version = submission.version if submission.version and submission.version > 0 else None
    if version is None:
        version = versions[-1].version + 1 if versions else 1
    registered = Registered(subject, version, submission.id, content)
    existing = store.version(subject, version)
    if existing is not None and existing.id == submission.id and existing.content == content:
        return Plan(registered)
    return _written(store, registered, [], rules)


def newest_with(store: Store, versions: Sequence[StoredVersion], content: Content) -> StoredVersion | None:
    """The newest of the versions (in ascending order) with this content, or else the newest that is meant by it.

    Clients leave out the number that a version has in its metadata, and send a schema with its references resolved, as
    a serializer's runtime knows it: then the version that has the number or the references is meant.
    """
    for each in reversed(versions):
        if each.content == content:
            return each
    for each in reversed(versions):
        if contents.same_but_for_number(content, each.content, each.version):
            return each
        has_more = each.content.references and not content.references
        if has_more and parsing.written_out(store, each.content, each.subject) == content:
            return each
    return None


def understood(
    store: Store, subject: str, submission: Submission, strictness: Strictness, config: Config | None
) -> tuple[ParsedSchema, Content]:
    """The submission parsed, and its content in the form that is stored; raises 42201."""
    if not submission.text.strip():
        raise errors.empty_schema()
    if config is not None and config.validate_new_schemas is False:
        strictness = Strictness.STORED
    schema = parsing.with_resolved_versions(store, submission.schema, subject)
    parsed = parsing.parse(store, schema, subject, strictness)
    normalize = submission.normalize or bool(config and config.normalize)
    references = schema.references
    if normalize:
        references = tuple(sorted(set(references), key=lambda each: (each.name, each.subject, each.version)))
    text = parsing.text_of(parsed, schema.text, normalize=normalize)
    return parsed, Content(submission.type, text, references, submission.metadata, submission.rule_set)


def completed(submission: Submission, latest: StoredVersion | None, config: Config | None) -> Submission:
    """The submission with what it left out: the previous text, metadata and rules, the config's defaults."""
    if not submission.text.strip() and latest is not None and (submission.metadata or submission.rule_set):
        previous = latest.content
        submission = replace(submission, type=previous.type, text=previous.text, references=previous.references)
    if latest is None and config is None:
        return submission
    config = config or Config()
    metadata, rule_set = submission.metadata, submission.rule_set
    if latest is not None:
        metadata = latest.content.metadata if metadata is None else metadata
        rule_set = latest.content.rule_set if rule_set is None else rule_set
    return replace(
        submission,
        metadata=contents.merged(config.default_metadata, metadata, config.override_metadata),
        rule_set=contents.merged(config.default_rule_set, rule_set, config.override_rule_set),
    )


def _tagged(
    store: Store, subject: str, submission: Submission, latest: StoredVersion | None, rules: Rules
) -> Submission:
    """The submission with its tags in the text; raises 42201 for a path that leads nowhere."""
    parsed, _ = understood(store, subject, submission, rules.strictness, store.config(subject))
    form = FORMATS[parsed.type]
    changes = submission.tag_changes
    if submission.propagate_tags and latest is not None and latest.content.type is parsed.type:
        before = form.entity_tags(parsing.stored(store, latest.content, subject))
        present = form.entity_tags(parsed)
        kept = [TagChange(entity, tuple(tags)) for entity, tags in before.items() if tags and entity in present]
        changes = (*kept, *changes)
    try:
        text = form.tagged(parsed, changes)
    except InvalidSchemaError as error:
        raise errors.unknown_entity(str(error)) from error
    version = -1 if submission.tag_changes and submission.version is None else submission.version
    return replace(submission, text=text, version=version)


def _numbered(content: Content, wanted: int, next_version: int, live: list[StoredVersion]) -> Content:
    """The content with its version number in the metadata, if the request or the metadata carried over has one.

    `wanted` is 0 for no number, -1 for the next one; any other number but the next one is 42201, unless it is that of
    a live version with this schema.
    """
    carried = contents.metadata_property(content.metadata, contents.VERSION_PROPERTY)
    if not wanted and carried is None:
        return content
    for each in reversed(live):
        number = contents.metadata_property(each.content.metadata, contents.VERSION_PROPERTY)
        if number == str(each.version) and wanted in {-1, each.version} and each.content.same_schema(content):
            return each.content
    if wanted > 0 and wanted != next_version:
        raise errors.version_not_next()
    metadata = contents.with_property(content.metadata, contents.VERSION_PROPERTY, str(next_version))
    return Content(content.type, content.text, content.references, metadata, content.rule_set)


def _written(store: Store, registered: Registered, versions: list[StoredVersion], rules: Rules) -> Plan[Registered]:
    subject, content = registered.subject, registered.content
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
        SchemaRecord(subject, each.version, None)
        for each in versions
        if each.deleted and each.content == content and each.version != registered.version
    ]
    return Plan(registered, tuple(written))
