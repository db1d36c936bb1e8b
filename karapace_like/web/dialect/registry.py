"""Where Karapace's registry answers in another way than Confluent's."""

from collections.abc import Callable, Iterable
from typing import Any

from aiohttp import web
from multidict import CIMultiDict

from karapace_like.errors import ApiError
from karapace_like.registry import errors
from karapace_like.registry.store import Deleted
from karapace_like.schema import spelling
from karapace_like.schema.compatibility import is_transitive
from karapace_like.web.dialect import registry_bodies, registry_errors
from karapace_like.web.dialect.differences import Difference, Exchange, Proceed
from karapace_like.web.http import media_types
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests

_SUBJECT = "/subjects/{subject}"
_VERSION = "/subjects/{subject}/versions/{version}"
_COMPATIBLE = b'{"is_compatible":true,"messages":[]}'
_BY_ID = "GET /schemas/ids/{id:-?[[]0-9[]]+}"
"""A route's path as a pattern: brackets of the path stand in brackets."""
_CHECK = f"POST /compatibility{_VERSION}"


def _keep(*fields: str) -> Callable[[Exchange, Any], Any]:
    """Return the function that leaves only these fields of an answer, and of each object in a list."""

    def keep(_: Exchange, answer: Any) -> Any:
        if isinstance(answer, list):
            return [_only(item, fields) for item in answer]
        return _only(answer, fields)

    return keep


def _only(fields: dict[str, Any], wanted: Iterable[str]) -> dict[str, Any]:
    shown = {name: fields[name] for name in wanted if name in fields}
    if shown.get("schemaType") == "AVRO":
        del shown["schemaType"]
    return shown


def _sort_avro(_: Exchange, answer: dict[str, Any]) -> dict[str, Any]:
    """Spell an Avro schema as Karapace stores it, with the keys of each object in order."""
    if "schemaType" in answer or "schema" not in answer:
        return answer
    try:
        return answer | {"schema": spelling.sort_keys(answer["schema"])}
    except ValueError:
        return answer  # the name of a primitive type, or another form that the query asked for


def _list_item(_: Exchange, answer: list[dict[str, Any]]) -> list[dict[str, Any]]:
    wanted = ("subject", "schema", "version", "id", "schemaType", "references")
    return [{name: item.get(name) for name in wanted} for item in answer]


def _require_subject(exchange: Exchange) -> None:
    """Raise 40401 unless the subject has a version, soft-deleted ones included, or a config."""
    store, subject = requests.registry(exchange.request).read(), requests.subject(exchange.request)
    if not store.versions(subject, Deleted.INCLUDE) and requests.scope(exchange.request) not in store.configs:
        raise errors.subject_not_found_error(exchange.request.match_info["subject"])


