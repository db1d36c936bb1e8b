"""Files that are replaced while the service runs: certificates, keys, users.

They are looked at once a second: that also sees what notifications miss, such as the swapped links of mounted volumes.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

logger = logging.getLogger(__name__)

T = TypeVar("T")

_LOOK_SECONDS = 1.0

_Seen = tuple[tuple[int, int, int] | None, ...]


async def watch(
    files: Iterable[Path], read: Callable[[], T], use: Callable[[T], object], refused: type[Exception]
) -> None:
    """When one of the files has changed, read them on a thread, and use what was read; until cancelled.

    Where reading raises `refused` or OSError, what was there before stays in use, and it is tried again: files that
    belong together are seldom replaced at the same time.
    """
    names = tuple(files)
    seen = await asyncio.to_thread(_seen, names)
    problem: str | None = None
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        found = await asyncio.to_thread(_seen, names)
        if found == seen:
            continue
        told = ", ".join(map(str, names))
        try:
            use(await asyncio.to_thread(read))
        except (refused, OSError) as error:
            if str(error) != problem:
                logger.error("%s: what was there before stays in use: %s", told, error)  # noqa: TRY400 - no trace
            problem = str(error)
        else:
            logger.info("Read again: %s", told)
            seen, problem = found, None


def _seen(names: Iterable[Path]) -> _Seen:
    return tuple(map(_state, names))


def _state(name: Path) -> tuple[int, int, int] | None:
    """What changes when a file is replaced or written; None where there is none."""
    with suppress(OSError):
        found = name.stat()
        return found.st_ino, found.st_size, found.st_mtime_ns
    return None
