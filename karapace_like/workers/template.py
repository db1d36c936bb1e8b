"""The process from which workers are forked: `python -m karapace_like.workers.template`; the supervisor starts it.

It imports what a worker needs and does nothing else, so workers share that memory, and start without the second that
the imports take. It inherits nothing of the supervisor but one socket, and no settings.
"""

import gc
import socket
import sys

from karapace_like.process.ending import run_as_process
from karapace_like.process.fork_server import ForkServer
from karapace_like.serve.process import find_loop_factory
from karapace_like.workers import worker


def main(requests: int) -> int:
    """Fork workers until the supervisor ends; return the exit code, in a worker that of the worker."""
    find_loop_factory()  # which imports the event loop
    gc.collect()
    gc.freeze()  # a collection would write to what is imported, and so copy it
    request = ForkServer(socket.socket(fileno=requests)).serve()
    return 0 if request is None else worker.main(*request.descriptors)


if __name__ == "__main__":
    run_as_process(lambda: sys.exit(main(int(sys.argv[1]))))
