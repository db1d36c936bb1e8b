"""Topic policies of a project: the changes that bring those of a service to the settings file, through its REST API."""

from collections.abc import Callable, Mapping

import msgspec

from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.client.topic_policies import FROM_FILE, parse_entry
from karapace_like.policies.policy import TopicPolicy
from karapace_like.tooling.actions import DeletePolicy, PolicyFields, SetPolicy
from karapace_like.tooling.errors import ToolError

_NOT_SERVED = frozenset({404, 405})


async def plan_policies(
    client: RegistryClient, wanted: Mapping[str, TopicPolicy], is_deleted: Callable[[str], bool]
) -> list[SetPolicy | DeletePolicy]:
    """Return the changes. Without wanted policies, the service is not asked for its own, and none is deleted.

    `is_deleted` says of a policy's name whether one without an entry is to go.
    """
    if not wanted:
        return []
    try:
        listed = (await client.ask("GET", path("policies")))["data"]
    except RefusedError as error:
        if error.status not in _NOT_SERVED:
            raise
        raise ToolError(
            f"The service at {client.url} has no topic policies, which [policies] of the settings file is about. Name "
            "the URL of a karapace-like that does, or leave them out."
        ) from error
    existing = {entry["name"]: parse_entry(entry) for entry in listed}
    changes: list[SetPolicy | DeletePolicy] = []
    for name, policy in sorted(wanted.items()):
        before = existing.get(name)
        if before != policy:
            changes.append(SetPolicy(name, None if before is None else _render(before), _render(policy)))
    of_topic = [entry["name"] for entry in listed if entry["source"] != FROM_FILE]
    return changes + [DeletePolicy(name) for name in sorted(of_topic) if name not in wanted and is_deleted(name)]


def _render(policy: TopicPolicy) -> PolicyFields:
    fields: PolicyFields = msgspec.to_builtins(policy)
    return fields
