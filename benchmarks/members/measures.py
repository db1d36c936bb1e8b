"""CPU, threads and memory of the process that asks, so that each implementation is measured in a process of its own."""

import json
import os
from pathlib import Path
from typing import NamedTuple


class Usage(NamedTuple):
    """Of this process (proc(5))."""

    cpu_seconds: float
    """User and system time, all threads."""
    threads: int
    resident_kb: int


def read_usage() -> Usage:
    """Return the usage of this process so far."""
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    cpu = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return Usage(cpu, int(fields[17]), int(fields[21]) * os.sysconf("SC_PAGE_SIZE") // 1024)


class Idle(NamedTuple):
    """What one kind of members costs."""

    kb: float
    """Resident kB of each."""
    threads: float
    """Of each."""
    cpu: float
    """Share of a core, all of them idle."""
    joined_seconds: float
    """Until the last one of all had its assignment."""
    joining_cpu_ms: float
    """CPU time of each until then."""

    def print(self) -> None:
        """Print the figures for the parent process."""
        print(json.dumps(self._asdict()), flush=True)
