"""Where the schema engines work: at once, in a worker thread, or in another process, by how heavy a job is.

A heavy schema takes seconds to parse or compare, and its engine may hold Python's lock all that time. So light jobs run
at once, since a thread would cost more than they do; jobs of ordinary size run in a few threads; heavy ones run in
processes of their own and are bounded in number, time and memory. Light work never waits for heavy work. Outcomes are
cached, refusals too, and callers that ask the same at the same time share one computation.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

from karapace_like.process.job_process import JobLimitError, JobLostError, JobProcesses
from karapace_like.process.lru import CountedLruCache
from karapace_like.process.measures import Cache
from karapace_like.registry import engine_process, errors
from karapace_like.registry.engine_jobs import PARSED_SCHEMAS_USAGE, Compare, Job, encode
from karapace_like.schema.model import InvalidSchemaError

logger = logging.getLogger(__name__)

T = TypeVar("T")

_AT_ONCE_SECONDS = 0.01
"""CPU time of a turn of the event loop after which light jobs go to threads: a transitive check may have thousands."""
_THREADS = 2
_PROCESSES = 2
"""Engine processes at most; each is started when it is needed, and ends when it was idle for a while."""
_MAX_ORDINARY = 500
"""Jobs that run in a thread, or wait for one."""
_MAX_HEAVY = 100
"""Jobs that run in a process, or wait for one. Apart from the others, which are not refused because of them."""
_CACHED_OUTCOMES = 1000
_CACHED_CHARACTERS = 32 * 1_048_576
"""Of schema texts in the keys of cached outcomes; most are the store's own, and take no memory of their own."""


class Outcome(NamedTuple):
    """The outcome of a job: its answer, or why there is none."""

    value: Any = None
    refusal: str | None = None
    """Why the schema is refused."""
    fault: Exception | None = None
    """A fault of the service: nothing that is known of the schema. Not cached."""


_OutcomeCache: TypeAlias = CountedLruCache[Job[Any], Outcome]


class EngineAccess(Protocol):
    """Whoever has jobs done: `Engines` itself, or `PinnedOutcomes` of one write."""

    async def run(self, job: Job[T], /) -> T:
        """The job's answer; raises RegistryError (42201) for a schema that an engine refuses."""
        ...

    async def run_once(self, key: Hashable, run: Callable[[], Awaitable[T]], /) -> T:  # noqa: ARG002 - kept by some
        """Return what `run`, which awaits many jobs, returns; for one write it is called once for each key.

        So the plan of a write does not go through thousands of outcomes again without suspending.
        """
        return await run()


