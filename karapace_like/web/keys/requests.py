"""Parse requests of the DEK registry: path, query and body. No message quotes a property of a KMS."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from karapace_like.errors import ApiError
from karapace_like.keys import errors
from karapace_like.keys.dek_planning import DekSubmission
from karapace_like.keys.keys import DEFAULT_ALGORITHM, LATEST_VERSION, DekAlgorithm, DekId, Kek, KmsProperties
from karapace_like.keys.rules import MAX_VERSION
from karapace_like.registry import names
from karapace_like.registry import planning as registry_planning
from karapace_like.web.http import bodies
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.registry import requests as registry_requests

_SUBJECT = web.RequestKey("dek_subject", str)


def qualify(request: web.Request, subject: str) -> str:
    """Return the subject inside of the context that the path or the query names, unless it is qualified itself."""
    context = request.match_info.get("context") or request.query.get("context")
    return names.canonical(names.place_in_context(subject, context or None))


def named_subject(request: web.Request) -> str:
    """Return the subject of the path as it is written."""
    return qualify(request, request.match_info["subject"])


def subject(request: web.Request) -> str:
    """Return the subject of the path with aliases resolved, once for the whole request.

    A config's `aliasForDeks` takes the place of its `alias`.
    """
    if _SUBJECT not in request:
        store = registry_requests.registry(request).read()
        request[_SUBJECT] = store.resolve_alias_for_deks(named_subject(request))
    return request[_SUBJECT]


def algorithm(request: web.Request) -> DekAlgorithm:
    """Return the algorithm of the query; 404 for one that does not exist, as for an unknown route."""
    spelled = request.query.get("algorithm")
    if not spelled:
        return DEFAULT_ALGORITHM
    try:
        return DekAlgorithm(spelled)
    except ValueError as error:
        raise ApiError(404, "HTTP 404 Not Found") from error


def dek_id(request: web.Request, version: int) -> DekId:
    """Return the DEK that path and query name."""
    return DekId(request.match_info["kek"], subject(request), algorithm(request), version)


def version(request: web.Request) -> int:
    """Return the version of the path; -1 for the latest one; 42202 for anything that is no version."""
    spelled = request.match_info["version"]
    if spelled.strip().lower() in {"latest", "-1"}:
        return LATEST_VERSION
    is_number = spelled.isascii() and spelled.isdigit() and len(spelled) <= len(str(MAX_VERSION))
    if not (is_number and 1 <= int(spelled) <= MAX_VERSION):
        raise errors.invalid_version(spelled)
    return int(spelled)


async def new_kek(request: web.Request) -> Kek:
    """Return the KEK in the body."""
    body = await registry_requests.body(request, "CreateKekRequest")
    return Kek(
        name=body.string("name") or "",
        kms_type=body.string("kmsType") or "",
        kms_key_id=body.string("kmsKeyId") or "",
        kms_props=_parse_properties(body),
        doc=body.string("doc"),
        shared=bool(body.boolean("shared")),
        deleted=bool(body.boolean("deleted")),
    )


async def kek_changes(request: web.Request) -> Mapping[str, Any]:
    """Return the fields of a KEK that the body names; null clears the text and the properties."""
    body = await registry_requests.body(request, "UpdateKekRequest")
    changes: dict[str, Any] = {}
    if "kmsProps" in body:
        changes["kms_props"] = _parse_properties(body)
    if "doc" in body:
        changes["doc"] = body.string("doc")
    if "shared" in body:
        shared = body.boolean("shared")
        if shared is None:
            raise errors.invalid_key("shared", "expected true or false")
        changes["shared"] = shared
    return changes


async def dek_submission(request: web.Request) -> DekSubmission:
    """Return the DEK of the path and the body; the subject of the path overrides that of the body."""
    body = await registry_requests.body(request, "CreateDekRequest")
    named = subject(request) if "subject" in request.match_info else _read_subject(request, body)
    spelled, number = body.string("algorithm"), body.integer("version")
    if spelled is not None and spelled not in set(DekAlgorithm):
        raise ApiError(
            bodies.MALFORMED, f"algorithm must be one of {', '.join(DekAlgorithm)} (was {bodies.show(spelled)})"
        )
    chosen = DEFAULT_ALGORITHM if spelled is None else DekAlgorithm(spelled)
    store = registry_requests.registry(request).read()
    return DekSubmission(
        id=DekId(request.match_info["kek"], named, chosen, 1 if number is None else number),
        wrapped=body.string("encryptedKeyMaterial"),
        deleted=bool(body.boolean("deleted")),
        rewrap=registry_requests.flag(request, "rewrap"),
        is_import=registry_planning.effective_mode(store, named).is_import,
    )


def _read_subject(request: web.Request, body: JsonObject) -> str:
    named = body.string("subject")
    if not named:
        raise errors.invalid_key("subject", "it is missing")
    return qualify(request, named)


def _parse_properties(body: JsonObject) -> KmsProperties:
    value = body.raw("kmsProps")
    if value is not None and not (
        isinstance(value, dict) and all(text is None or isinstance(text, str) for text in value.values())
    ):
        raise ApiError(bodies.MALFORMED, "kmsProps must be an object of strings")
    return KmsProperties({name: text for name, text in (value or {}).items() if text is not None})
