"""What can be wrong with a backup, in words for who runs the command."""

from collections.abc import Sequence


class ArchiveError(Exception):
    """A file cannot be read or written as a backup."""


class ForeignContentError(Exception):
    """The registry holds what the backup has not: nothing was changed."""

    def __init__(self, found: Sequence[str]) -> None:
        super().__init__(f"the registry holds {len(found)} versions that are not, or are others, in the backup")
        self.found = found
        """A sentence for each."""


class ChangingError(Exception):
    """The registry changed all the time while it was listed."""
