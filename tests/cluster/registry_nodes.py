"""Several nodes of one registry, as processes that can be killed and paused, and a client that asks any of them."""

import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.calling import call
from tests.service_process import ServiceProcess

_AGREE_SECONDS = 120.0
_POLL_SECONDS = 0.05


class RegistryNodes:
    """Nodes of one group and topic, all started inside of the block; `module` is what Python runs, or `program` is run.

    `bootstrap_servers` is for all, or a list for each.
    """

    def __init__(
        self,
        bootstrap_servers: str | Sequence[str],
        count: int,
        *,
        module: str = "karapace_like",
        program: Sequence[str] = (),
        **settings: object,
    ) -> None:
        program = program or (sys.executable, "-m", module)
        servers = [bootstrap_servers] * count if isinstance(bootstrap_servers, str) else bootstrap_servers
        first = ServiceProcess(servers[0], program=program, **settings)
        settings |= {"topic_name": first.topic}
        others = [ServiceProcess(each, program=program, **settings) for each in servers[1:]]
        self.all = [first, *others]
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            for node in self.all:
                node.start(wait=False)
                stack.callback(_end, node)
            for node in self.all:
                node.wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def topic(self) -> str:
        """The schemas topic."""
        return self.all[0].topic

    @property
    def group(self) -> str:
        """The id of the group that they elect their primary in."""
        return self.all[0].group

    def primary(self, among: list[ServiceProcess] | None = None) -> ServiceProcess:
        """The node that these nodes (all, unless told) agree to be the primary; waits until they do."""
        asked = self.all if among is None else among
        deadline = time.monotonic() + _AGREE_SECONDS
        while time.monotonic() < deadline:
            urls = {health(node)["schema_registry_primary_url"] for node in asked}
            found = [node for node in asked if urls == {node.url}]
            if found and health(found[0])["schema_registry_is_primary"]:
                return found[0]
            time.sleep(_POLL_SECONDS)
        raise AssertionError([health(node) for node in asked])

    def others(self, *without: ServiceProcess) -> list[ServiceProcess]:
        """All nodes but these."""
        return [node for node in self.all if node not in without]


def health(node: ServiceProcess) -> Any:
    """The status part of the node's `/_health`."""
    try:
        return call(node.url, "GET", "/_health")["status"]
    except urllib.error.HTTPError as error:
        with error:
            return json.loads(error.read())["status"]


def kill(node: ServiceProcess) -> None:
    """As a crash: nothing is left in order. Returns when all of it is gone."""
    pids = node.pids
    _signal(node, signal.SIGKILL)
    node.ended()
    while any(map(is_running, pids)):
        time.sleep(_POLL_SECONDS)


def is_running(pid: int) -> bool:
    """Whether any thread of the process is there: its sockets are open as long, though its first one is a zombie."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return any(map(_is_alive, Path(f"/proc/{pid}/task").iterdir()))
    return False


def _is_alive(thread: Path) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return (thread / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}
    return False


def pause(node: ServiceProcess) -> None:
    _signal(node, signal.SIGSTOP)


def resume(node: ServiceProcess) -> None:
    _signal(node, signal.SIGCONT)


def _signal(node: ServiceProcess, number: signal.Signals) -> None:
    """To all processes of the node; the first one first, which would replace the others."""
    for pid in node.pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _end(node: ServiceProcess) -> None:
    resume(node) if node.running else None
    node.stop()
