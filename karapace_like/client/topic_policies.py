"""The topic policies of a service, read through its REST API."""

from collections.abc import Mapping
from typing import Any

from karapace_like.client.registry_client import RefusedError, RegistryClient, path
from karapace_like.policies.errors import InvalidPolicyError
from karapace_like.policies.parsing import parse_policy
from karapace_like.policies.policy import TopicPolicy

_NOT_SERVED = frozenset({404, 405})
_UNAVAILABLE = 503
FROM_FILE = "file"
"""The source of a policy that no request can change."""


async def fetch_policies(client: RegistryClient) -> Mapping[str, TopicPolicy] | None:
    """Return the policies that requests have set; None for a service that has no policies. Raises RefusedError."""
    try:
        listed = (await client.ask("GET", path("policies")))["data"]
    except RefusedError as error:
        if error.status in _NOT_SERVED:
            return None
        raise
    parsed = {entry["name"]: parse_entry(entry) for entry in listed if entry["source"] != FROM_FILE}
    return {name: policy for name, policy in sorted(parsed.items()) if policy is not None}


async def read_policies(client: RegistryClient) -> Mapping[str, TopicPolicy]:
    """Return the same; none of a service that has no policies, or cannot read them now."""
    try:
        return await fetch_policies(client) or {}
    except RefusedError as error:
        if error.status == _UNAVAILABLE:
            return {}
        raise


def parse_entry(entry: Mapping[str, Any]) -> TopicPolicy | None:
    """Return the policy that the API shows; None for one that this version cannot read."""
    fields = {name: entry[name] for name in TopicPolicy.__struct_fields__ if entry.get(name) is not None}
    try:
        return None if entry.get("problem") else parse_policy(fields)
    except InvalidPolicyError:
        return None
