"""Trying the rules of a version on a record: an addition to Confluent's API."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import ApiError
from karapace_like.proxy.rule_processes import RuleProcesses
from karapace_like.registry import errors, lookups, parsing
from karapace_like.registry.store import Deleted, StoredVersion
from karapace_like.registry.view import RegistryView
from karapace_like.rules.jobs import RuledSchema
from karapace_like.rules.model import RuleMode, RulePhase, read_rule_set
from karapace_like.rules.trial import Migration, Trial
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.json_schemas import ref
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import requests, visibility
from karapace_like.web.registry.permissions import on_subject
from karapace_like.web.routing import Call, Route

RULE_PROCESSES = web.AppKey("rule_processes", RuleProcesses)

_to_json = msgspec.json.Encoder().encode


class _Request(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    record: msgspec.Raw
    mode: str = RuleMode.WRITE
    writer_version: int | None = None


async def try_rules(request: web.Request) -> web.Response:
    """POST /subjects/{subject}/versions/{version}/rules:test: Try the rules on a record; nothing is written."""
    store, subject = visibility.store(request), requests.subject(request)
    body = await _parse_body(request)
    stored = lookups.version(store, subject, requests.version(request))
    schema = _ruled_schema(store, stored)
    trial = Trial(schema, RuleMode(body.mode), bytes(body.record))
    if body.writer_version is not None and body.writer_version != stored.version:
        writer = store.version(stored.subject, body.writer_version, Deleted.INCLUDE)
        if writer is None:
            raise errors.version_not_found_error(body.writer_version)
        trial = msgspec.structs.replace(
            trial, writer=_ruled_schema(store, writer), migrations=_list_migrations(store, writer, stored)
        )
    result = await request.app[RULE_PROCESSES].execute_trial(trial)
    tried = {"subject": stored.subject, "version": stored.version, "id": stored.id, "mode": body.mode}
    return respond_as_registry(request, tried | msgspec.to_builtins(result))


async def _parse_body(request: web.Request) -> _Request:
    text = await request.read()
    try:
        body = msgspec.json.decode(text, type=_Request)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ApiError(422, f'The body has to be {{"record": ..., "mode": "WRITE" or "READ"}}: {error}') from error
    if body.mode not in {RuleMode.WRITE.value, RuleMode.READ.value}:
        raise ApiError(422, f'mode: expected "WRITE" or "READ" (was "{body.mode[:40]}")')
    if body.writer_version is not None and body.mode != RuleMode.READ:
        raise ApiError(422, 'writerVersion is for mode "READ": a record is written with the version of the path')
    return body


def _ruled_schema(store: RegistryView, stored: StoredVersion) -> RuledSchema:
    content = stored.content
    dependencies = parsing.dependencies_of(store, content.schema, stored.subject)
    texts: tuple[bytes, bytes] = _to_json(content.rule_set), _to_json(content.metadata)
    return RuledSchema(content.type, content.text, tuple(dependencies.items()), *texts)


def _list_migrations(store: RegistryView, writer: StoredVersion, reader: StoredVersion) -> tuple[Migration, ...]:
    """Return the migrations between two versions: those of each newer version, also of deleted ones."""
    first, last = sorted((writer.version, reader.version))
    mode = RuleMode.UPGRADE if writer.version < reader.version else RuleMode.DOWNGRADE
    between = [
        version
        for version in store.versions(reader.subject, Deleted.INCLUDE)
        if first < version.version <= last and _has_migrations(version.content.rule_set, mode)
    ]
    ordered = between if mode is RuleMode.UPGRADE else reversed(between)
    return tuple(Migration(_ruled_schema(store, version), mode) for version in ordered)


def _has_migrations(rule_set: Any, mode: RuleMode) -> bool:
    return bool(read_rule_set(rule_set, None).select_rules(RulePhase.MIGRATION, mode))


ROUTES = (
    Route(
        "POST",
        "/subjects/{subject}/versions/{version}/rules:test",
        try_rules,
        ApiRole.REGISTRY,
        Call((), ref("TestRulesRequest"), ref("TestRulesResponse")),
        permission=on_subject(Operation.READ),
    ),
)
