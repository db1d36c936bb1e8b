"""/config and /mode: settings of everything, of a context, or of a subject (Confluent API, "Config", "Mode")."""

from functools import partial
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import configuration, errors
from karapace_like.registry.settings import Config, Mode
from karapace_like.replication.planning import without_engines
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.http.json_schemas import ref
from karapace_like.web.http.responses import respond_as_registry
from karapace_like.web.registry import rendering, requests, writing
from karapace_like.web.registry.objects import FORCE_MODE, INHERITED, RECURSIVE
from karapace_like.web.registry.permissions import on_scope
from karapace_like.web.routing import Call, Route


async def get_config(request: web.Request) -> web.Response:
    """GET /config and /config/{subject}: Return the config."""
    registry = requests.registry(request)
    config = configuration.config(
        registry.read(), requests.scope(request), inherited=requests.flag(request, "defaultToGlobal")
    )
    return respond_as_registry(request, rendering.config(config, registry.rules.compatibility))


async def set_config(request: web.Request) -> web.Response:
    """PUT /config and /config/{subject}: Set the fields of the config that the body names."""
    changes = _parse_changes(await requests.body(request, "ConfigUpdateRequest"))
    plan = partial(configuration.set_config, subject=requests.scope(request), changes=changes)
    return await writing.respond(request, without_engines(plan), writing.as_json(request, rendering.config_update))


async def delete_config(request: web.Request) -> web.Response:
    """DELETE /config and /config/{subject}: Delete the config and return what it was."""
    level = requests.registry(request).rules.compatibility
    plan = partial(configuration.delete_config, subject=requests.scope(request))

    def convert(was: Config) -> dict[str, Any]:
        return rendering.config(was, level)

    return await writing.respond(request, without_engines(plan), writing.as_json(request, convert))


def _parse_changes(body: JsonObject) -> dict[str, Any]:
    """Return the settings that the request names; null unsets one, and all others stay."""
    readers = {
        "alias": ("alias", body.string),
        "aliasForDeks": ("alias_for_deks", body.string),
        "normalize": ("normalize", body.boolean),
        "validateFields": ("validate_fields", body.boolean),
        "validateNewSchemas": ("validate_new_schemas", body.boolean),
        "validateRules": ("validate_rules", body.boolean),
        "compatibility": ("compatibility_level", lambda name: _parse_level(body.string(name))),
        "compatibilityPolicy": ("compatibility_policy", lambda name: _parse_policy(body.string(name))),
        "compatibilityGroup": ("compatibility_group", body.string),
        "defaultMetadata": ("default_metadata", lambda name: requests.metadata(body.object(name, "Metadata"))),
        "overrideMetadata": ("override_metadata", lambda name: requests.metadata(body.object(name, "Metadata"))),
        "defaultRuleSet": ("default_rule_set", lambda name: requests.rule_set(body.object(name, "RuleSet"))),
        "overrideRuleSet": ("override_rule_set", lambda name: requests.rule_set(body.object(name, "RuleSet"))),
    }
    return {setting: read(name) for name, (setting, read) in readers.items() if name in body}


def _parse_level(spelled: str | None) -> CompatibilityLevel | None:
    if spelled is None:
        return None
    try:
        return CompatibilityLevel(spelled.upper())
    except ValueError as error:
        raise errors.invalid_compatibility(spelled) from error


def _parse_policy(spelled: str | None) -> CompatibilityPolicy | None:
    """Return the policy; an unknown one unsets it, as in Confluent's registry."""
    return CompatibilityPolicy.__members__.get((spelled or "").upper())


async def get_mode(request: web.Request) -> web.Response:
    """GET /mode and /mode/{subject}: Return the mode."""
    mode = configuration.mode(
        requests.registry(request).read(),
        requests.scope(request),
        inherited=requests.flag(request, "defaultToGlobal"),
    )
    return respond_as_registry(request, {"mode": mode})


async def set_mode(request: web.Request) -> web.Response:
    """PUT /mode and /mode/{subject}: Set the mode."""
    spelled = (await requests.body(request, "ModeUpdateRequest")).string("mode") or ""
    wanted = Mode.__members__.get(spelled.upper())
    if wanted is None:
        raise errors.invalid_mode(spelled)
    registry = requests.registry(request)
    plan = partial(
        configuration.set_mode,
        subject=requests.scope(request),
        wanted=wanted,
        rules=registry.rules,
        force=requests.flag(request, "force"),
    )
    return await writing.respond(request, without_engines(plan), writing.as_json(request, _render_mode))


async def delete_mode(request: web.Request) -> web.Response:
    """DELETE /mode and /mode/{subject}: Delete the mode and return what it was."""
    registry = requests.registry(request)
    plan = partial(
        configuration.delete_mode,
        subject=requests.scope(request),
        rules=registry.rules,
        recursive=requests.flag(request, "recursive"),
    )
    return await writing.respond(request, without_engines(plan), writing.as_json(request, _render_mode))


def _render_mode(mode: Mode) -> dict[str, Mode]:
    return {"mode": mode}


_CONFIG = ref("Config")
_MODE = ref("Mode")
_CALLS = (
    ("GET", "/config", get_config, Call((INHERITED,), None, _CONFIG)),
    ("PUT", "/config", set_config, Call((), ref("ConfigUpdateRequest"), ref("ConfigUpdateRequest"))),
    ("DELETE", "/config", delete_config, Call((), None, _CONFIG)),
    ("GET", "/mode", get_mode, Call((INHERITED,), None, _MODE)),
    ("PUT", "/mode", set_mode, Call((FORCE_MODE,), _MODE, _MODE)),
    ("DELETE", "/mode", delete_mode, Call((RECURSIVE,), None, _MODE)),
)

ROUTES = tuple(
    Route(
        method,
        path + place,
        handler,
        ApiRole.REGISTRY,
        call,
        on_scope(Operation.DESCRIBE if method == "GET" else Operation.CONFIG),
    )
    for method, path, handler, call in _CALLS
    for place in ("", "/{subject}")
)
