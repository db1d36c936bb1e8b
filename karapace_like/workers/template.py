"""The process from which workers are forked: `python -m karapace_like.workers.template`; the supervisor starts it.

It imports what a worker needs, and loads the state that the first of them, the reader, has written: so workers share
that memory, and start without the time that it takes. It inherits nothing of the supervisor but one socket, and no
settings. It has no client of Kafka, whose threads a fork would not copy; each worker verifies the state for itself.
"""

import gc
import os
import socket
import sys
from pathlib import Path

from karapace_like.process.ending import run_as_process
from karapace_like.process.fork_server import ForkServer
from karapace_like.registry.snapshot_parts import STATE_FORM, LoadedState
from karapace_like.replication.snapshots import load_snapshot
from karapace_like.serve.process import find_loop_factory
from karapace_like.workers import worker


def main(requests: int) -> int:
    """Fork workers until the supervisor ends; return the exit code, in a worker that of the worker."""
    find_loop_factory()  # which imports the event loop
    gc.collect()
    gc.freeze()  # a collection would write to what is imported, and so copy it
    state = _State()
    request = ForkServer(socket.socket(fileno=requests)).serve(state.load)
    return 0 if request is None else worker.main(state.loaded, *request.descriptors)


class _State:
    """The state that workers share; None before there is a file of it."""

    def __init__(self) -> None:
        self.loaded: LoadedState | None = None
        self._path = b""

    def load(self, path: bytes) -> None:
        """Load the snapshot at the path, once. Workers without it read the topic."""
        if path != self._path:
            self._path = path
            self.loaded = load_snapshot(Path(os.fsdecode(path)), STATE_FORM)


if __name__ == "__main__":
    run_as_process(lambda: sys.exit(main(int(sys.argv[1]))))
