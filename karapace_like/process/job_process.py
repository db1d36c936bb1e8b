"""Child processes that do jobs which may take long, or much memory: their start, their end and their bounds.

The two sides exchange messages over the child's standard input and output: four bytes of length (big-endian), then
MessagePack. The child bounds itself: the kernel ends it when a job takes too long, and refuses it memory beyond a
limit; it also ends with its parent, whose death closes the pipe. Every fault costs the job that caused it, no other.
"""

import asyncio
import contextlib
import contextvars
import gc
import logging
import os
import signal
import struct
import sys
import traceback
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

import msgspec

from karapace_like.process.child_environment import build_child_environment

try:
    import resource
except ImportError:  # pragma: no cover - a platform without limits has none
    resource = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

_IDLE_SECONDS = 60.0
"""After which a child ends, and its memory is free."""
_NICENESS = 10
"""Everything else on the machine goes first: the service's event loop above all."""
_YOUNG_CONTAINERS = 100_000
"""New containers that start a collection of a child's youngest generation: those of a job are in use until its end."""
_DEATH_SECONDS = 5.0
"""How long a child that has closed its output may take to end."""
_PIECE_BYTES = 262_144
"""Of a message that are handed to the event loop at once, which copies them."""
_LENGTH = struct.Struct(">I")


class JobLimits(NamedTuple):
    """The limits of one job."""

    seconds: int
    memory_bytes: int
    """Address space of the child, which includes libraries that are mapped and hardly used."""


class JobFaultError(Exception):
    """A job failed unexpectedly; the text is the child process's traceback."""


class JobLimitError(Exception):
    """A job took more than its limits; the text says of what, as in "longer than 30 seconds"."""


class JobLostError(Exception):
    """The child process ended for another reason than its job's limits."""


class Reply(NamedTuple):
    """The child process's reply to a job: one of its fields is set, or none where the answer is None."""

    value: Any = None
    refusal: str | None = None
    """Why the job's input is refused."""
    excess: str | None = None
    """Which limit was exceeded."""
    fault: str | None = None
    """The traceback of a bug."""


class JobProcesses:
    """At most `count` child processes that run the module, each started when a job finds none free."""

    def __init__(self, module: str, limits: JobLimits, count: int) -> None:
        self._processes = [_JobProcess(module, limits) for _ in range(count)]
        self._free = asyncio.LifoQueue[_JobProcess]()
        for process in self._processes:
            self._free.put_nowait(process)

    async def run(self, message: bytes) -> tuple[Any, str | None]:
        """(answer, None) or (None, why the input is refused); waits for a free process.

        Raises JobLimitError, JobLostError, and JobFaultError for a bug.
        """
        process = await self._free.get()
        try:
            return await process.run(message)
        finally:
            self._free.put_nowait(process)

    async def close(self) -> None:
        """End the processes, whatever they do."""
        for process in self._processes:
            await process.end()


class _JobProcess:
    """The parent's side of one child at a time."""

    def __init__(self, module: str, limits: JobLimits) -> None:
        self._module = module
        self._limits = limits
        self._child: asyncio.subprocess.Process | None = None
        self._idle: asyncio.TimerHandle | None = None

    async def run(self, message: bytes) -> tuple[Any, str | None]:
        """See `JobProcesses.run`; one call at a time."""
        if self._idle is not None:
            self._idle.cancel()
        child = self._child
        if child is None or child.returncode is not None:
            child = self._child = await _start(self._module)
        begun = asyncio.get_running_loop().time()
        try:
            reply = await _exchange(child, message)
        except (EOFError, OSError):
            with contextlib.suppress(TimeoutError):
                # First without a signal: one to a process that is dead lets asyncio lose what it died of.
                await asyncio.wait_for(child.wait(), _DEATH_SECONDS)
            await self.end()
            raise self._explain_death(child, asyncio.get_running_loop().time() - begun) from None
        except BaseException:
            await self.end()  # a reply that comes later must not be taken for the next job's
            raise
        self._idle = asyncio.get_running_loop().call_later(_IDLE_SECONDS, self._end_soon, context=contextvars.Context())
        if reply.fault is not None:
            raise JobFaultError(reply.fault)
        if reply.excess is not None:
            raise JobLimitError(reply.excess)
        return reply.value, reply.refusal

    async def end(self) -> None:
        """End the child, whatever it does."""
        if self._idle is not None:
            self._idle.cancel()
        child, self._child = self._child, None
        if child is not None and child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    def _end_soon(self) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()
            self._child = None

    def _explain_death(self, child: asyncio.subprocess.Process, seconds: float) -> Exception:
        if child.returncode == -getattr(signal, "SIGALRM", 0) or seconds >= self._limits.seconds:
            return JobLimitError(f"longer than {self._limits.seconds} seconds")
        if child.returncode == -getattr(signal, "SIGABRT", 0):  # so libraries in Rust and C++ end without memory
            return JobLimitError(_describe_memory(self._limits))
        logger.error("A process of %s has ended unexpectedly with %s", self._module, child.returncode)
        return JobLostError()


async def _start(module: str) -> asyncio.subprocess.Process:
    logger.debug("Starting a process of %s", module)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=build_child_environment(),
    )  # fmt: skip


async def _exchange(child: asyncio.subprocess.Process, message: bytes) -> Reply:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(_LENGTH.pack(len(message)))
    rest = memoryview(message)
    for begin in range(0, len(message), _PIECE_BYTES):
        child.stdin.write(rest[begin : begin + _PIECE_BYTES])
        await child.stdin.drain()
    (length,) = _LENGTH.unpack(await child.stdout.readexactly(_LENGTH.size))
    return msgspec.msgpack.decode(await child.stdout.readexactly(length), type=Reply)


def serve_jobs(run: Callable[[bytes], Any], limits: JobLimits, refusal: type[Exception]) -> None:
    """Run jobs in this process, a child, until the parent closes the pipe; an answer is anything for MessagePack.

    `refusal` is what `run` raises for input that it refuses.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the whole group; the parent decides
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
    source, target = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123 - a device
        for stream in (sys.stdout, sys.stderr):  # whatever a library prints is no reply, and no line of the log
            os.dup2(nowhere.fileno(), stream.fileno())
    if resource is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = limits.memory_bytes if hard == resource.RLIM_INFINITY else min(limits.memory_bytes, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would hold a job's data
    gc.freeze()  # the code, which stays
    gc.set_threshold(_YOUNG_CONTAINERS)
    while (message := _read(source)) is not None:
        _set_alarm(limits.seconds)
        reply = msgspec.msgpack.encode(_reply(run, message, limits, refusal))
        _set_alarm(0)
        target.write(_LENGTH.pack(len(reply)) + reply)
        target.flush()


def _set_alarm(seconds: int) -> None:
    """Let SIGALRM, whose default action ends the process, come after these seconds; 0: not at all."""
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _read(source: BinaryIO) -> bytes | None:
    head = source.read(_LENGTH.size)
    return source.read(*_LENGTH.unpack(head)) if len(head) == _LENGTH.size else None


def _reply(run: Callable[[bytes], Any], message: bytes, limits: JobLimits, refusal: type[Exception]) -> Reply:
    try:
        return Reply(value=run(message))
    except refusal as error:
        return Reply(refusal=str(error))
    except MemoryError:
        return Reply(excess=_describe_memory(limits))
    except Exception:  # noqa: BLE001 - a bug is the parent's to report
        return Reply(fault=traceback.format_exc())


def _describe_memory(limits: JobLimits) -> str:
    return f"more than {limits.memory_bytes >> 30} GiB of memory"
