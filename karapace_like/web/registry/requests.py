"""Reading what registry requests say: path, query and body -> the registry room's types."""

from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.registry import errors, lookups, names
from karapace_like.registry.content import RULE_LISTS
from karapace_like.registry.lookups import Deleted, Page
from karapace_like.registry.registration import Submission
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import StoredVersion
from karapace_like.registry.tagging import Tagging
from karapace_like.schema.model import Reference, SchemaType, Subject, Version
from karapace_like.schema.tags import Entity, EntityKind, TagChange
from karapace_like.web import access, bodies, media_types
from karapace_like.web.bodies import JsonObject
from karapace_like.web.keys import REGISTRY
from karapace_like.web.shortcuts import SHORTCUT

_MAX_VERSION = 2**31 - 1
_MAX_ALIASES = 10


def registry(request: web.Request) -> Registry:
    """The registry of the application; 406 and 415 are decided first, before any work."""
    return request.app[REGISTRY]


def context(request: web.Request) -> str | None:
    """The context that the path's prefix names, if there is one; 400 for what is none."""
    name = request.match_info.get("context")
    return None if name is None else names.context_named(name)


def in_context(request: web.Request, subject: str) -> str:
    """The subject inside of the path's context, unless it is qualified itself."""
    prefix = context(request)
    if prefix is None or subject.startswith(":."):
        return subject
    return f":{prefix}:{subject}"


def named_subject(request: web.Request) -> str:
    """The subject of the path as it is written."""
    return names.canonical(in_context(request, request.match_info["subject"]))


def subject(request: web.Request) -> str:
    """The subject of the path, or the one that it is an alias of."""
    name = named_subject(request)
    configs = registry(request).read().configs
    for _ in range(_MAX_ALIASES):
        config = configs.get(name)
        if config is None or not config.alias:
            break
        name = names.canonical(in_context(request, config.alias))
    return name


def place(request: web.Request) -> str | None:
    """Where a config or mode is kept: the path's subject or context; None is the default context."""
    if "subject" in request.match_info:
        return named_subject(request)
    prefix = context(request)
    return None if prefix is None else names.canonical(f":{prefix}:")


def version_number(text: str) -> int:
    """A version of the path: 1 to 2^31-1; `latest`, in any case, and -1 are -1; anything else 42202."""
    spelled = text.strip().lower()
    if spelled in {"latest", "-1"}:
        return -1
    digits = spelled.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= _MAX_VERSION):
        raise errors.invalid_version(text)
    return int(digits)


def version(request: web.Request) -> int:
    """The version of the path."""
    return version_number(request.match_info["version"])


def schema_id(request: web.Request) -> int:
    """The id of the path; 404 for what is no 32-bit number."""
    number = int(request.match_info["id"])
    if not -(2**31) <= number <= _MAX_VERSION:
        raise ApiError(404, "HTTP 404 Not Found")
    return number


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    """A truth value of the query: `true` in any case; anything else is false."""
    value = request.query.get(name)
    return default if value is None else value.lower() == "true"


def number(request: web.Request, name: str, default: int) -> int:
    """A whole number of the query; 404 for what is none, as a parameter that no route takes."""
    value = request.query.get(name)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except ValueError as error:
        raise ApiError(404, "HTTP 404 Not Found") from error


def deleted(request: web.Request) -> Deleted:
    """Which versions a listing shows."""
    if flag(request, "deletedOnly"):
        return Deleted.ONLY
    return Deleted.ALSO if flag(request, "deleted") else Deleted.NO


def page(request: web.Request, *, at_most: int | None = None) -> Page:
    """The part of a listing that is asked for; where there is a bound, a limit above it counts as none."""
    limit = number(request, "limit", -1)
    if at_most is not None and not 0 < limit <= at_most:
        limit = at_most
    return Page(max(number(request, "offset", 0), 0), limit)


