"""What topic policies do: try one on records, and see what they have refused or would have refused."""

from typing import Any

import msgspec
from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.errors import NOT_JSON, ApiError
from karapace_like.policies import errors as policy_errors
from karapace_like.policies import names
from karapace_like.policies.parsing import parse_policy
from karapace_like.policies.policy import TopicPolicy
from karapace_like.proxy.contracts.trial import Judgement
from karapace_like.proxy.contracts.violation_log import Example, ViolationReport, merge_reports
from karapace_like.proxy.contracts.violations import RefusedRecordError
from karapace_like.proxy.v3 import errors
from karapace_like.proxy.v3.records import RecordRequest
from karapace_like.web.callers.access import is_from_worker
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.cluster.peers import is_from_node
from karapace_like.web.http import bodies
from karapace_like.web.http.api_roles import ApiRole
from karapace_like.web.http.errors import no_route_error
from karapace_like.web.http.request_bodies import read_body
from karapace_like.web.proxy.subject_rights import find_subject_rights
from karapace_like.web.proxy_v3.calls import GET_VIOLATIONS, TEST_POLICY
from karapace_like.web.proxy_v3.links import ResourceLink, render_entity
from karapace_like.web.proxy_v3.node_violations import NodeViolations, ask_other_nodes, merge_violations
from karapace_like.web.proxy_v3.policies import (
    POLICIES,
    check_kafka_rights,
    find_proxy,
    link_policy,
    name_resources,
    read_store,
)
from karapace_like.web.proxy_v3.record_requests import MalformedJsonError, parse
from karapace_like.web.proxy_v3.records import format_time, render_part
from karapace_like.web.proxy_v3.requests import answer
from karapace_like.web.routing import Route

WORKER_PATH = "/_worker/policies/{policy}/violations"
_MAX_RECORDS = 100
_EXAMPLE = '{"records": [{"value": {"type": "JSON", "data": 1}}]}'
_decode_report = msgspec.json.Decoder(ViolationReport).decode


class _TrialRequest(msgspec.Struct, forbid_unknown_fields=True):
    records: list[msgspec.Raw]
    policy: dict[str, Any] | None = None
    topic: str | None = None


_decode_trial = msgspec.json.Decoder(_TrialRequest).decode


async def get_violations(request: web.Request) -> web.Response:
    """GET /policies/{policy}/violations: Describe what the policy has refused on all nodes, or would have refused."""
    name, services = request.match_info["policy"], request.config_dict[POLICIES]
    path = WORKER_PATH.format(policy=name)
    others = {} if services.siblings is None else await services.siblings.ask_all(path)
    report = merge_reports([services.violations.report(name), *map(_decode_report, others.values())])
    # A node that another one asks answers for itself alone.
    answers = [] if is_from_node(request) else await ask_other_nodes(request, services)
    of_policy = link_policy(request, name)
    link = ResourceLink(of_policy.child_url("violations"), f"{of_policy.name}/violations")
    fields = {"name": name, **merge_violations(_render_report(report), answers)}
    return answer(request, render_entity("KafkaTopicPolicyViolations", link, fields))


def _render_report(report: ViolationReport) -> NodeViolations:
    return NodeViolations(
        [
            {"mode": count.mode, "part": count.role, "reason": count.reason, "count": count.count}
            for count in report.counts
        ],
        [_render_example(example) for example in report.examples],
    )


async def get_worker_violations(request: web.Request) -> web.Response:
    """Answer another worker with the violations that this worker has seen."""
    services = request.config_dict.get(POLICIES)
    if services is None or not is_from_worker(request):
        raise no_route_error(request)
    return web.Response(body=msgspec.json.encode(services.violations.report(request.match_info["policy"])))


async def try_policy(request: web.Request) -> web.Response:
    """POST /policies/{policy}:test: Judge records by a policy as if it were enforced; nothing is written."""
    name, services = request.match_info["policy"], request.config_dict[POLICIES]
    trial = _parse_trial(await read_body(request))
    topic = _choose_topic(name, trial.topic)
    policy = await _find_policy(request, name, trial.policy)
    records = [_parse_record(text) for text in trial.records]
    judgements = await services.trial.judge(topic, name, policy, records, find_subject_rights(request))
    fields = {"name": name, "topic": topic, "results": [_render_judgement(judgement) for judgement in judgements]}
    return answer(request, render_entity("KafkaTopicPolicyTest", link_policy(request, name), fields))


def _parse_trial(body: bytes) -> _TrialRequest:
    try:
        trial = _decode_trial(bodies.recode_as_utf8(body))
    except NOT_JSON as error:
        raise errors.malformed_request(f"The body is no test of a policy: {error}. Send {_EXAMPLE}.") from error
    if not 0 < len(trial.records) <= _MAX_RECORDS:
        raise errors.malformed_request(f"records has {len(trial.records)} records; expected 1 to {_MAX_RECORDS}.")
    return trial


def _parse_record(text: msgspec.Raw) -> RecordRequest | ApiError:
    try:
        return parse(bytes(text))
    except MalformedJsonError as error:
        return error


def _choose_topic(name: str, topic: str | None) -> str:
    """Return the topic that records are judged for; 400 for one that the policy is not for."""
    chosen = topic or name
    is_for_it = names.is_name(chosen) and not names.is_prefix(chosen)
    if names.is_prefix(name):
        is_for_it = is_for_it and chosen.startswith(name.removesuffix(names.EVERY_ENDING))
    elif chosen != name:
        is_for_it = False
    if not is_for_it:
        raise errors.malformed_request(f"topic must name a topic that the policy {name} is for.")
    return chosen


async def _find_policy(request: web.Request, name: str, sent: dict[str, Any] | None) -> TopicPolicy:
    """Return the policy of the body, checked as one that is set; without one, the policy of this name."""
    if sent is None:
        entry = read_store(request).get(name)
        if entry is None:
            raise policy_errors.not_found_error(name)
        return entry.read()
    policy = parse_policy(sent)
    await check_kafka_rights(request, name, policy)
    proxy = find_proxy(request)
    administration = request.config_dict[POLICIES].administration
    await administration.check(name, policy, find_subject_rights(request), None if proxy is None else proxy.topics)
    return policy


def _render_example(example: Example) -> dict[str, Any]:
    violation = example.violation
    return {
        "timestamp": format_time(example.timestamp),
        "mode": example.mode,
        "topic": violation.topic,
        "part": violation.role,
        "reason": violation.reason,
        "subject": violation.subject,
        "version": violation.version,
        "path": violation.path,
        "found_type": violation.found_type,
        "message": violation.explain(),
    }


def _render_judgement(judgement: Judgement) -> dict[str, Any]:
    error = judgement.error
    return {
        "is_accepted": error is None,
        "error_code": None if error is None else error.code,
        "message": None if error is None else error.message,
        "reason": judgement.reason,
        "dead_letter_topic": error.dead_letter_topic if isinstance(error, RefusedRecordError) else None,
        "key": render_part(judgement.key),
        "value": render_part(judgement.value),
    }


_SEE_VERDICTS = RequiredPermission((Operation.CONFIG,), name_resources)
_POLICY = "/policies/{policy}"
ROUTES = (
    Route(
        "GET",
        f"{_POLICY}/violations",
        get_violations,
        ApiRole.MANAGEMENT,
        GET_VIOLATIONS,
        permission=_SEE_VERDICTS,
    ),
    Route("POST", f"{_POLICY}:test", try_policy, ApiRole.MANAGEMENT, TEST_POLICY, permission=_SEE_VERDICTS),
)
