"""Topic policies: list, describe, set and delete them.

Every node serves them, also one without the rest of the proxy: it may be the primary, which writes them.
"""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
from aiohttp import web

from karapace_like.access.policy import EVERY, Operation, ResourceKind
from karapace_like.ownership import Nodes
from karapace_like.policies import errors, names, topic_policies
from karapace_like.policies.parsing import parse_policy
from karapace_like.policies.policy import TopicPolicy
from karapace_like.policies.store import PolicyEntry, PolicyStore
from karapace_like.policies.topic_policies import FilePolicies, TopicPolicies
from karapace_like.proxy.contracts.administration import PolicyAdministration
from karapace_like.proxy.contracts.trial import PolicyTrial
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.proxy import Proxy
from karapace_like.replication.planning import Plan, without_engines
from karapace_like.replication.writes import Written
from karapace_like.web.callers.access import is_allowed, require
from karapace_like.web.callers.permissions import AUTHENTICATED, RequiredPermission
from karapace_like.web.cluster.forwarding import add_position
from karapace_like.web.cluster.sibling_workers import SiblingWorkers
from karapace_like.web.cluster.writing import write_or_forward
from karapace_like.web.http import bodies, paths
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.proxy.requests import PROXY, PROXY_OF_CALLER
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.proxy_v3.calls import DELETE_POLICY, GET_POLICY, LIST_POLICIES, PUT_POLICY
from karapace_like.web.proxy_v3.links import ResourceLink, render_entity, render_list
from karapace_like.web.proxy_v3.records import format_time
from karapace_like.web.proxy_v3.requests import answer, flag
from karapace_like.web.routing import Route

_KIND = "KafkaTopicPolicy"
_ALTER_CONFIGS = "ALTER_CONFIGS"
"""The operation, as the Kafka protocol names it."""
_NOT_SERVED = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED})


class PolicyServices(NamedTuple):
    """What the handlers call."""

    policies: TopicPolicies | FilePolicies
    administration: PolicyAdministration
    base_uri: str | None
    """The address of this service for clients, in links; None: that of the request."""
    trial: PolicyTrial
    violations: ViolationLog
    siblings: SiblingWorkers | None = None
    """The other workers of this node, which see violations, too."""
    nodes: Nodes | None = None
    """All nodes of the service."""
    here: str = ""
    """The name of this node among them."""


POLICIES = web.AppKey("policies", PolicyServices)


async def list_policies(request: web.Request) -> web.Response:
    """GET /policies: List the policies of topics and of prefixes of topics."""
    visible = [
        _render(request, entry)
        for entry in read_store(request)
        if is_allowed(request, Operation.DESCRIBE, ResourceKind.TOPIC, entry.name)
    ]
    return answer(request, render_list(request, f"{_KIND}List", _collection_url(request), visible))


async def get_policy(request: web.Request) -> web.Response:
    """GET /policies/{policy}: Describe a policy; with `effective=true`, the one in force for the topic of that name."""
    name, store = request.match_info["policy"], read_store(request)
    entry = store.find(name) if flag(request, "effective") else store.get(name)
    if entry is None:
        raise errors.not_found_error(name)
    return answer(request, _render(request, entry))


async def put_policy(request: web.Request) -> web.Response:
    """PUT /policies/{policy}: Set a policy; with `dryRun=true`, only check it."""
    name, services = request.match_info["policy"], request.config_dict[POLICIES]
    policy = parse_policy(await bodies.read_json(request))
    services.administration.check_name(name)
    if policy.dead_letter_topic is not None:
        require(request, Operation.WRITE, ResourceKind.TOPIC, [policy.dead_letter_topic])
    await check_kafka_rights(request, name, policy)
    proxy = find_proxy(request)
    topics = None if proxy is None else proxy.topics
    await services.administration.check(name, policy, find_subject_rights(request), topics)
    force = flag(request, "force")
    if flag(request, "dryRun"):
        topic_policies.put(read_store(request), name, policy, force=force)
        return answer(request, _render(request, PolicyEntry(name, policy, None)))

    def plan(store: PolicyStore) -> Plan[TopicPolicy]:
        return topic_policies.put(store, name, policy, force=force)

    written = await _write(request, plan)
    if isinstance(written, web.Response):
        return written
    stored = read_store(request).get(name) or PolicyEntry(name, policy)
    return _with_position(request, answer(request, _render(request, stored)))


async def delete_policy(request: web.Request) -> web.Response:
    """DELETE /policies/{policy}: Delete a policy."""
    name = request.match_info["policy"]
    await check_kafka_rights(request, name, None)
    force = flag(request, "force")

    def plan(store: PolicyStore) -> Plan[None]:
        return topic_policies.delete(store, name, force=force)

    written = await _write(request, plan)
    if isinstance(written, web.Response):
        return written
    return _with_position(request, web.Response(status=HTTPStatus.NO_CONTENT))


