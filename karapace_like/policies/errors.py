"""The errors of topic policies, one constructor for each condition."""

from karapace_like.errors import ApiError


class PolicyError(ApiError):
    """A request about policies that is refused, or a record that a policy cannot judge now."""


class InvalidPolicyError(PolicyError):
    """422: a policy that cannot be used."""

    def __init__(self, sentence: str) -> None:
        super().__init__(422, sentence)


def invalid_name(name: str) -> PolicyError:
    return InvalidPolicyError(
        f"A policy is named like a topic, or like the beginning of topics' names followed by *, such as metrics.* (was "
        f"{name[:300]!r})."
    )


def not_found_error(name: str) -> PolicyError:
    return PolicyError(404, f"There is no policy with the name {name}. GET /policies lists all.")


def set_by_file(name: str) -> PolicyError:
    return PolicyError(
        409, f"The policy {name} is in the file of the setting topic_policies, and is changed there, not by requests."
    )


def too_many_policies(limit: int) -> PolicyError:
    return InvalidPolicyError(
        f"There are {limit} policies, which is the most. Use one with a prefix, such as metrics.*, for several topics."
    )


def moves_keys(name: str) -> PolicyError:
    return InvalidPolicyError(
        f"The policy {name} would change the bytes of plain keys, and with them the partitions of their records: "
        "records of one key would no longer be in one partition, nor compacted together. Send force=true if that is "
        "wanted."
    )


def stale(seconds: float, limit: float) -> PolicyError:
    return PolicyError(
        503,
        f"This node has not been able to read the policies topic to its end for {seconds:.1f} s, and accepts records "
        f"only while it is at most {limit:g} s behind. Nothing was written; it is safe to retry.",
        retry_after=1,
    )


def unavailable(reason: str) -> PolicyError:
    return PolicyError(
        503,
        f"The topic policies cannot be read, and no record is accepted without them: {reason} Nothing was written. "
        "Mend that, or start the service with topic_policies_enabled=false to do without these policies.",
        retry_after=1,
    )


def unreadable(name: str, reason: str) -> PolicyError:
    return PolicyError(
        503,
        f"The policy {name} cannot be used by this release, and no record of its topics is accepted without it: "
        f"{reason} Replace or delete the policy, or upgrade the service.",
    )


def no_topic() -> PolicyError:
    return PolicyError(
        409,
        "This service has no policies topic (topic_policies_enabled is false): its policies are those of the "
        "file of the setting topic_policies.",
    )


def not_served_error(primary: str) -> PolicyError:
    return PolicyError(
        503,
        f"The primary {primary} does not serve /policies at its advertised URL: it is a node of another product, of an "
        "earlier release, or its listener there does not serve management. Send the request to one of its listeners "
        "that does.",
        retry_after=1,
    )


def not_allowed_by_kafka(action: str) -> PolicyError:
    """`action` is what Kafka does not let the caller do, such as "write to topic orders"."""
    return PolicyError(403, f"HTTP 403 Forbidden: Kafka does not let the caller {action}.")


def prefix_needs_grant(name: str) -> PolicyError:
    return PolicyError(
        403,
        f"HTTP 403 Forbidden: the policy {name} is for topics that do not exist yet, for which Kafka knows no right of "
        "the caller (rest_authorization). Set it in the file of the setting topic_policies.",
    )
