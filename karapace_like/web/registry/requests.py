"""Parse registry requests: path, query and body into the types of the registry room."""

import difflib
import functools
from collections.abc import Iterator, Mapping, Sequence, Sized
from typing import Any

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.registry import errors, lookups, names
from karapace_like.registry.content import RULE_LISTS, Json
from karapace_like.registry.encryption_rules import name_keks
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.lookups import ListPage
from karapace_like.registry.registration import Rules, Submission
from karapace_like.registry.registry import CacheValidity, Registry
from karapace_like.registry.store import Deleted, StoredVersion
from karapace_like.registry.tagging import Tagging
from karapace_like.registry.view import SubjectReader
from karapace_like.schema.model import LATEST, Reference, SchemaType, Subject, Version
from karapace_like.schema.tags import Entity, EntityKind, TagChange
from karapace_like.web.callers import access
from karapace_like.web.http import bodies, media_types
from karapace_like.web.http.app_keys import REGISTRY
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.errors import Handler
from karapace_like.web.registry.objects import OBJECTS
from karapace_like.web.server.caching import CACHING, BySegment

_MAX_VERSION = 2**31 - 1
_SUBJECT = web.RequestKey("subject", str)
_MISSPELT_FIELDS = web.RequestKey("misspelt_fields", Mapping[str, str])
_REQUEST_FIELDS = tuple(OBJECTS["RegisterSchemaRequest"]["properties"])
_KNOWN_FIELDS = frozenset((*_REQUEST_FIELDS, *OBJECTS["Schema"]["properties"]))
"""Clients send back what they have read, so the fields of a response are not misspelt."""
_MAX_MISSPELT = 40
"""Characters: comparing names takes the product of their lengths."""
_MAX_MISSPELT_FIELDS = 5


def registry(request: web.Request) -> Registry:
    """Return the registry of the application; 406 and 415 come first, before any work."""
    return request.app[REGISTRY]


def engines(request: web.Request) -> EngineAccess:
    """Return the schema engines of the application."""
    return registry(request).engines


def context(request: web.Request) -> str | None:
    """Return the context of the path's prefix, if it has one; 400 for an invalid one."""
    name = request.match_info.get("context")
    return None if name is None else names.parse_context(name)


def in_context(request: web.Request, subject: str) -> str:
    """Return the subject inside of the path's context, unless it is qualified itself."""
    return names.place_in_context(subject, request.match_info.get("context"))


def named_subject(request: web.Request) -> str:
    """Return the subject of the path as it is written."""
    return names.canonical(in_context(request, request.match_info["subject"]))


def subject(request: web.Request) -> str:
    """Return the subject of the path with aliases resolved, once for the whole request: the one that was permitted."""
    subject_of_request = request.get(_SUBJECT)
    if subject_of_request is None:
        path = request.match_info
        subject_of_request = request[_SUBJECT] = (
            registry(request).read().resolve_path(path["subject"], path.get("context"))
        )
    return subject_of_request


def scope(request: web.Request) -> str | None:
    """Return the scope of a config or mode: the path's subject or context; None for the default context."""
    if "subject" in request.match_info:
        return named_subject(request)
    prefix = context(request)
    return None if prefix is None else names.canonical(f":{prefix}:")


def version_number(text: str) -> int:
    """Parse a version of the path: 1 to 2^31-1; `latest`, in any case, and -1 are -1; anything else is 42202."""
    spelled = text.strip().lower()
    if spelled in {"latest", "-1"}:
        return -1
    digits = spelled.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and 1 <= int(digits) <= _MAX_VERSION):
        raise errors.invalid_version(text)
    return int(digits)


def version(request: web.Request) -> int:
    """Return the version of the path."""
    return version_number(request.match_info["version"])


def schema_id(request: web.Request) -> int:
    """Return the id of the path; 404 for text that is no 32-bit number."""
    number = int(request.match_info["id"])
    if not -(2**31) <= number <= _MAX_VERSION:
        raise ApiError(404, "HTTP 404 Not Found")
    return number


def flag(request: web.Request, name: str, *, default: bool = False) -> bool:
    """Return a boolean of the query: `true` in any case; anything else is false."""
    value = request.query.get(name)
    return default if value is None else value.lower() == "true"


def number(request: web.Request, name: str, default: int) -> int:
    """Return an integer of the query; 404 for any other text, as for an unknown route."""
    value = request.query.get(name)
    if value is None or value == "":
        return default
    try:
        return int(value)
    except ValueError as error:
        raise ApiError(404, "HTTP 404 Not Found") from error


