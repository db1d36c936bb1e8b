"""The environment of child processes, which get settings as messages: environment variables may hold secrets."""

import os

ENVIRONMENT_PREFIX = "KARAPACE_"
"""Of the environment variables that are settings, in whatever case."""


def build_child_environment() -> dict[str, str]:
    """Return the environment of this process without settings."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith(ENVIRONMENT_PREFIX)}
