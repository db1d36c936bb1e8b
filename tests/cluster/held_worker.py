"""A node of which one worker is stopped (SIGSTOP) before its first instruction, the first time that it is started.

`python -m tests.cluster.held_worker serve`: the whole service, but for that. `NUMBER` is the worker's.
"""

import asyncio
import itertools
from typing import Any

from karapace_like.cli import main

NUMBER = 1
_STOPPED = ("/bin/sh", "-c", 'kill -STOP $$; exec "$@"', "sh")

_start = asyncio.create_subprocess_exec
_started = itertools.count()


async def _start_held(*command: str, **options: Any) -> asyncio.subprocess.Process:
    held = _STOPPED if next(_started) == NUMBER else ()
    return await _start(*held, *command, **options)


if __name__ == "__main__":
    asyncio.create_subprocess_exec = _start_held  # type: ignore[assignment] # the workers are made so
    main()