class Engines(EngineAccess):
    """The engines of one process of the service; `close` them at the end."""

    def __init__(self) -> None:
        self._outcomes: dict[bool, _OutcomeCache] = {
            False: _make_outcome_cache("parsing.text"),
            True: _make_outcome_cache("checks.differences"),
        }
        """By whether the job compares."""
        self._running: dict[Job[Any], asyncio.Task[Outcome]] = {}
        self._running_count = {False: 0, True: 0}
        """Running jobs, by whether they are heavy."""
        self._turn: tuple[float, float] | None = None
        """Time, and CPU seconds of the event loop's thread, at the first light job of this turn; None before it."""
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="schema-engine")
        self._processes = JobProcesses(engine_process.__name__, engine_process.LIMITS, _PROCESSES)

    @property
    def cache_usage(self) -> Sequence[Cache]:
        """How each cache is used, for metrics."""
        return [PARSED_SCHEMAS_USAGE, *(cache.usage for cache in self._outcomes.values())]

    async def run(self, job: Job[T]) -> T:
        """The job's answer; raises RegistryError: 42201 for a schema that an engine refuses, 503 for too many jobs."""
        return _answer(job, await self.outcome(job))

    async def outcome(self, job: Job[Any]) -> Outcome:
        """Return the outcome of the job, without suspending where it is cached or the job is light.

        Light jobs beyond a turn's share of the event loop are computed in a thread, as ordinary ones are.
        """
        cache = self._outcomes[isinstance(job, Compare)]
        cached = cache.get(job)
        if cached is not None:
            return cached
        if job.is_light and self._has_time():
            return _cache(cache, job, _compute(job))
        running = self._running.get(job)
        if running is None:
            most = _MAX_HEAVY if job.is_heavy else _MAX_ORDINARY
            if self._running_count[job.is_heavy] >= most:
                return Outcome(fault=errors.too_many_schemas())
            self._running_count[job.is_heavy] += 1
            running = self._running[job] = asyncio.create_task(self._compute_elsewhere(job))
            running.add_done_callback(partial(self._finish, job, cache))
        return await asyncio.shield(running)

    async def close(self) -> None:
        """End threads and processes. Jobs under way are given up."""
        for running in list(self._running.values()):
            running.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)
        await self._processes.close()

    def _has_time(self) -> bool:
        """Return whether a light job may run in this turn of the event loop."""
        if self._turn is None:
            self._turn = (time.monotonic(), time.thread_time())
            asyncio.get_running_loop().call_soon(self._end_turn)
            return True
        begun, cpu = self._turn
        # The second is a call of the system, and never later than the first.
        return time.monotonic() - begun < _AT_ONCE_SECONDS or time.thread_time() - cpu < _AT_ONCE_SECONDS

    def _end_turn(self) -> None:
        self._turn = None

    def _finish(self, job: Job[Any], cache: _OutcomeCache, running: "asyncio.Task[Outcome]") -> None:
        del self._running[job]
        self._running_count[job.is_heavy] -= 1
        if not running.cancelled():
            _cache(cache, job, running.result())

    async def _compute_elsewhere(self, job: Job[Any]) -> Outcome:
        if not job.is_heavy:
            return await asyncio.get_running_loop().run_in_executor(self._threads, _compute, job)
        try:
            value, refusal = await self._processes.run(encode(job))
            return Outcome(job.convert_answer(value)) if refusal is None else Outcome(refusal=refusal)
        except JobLimitError as excess:
            return Outcome(refusal=f"the schema takes {excess} to process")
        except JobLostError:
            return Outcome(fault=errors.engine_lost_error())
        except Exception as error:  # noqa: BLE001 - reported to the callers, of whom there may be several
            return Outcome(fault=error)


class PinnedOutcomes(EngineAccess):
    """The outcomes that one write depends on: kept until it is done, whatever the caches drop meanwhile."""

    def __init__(self, engines: Engines) -> None:
        self._engines = engines
        self._outcomes: dict[Job[Any], Outcome] = {}
        self._results: dict[Hashable, Any] = {}

    async def run(self, job: Job[T]) -> T:
        """See `EngineAccess`."""
        outcome = self._outcomes.get(job)
        if outcome is None:
            outcome = await self._engines.outcome(job)
            if outcome.fault is None:
                self._outcomes[job] = outcome
        return _answer(job, outcome)

    async def run_once(self, key: Hashable, run: Callable[[], Awaitable[T]]) -> T:
        """See `EngineAccess`."""
        if key not in self._results:
            self._results[key] = await run()
        result: T = self._results[key]
        return result


def _make_outcome_cache(name: str) -> _OutcomeCache:
    return CountedLruCache(name, _CACHED_OUTCOMES, capacity=_CACHED_CHARACTERS, weigh=lambda job, _: job.characters)


def _cache(cache: _OutcomeCache, job: Job[Any], outcome: Outcome) -> Outcome:
    """Cache the outcome unless it is a fault, and return it."""
    return outcome if outcome.fault is not None else cache.put(job, outcome)


def _compute(job: Job[Any]) -> Outcome:
    try:
        return Outcome(job.run())
    except InvalidSchemaError as error:
        return Outcome(refusal=str(error))
    except Exception as error:  # noqa: BLE001 - an engine's bug is its caller's to report, whichever thread it was in
        return Outcome(fault=error)


def _answer(job: Job[T], outcome: Outcome) -> T:
    if outcome.fault is not None:
        raise outcome.fault
    if outcome.refusal is not None:
        raise job.refusal(outcome.refusal)
    value: T = outcome.value
    return value
