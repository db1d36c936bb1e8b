"""Where the serving process spends its time on one path: the functions that took most, by cProfile.

    python -m benchmarks.profile "produce 1 json"    (make profile CALL="produce 1 json"; without a name: what there is)

A profiler makes every call dearer: the order is what counts, not the sums. Native threads (Kafka's client) are shown
by their share of the process's CPU instead.
"""

import cProfile
import os
import pstats
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path as File

from benchmarks import generator
from benchmarks.paths import Path, new_paths, produce_paths, registry_paths
from karapace_like.cli import main as serve
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_SECONDS = 5.0
_SHOWN = 30


def main(name: str) -> None:
    """Load the path and print what it took."""
    with tempfile.TemporaryDirectory() as folder:
        stats = File(folder, "stats")
        with Cluster() as kafka:
            program = [sys.executable, "-m", "benchmarks.profile", "--serve", str(stats)]
            with ServiceProcess(kafka.bootstrap_servers, program=program) as service:
                all_paths = (*registry_paths(service.url), *new_paths(), *produce_paths(service.url))
                paths = {path.name: path for path in all_paths}
                if name not in paths:
                    sys.exit(f"CALL is one of: {', '.join(paths)}")
                threads = _loaded(service, paths[name])
        pstats.Stats(str(stats)).sort_stats("tottime").print_stats(_SHOWN)
    for thread, share in threads.most_common(5):
        print(f"{share / threads.total():6.1%} of the CPU in threads named {thread}")


def _loaded(service: ServiceProcess, path: Path) -> Counter[str]:
    before = _threads(service.pid)
    found = generator.run(service.pid, service.url, path, _SECONDS)
    print(f"{path.name}: {found.cpu_us:.1f} us CPU with the profiler, {found.errors} errors")
    return _threads(service.pid) - before


def _threads(pid: int) -> Counter[str]:
    """Ticks of CPU by the threads' names (proc(5))."""
    found: Counter[str] = Counter()
    for task in File(f"/proc/{pid}/task").iterdir():
        fields = (task / "stat").read_text().rpartition(")")[2].split()
        found[(task / "comm").read_text().strip()] += int(fields[11]) + int(fields[12])
    return found


def _serve(stats: str) -> None:
    """Serve under the profiler until told to stop."""
    profiler = cProfile.Profile()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        profiler.runcall(serve, ["serve"], standalone_mode=False)
    finally:
        profiler.dump_stats(stats)


if __name__ == "__main__":
    if sys.argv[1] == "--serve":
        _serve(sys.argv[2])
        os._exit(0)
    main(sys.argv[1])
