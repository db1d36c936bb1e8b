"""The end of a process that may have used librdkafka.

A thread of librdkafka calls Python when an answer arrives. In an interpreter that is being unloaded such a call is a
segmentation fault, and a client whose call has not returned cannot be destroyed before. So the process ends just before
the interpreter is unloaded, which saves the last look through all objects as well.
"""

import atexit
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

_FAILED = 1


def run_as_process(run: Callable[[], object]) -> NoReturn:
    """Call the function, which is all that this process does, and end with its exit code: that of SystemExit, else 0.

    Before the end threads that are no daemons have ended, and exit functions that are registered from now on have run.
    """
    codes: list[int] = []
    atexit.register(_end, codes)  # exit functions run in reverse: this one is the last
    try:
        run()
        codes.append(0)
    except SystemExit as ended:
        codes.append(ended.code if isinstance(ended.code, int) else _FAILED if ended.code else 0)
        raise
    sys.exit(0)


def _end(codes: list[int]) -> None:
    """End the process if it has loaded librdkafka. `codes` is empty after an exception that Python has printed."""
    if "confluent_kafka" not in sys.modules:
        return
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(codes[0] if codes else _FAILED)
