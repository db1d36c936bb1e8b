"""Reloads files that are replaced while the service runs: certificates, keys, users.

Files are checked once a second, which also finds changes that notifications miss, such as swapped links of mounted
volumes.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

_CHECK_SECONDS = 1.0

_FileStates = tuple[tuple[int, int, int] | None, ...]
"""(inode, bytes, time of modification in ns) of each file; None for a missing one."""


class FileWatcher:
    """Watches files and reloads them; `run` it in the background."""

    def __init__(
        self, files: Iterable[Path], read: Callable[[], T], use: Callable[[T], object], rejected: type[Exception]
    ) -> None:
        """After a change of one of the files `read` is called in a thread, and `use` on the event loop with its result.

        Where `read` raises `rejected` or OSError the previous content stays in use, and the next check tries again:
        files that belong together are seldom replaced at the same time.
        """
        self._files = tuple(files)
        self._read = read
        self._use: Callable[[Any], object] = use
        self._rejected = rejected
        self._in_use: _FileStates | None = None
        self._problem: str | None = None
        self.failures = 0
        """Attempts to load a change that have failed."""

    @property
    def is_failing(self) -> bool:
        """Whether the files hold a change that cannot be loaded, so that the previous content stays in use."""
        return self._problem is not None

    @property
    def name(self) -> str:
        """The paths of the files, for logs."""
        return ", ".join(map(str, self._files))

    async def run(self) -> None:
        """Check once a second, until cancelled. A change that cannot be loaded is tried again, also by a later call."""
        if self._in_use is None:
            self._in_use = await asyncio.to_thread(_stat_files, self._files)
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            states = await asyncio.to_thread(_stat_files, self._files)
            if states != self._in_use:
                await self._reload(states)
            else:
                self._problem = None  # the change was taken back

    async def _reload(self, states: _FileStates) -> None:
        try:
            self._use(await asyncio.to_thread(self._read))
        except (self._rejected, OSError) as error:
            if str(error) != self._problem:
                logger.error("Cannot reload %s, the previous content stays in use: %s", self.name, error)  # noqa: TRY400 - no trace
            self._problem = str(error)
            self.failures += 1
        else:
            logger.info("Reloaded %s", self.name)
            self._in_use, self._problem = states, None


def _stat_files(names: Iterable[Path]) -> _FileStates:
    return tuple(map(_stat_file, names))


def _stat_file(name: Path) -> tuple[int, int, int] | None:
    """Return what changes when a file is replaced or written; None for a missing file."""
    with suppress(OSError):
        status = name.stat()
        return status.st_ino, status.st_size, status.st_mtime_ns
    return None