def prefix(request: web.Request) -> str:
    """Which subjects a listing shows; without `subjectPrefix` those of every context, or of the path's."""
    if context(request) is None:
        return request.query.get("subjectPrefix", names.EVERY_CONTEXT)
    return in_context(request, request.query.get("subjectPrefix", ""))


def wanted_subject(request: web.Request) -> str | None:
    """The `subject` of the query, inside of the path's context."""
    found = request.query.get("subject")
    if found is None and context(request) is None:
        return None
    return in_context(request, found or "")


def wants_qualified_references(request: web.Request) -> bool:
    """Whether references are shown with the contexts of their subjects."""
    return request.query.get("referenceFormat", "").lower() == "qualified"


def found_tags(request: web.Request, stored: StoredVersion) -> Mapping[Entity, Sequence[str]] | None:
    """The tags in a schema that the query's `findTags` (any number of times) asks for; None if it does not ask."""
    wanted = request.query.getall("findTags", [])
    return lookups.tagged_entities(registry(request).read(), stored, wanted) if wanted else None


def remember(
    request: web.Request, versions: Sized | None, submission: Submission | None = None, *, needs_term: bool = False
) -> None:
    """Let requests like this one be answered alike, as long as nothing changes but subjects other than these versions'.

    `versions` are those that the answer is chosen from, as the store keeps them; see `Registry.basis` for `needs_term`.
    Not where the submission asks for the latest version of something else.
    """
    if versions is not None and all(each.version > 0 for each in (submission.references if submission else ())):
        request[SHORTCUT] = registry(request).basis(versions, needs_term=needs_term)


async def body(request: web.Request, name: str) -> JsonObject:
    """The body as a JSON object; 415 for another type, 422 if there is none; `name` is the API's word for it."""
    declared = request.headers.get("Content-Type")
    if declared and media_types.essence(declared) not in media_types.REGISTRY_ACCEPTED:
        raise ApiError(415, "HTTP 415 Unsupported Media Type")
    found = await bodies.read_object(request, name)
    if found is None:
        raise ApiError(422, f"{name} must not be null")
    return found


async def submission(request: web.Request) -> Submission:
    """The schema in the body, with the query's `normalize`."""
    found = await body(request, "RegisterSchemaRequest")
    submitted = Submission(
        type=schema_type(found.string("schemaType")),
        text=found.string("schema") or "",
        references=tuple(map(reference, found.objects("references", "SchemaReference") or ())),
        metadata=metadata(found.object("metadata", "Metadata")),
        rule_set=rule_set(found.object("ruleSet", "RuleSet")),
        id=_given(found.integer("id")),
        version=found.integer("version"),
        normalize=flag(request, "normalize"),
        explicit=flag(request, "explicit"),
        tag_changes=tag_changes(found, "schemaTagsToAdd", "schemaTagsToRemove"),
        propagate_tags=bool(found.boolean("propagateSchemaTags")),
    )
    _check_references(request, submitted)
    return submitted


def _check_references(request: web.Request, submitted: Submission) -> None:
    """Refuse references to what the caller may not read as if it were not there: they would show it."""
    caller = access.caller(request)
    if caller is None or not submitted.references:
        return
    referrer = subject(request)
    for each in submitted.references:
        if not caller.may(Operation.READ, *access.spelled(names.resolve_reference(each.subject, referrer))):
            raise errors.missing_reference(submitted.type, each.subject, each.version)


async def tagging(request: web.Request) -> Tagging:
    """The changes in the body of a request to tag a version."""
    found = await body(request, "TagSchemaRequest")
    return Tagging(
        changes=tag_changes(found, "tagsToAdd", "tagsToRemove"),
        new_version=found.integer("newVersion"),
        metadata=metadata(found.object("metadata", "Metadata")),
        rule_set=rule_set(found.object("ruleSet", "RuleSet")),
        rules_to_merge=rule_set(found.object("rulesToMerge", "RuleSet")),
        rules_to_remove=tuple(found.strings("rulesToRemove") or ()),
    )


