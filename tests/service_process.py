"""The service as its users run it: a process of its own, started from the command line, found by what it prints."""

import os
import re
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tests import fork_server, leaks

_LISTENING = re.compile(r"Listening at (https?://[^\s\"]+)")
_READY = re.compile(r"Ready at https?://")
_PROGRAM = (sys.executable, "-m", "karapace_like")
_WORKER = re.compile(r"Worker (\d+) is process (\d+)")
_Process = subprocess.Popen[str] | fork_server.ForkedProcess
_START_SECONDS = 120
_STOP_SECONDS = 120


class ServiceProcess:
    """`karapace-like serve` on a free port, with a schemas topic and group of its own unless they are named.

    `settings` are configuration names and values, handed over in the environment. `WORKERS` in the environment of the
    tests says with how many workers all of them run that do not say it themselves. `program` is called with `serve`.
    Where it is the command itself, with one worker, the process is forked from one that has imported it already.
    """

    def __init__(self, bootstrap_servers: str, *, program: Sequence[str] = _PROGRAM, **settings: object) -> None:
        self.program = program
        """What is run at the next start."""
        self.topic = str(settings.setdefault("topic_name", f"_schemas-{secrets.token_hex(6)}"))
        self.group = str(settings.setdefault("group_id", f"registry-of-{self.topic}"))
        leaks.register(*(str(settings[name]) for name in leaks.SECRET_SETTINGS & settings.keys()))
        self.workers = int(str(settings.setdefault("workers", os.environ.get("WORKERS", "1"))))
        """How many processes serve."""
        self.lines: list[str] = []
        self.url = ""
        self._listening = threading.Event()
        self._ready = threading.Event()
        self._environment = {
            **os.environ,
            "KARAPACE_BOOTSTRAP_URI": bootstrap_servers,
            "KARAPACE_PORT": "0",
            **{f"KARAPACE_{name.upper()}": str(value) for name, value in settings.items()},
        }
        self._process: _Process | None = None
        self._watching: threading.Thread | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    @property
    def pids(self) -> list[int]:
        """Of the running process, its workers, and the process from which these are forked."""
        return list(_list_descendants(self.pid))

    def worker(self, number: int) -> int:
        """The process id of a worker, the last that was started."""
        found = [each[2] for each in map(_WORKER.search, self.lines) if each is not None and each[1] == str(number)]
        return int(found[-1])

    @property
    def running(self) -> bool:
        """Whether the process is there, paused or not."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start it and return when it is ready; without `wait` when it listens."""
        # Workers of an earlier process may end only now, which says nothing of this one.
        self._listening, self._ready = threading.Event(), threading.Event()
        if self.program == _PROGRAM and self.workers == 1:
            self._process = fork_server.start(["serve"], self._environment)
        else:
            self._process = subprocess.Popen(
                [*self.program, "serve"], env=self._environment, stderr=subprocess.PIPE, text=True
            )
        self._watching = threading.Thread(
            target=self._watch, args=(self._process, self._listening, self._ready), daemon=True
        )
        self._watching.start()
        assert self._listening.wait(_START_SECONDS), "\n".join(self.lines)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Return when it is ready."""
        assert self._ready.wait(_START_SECONDS), "\n".join(self.lines)
        assert self._process is not None
        assert self._process.poll() is None, "\n".join(self.lines)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by its process id; its exit code. All its lines are there then."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        code = self._process.wait(_STOP_SECONDS)
        if self._watching is not None:
            self._watching.join(_STOP_SECONDS)
        return code

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the process, and return at once."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self._process is not None
        return self._process.wait(_START_SECONDS)

    def _watch(self, process: _Process, listening: threading.Event, ready: threading.Event) -> None:
        assert process.stderr is not None
        with process.stderr:
            for line in process.stderr:
                self.lines.append(line.rstrip())
                leaks.hear(line)
                if found := _LISTENING.search(line):
                    self.url = found[1]
                    listening.set()
                if _READY.search(line):
                    ready.set()
        process.wait()  # who waits for what does not come any more sees that it has ended
        listening.set()
        ready.set()


def _list_descendants(pid: int) -> Iterator[int]:
    yield pid
    for child in list_children(pid):
        yield from _list_descendants(child)


def list_children(pid: int) -> set[int]:
    """Return the processes that the process has started and that run."""
    return {int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}