def read_deleted_flag(request: web.Request) -> Deleted:
    """Return whether soft-deleted versions are considered, by `deleted` in the query."""
    return Deleted.INCLUDE if flag(request, "deleted") else Deleted.EXCLUDE


def read_deleted_filter(request: web.Request) -> Deleted:
    """Return the filter of the query's `deleted` and `deletedOnly`; the latter wins."""
    return Deleted.ONLY if flag(request, "deletedOnly") else read_deleted_flag(request)


def page(request: web.Request, *, at_most: int | None = None) -> ListPage:
    """Return the requested page of a listing; with `at_most`, a larger limit counts as none."""
    limit = number(request, "limit", -1)
    if at_most is not None and not 0 < limit <= at_most:
        limit = at_most
    return ListPage(max(number(request, "offset", 0), 0), limit)


def prefix(request: web.Request, *, default: str = names.EVERY_CONTEXT) -> str:
    """Return the subject prefix of a listing; `default` without `subjectPrefix`, below a context the whole context."""
    if context(request) is None:
        return request.query.get("subjectPrefix", default)
    return in_context(request, request.query.get("subjectPrefix", ""))


def wanted_subject(request: web.Request) -> str | None:
    """Return the `subject` of the query, inside of the path's context."""
    subject_name = request.query.get("subject")
    if subject_name is None and context(request) is None:
        return None
    return (
        registry(request).read().resolve_alias(in_context(request, subject_name))
        if subject_name
        else in_context(request, "")
    )


def wants_qualified_references(request: web.Request) -> bool:
    """Return whether references are shown with the contexts of their subjects."""
    return request.query.get("referenceFormat", "").lower() == "qualified"


async def find_tags(request: web.Request, stored: StoredVersion) -> Mapping[Entity, Sequence[str]] | None:
    """Return the tags of a schema that the query's `findTags` (any number of times) names; None without one."""
    wanted = request.query.getall("findTags", [])
    if not wanted:
        return None
    return await lookups.find_tagged_entities(registry(request).read(), engines(request), stored, wanted)


def cache_validity(
    request: web.Request, versions: Sized | None, submission: Submission | None = None, *, needs_term: bool = False
) -> CacheValidity | None:
    """Return the validity of a response chosen from these stored versions; None if it depends on others as well.

    Call it before anything is awaited, so that changes meanwhile count. See `CacheValidity` for `needs_term`. None also
    where the submission refers to the latest version of another subject.
    """
    return find_validity(registry(request), versions, submission, needs_term=needs_term)


def find_validity(
    registry: Registry, versions: Sized | None, submission: Submission | None = None, *, needs_term: bool = False
) -> CacheValidity | None:
    """Return what `cache_validity` does, without a request."""
    if versions is None or any(reference.version <= 0 for reference in (submission.references if submission else ())):
        return None
    return registry.cache_validity(versions, needs_term=needs_term)


def allow_caching(request: web.Request, validity: CacheValidity | BySegment | None) -> None:
    """Let the response be cached for equal requests, as long as its validity is current; not at all for None."""
    if validity is not None:
        request[CACHING] = validity


async def body(request: web.Request, name: str) -> JsonObject:
    """Return the body as a JSON object; 415 for another type, 422 without one; `name` is the API's name for it."""
    media_types.check(request.headers.get("Content-Type") or None, media_types.REGISTRY_ACCEPTED)
    json_object = await bodies.read_object(request, name)
    if json_object is None:
        raise ApiError(422, f"{name} must not be null")
    return json_object


async def submission(request: web.Request) -> Submission:
    """Return the schema in the body, with the query's `normalize`."""
    json_object = await body(request, "RegisterSchemaRequest")
    request[_MISSPELT_FIELDS] = _find_misspelt_fields(json_object)
    return parse_submission(
        json_object,
        access.caller(request),
        registry(request).rules,
        normalize=flag(request, "normalize"),
        explicit=flag(request, "explicit"),
    )


