"""Configs of topics, of brokers, and of all brokers of the cluster: one set of handlers, told apart by the path."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from aiohttp import web

from karapace_like.access.policy import Kind, Operation
from karapace_like.administration import EVERY_BROKER, ConfigChange, ConfigEntry, ConfigOwner, OwnerKind
from karapace_like.proxy.v3 import errors
from karapace_like.web.access import may
from karapace_like.web.bodies import JsonObject
from karapace_like.web.needs import AUTHENTICATED, Need, on_every, on_topic
from karapace_like.web.proxy.requests import check_fields
from karapace_like.web.proxy_v3.calls import ALTER_CONFIGS, ALTER_TOPICS, NOTHING, SET_CONFIG, one, several
from karapace_like.web.proxy_v3.links import Place, broker_place, cluster_place, entity, listing, topic_place
from karapace_like.web.proxy_v3.requests import answer, body, broker, cluster, management, needed, needed_objects
from karapace_like.web.routing import Route


async def configs(request: web.Request) -> web.Response:
    """GET .../configs."""
    owner = _owner(request)
    found = await management(request).configs.of(cluster(request), owner)
    return _listed(request, _kind(owner), _collection(request, owner), [(owner, found)])


async def configs_of_all_topics(request: web.Request) -> web.Response:
    """GET .../topics/-/configs."""
    everything = await management(request).configs.of_all(cluster(request), OwnerKind.TOPIC)
    found = [each for each in everything if may(request, Operation.DESCRIBE, Kind.TOPIC, each[0].name)]
    return _listed(request, "KafkaTopicConfig", cluster_place(request).beside("topics/-/configs"), found)


async def configs_of_all_brokers(request: web.Request) -> web.Response:
    """GET .../brokers/-/configs."""
    found = await management(request).configs.of_all(cluster(request), OwnerKind.BROKER)
    return _listed(request, "KafkaBrokerConfig", cluster_place(request).beside("brokers/-/configs"), found)


async def one_config(request: web.Request) -> web.Response:
    """GET .../configs/{config}."""
    owner = _owner(request)
    found = await management(request).configs.one(cluster(request), owner, request.match_info["config"])
    return answer(request, _config(request, owner, found))


async def put(request: web.Request) -> web.Response:
    """PUT .../configs/{config}."""
    found = await body(request, "UpdateConfigRequest", ("value",))
    await management(request).configs.put(
        cluster(request), _owner(request), request.match_info["config"], found.string("value")
    )
    return web.Response(status=204)


async def reset(request: web.Request) -> web.Response:
    """DELETE .../configs/{config}."""
    await management(request).configs.reset(cluster(request), _owner(request), request.match_info["config"])
    return web.Response(status=204)


async def alter(request: web.Request) -> web.Response:
    """POST .../configs:alter: all of several changes, or none."""
    found = await body(request, "AlterConfigBatchRequest", ("data", "validate_only"))
    changes = _changes(found, "data")
    validate_only = found.boolean("validate_only") or False
    await management(request).configs.alter(cluster(request), _owner(request), changes, validate_only=validate_only)
    return web.Response(status=204)


async def alter_topics(request: web.Request) -> web.Response:
    """POST .../topics/-/configs:alter: several topics, each with changes of its own; 207 with those not changed."""
    name = "AlterMultipleTopicsConfigsBatchRequest"
    found = await body(request, name, ("data", "validate_only"))
    changes: dict[str, list[ConfigChange]] = {}
    for each in needed_objects(found, "data", f"{name}$TopicAlterEntry"):
        check_fields(each, ("topic_name", "configs"))
        changes.setdefault(needed(each, "topic_name"), []).extend(_changes(each, "configs"))
    refused = await management(request).configs.alter_topics(
        cluster(request), changes, validate_only=found.boolean("validate_only") or False
    )
    if not refused:
        return web.Response(status=204)
    failures = [
        {"topic_name": topic, "error_code": error.code, "message": error.message} for topic, error in refused.items()
    ]
    return answer(request, {"failures": failures}, 207)


def _changes(found: JsonObject, field: str) -> list[ConfigChange]:
    return [_change(each) for each in needed_objects(found, field, "AlterConfigBatchRequest$AlterEntry")]


def _change(found: JsonObject) -> ConfigChange:
    check_fields(found, ("name", "value", "operation"))
    name, operation = needed(found, "name"), (found.string("operation") or "SET").upper()
    if operation == "DELETE":
        return ConfigChange(name, None)
    if operation != "SET":
        raise errors.malformed(f"operation {operation!r} is not one of the values accepted: [SET, DELETE]")
    value = found.string("value")
    if value is None:
        raise errors.no_value(name)
    return ConfigChange(name, value)


def _owner(request: web.Request) -> ConfigOwner:
    """The topic or broker of the path; without one, all brokers."""
    if "topic" in request.match_info:
        return ConfigOwner(OwnerKind.TOPIC, request.match_info["topic"])
    if "broker" in request.match_info:
        return ConfigOwner(OwnerKind.BROKER, str(broker(request)))
    return EVERY_BROKER


def _collection(request: web.Request, owner: ConfigOwner) -> str:
    if owner == EVERY_BROKER:
        return cluster_place(request).beside("broker-configs")
    return _owner_place(request, owner).beside("configs")


def _owner_place(request: web.Request, owner: ConfigOwner) -> Place:
    if owner.kind is OwnerKind.TOPIC:
        return topic_place(request, owner.name)
    return broker_place(request, int(owner.name))


def _listed(
    request: web.Request, kind: str, url: str, found: Iterable[tuple[ConfigOwner, list[ConfigEntry]]]
) -> web.Response:
    rendered = [_config(request, owner, entry) for owner, entries in found for entry in entries]
    return answer(request, listing(request, f"{kind}List", url, rendered))


def _kind(owner: ConfigOwner) -> str:
    if owner == EVERY_BROKER:
        return "KafkaClusterConfig"
    return "KafkaTopicConfig" if owner.kind is OwnerKind.TOPIC else "KafkaBrokerConfig"


def _config(request: web.Request, owner: ConfigOwner, found: ConfigEntry) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "cluster_id": cluster(request),
        "name": found.name,
        "value": found.value,
        "is_read_only": found.is_read_only,
        "is_sensitive": found.is_sensitive,
        "source": found.source,
        "synonyms": [{"name": each.name, "value": each.value, "source": each.source} for each in found.synonyms],
    }
    if owner == EVERY_BROKER:
        place = cluster_place(request).into("broker-configs", found.name, "broker-config")
        fields["config_type"] = "BROKER"
    else:
        place = _owner_place(request, owner).into("configs", found.name, "config")
        if owner.kind is OwnerKind.TOPIC:
            fields["topic_name"] = owner.name
        else:
            fields["broker_id"] = int(owner.name)
    return entity(_kind(owner), place, {**fields, "is_default": found.is_default})


_CLUSTER = "/v3/clusters/{cluster}"
_on_cluster = partial(on_every, Kind.CLUSTER)
_COLLECTIONS: tuple[tuple[str, str, Callable[[Operation], Need]], ...] = (
    (f"{_CLUSTER}/topics/{{topic}}/configs", "KafkaTopicConfig", on_topic),
    (f"{_CLUSTER}/brokers/{{broker}}/configs", "KafkaBrokerConfig", _on_cluster),
    (f"{_CLUSTER}/broker-configs", "KafkaClusterConfig", _on_cluster),
)
ROUTES = (
    Route(
        "GET", f"{_CLUSTER}/topics/-/configs", configs_of_all_topics, several("KafkaTopicConfig"), needs=AUTHENTICATED
    ),
    Route(
        "POST",
        f"{_CLUSTER}/topics/-/configs:alter",
        alter_topics,
        ALTER_TOPICS,
        needs=on_every(Kind.TOPIC, Operation.CONFIG),
    ),
    Route(
        "GET",
        f"{_CLUSTER}/brokers/-/configs",
        configs_of_all_brokers,
        several("KafkaBrokerConfig"),
        needs=on_every(Kind.CLUSTER, Operation.DESCRIBE),
    ),
    *(
        route
        for collection, kind, on_owner in _COLLECTIONS
        for seeing, changing in [(on_owner(Operation.DESCRIBE), on_owner(Operation.CONFIG))]
        for route in (
            Route("GET", collection, configs, several(kind), needs=seeing),
            Route("POST", f"{collection}:alter", alter, ALTER_CONFIGS, needs=changing),
            Route("GET", f"{collection}/{{config}}", one_config, one(kind), needs=seeing),
            Route("PUT", f"{collection}/{{config}}", put, SET_CONFIG, needs=changing),
            Route("DELETE", f"{collection}/{{config}}", reset, NOTHING, needs=changing),
        )
    ),
)
