"""Configs of topics, of brokers, and of all brokers of the cluster: the same handlers, the path names the owner."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, OwnerKind
from karapace_like.proxy.v3 import errors
from karapace_like.web.callers.access import may_describe
from karapace_like.web.callers.permissions import AUTHENTICATED, RequiredPermission, on_every, on_topic
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.bodies import JsonObject
from karapace_like.web.proxy.internal import use_topics
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import (
    ALTER_CONFIGS,
    ALTER_TOPICS,
    NOTHING,
    SET_CONFIG,
    describe_list,
    describe_one,
)
from karapace_like.web.proxy_v3.links import (
    ResourceLink,
    link_to_broker,
    link_to_cluster,
    link_to_topic,
    render_entity,
    render_list,
)
from karapace_like.web.proxy_v3.requests import answer, body, broker, cluster, management, require_objects, require_text
from karapace_like.web.routing import Route


async def list_configs(request: web.Request) -> web.Response:
    """GET .../configs: List the configs of a topic, a broker or all brokers."""
    owner = _find_owner(request)
    entries = await management(request).configs.of(cluster(request), owner)
    return _list_configs(request, _name_kind(owner), _build_collection_url(request, owner), [(owner, entries)])


async def list_all_topic_configs(request: web.Request) -> web.Response:
    """GET .../topics/-/configs: List the configs of all topics."""
    visible = may_describe(request, ResourceKind.TOPIC)
    owned = await management(request).configs.of_topics(cluster(request), visible)
    return _list_configs(request, "KafkaTopicConfig", link_to_cluster(request).child_url("topics/-/configs"), owned)


async def list_all_broker_configs(request: web.Request) -> web.Response:
    """GET .../brokers/-/configs: List the configs of all brokers."""
    owned = await management(request).configs.of_brokers(cluster(request))
    return _list_configs(request, "KafkaBrokerConfig", link_to_cluster(request).child_url("brokers/-/configs"), owned)


async def get_config(request: web.Request) -> web.Response:
    """GET .../configs/{config}: Describe a config."""
    owner = _find_owner(request)
    entry = await management(request).configs.one(cluster(request), owner, request.match_info["config"])
    return answer(request, _render_config(request, owner, entry))


async def set_config(request: web.Request) -> web.Response:
    """PUT .../configs/{config}: Set a config."""
    json_object = await body(request, "UpdateConfigRequest", ("value",))
    await management(request).configs.put(
        cluster(request), _find_owner(request), request.match_info["config"], json_object.string("value")
    )
    return web.Response(status=204)


async def reset_config(request: web.Request) -> web.Response:
    """DELETE .../configs/{config}: Reset a config to its default."""
    await management(request).configs.reset(cluster(request), _find_owner(request), request.match_info["config"])
    return web.Response(status=204)


async def alter_configs(request: web.Request) -> web.Response:
    """POST .../configs:alter: Apply several changes of configs, all or none."""
    json_object = await body(request, "AlterConfigBatchRequest", ("data", "validate_only"))
    changes = _parse_changes(json_object, "data")
    validate_only = json_object.boolean("validate_only") or False
    await management(request).configs.alter(
        cluster(request), _find_owner(request), changes, validate_only=validate_only
    )
    return web.Response(status=204)


async def alter_topic_configs(request: web.Request) -> web.Response:
    """POST .../topics/-/configs:alter: Change the configs of several topics; 207 with the topics that failed."""
    name = "AlterMultipleTopicsConfigsBatchRequest"
    json_object = await body(request, name, ("data", "validate_only"))
    changes: dict[str, list[ConfigChange]] = {}
    for entry in require_objects(json_object, "data", "data"):
        check_fields(entry, ("topic_name", "configs"))
        changes.setdefault(require_text(entry, "topic_name"), []).extend(_parse_changes(entry, "configs"))
    use_topics(request, Operation.CONFIG, changes)
    errors_by_topic = await management(request).configs.alter_topics(
        cluster(request), changes, validate_only=json_object.boolean("validate_only") or False
    )
    if not errors_by_topic:
        return web.Response(status=204)
    failures = [
        {"topic_name": topic, "error_code": error.code, "message": error.message}
        for topic, error in errors_by_topic.items()
    ]
    return answer(request, {"failures": failures}, 207)


def _parse_changes(json_object: JsonObject, field: str) -> list[ConfigChange]:
    return [_parse_change(entry) for entry in require_objects(json_object, field, field)]


def _parse_change(json_object: JsonObject) -> ConfigChange:
    check_fields(json_object, ("name", "value", "operation"))
    name, operation = require_text(json_object, "name"), (json_object.string("operation") or "SET").upper()
    if operation == "DELETE":
        return ConfigChange(name, None)
    if operation != "SET":
        raise errors.unknown_choice("operation", operation, ("SET", "DELETE"))
    value = json_object.string("value")
    if value is None:
        raise errors.no_value(name)
    return ConfigChange(name, value)


def _find_owner(request: web.Request) -> ConfigOwner:
    """Return the topic or broker of the path; all brokers if it names none."""
    if "topic" in request.match_info:
        return ConfigOwner(OwnerKind.TOPIC, request.match_info["topic"])
    if "broker" in request.match_info:
        return ConfigOwner(OwnerKind.BROKER, str(broker(request)))
    return EVERY_BROKER


def _build_collection_url(request: web.Request, owner: ConfigOwner) -> str:
    if owner == EVERY_BROKER:
        return link_to_cluster(request).child_url("broker-configs")
    return _link_to_owner(request, owner).child_url("configs")


def _link_to_owner(request: web.Request, owner: ConfigOwner) -> ResourceLink:
    if owner.kind is OwnerKind.TOPIC:
        return link_to_topic(request, owner.name)
    return link_to_broker(request, int(owner.name))


def _list_configs(
    request: web.Request, kind: str, url: str, owned: Iterable[tuple[ConfigOwner, list[ConfigEntry]]]
) -> web.Response:
    rendered = [_render_config(request, owner, entry) for owner, entries in owned for entry in entries]
    return answer(request, render_list(request, f"{kind}List", url, rendered))


def _name_kind(owner: ConfigOwner) -> str:
    if owner == EVERY_BROKER:
        return "KafkaClusterConfig"
    return "KafkaTopicConfig" if owner.kind is OwnerKind.TOPIC else "KafkaBrokerConfig"


def _render_config(request: web.Request, owner: ConfigOwner, entry: ConfigEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "cluster_id": cluster(request),
        "name": entry.name,
        "value": entry.value,
        "is_read_only": entry.is_read_only,
        "is_sensitive": entry.is_sensitive,
        "source": entry.source,
        "synonyms": [
            {"name": synonym.name, "value": synonym.value, "source": synonym.source} for synonym in entry.synonyms
        ],
    }
    if owner == EVERY_BROKER:
        link = link_to_cluster(request).child("broker-configs", entry.name, "broker-config")
        fields["config_type"] = "BROKER"
    else:
        link = _link_to_owner(request, owner).child("configs", entry.name, "config")
        if owner.kind is OwnerKind.TOPIC:
            fields["topic_name"] = owner.name
        else:
            fields["broker_id"] = int(owner.name)
    return render_entity(_name_kind(owner), link, {**fields, "is_default": entry.is_default})


_CLUSTER = "/v3/clusters/{cluster}"
_on_cluster = partial(on_every, ResourceKind.CLUSTER)
_COLLECTIONS: tuple[tuple[str, str, Callable[[Operation], RequiredPermission]], ...] = (
    (f"{_CLUSTER}/topics/{{topic}}/configs", "KafkaTopicConfig", on_topic),
    (f"{_CLUSTER}/brokers/{{broker}}/configs", "KafkaBrokerConfig", _on_cluster),
    (f"{_CLUSTER}/broker-configs", "KafkaClusterConfig", _on_cluster),
)
ROUTES = (
    Route(
        "GET",
        f"{_CLUSTER}/topics/-/configs",
        list_all_topic_configs,
        ApiRole.MANAGEMENT,
        describe_list("KafkaTopicConfig"),
        permission=AUTHENTICATED,
    ),
    Route(
        "POST",
        f"{_CLUSTER}/topics/-/configs:alter",
        alter_topic_configs,
        ApiRole.MANAGEMENT,
        ALTER_TOPICS,
        permission=on_every(ResourceKind.TOPIC, Operation.CONFIG),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/-/configs",
        list_all_broker_configs,
        ApiRole.MANAGEMENT,
        describe_list("KafkaBrokerConfig"),
        permission=on_every(ResourceKind.CLUSTER, Operation.DESCRIBE),
    ),
    *(
        route
        for collection, kind, on_owner in _COLLECTIONS
        for seeing, changing in [(on_owner(Operation.DESCRIBE), on_owner(Operation.CONFIG))]
        for route in (
            Route("GET", collection, list_configs, ApiRole.MANAGEMENT, describe_list(kind), permission=seeing),
            Route("POST", f"{collection}:alter", alter_configs, ApiRole.MANAGEMENT, ALTER_CONFIGS, permission=changing),
            Route(
                "GET", f"{collection}/{{config}}", get_config, ApiRole.MANAGEMENT, describe_one(kind), permission=seeing
            ),
            Route("PUT", f"{collection}/{{config}}", set_config, ApiRole.MANAGEMENT, SET_CONFIG, permission=changing),
            Route("DELETE", f"{collection}/{{config}}", reset_config, ApiRole.MANAGEMENT, NOTHING, permission=changing),
        )
    ),
)
