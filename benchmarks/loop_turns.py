"""The turns of an event loop, by their CPU time: what a service makes others wait, without what the machine adds.

python -m benchmarks.loop_turns serve ... runs the service's command on asyncio's own event loop (uvloop cannot be
measured so). SIGUSR1 prints how long the turns took since the last one, and where the long ones were.
"""

import asyncio
import functools
import re
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from karapace_like.cli import main as run_command
from karapace_like.serve import process
from tests.service_process import ServiceProcess

PROGRAM = (sys.executable, "-m", "benchmarks.loop_turns")
"""For `ServiceProcess`."""
_LINE = "Turns of the event loop: "
_REPORT = re.compile(re.escape(_LINE) + r"(.*max ([0-9.]+))(.*)")
_POLL_SECONDS = 0.005
_SAMPLE_SECONDS = 0.002
SAMPLED_FROM = 0.02
"""CPU seconds of a turn that is too long."""
_FRAMES = 4
_PACKAGE = "karapace_like"
_SHOWN = 5


class Report(NamedTuple):
    """The turns since the last report."""

    text: str
    longest: float
    """In milliseconds of CPU."""
    places: str
    """Where turns of 20 ms and more were found."""

    def __str__(self) -> str:
        return "; ".join(filter(None, [self.text, self.places]))


def report(service: ServiceProcess) -> Report:
    """Return the report of a service that runs this program, and have it begin the next one."""
    count = len(reports := _list_reports(service))
    service.send(signal.SIGUSR1)
    while len(reports) == count:
        time.sleep(_POLL_SECONDS)
        reports = _list_reports(service)
    return reports[-1]


def _list_reports(service: ServiceProcess) -> list[Report]:
    matches = filter(None, map(_REPORT.search, list(service.lines)))
    return [Report(match[1], float(match[2]), match[3].removeprefix("; ")) for match in matches]


class Turns:
    """Measures each turn of a loop, in the CPU time of its thread, and samples where long ones are."""

    def __init__(self, loop: Any, *, sampled_from: float | None = None) -> None:
        """`sampled_from`: CPU seconds from which a turn is sampled, by a thread that runs as long as the process.

        Looking at another thread's frames has crashed an interpreter: only programs that measure do it.
        """
        self.seconds: list[float] = []
        """CPU seconds of the turns since the last report."""
        self.places: Counter[str] = Counter()
        """Functions in which long turns were found -> how often, every 2 ms."""
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._begun: float | None = None
        select = loop._selector.select  # noqa: SLF001 - the only place between two turns
        loop._selector.select = functools.partial(self._select, select)  # noqa: SLF001
        if sampled_from is not None:
            threading.Thread(target=self._sample, args=(sampled_from,), daemon=True).start()

    def report(self) -> Report:
        """Return what was measured, and forget it."""
        places = "; ".join(f"{count} x {place}" for place, count in self.places.most_common(_SHOWN))
        turns, self.seconds = sorted(self.seconds) or [0.0], []
        self.places.clear()
        shares = {"p50": 0.5, "p99": 0.99, "p99.9": 0.999, "max": 1.0}
        text = f"{len(turns):,}, ms of CPU: " + ", ".join(
            f"{name} {1e3 * turns[min(int(len(turns) * share), len(turns) - 1)]:.1f}" for name, share in shares.items()
        )
        return Report(text, 1e3 * turns[-1], places)

    def _select(self, select: Any, timeout: float | None = None) -> object:
        if self._begun is not None:
            self.seconds.append(time.thread_time() - self._begun)
        self._begun = None
        events = select(timeout)
        self._begun = time.thread_time()
        return events

    def _sample(self, sampled_from: float) -> None:
        while True:
            time.sleep(_SAMPLE_SECONDS)
            begun = self._begun
            if begun is not None and time.clock_gettime(self._clock) - begun > sampled_from:
                self.places[self._find_place()] += 1

    def _find_place(self) -> str:
        frames = traceback.extract_stack(sys._current_frames()[self._thread])  # noqa: SLF001 - as faulthandler does
        named = [f"{frame.name} ({frame.filename.rpartition('/')[2]}:{frame.lineno})" for frame in frames]
        own = [name for name, frame in zip(named, frames, strict=True) if _PACKAGE in frame.filename]
        return " < ".join(reversed((own or named)[-_FRAMES:]))


def main(arguments: Sequence[str]) -> None:
    """Run the command with measured turns."""

    def make_loop() -> asyncio.AbstractEventLoop:
        loop = asyncio.SelectorEventLoop()
        turns = Turns(loop, sampled_from=SAMPLED_FROM)

        def print_report(*_: object) -> None:
            print(f"{_LINE}{turns.report()}", file=sys.stderr, flush=True)

        signal.signal(signal.SIGUSR1, print_report)
        return loop

    process.find_loop_factory = lambda: make_loop
    run_command(arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
