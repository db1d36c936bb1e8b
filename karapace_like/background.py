"""Supervision of background tasks: tasks, threads and timers that live as long as the process does.

A failure is logged, counted for `/metrics`, shown as a warning by `/health/ready`, and followed by a restart after an
exponential back-off. A critical task, without which the process is of no use, has a few attempts: then the process
ends, and its supervisor starts another one.
"""

import asyncio
import contextvars
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 60.0
"""After so long without a failure the back-off starts again with the shortest pause, and the warning ends."""
_CRITICAL_ATTEMPTS = 5
"""Failures in a row of a critical task after which the process ends."""
_LOG_SECONDS = 30.0
"""The same failure is logged once in this time."""


class BackgroundTaskError(Exception):
    """The process has to end, because a critical task has failed. The message says which and why."""


@dataclass(frozen=True, slots=True)
class _Job:
    """A supervised job: its name, as operators see it, and whether the process ends without it."""

    name: str
    is_critical: bool


@dataclass(slots=True)
class _State:
    """The state of the tasks that share a name."""

    failures: int = 0
    """Failures since the process started."""
    down: int = 0
    """How many of the tasks wait for their next attempt, or have no attempts left."""
    failed: float = float("-inf")
    """When one of them failed last, by the monotonic clock."""
    logged: float = float("-inf")
    """When a failure was logged last, by the monotonic clock."""
    problem: str = ""
    """The latest failure, as a sentence."""


class _Attempts:
    """Counts failures in a row, and computes the back-off."""

    def __init__(self) -> None:
        self.failed = 0
        self._begun = time.monotonic()

    def begin(self) -> None:
        """Note the start of an attempt."""
        self._begun = time.monotonic()

    def fail(self) -> float:
        """Count the failure of the attempt; return the seconds to wait before the next one."""
        if time.monotonic() - self._begun > _STABLE_SECONDS:
            self.failed = 0
        self.failed += 1
        return float(min(_FIRST_PAUSE_SECONDS * 2 ** (self.failed - 1), _LONGEST_PAUSE_SECONDS))


class BackgroundTasks:
    """The background tasks of one process. Operators see their names: `The {name} failed`.

    They run in a context of their own: one that a request happens to start logs nothing as that request.
    """

    def __init__(self) -> None:
        self.fatal: str | None = None
        """Why the process has to end; None as long as it need not."""
        self._states: dict[str, _State] = {}
        self._once: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ending = asyncio.Event()

    @property
    def failures(self) -> dict[tuple[str], int]:
        """(name,) -> failures since the process started, of every task that was started."""
        return {(name,): state.failures for name, state in list(self._states.items())}

    @property
    def warnings(self) -> list[str]:
        """The failures of the last minute, and of tasks that have not been restarted yet."""
        recent = time.monotonic() - _STABLE_SECONDS
        return [state.problem for state in list(self._states.values()) if state.down or state.failed > recent]

    def start(
        self, name: str, run: Callable[[], Coroutine[Any, Any, None]], *, is_critical: bool = False
    ) -> asyncio.Task[None]:
        """Run a coroutine that never returns until the task is cancelled; restart it whenever it ends by itself."""
        self._register(name)
        return asyncio.create_task(
            self._keep_running(_Job(name, is_critical), run), name=name, context=contextvars.Context()
        )

    def start_thread(
        self, name: str, run: Callable[[], None], stopping: threading.Event, *, is_critical: bool = False
    ) -> threading.Thread:
        """Run a function in a thread until it returns; restart it whenever it raises before `stopping` is set."""
        self._register(name)
        job, loop = _Job(name, is_critical), asyncio.get_running_loop()
        keep_running = partial(self._keep_thread_running, job, run, stopping, loop)
        thread = threading.Thread(target=keep_running, name=name.replace(" ", "-"), daemon=True)
        thread.start()
        return thread

    def run_once(self, name: str, work: Coroutine[Any, Any, None], *, is_critical: bool = False) -> asyncio.Task[None]:
        """Run a coroutine once that no caller awaits. The task is referenced until it ends; an exception is counted."""
        self._register(name)
        task = asyncio.create_task(work, name=name, context=contextvars.Context())
        self._once.add(task)
        task.add_done_callback(partial(self._finish_once, _Job(name, is_critical)))
        return task

    def report(self, name: str, error: BaseException) -> None:
        """Report the failure of something that continues by itself, such as a timer. Any thread may call it."""
        self._note(name, error, f"The {name} failed: {_describe(error)}")

    def end_process(self, reason: str, error: BaseException | None = None) -> None:
        """Have the process end, because it would serve wrong answers. Any thread may call it."""
        logger.critical("%s; this process ends", reason, exc_info=error)
        self.fatal = self.fatal or reason
        if self._loop is None:
            self._ending.set()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ending.set)

    async def raise_when_fatal(self) -> None:
        """Wait until the process has to end, and raise BackgroundTaskError; never returns."""
        await self._ending.wait()
        raise BackgroundTaskError(self.fatal)

    async def _keep_running(self, job: _Job, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        attempts = _Attempts()
        while True:
            attempts.begin()
            try:
                await run()
                error: BaseException = RuntimeError("it ended by itself")
            except asyncio.CancelledError as cancelled:
                if _is_being_cancelled():
                    raise
                error = cancelled  # of a task that it awaited
            except Exception as raised:  # noqa: BLE001 - whatever it is
                error = raised
            pause = self._fail(job, error, attempts)
            if pause is None:
                return
            try:
                await asyncio.sleep(pause)
            finally:
                self._states[job.name].down -= 1

    def _keep_thread_running(
        self,
        job: _Job,
        run: Callable[[], None],
        stopping: threading.Event,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        attempts = _Attempts()
        while not stopping.is_set():
            attempts.begin()
            try:
                return run()
            except Exception as error:  # noqa: BLE001 - whatever it is
                if loop.is_closed():
                    return None  # the process is ending
                pause = self._fail(job, error, attempts)
            if pause is None:
                return None
            stopping.wait(pause)
            self._states[job.name].down -= 1
        return None

    def _fail(self, job: _Job, error: BaseException, attempts: _Attempts) -> float | None:
        """Note the failure; return the seconds before the next attempt, None if there is none."""
        name, pause = job.name, attempts.fail()
        with self._lock:
            self._states[name].down += 1
        if job.is_critical and attempts.failed >= _CRITICAL_ATTEMPTS:
            self._note(name, error, f"The {name} failed, and is not started again: {_describe(error)}")
            self.end_process(f"The {name} failed {attempts.failed} times in a row: {_describe(error)}", error)
            return None
        self._note(name, error, f"The {name} failed, and is started again: {_describe(error)}")
        return pause

    def _finish_once(self, job: _Job, task: asyncio.Task[None]) -> None:
        self._once.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        self.report(job.name, error)
        if job.is_critical:
            self.end_process(f"The {job.name} failed: {_describe(error)}", error)

    def _note(self, name: str, error: BaseException, problem: str) -> None:
        now = time.monotonic()
        with self._lock:
            state = self._states.setdefault(name, _State())
            is_repeated = problem == state.problem and now - state.logged < _LOG_SECONDS
            state.failures += 1
            state.failed, state.problem = now, problem
            if not is_repeated:
                state.logged = now
        if not is_repeated:
            logger.warning("%s", problem, exc_info=error)

    def _register(self, name: str) -> None:
        """Include the name in the figures, and note the event loop of this process."""
        self._loop = asyncio.get_running_loop()
        self._states.setdefault(name, _State())


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _describe(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
