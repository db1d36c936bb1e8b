"""A node of which one worker is stopped (SIGSTOP) before it has its orders, the first time that it is started.

`python -m tests.cluster.held_worker serve`: the whole service, but for that. `NUMBER` is the worker's.
"""

import itertools
import signal
from collections.abc import Sequence

from karapace_like.cli import run
from karapace_like.workers.forking import ForkedProcess, WorkerTemplate

NUMBER = 1

_fork = WorkerTemplate.fork
_started = itertools.count()


async def _fork_held(template: WorkerTemplate, state_file: bytes, descriptors: Sequence[int]) -> ForkedProcess:
    process = await _fork(template, state_file, descriptors)
    if state_file and next(_started) == NUMBER:  # the reader comes before, and has no file to load
        process.send_signal(signal.SIGSTOP)
    return process


if __name__ == "__main__":
    WorkerTemplate.fork = _fork_held  # type: ignore[assignment, method-assign]
    run()