async def _write(request: web.Request, plan: Any) -> web.Response | None:
    """Write the change here or at the primary; return the primary's response, None where this process has written."""
    policies = _require_topic(request)
    policies.require_topic()  # waiting would not change it
    policies.read()
    written = await write_or_forward(request, policies, without_engines(plan), is_repeatable=request.method != "DELETE")
    if isinstance(written, Written):
        return None
    if written.status in _NOT_SERVED:
        raise errors.not_served_error(policies.board.current.primary or "")
    return _with_position(request, written.to_response())


def _with_position(request: web.Request, response: web.Response) -> web.Response:
    add_position(request, response, _require_topic(request))
    return response


def _require_topic(request: web.Request) -> TopicPolicies:
    policies = request.config_dict[POLICIES].policies
    if not isinstance(policies, TopicPolicies):
        raise errors.no_topic()
    return policies


def read_store(request: web.Request) -> PolicyStore:
    """Return the policies; raises ApiError 503 where they cannot be read."""
    policies = request.config_dict[POLICIES].policies
    return policies.read() if isinstance(policies, TopicPolicies) else policies.store


def find_proxy(request: web.Request) -> Proxy | None:
    """Return the proxy of the caller, or of the application; None where it is not served."""
    return request.get(PROXY_OF_CALLER) or request.config_dict.get(PROXY)


async def check_kafka_rights(request: web.Request, name: str, policy: TopicPolicy | None) -> None:
    """Raise PolicyError (403) unless Kafka lets a caller, whom it alone knows, configure and write these topics."""
    proxy = request.get(PROXY_OF_CALLER)
    if proxy is None:
        return
    if names.is_prefix(name):
        raise errors.prefix_needs_grant(name)
    if not await proxy.topics.may(_ALTER_CONFIGS, name):
        raise errors.not_allowed_by_kafka(f"alter the configs of topic {name}")
    topic = None if policy is None else policy.dead_letter_topic
    if topic is not None and not await proxy.topics.may_write(topic):
        raise errors.not_allowed_by_kafka(f"write to topic {topic}")


def _collection_url(request: web.Request) -> str:
    base = request.config_dict[POLICIES].base_uri or paths.origin(request)
    return f"{base.rstrip('/')}/policies"


def link_policy(request: web.Request, name: str) -> ResourceLink:
    """Return the link of the policy."""
    return ResourceLink(f"{_collection_url(request)}/{quote(name, safe='*')}", f"crn:///policy={name}")


def _render(request: web.Request, entry: PolicyEntry) -> dict[str, Any]:
    policy = entry.policy or TopicPolicy()
    return render_entity(
        _KIND,
        link_policy(request, entry.name),
        {
            "name": entry.name,
            "source": "file" if entry.is_from_file else "topic",
            "updated_at": None if entry.updated is None else format_time(entry.updated),
            "problem": entry.problem,
            "mode": policy.mode,
            "key": _render_part(policy.key),
            "value": _render_part(policy.value),
            "dead_letter_topic": policy.dead_letter_topic,
        },
    )


def _render_part(part: Any) -> dict[str, Any]:
    """Return every setting of the part, also those with their default."""
    return {
        field: {"subject": part.schema.subject, "version": part.schema.version, "metadata": part.schema.metadata}
        if field == "schema"
        else msgspec.to_builtins(getattr(part, field))
        for field in part.__struct_fields__
    }


def name_resources(request: web.Request) -> Iterable[tuple[str, ...]]:
    """Return the topic of the policy as a resource; for a prefix, all topics."""
    name = request.match_info["policy"]
    return ((ResourceKind.TOPIC.name_resource(EVERY if names.is_prefix(name) else name),),)


_SEE = RequiredPermission(
    (Operation.DESCRIBE,), lambda request: ((ResourceKind.TOPIC.name_resource(request.match_info["policy"]),),)
)
_CHANGE = RequiredPermission((Operation.CONFIG,), name_resources)
_POLICY = "/policies/{policy}"
ROUTES = (
    Route("GET", "/policies", list_policies, ApiRole.MANAGEMENT, LIST_POLICIES, permission=AUTHENTICATED),
    Route("GET", _POLICY, get_policy, ApiRole.MANAGEMENT, GET_POLICY, permission=_SEE),
    Route("PUT", _POLICY, put_policy, ApiRole.MANAGEMENT, PUT_POLICY, permission=_CHANGE),
    Route("DELETE", _POLICY, delete_policy, ApiRole.MANAGEMENT, DELETE_POLICY, permission=_CHANGE),
)