async def _of_known_subject(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    _require_subject(exchange)
    return await proceed()


async def _check_compatibility(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    """Compare with every version, the oldest first, where the level is transitive; the path's version has to exist."""
    request = exchange.request
    registry, subject = requests.registry(request), requests.subject(request)
    store = registry.read()
    if store.version(subject, requests.version(request)) is None:
        raise errors.version_not_found_error(requests.version(request))
    config = store.config(subject)
    level = (config.compatibility_level if config is not None else None) or registry.rules.compatibility
    if not is_transitive(level):
        return await proceed()
    response = None
    for stored in store.versions(subject):
        request.match_info["version"] = str(stored.version)
        response = await proceed()
        if not (isinstance(response, web.Response) and response.body == _COMPATIBLE):
            return response
    return response or await proceed()


def _show_messages(_: Exchange, answer: dict[str, Any]) -> dict[str, Any]:
    if answer["is_compatible"]:
        return {"is_compatible": True}
    return {"is_compatible": False, "messages": registry_errors.list_incompatibilities(answer.get("messages", ()))}


async def _read_retired_id(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    """Answer with what the id meant, where its last version was deleted permanently."""
    try:
        return await proceed()
    except ApiError as error:
        if error.code != errors.schema_not_found_error().code:
            raise
        exchange.add_to_query(retired="true")
        return await proceed()


async def _list_versions_of_id(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    try:
        return await proceed()
    except ApiError as error:
        if error.code != errors.schema_not_found_error().code:
            raise
        return respond_as_registry(exchange.request, [])


async def _reset_config(exchange: Exchange, proceed: Proceed) -> web.StreamResponse:
    try:
        response = await proceed()
        if response.status < web.HTTPBadRequest.status_code:
            return _answer_level(exchange)
        return response if response.status != web.HTTPNotFound.status_code else _answer_level(exchange)
    except ApiError as error:
        if error.status != web.HTTPNotFound.status_code:
            raise
        return _answer_level(exchange)


def _answer_level(exchange: Exchange) -> web.Response:
    """Return the level that holds for the subject now."""
    registry = requests.registry(exchange.request)
    config = registry.read().config(None)
    level = (config.compatibility_level if config is not None else None) or registry.rules.compatibility
    return respond_as_registry(exchange.request, {"compatibility": level})


def _order_by_registration(exchange: Exchange, answer: list[str]) -> list[str]:
    """Sort subjects by the time of their first version."""
    store = requests.registry(exchange.request).read()

    def find_first_time(subject: str) -> int:
        return min((stored.timestamp for stored in store.versions(subject, Deleted.INCLUDE)), default=0)

    return sorted(answer, key=find_first_time)


async def _forbid_caching(_: Exchange, proceed: Proceed) -> web.StreamResponse:
    response = await proceed()
    response.headers["Cache-Control"] = "no-store, no-cache, must-revalidate"
    return response


def _accept_json(headers: CIMultiDict[str]) -> None:
    headers["Accept"] = media_types.JSON


def _accept_any_subtype(headers: CIMultiDict[str]) -> None:
    """Read `*` and `*/anything` as `*/*`."""
    accept = headers.get("Accept", "")
    if accept == "*" or accept.startswith("*/"):
        headers["Accept"] = "*/*"


_CALLS = ("* /subjects*", "* /schemas*", "* /config*", "* /mode*", "* /compatibility*")

REGISTRY_DIFFERENCES = (
    Difference(
        where="`Accept` of the registry",
        confluent="by RFC 9110",
        karapace="`*` and `*/anything` mean `*/*`",
        calls=_CALLS,
        headers=_accept_any_subtype,
    ),
    Difference(
        where="a schema's body with faults: no object, no `schema`, an unknown `schemaType`, `references` no list",
        confluent="400 or 42201, with a sentence",
        karapace="422, `message` lists the faults: `type`, `loc`, `msg`, `input`",
        calls=(f"POST {_SUBJECT}", f"POST {_SUBJECT}/versions", _CHECK),
        around=registry_bodies.check_body(registry_bodies.check_schema),
        error=registry_errors.list_faults,
    ),
    Difference(
        where="registration",
        confluent="`id`, `version`, `guid`, `schemaType`, `schema`, ...",
        karapace="`id`",
        calls=(f"POST {_SUBJECT}/versions",),
        answer=_keep("id"),
    ),
    Difference(
        where="look-up of a schema",
        confluent="`subject`, `version`, `id`, `guid`, `schemaType`, `schema`, `references`, ...",
        karapace="`subject`, `version`, `id`, `schema`, `schemaType` unless it is `AVRO`",
        calls=(f"POST {_SUBJECT}",),
        answer=_keep("subject", "version", "id", "schema", "schemaType"),
    ),
    Difference(
        where="look-up of an invalid schema",
        confluent="42201, `Invalid schema of type ...`",
        karapace="42201, `Error while looking up schema under subject ...`",
        calls=(f"POST {_SUBJECT}",),
        error=lambda exchange, refusal: registry_errors.word_failed_look_up(
            exchange, registry_errors.word_invalid_schema(exchange, refusal)
        ),
    ),
    Difference(
        where="one version",
        confluent="with `guid`, `ts`, `deleted`, metadata and rules",
        karapace="`subject`, `version`, `id`, `schema`, `references`, `schemaType` unless it is `AVRO`",
        calls=(f"GET {_VERSION}",),
        answer=_keep("subject", "version", "id", "schema", "references", "schemaType"),
    ),
    Difference(
        where="a schema by its id",
        confluent="with `guid`, `ts`, `deleted`, a subject and version, metadata and rules",
        karapace="`schema`, `references`, `schemaType` unless it is `AVRO`; `subjects` and `maxId` on request",
        calls=("GET /schemas/ids/{id*}",),
        answer=_keep("schema", "subjects", "schemaType", "references", "maxId"),
    ),
    Difference(
        where="an id whose last version was deleted permanently",
        confluent="404, 40403; here readable with `retired=true`",
        karapace="readable, as long as the node remembers it: of the last 10,000 such ids what this node has read "
        "since it was started",
        calls=(_BY_ID,),
        around=_read_retired_id,
    ),
    Difference(
        where="an Avro schema by version, id or look-up",
        confluent="with its keys as they were sent",
        karapace="with the keys of each object sorted",
        calls=(f"GET {_VERSION}", f"POST {_SUBJECT}", _BY_ID),
        answer=_sort_avro,
    ),
    Difference(
        where="`GET /schemas`",
        confluent="with `guid`, `ts`, `deleted`; no `references` where there are none",
        karapace="`subject`, `schema`, `version`, `id`, `schemaType`, `references` (`null` where there are none)",
        calls=("GET /schemas",),
        answer=_list_item,
    ),
    Difference(
        where="`GET /subjects`",
        confluent="sorted by name",
        karapace="in the order of registration",
        calls=("GET /subjects",),
        answer=_order_by_registration,
    ),
    Difference(
        where="versions of an id that nothing has",
        confluent="404, 40403",
        karapace="`[]`",
        calls=("GET /schemas/ids/{id*}/versions",),
        around=_list_versions_of_id,
    ),
    Difference(
        where="`GET /schemas/types`",
        confluent='`["JSON","PROTOBUF","AVRO"]`',
        karapace='`["JSON","AVRO","PROTOBUF"]`',
        calls=("GET /schemas/types",),
        answer=lambda _, answer: sorted(answer, key=("JSON", "AVRO", "PROTOBUF").index),
    ),
    Difference(
        where="compatibility with a version",
        confluent="`messages` with `verbose=true` only, with types and paths; a subject without versions is compatible",
        karapace="always with `messages` if not compatible, which name reader and writer; 40402 for a missing version, "
        "`latest` included; a transitive level compares with all versions",
        calls=(_CHECK,),
        query={"verbose": "true"},
        around=_check_compatibility,
        answer=_show_messages,
    ),
    Difference(
        where="a config with faults",
        confluent="unknown fields and missing ones are accepted",
        karapace="422 with the list of faults unless `compatibility` is there",
        calls=("PUT /config*",),
        around=registry_bodies.check_body(registry_bodies.check_level),
        error=registry_errors.list_faults,
    ),
    Difference(
        where="42203, an unknown level",
        confluent="the levels",
        karapace="the levels for `/config`, none for `/config/{subject}`",
        calls=("PUT /config*",),
        error=registry_errors.word_level,
    ),
    Difference(
        where="config and mode of a subject that is not there",
        confluent="40408, 40409",
        karapace="40401, also with `defaultToGlobal=true`",
        calls=("GET /config/{subject}", "GET /mode/{subject}"),
        around=_of_known_subject,
    ),
    Difference(
        where="answers about a config",
        confluent="every setting",
        karapace="`compatibilityLevel`, after a change `compatibility`",
        calls=("GET /config*", "PUT /config*"),
        answer=_keep("compatibilityLevel", "compatibility"),
    ),
    Difference(
        where="`DELETE /config/{subject}`",
        confluent="what was set; 40401 if nothing was",
        karapace="`compatibility`: the global level, in any case",
        calls=("DELETE /config/{subject}",),
        around=_reset_config,
    ),
    Difference(
        where="`GET /mode/{subject}`",
        confluent="40409 where none is set",
        karapace="the mode that holds",
        calls=("GET /mode/{subject}",),
        query={"defaultToGlobal": "true"},
    ),
    Difference(
        where="409, an incompatible schema",
        confluent="`error_code` 40901, with types and paths",
        karapace="`error_code` 409, `Incompatible schema, compatibility_mode=... Incompatibilities: ...`",
        calls=_CALLS,
        error=registry_errors.word_conflict,
    ),
    Difference(
        where="42201, an invalid schema",
        confluent="`Invalid schema of type AVRO, details: ...`",
        karapace="`Invalid AVRO schema. Error: ...`; of Avro which name or enum is invalid; of Protobuf which type is "
        "not defined, or what was sent",
        calls=_CALLS,
        error=registry_errors.word_invalid_schema,
    ),
    Difference(
        where="40402 and 40406",
        confluent="`Version -1 not found.` for `latest`; `deleted.Set permanent=true`",
        karapace="`Version latest not found.`; `deleted. Set permanent=true`",
        calls=_CALLS,
        error=registry_errors.word_version,
    ),
    Difference(
        where="40403 for an id",
        confluent="`Schema 7 not found`",
        karapace="`Schema not found`",
        calls=_CALLS,
        error=registry_errors.word_missing_schema,
    ),
    Difference(
        where="404, 405, 406, 413, 415",
        confluent="in this service with an explanation after `HTTP 404 Not Found`",
        karapace="without one",
        calls=("*",),
        error=registry_errors.shorten,
    ),
)
_KARAPACE_VERSION = "6.2.0"
OPERATIONS_DIFFERENCES = (
    Difference(
        where="`karapace_version` of `GET /_health`",
        confluent="here the version of this service",
        karapace=f"{_KARAPACE_VERSION}, the version whose answers these are",
        calls=("GET /_health",),
        answer=lambda _, answer: answer | {"karapace_version": _KARAPACE_VERSION},
    ),
    Difference(
        where="`Cache-Control` of `GET /master_available`",
        confluent="here `no-store`",
        karapace="`no-store, no-cache, must-revalidate`",
        calls=("GET /master_available",),
        around=_forbid_caching,
    ),
    Difference(
        where="`GET /`",
        confluent="here a browser is led to `/console`",
        karapace="`{}` whatever is accepted",
        calls=("GET /",),
        headers=_accept_json,
    ),
)
