"""What workers would share if they were forked: memory of several processes that hold the same schemas.

    python -m benchmarks.shared_state [--schemas 50000] [--workers 4]

Three ways, each without Kafka: interpreters of their own; forks of a process that has imported everything, as workers
are; and forks of one that has replayed the topic, too. `gc.freeze` precedes each fork. A page that several
processes have counts once (PSS), right after the start and after each process has looked at every schema once.
"""

import argparse
import gc
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress

from benchmarks import replayed_state
from benchmarks.replay import memory
from karapace_like.registry.store import Store
from karapace_like.workers import worker

_BYTES = 1000
_OWN = "--own"


def main() -> None:
    """Print a line for each of the ways."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--schemas", type=int, default=50_000)
    arguments.add_argument("--workers", type=int, default=4)
    arguments.add_argument(_OWN, action="store_true", help="be one of the interpreters of their own")
    wanted = arguments.parse_args()
    if wanted.own:
        _work(lambda: _replay(wanted.schemas), sys.stdin.fileno(), sys.stdout.fileno())
        return
    assert worker.__doc__  # whose import is that of all that serves
    program = [sys.executable, "-m", "benchmarks.shared_state", _OWN, "--schemas", str(wanted.schemas)]
    _report("interpreters of their own", [_start(program) for _ in range(wanted.workers)])
    gc.freeze()
    _report("forked after the imports", [_fork(lambda: _replay(wanted.schemas)) for _ in range(wanted.workers)])
    store = _replay(wanted.schemas)
    gc.collect()
    gc.freeze()
    _report("forked after the replay", [_fork(lambda: store) for _ in range(wanted.workers)])


def _replay(schemas: int) -> Store:
    return replayed_state.replay(schemas, _BYTES)[0]


def _start(program: list[str]) -> tuple[int, int, int]:
    """Return the same as `_fork`."""
    orders, answers = os.pipe(), os.pipe()
    process = subprocess.Popen(program, stdin=orders[0], stdout=answers[1])
    return process.pid, orders[1], answers[0]


def _fork(make: Callable[[], Store]) -> tuple[int, int, int]:
    """Return (process id, descriptor to write to, descriptor to read from)."""
    orders, answers = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        with suppress(OSError):
            _work(make, orders[0], answers[1])
        os._exit(0)
    return pid, orders[1], answers[0]


def _work(make: Callable[[], Store], orders: int, answers: int) -> None:
    """Get the state, report it, and look at every schema when told to."""
    store = make()
    os.write(answers, b".")
    os.read(orders, 1)
    characters = sum(len(stored.content.text) for stored in store.all_versions())
    assert characters
    os.write(answers, b".")
    os.read(orders, 1)


def _report(name: str, workers: list[tuple[int, int, int]]) -> None:
    shown = []
    for _ in range(2):
        for _, _, answers in workers:
            os.read(answers, 1)
        shown.append(sum(memory(pid, "Pss:", "smaps_rollup") for pid, _, _ in workers))
        for _, orders, _ in workers:
            os.write(orders, b".")
    for pid, _, _ in workers:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    print(f"{name:28}{shown[0]:6.0f} MB PSS at the start  {shown[1]:6.0f} MB after reads of all schemas", flush=True)


if __name__ == "__main__":
    main()