def parse_submission(
    json_object: JsonObject, reader: SubjectReader, settings: Rules, *, normalize: bool = False, explicit: bool = False
) -> Submission:
    """Return the schema in a RegisterSchemaRequest; the rest are fields of the Submission."""
    form, schema_id = schema_type(json_object.string("schemaType")), _drop_placeholder(json_object.integer("id"))
    rules: Json | None = rule_set(json_object.object("ruleSet", "RuleSet"))
    if schema_id is None and settings.names_keks:
        rules = name_keks(rules)
    return Submission(
        reader=reader,
        type=form,
        text=_parse_schema_text(json_object),
        references=references(json_object, form),
        metadata=metadata(json_object.object("metadata", "Metadata")),
        rule_set=rules,
        id=schema_id,
        version=json_object.integer("version"),
        normalize=normalize,
        explicit=explicit,
        tag_changes=tag_changes(json_object, "schemaTagsToAdd", "schemaTagsToRemove"),
        propagate_tags=bool(json_object.boolean("propagateSchemaTags")),
    )


def _parse_schema_text(json_object: JsonObject) -> str:
    value = json_object.raw("schema")
    if isinstance(value, dict | list):
        kind = "an object" if isinstance(value, dict) else "an array"
        raise ApiError(
            bodies.MALFORMED,
            f"schema is {kind}; expected a string that holds the text of the schema, with its quotes escaped, such as "
            r'"{\"type\":\"int\"}"',
        )
    return json_object.string("schema") or ""


def _find_misspelt_fields(json_object: JsonObject) -> Mapping[str, str]:
    """Return the fields of the request that are not known, with the absent field that was probably meant."""
    if _KNOWN_FIELDS.issuperset(json_object):
        return {}
    unknown = [field for field in json_object if field not in _KNOWN_FIELDS and len(field) <= _MAX_MISSPELT]
    absent = [field for field in _REQUEST_FIELDS if field not in json_object]
    similar = ((field, difflib.get_close_matches(field, absent, n=1)) for field in unknown[:_MAX_MISSPELT_FIELDS])
    return {field: names[0] for field, names in similar if names}


def mentions_misspelt_fields(handler: Handler) -> Handler:
    """Make a handler that names fields which are probably misspelt when the schema of its request is invalid.

    Unknown fields are ignored, as by Confluent Schema Registry: a schema may be invalid because its `references` were.
    """

    @functools.wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except errors.RegistryError as error:
            misspelt = request.get(_MISSPELT_FIELDS)
            if error.status != errors.UNPROCESSABLE or not misspelt:
                raise
            hints = (
                f"The field {field!r} is unknown and was ignored; did you mean {name!r}?"
                for field, name in misspelt.items()
            )
            raise errors.RegistryError(error.code, " ".join([f"{error.message.rstrip('.')}.", *hints])) from error

    return handle


async def tagging(request: web.Request) -> Tagging:
    """Return the changes in the body of a request to tag a version."""
    json_object = await body(request, "TagSchemaRequest")
    return Tagging(
        changes=tag_changes(json_object, "tagsToAdd", "tagsToRemove"),
        new_version=json_object.integer("newVersion"),
        metadata=metadata(json_object.object("metadata", "Metadata")),
        rule_set=rule_set(json_object.object("ruleSet", "RuleSet")),
        rules_to_merge=rule_set(json_object.object("rulesToMerge", "RuleSet")),
        rules_to_remove=tuple(json_object.strings("rulesToRemove") or ()),
    )


def tag_changes(json_object: JsonObject, added: str, removed: str) -> tuple[TagChange, ...]:
    """Return the changes of the two fields that add and remove tags."""
    return (
        *(TagChange(entity, added=tags) for entity, tags in _parse_schema_tags(json_object, added)),
        *(TagChange(entity, removed=tags) for entity, tags in _parse_schema_tags(json_object, removed)),
    )


def _parse_schema_tags(json_object: JsonObject, field: str) -> Iterator[tuple[Entity, tuple[str, ...]]]:
    for tagged in json_object.objects(field, "SchemaTags") or ():
        entity = tagged.object("schemaEntity", "SchemaEntity") or JsonObject({}, "SchemaEntity")
        kind = _parse_choice(entity, "entityType", tuple(EntityKind))
        if kind is not None:
            yield Entity(entity.string("entityPath") or "", EntityKind(kind)), tuple(tagged.strings("tags") or ())


def _drop_placeholder(number: int | None) -> int | None:
    """Return the id; None for -1 and 0, which clients send for none."""
    return None if number is None or number < 0 else number


def schema_type(spelled: str | None) -> SchemaType:
    """Return the schema type; AVRO if absent, 42201 for an unknown one."""
    if spelled is None:
        return SchemaType.AVRO
    try:
        return SchemaType(spelled)
    except ValueError as error:
        raise errors.invalid_schema_type(spelled) from error


