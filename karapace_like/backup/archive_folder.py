"""A folder of archives of one registry: one for each state that it had, named by the time, the oldest removed."""

import filecmp
import re
import time
from collections.abc import Sequence
from pathlib import Path

from karapace_like.backup import archive
from karapace_like.backup.errors import ArchiveError
from karapace_like.registry.store import Store

_NAME = re.compile(r"registry-\d{8}T\d{6}Z\.jsonl")


class ArchiveFolder:
    """The archives of a folder; other files there are left alone."""

    def __init__(self, folder: Path, keep: int) -> None:
        """`keep` is how many archives stay."""
        self.path = folder
        self._keep = keep

    def check_writable(self) -> None:
        """Raise ArchiveError if there is no such folder."""
        if not self.path.is_dir():
            raise ArchiveError(f"{self.path} is not a folder. Create it, or name another one.")

    def list_archives(self) -> Sequence[Path]:
        """Return the archives, the oldest first."""
        return sorted(path for path in self.path.iterdir() if _NAME.fullmatch(path.name))

    def add(self, store: Store, now: float) -> Path | None:
        """Write the state, and remove the oldest archives beyond the number; None where the newest has this state.

        `now` is in seconds since the epoch, and names the archive. Raises ArchiveError.
        """
        earlier = self.list_archives()
        path = self.path / time.strftime("registry-%Y%m%dT%H%M%SZ.jsonl", time.gmtime(now))
        if earlier and path < earlier[-1]:
            raise ArchiveError(
                f"{earlier[-1]} is of a later time than now: compare the clocks that have written there."
            )
        written = self.path / ".registry.jsonl"
        archive.write(written, store)
        if earlier and filecmp.cmp(earlier[-1], written, shallow=False):
            written.unlink()
            return None
        written.replace(path)
        for old in self.list_archives()[: -self._keep]:
            old.unlink()
        return path
