"""The names of policies: that of a topic, or what a topic's name begins with, followed by `*`."""

import re

_NAME = re.compile(r"(?!\.{1,2}$)(?:[A-Za-z0-9._-]{1,249}|[A-Za-z0-9._-]{0,248}\*)")
"""Source of what a topic's name may hold: Apache Kafka, "Topic Naming"."""
EVERY_ENDING = "*"


def is_name(text: str) -> bool:
    """Return whether a policy may have this name."""
    return _NAME.fullmatch(text) is not None


def is_prefix(name: str) -> bool:
    """Return whether the policy of this name is for every topic whose name begins so."""
    return name.endswith(EVERY_ENDING)
