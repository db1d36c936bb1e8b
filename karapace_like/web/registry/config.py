"""/config and /mode: settings of everything, of a context, or of a subject (Confluent API, "Config", "Mode")."""

from functools import partial
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry import configuration, errors
from karapace_like.registry.settings import Mode
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy
from karapace_like.web.answers import registry_answer
from karapace_like.web.bodies import JsonObject
from karapace_like.web.json_schemas import ref
from karapace_like.web.registry import rendering, requests, visibility
from karapace_like.web.registry.needs import on_place
from karapace_like.web.registry.objects import FORCE_MODE, INHERITED, RECURSIVE
from karapace_like.web.routing import Call, Route


async def get_config(request: web.Request) -> web.Response:
    """GET /config and /config/{subject}: what is set."""
    registry = requests.registry(request)
    found = configuration.config(
        registry.read(), requests.place(request), inherited=requests.flag(request, "defaultToGlobal")
    )
    return registry_answer(request, rendering.config(found, registry.rules.compatibility))


async def set_config(request: web.Request) -> web.Response:
    """PUT /config and /config/{subject}: set the named fields."""
    changes = _changes(await requests.body(request, "ConfigUpdateRequest"))
    plan = partial(configuration.set_config, subject=requests.place(request), changes=changes)
    return registry_answer(request, rendering.config_update(await requests.registry(request).write(plan)))


async def delete_config(request: web.Request) -> web.Response:
    """DELETE /config and /config/{subject}: answers what it was."""
    registry = requests.registry(request)
    was = await registry.write(partial(configuration.delete_config, subject=requests.place(request)))
    return registry_answer(request, rendering.config(was, registry.rules.compatibility))


def _changes(body: JsonObject) -> dict[str, Any]:
    """The settings that the request names; what it does not name stays, null unsets."""
    readers = {
        "alias": ("alias", body.string),
        "aliasForDeks": ("alias_for_deks", body.string),
        "normalize": ("normalize", body.boolean),
        "validateFields": ("validate_fields", body.boolean),
        "validateNewSchemas": ("validate_new_schemas", body.boolean),
        "validateRules": ("validate_rules", body.boolean),
        "compatibility": ("compatibility_level", lambda name: _level(body.string(name))),
        "compatibilityPolicy": ("compatibility_policy", lambda name: _policy(body.string(name))),
        "compatibilityGroup": ("compatibility_group", body.string),
        "defaultMetadata": ("default_metadata", lambda name: requests.metadata(body.object(name, "Metadata"))),
        "overrideMetadata": ("override_metadata", lambda name: requests.metadata(body.object(name, "Metadata"))),
        "defaultRuleSet": ("default_rule_set", lambda name: requests.rule_set(body.object(name, "RuleSet"))),
        "overrideRuleSet": ("override_rule_set", lambda name: requests.rule_set(body.object(name, "RuleSet"))),
    }
    return {setting: read(name) for name, (setting, read) in readers.items() if name in body}


def _level(spelled: str | None) -> CompatibilityLevel | None:
    if spelled is None:
        return None
    try:
        return CompatibilityLevel(spelled.upper())
    except ValueError as error:
        raise errors.invalid_compatibility() from error


def _policy(spelled: str | None) -> CompatibilityPolicy | None:
    """An unknown policy unsets it, as the reference registry does."""
    return CompatibilityPolicy.__members__.get((spelled or "").upper())


async def get_mode(request: web.Request) -> web.Response:
    """GET /mode and /mode/{subject}: what is set."""
    found = configuration.mode(
        visibility.store(request),
        requests.place(request),
        inherited=requests.flag(request, "defaultToGlobal"),
    )
    return registry_answer(request, {"mode": found})


async def set_mode(request: web.Request) -> web.Response:
    """PUT /mode and /mode/{subject}: set it."""
    spelled = (await requests.body(request, "ModeUpdateRequest")).string("mode") or ""
    wanted = Mode.__members__.get(spelled.upper())
    if wanted is None:
        raise errors.invalid_mode()
    registry = requests.registry(request)
    plan = partial(
        configuration.set_mode,
        subject=requests.place(request),
        wanted=wanted,
        rules=registry.rules,
        force=requests.flag(request, "force"),
    )
    return registry_answer(request, {"mode": await registry.write(plan)})


async def delete_mode(request: web.Request) -> web.Response:
    """DELETE /mode and /mode/{subject}: answers what it was."""
    registry = requests.registry(request)
    plan = partial(
        configuration.delete_mode,
        subject=requests.place(request),
        rules=registry.rules,
        recursive=requests.flag(request, "recursive"),
    )
    return registry_answer(request, {"mode": await registry.write(plan)})


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
    Route(method, path + place, handler, call, on_place(Operation.DESCRIBE if method == "GET" else Operation.CONFIG))
    for method, path, handler, call in _CALLS
    for place in ("", "/{subject}")
)
