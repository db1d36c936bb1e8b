"""Errors of backups; their messages are for the operator who runs the command."""

from collections.abc import Sequence


class ArchiveError(Exception):
    """A file cannot be read or written as a backup."""


class ForeignContentError(Exception):
    """The registry has versions that the backup lacks; nothing was changed."""

    def __init__(self, differing: Sequence[str]) -> None:
        super().__init__(f"the registry has {len(differing)} versions that are missing or different in the backup")
        self.differing = differing
        """One line for each version."""


class ChangingError(Exception):
    """The registry changed during every attempt to list it."""