def tag_changes(found: JsonObject, added: str, removed: str) -> tuple[TagChange, ...]:
    """The two fields of a request that say which entity gets or loses which tags."""
    return (
        *(TagChange(entity, added=tags) for entity, tags in _schema_tags(found, added)),
        *(TagChange(entity, removed=tags) for entity, tags in _schema_tags(found, removed)),
    )


def _schema_tags(found: JsonObject, field: str) -> Iterator[tuple[Entity, tuple[str, ...]]]:
    for each in found.objects(field, "SchemaTags") or ():
        entity = each.object("schemaEntity", "SchemaEntity") or JsonObject({}, "SchemaEntity")
        kind = _one_of(entity, "entityType", "EntityType", tuple(EntityKind))
        if kind is not None:
            yield Entity(entity.string("entityPath") or "", EntityKind(kind)), tuple(each.strings("tags") or ())


def _given(number: int | None) -> int | None:
    """An id that was really given: clients send -1 or 0 for none."""
    return None if number is None or number < 0 else number


def schema_type(spelled: str | None) -> SchemaType:
    """The format; AVRO when not given, 42201 for an unknown one."""
    if spelled is None:
        return SchemaType.AVRO
    try:
        return SchemaType(spelled)
    except ValueError as error:
        raise errors.invalid_schema_type(spelled) from error


def reference(found: JsonObject) -> Reference:
    """One entry of `references`."""
    return Reference(
        found.string("name") or "",
        Subject(found.string("subject") or ""),
        Version(found.integer("version") or -1),
    )


def metadata(found: JsonObject | None) -> dict[str, Any] | None:
    """Metadata as it is stored: known parts only, sorted, empty ones left out."""
    if found is None:
        return None
    tags = found.object("tags", "java.util.TreeMap")
    properties = found.object("properties", "java.util.TreeMap")
    parts = {
        "tags": {path: sorted(set(tags.strings(path) or ())) for path in sorted(tags)} if tags else None,
        "properties": {name: properties.string(name) for name in sorted(properties)} if properties else None,
        "sensitive": sorted(set(found.strings("sensitive") or ())),
    }
    return {name: part for name, part in parts.items() if part}


_RULE_ENUMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "kind": ("RuleKind", ("TRANSFORM", "CONDITION")),
    "mode": ("RuleMode", ("UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD")),
}
_ENVIRONMENTS = ("NONE", "ALL", "SERVER", "GATEWAY", "CLIENT")


def rule_set(found: JsonObject | None) -> dict[str, Any] | None:
    """A rule set as it is stored: known parts only, empty ones left out."""
    if found is None:
        return None
    parts: dict[str, Any] = {name: [_rule(each) for each in found.objects(name, "Rule") or ()] for name in RULE_LISTS}
    parts["enableAt"] = _one_of(found, "enableAt", "ExecutionEnvironment", _ENVIRONMENTS)
    return {name: part for name, part in parts.items() if part}


def _rule(found: JsonObject) -> dict[str, Any]:
    params = found.object("params", "java.util.TreeMap")
    parts: dict[str, Any] = {
        "name": found.string("name"),
        "doc": found.string("doc"),
        **{name: _one_of(found, name, enum, values) for name, (enum, values) in _RULE_ENUMS.items()},
        "type": found.string("type"),
        "tags": sorted(set(found.strings("tags") or ())) or None,
        "params": {name: params.string(name) for name in sorted(params)} if params else None,
        "expr": found.string("expr"),
        "onSuccess": found.string("onSuccess"),
        "onFailure": found.string("onFailure"),
        "disabled": bool(found.boolean("disabled")),
    }
    return {name: part for name, part in parts.items() if part is not None}


def _one_of(found: JsonObject, name: str, enum: str, values: tuple[str, ...]) -> str | None:
    value = found.string(name)
    if value is not None and value not in values:
        raise ApiError(
            bodies.MALFORMED,
            f'Cannot deserialize value of type `{enum}` from String "{value}": '
            f"not one of the values accepted for Enum class: [{', '.join(values)}]",
        )
    return value
