"""Names of the service's own groups and transactional ids in Kafka; a setting names the election's group."""

import secrets


def name_reader_group(topic: str) -> str:
    """Return the group id of a schemas topic's readers, which assign partitions themselves and commit nothing."""
    return f"{topic}-reader"


def create_transactional_prefix(group: str) -> str:
    """Return what begins the transactional ids of one pool of producers, and of no other one."""
    return f"{group}-rest-{secrets.token_hex(6)}"


def name_transactional_id(group: str, topic: str) -> str:
    """Return the `transactional.id` with which the primary of the group writes the schemas topic."""
    return f"{group}-{topic}"
