"""Where the serving process spends its time on one path: the functions that took most, by cProfile, or a flame graph.

    python -m benchmarks.profile "produce 1 json"    (make profile CALL="produce 1 json"; without a name: what there is)
    python -m benchmarks.profile "produce 1 json" --flame flame.svg    (make profile CALL="..." FLAME=flame.svg)

cProfile makes every call dearer: the order is what counts, not the sums. Native threads (Kafka's client) are shown
by their share of the process's CPU instead. A flame graph is drawn from samples of py-spy, a program that reads the
stacks of a process from outside and leaves its speed nearly alone; it has to be installed. Samples are of the thread
that holds the interpreter's lock: one that waits for Kafka's client looks busy to py-spy, and is not. They are of wall
time, so that on a busy machine calls of the system at which the process loses its core seem dearer than they are.
"""

import argparse
import cProfile
import os
import pstats
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path as File

from benchmarks import consume, native
from benchmarks.flame import draw_flame, read_stacks
from benchmarks.generator import LoadError
from benchmarks.targets import Target
from karapace_like.cli import main as serve
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

_SECONDS = 5.0
_SAMPLES_A_SECOND = 250
_SHOWN = 30
_RECORDS = 500_000
"""Of the topic that a consumer reads, for some seconds."""


def main() -> None:
    """Load the path and print or draw what it took."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("name", help="of the path")
    arguments.add_argument("--flame", type=File, metavar="FILE", help="draw a flame graph there instead")
    wanted = arguments.parse_args()
    if wanted.flame is None:
        _profile(wanted.name)
    elif (sampler := shutil.which("py-spy")) is None:
        sys.exit("A flame graph needs py-spy, which is not on the PATH: install it with `pip install py-spy`.")
    else:
        _draw(wanted.name, wanted.flame, sampler)


def _profile(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        stats = File(folder, "stats")
        with Cluster() as kafka:
            program = [sys.executable, "-m", "benchmarks.profile", "--serve", str(stats)]
            with ServiceProcess(kafka.bootstrap_servers, program=program) as service:
                load = _prepare(kafka, service, name)
                before = _threads(service.pid)
                load("with the profiler")
                threads = _threads(service.pid) - before
        pstats.Stats(str(stats)).sort_stats("tottime").print_stats(_SHOWN)
    for thread, share in threads.most_common(5):
        print(f"{share / threads.total():6.1%} of the CPU in threads named {thread}")


def _draw(name: str, file: File, sampler: str) -> None:
    program = [sys.executable, "-m", "karapace_like"]  # a process of its own: a forked one has the stacks of its parent
    with (
        tempfile.TemporaryDirectory() as folder,
        Cluster() as kafka,
        ServiceProcess(kafka.bootstrap_servers, program=program) as service,
    ):
        stacks = File(folder, "stacks")
        load = _prepare(kafka, service, name)
        options = ["--gil", "--rate", str(_SAMPLES_A_SECOND), "--duration", str(int(_SECONDS)), "--format", "raw"]
        command = [sampler, "record", "--pid", str(service.pid), *options, "--output", str(stacks)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as sampling:
            load("with py-spy")
            output, _ = sampling.communicate(timeout=60)
        if sampling.returncode:
            sys.exit(f"py-spy ended with {sampling.returncode}; it needs the right to trace processes:\n{output}")
        root = read_stacks(stacks.read_text().splitlines())
        file.write_text(draw_flame(root, f"{name}: {root.count:,} samples"))
        print(f"{file}: {root.count:,} samples")


def _prepare(kafka: Cluster, service: ServiceProcess, name: str) -> Callable[[str], None]:
    """Return what loads the path and prints its cost; its argument says under which conditions."""
    target = Target("", service.url, service.url, service.pid)
    try:
        target.probe(name)
    except LoadError as error:
        sys.exit(f"{name!r}: {error}. CALL is one of: {', '.join([*target.paths, *consume.READINGS])}")
    if consume.is_native(name):
        native.loop_produce(kafka.bootstrap_servers, consume.NATIVE_TOPIC, _RECORDS)
    elif name in consume.READINGS:
        target.fill(name, _RECORDS)

    def load(how: str) -> None:
        found = target.run(name, _SECONDS)
        print(f"{name}: {found.cpu_us:.1f} us CPU {how}, {found.errors} errors")

    return load


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
    if sys.argv[1:2] == ["--serve"]:
        _serve(sys.argv[2])
        os._exit(0)
    main()