def references(json_object: JsonObject, form: SchemaType) -> tuple[Reference, ...]:
    """Return the `references` of a schema; 42201 for one with a missing or invalid member."""
    listed = listed_references(json_object, "references")
    for place, reference in enumerate(listed):
        if isinstance(reference, str):
            raise errors.invalid_reference(form, place, reference)
    return tuple(reference for reference in listed if isinstance(reference, Reference))


def listed_references(json_object: JsonObject, field: str) -> list[Reference | str]:
    """Return the references of a field; for one with a missing or invalid member, the fault as text."""
    objects = iter(json_object.objects(field, "SchemaReference") or ())
    return [
        "is null; expected an object" if reference is None else _parse_reference(next(objects))
        for reference in json_object.raw(field) or ()
    ]


def _parse_reference(json_object: JsonObject) -> Reference | str:
    for member, kind in (("name", str), ("subject", str), ("version", int)):
        value = json_object.raw(member)
        if value is None:
            return f"has no {member}; expected name, subject and version"
        if type(value) is not kind:
            return f"has the {member} {bodies.show(value)}; expected {'text' if kind is str else 'a whole number'}"
    number = json_object.raw("version")
    if number != LATEST and not 1 <= number <= _MAX_VERSION:
        return f"has the version {bodies.show(number)}; expected 1 to {_MAX_VERSION}, or -1 for the latest"
    return Reference(json_object.raw("name"), Subject(json_object.raw("subject")), Version(number))


def metadata(json_object: JsonObject | None) -> dict[str, Any] | None:
    """Return metadata as it is stored: known parts only, sorted, without empty ones."""
    if json_object is None:
        return None
    tags = json_object.object("tags", "tags")
    properties = json_object.object("properties", "properties")
    parts = {
        "tags": {path: sorted(set(tags.strings(path) or ())) for path in sorted(tags)} if tags else None,
        "properties": {name: properties.string(name) for name in sorted(properties)} if properties else None,
        "sensitive": sorted(set(json_object.strings("sensitive") or ())),
    }
    return {name: part for name, part in parts.items() if part}


_RULE_CHOICES: Mapping[str, tuple[str, ...]] = {
    "kind": ("TRANSFORM", "CONDITION"),
    "mode": ("UPGRADE", "DOWNGRADE", "UPDOWN", "WRITE", "READ", "WRITEREAD"),
}
_RULE_DEFAULTS: Mapping[str, str] = {"kind": "TRANSFORM", "mode": "WRITEREAD"}
"""Confluent's registry stores them; some of its clients take a rule without them for one that never runs."""
_ENVIRONMENTS = ("NONE", "ALL", "SERVER", "GATEWAY", "CLIENT")


def rule_set(json_object: JsonObject | None) -> dict[str, Any] | None:
    """Return a rule set as it is stored: known parts only, without empty ones, rules with a kind and a mode."""
    if json_object is None:
        return None
    parts: dict[str, Any] = {
        name: [_parse_rule(rule) for rule in json_object.objects(name, "Rule") or ()] for name in RULE_LISTS
    }
    parts["enableAt"] = _parse_choice(json_object, "enableAt", _ENVIRONMENTS)
    return {name: part for name, part in parts.items() if part}


def _parse_rule(json_object: JsonObject) -> dict[str, Any]:
    params = json_object.object("params", "params")
    parts: dict[str, Any] = {
        "name": json_object.string("name"),
        "doc": json_object.string("doc"),
        **{
            name: _parse_choice(json_object, name, values) or _RULE_DEFAULTS[name]
            for name, values in _RULE_CHOICES.items()
        },
        "type": json_object.string("type"),
        "tags": sorted(set(json_object.strings("tags") or ())) or None,
        "params": {name: params.string(name) for name in sorted(params)} if params else None,
        "expr": json_object.string("expr"),
        "onSuccess": json_object.string("onSuccess"),
        "onFailure": json_object.string("onFailure"),
        "disabled": bool(json_object.boolean("disabled")),
    }
    return {name: part for name, part in parts.items() if part is not None}


def _parse_choice(json_object: JsonObject, name: str, values: tuple[str, ...]) -> str | None:
    value = json_object.string(name)
    if value is not None and value not in values:
        raise ApiError(bodies.MALFORMED, f"{name} must be one of {', '.join(values)} (was {bodies.show(value)})")
    return value
