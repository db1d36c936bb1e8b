"""Where engine jobs run, that each is computed once, and what a job that fails costs: itself, and no other."""

import asyncio
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from karapace_like.process import job_process
from karapace_like.process.job_process import JobFaultError
from karapace_like.registry.engine_jobs import (
    ApplyTags,
    Canonicalise,
    Compare,
    Differ,
    Fingerprint,
    Format,
    Job,
    ListFields,
    ListTags,
    ListTopFields,
    ResolvedSchema,
    encode,
)
from karapace_like.registry.engine_process import decode_job
from karapace_like.registry.engines import _AT_ONCE_SECONDS, Engines, PinnedOutcomes
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.explanation_jobs import Explain, JudgeEffect
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, SchemaType, Strictness
from karapace_like.schema.tags import Entity, EntityKind, TagChange

RECORD = '{"type":"record","name":"R","fields":[{"name":"a","type":"int"%s}]}'
HEAVY = ResolvedSchema(SchemaType.AVRO, RECORD % f',"doc":"{"x" * 20_000}"')
ORDINARY = ResolvedSchema(SchemaType.AVRO, RECORD % f',"doc":"{"x" * 5_000}"')
LIGHT = ResolvedSchema(SchemaType.AVRO, RECORD % "")
BROKEN = ResolvedSchema(SchemaType.AVRO, LIGHT.text.replace("int", "string"))


@pytest.fixture
async def engines() -> AsyncIterator[Engines]:
    engines = Engines()
    yield engines
    await engines.close()


class Noting(Job[str], frozen=True, tag=True, array_like=True):
    """Tells where it ran."""

    def run(self) -> str:
        if self.schema.text.startswith("fail"):
            raise ZeroDivisionError(self.schema.text)
        return f"{os.getpid()} {threading.current_thread().name}"


def noting(text: str, length: int = 1) -> Noting:
    return Noting(ResolvedSchema(SchemaType.AVRO, text.ljust(length)))


def compare(new: ResolvedSchema, old: ResolvedSchema) -> Compare:
    return Compare(new, old, CompatibilityLevel.FULL, CompatibilityPolicy.STRICT)


async def test_light_jobs_run_at_once_and_ordinary_ones_in_threads(engines: Engines) -> None:
    light = engines.run(noting("light"))
    with pytest.raises(StopIteration) as done:
        light.send(None)  # it does not suspend
    assert str(done.value.value).endswith(" MainThread")
    assert " schema-engine" in await engines.run(noting("ordinary", 10_000))


JOBS: Sequence[Job[Any]] = [
    Canonicalise(HEAVY),
    Canonicalise(HEAVY, normalize=True),
    Fingerprint(ResolvedSchema(SchemaType.AVRO, RECORD % f',"doc":"{"x" * 300_000}"')),
    Format(HEAVY, "resolved"),
    ListTags(HEAVY),
    ListTopFields(HEAVY),
    ListFields(HEAVY),
    ApplyTags(HEAVY, (TagChange(Entity("R.a", EntityKind.FIELD), ("pii",)),)),
    compare(HEAVY, LIGHT),
    Differ(HEAVY, LIGHT),
    Explain(HEAVY, BROKEN, CompatibilityLevel.FULL, CompatibilityPolicy.STRICT),
    JudgeEffect(HEAVY, BROKEN, CompatibilityLevel.FULL, CompatibilityPolicy.STRICT),
]


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
async def test_another_process_answers_a_heavy_job_alike(engines: Engines, job: Job[Any]) -> None:
    assert job.is_heavy
    assert await engines.run(job) == job.run()


@pytest.mark.parametrize("job", JOBS, ids=lambda job: type(job).__name__)
def test_a_job_survives_its_encoding(job: Job[Any]) -> None:
    assert decode_job(encode(job)) == job
    assert hash(decode_job(encode(job))) == hash(job)


async def test_light_jobs_take_no_more_of_a_turn_than_their_share(engines: Engines) -> None:
    """The rest of them run in threads, and other tasks have their turn meanwhile: a check may need thousands."""
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count_turns())
    before = time.thread_time()
    for number in range(3_000):
        await engines.run(compare(LIGHT, _version(number)))
    assert turns > (time.thread_time() - before) / (10 * _AT_ONCE_SECONDS)
    counting.cancel()


async def test_callers_that_ask_the_same_share_one_computation(engines: Engines) -> None:
    """Also later, from the cache."""
    job = Canonicalise(ORDINARY)
    answers = await asyncio.gather(*(engines.run(job) for _ in range(5)))
    assert len({id(each) for each in [*answers, await engines.run(job)]}) == 1


@pytest.mark.parametrize("length", [10, 5_000, 20_000])
async def test_a_refusal_names_the_fault_each_time(engines: Engines, length: int) -> None:
    job = Canonicalise(ResolvedSchema(SchemaType.AVRO, '{"type":"nonsense"}'.ljust(length), (), Strictness.STRICT))
    for _ in range(2):
        with pytest.raises(RegistryError, match="nonsense") as refused:
            await engines.run(job)
        assert refused.value.code == 42201


async def test_a_path_that_leads_nowhere_is_refused(engines: Engines) -> None:
    job = ApplyTags(HEAVY, (TagChange(Entity("R.b", EntityKind.FIELD), ("pii",)),))
    with pytest.raises(RegistryError, match=r"^No matching path 'R.b'"):
        await engines.run(job)


@pytest.mark.parametrize("length", [10, 5_000])
async def test_a_bug_costs_the_caller_that_met_it(engines: Engines, length: int) -> None:
    """It is not cached: nothing is known of the schema."""
    with pytest.raises(ZeroDivisionError):
        await engines.run(noting("fail", length))
    assert await engines.run(noting("other", length))


async def test_a_bug_in_another_process_is_reported_with_its_traceback(engines: Engines) -> None:
    """Here a kind of job that the other process does not know."""
    with pytest.raises(JobFaultError, match="Noting"):
        await engines.run(noting("foreign", 20_000))
    assert await engines.run(Canonicalise(HEAVY))


async def test_a_job_that_takes_too_long_is_ended_and_the_schema_refused(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel ends the process; the next job gets a new one."""
    monkeypatch.setattr(job_process, "_exchange", _kill_child(signal.SIGALRM))
    with pytest.raises(RegistryError, match="takes longer than 30 seconds") as refused:
        await engines.run(Canonicalise(HEAVY))
    assert refused.value.code == 42201
    monkeypatch.undo()
    assert await engines.run(ListTopFields(HEAVY)) == ["a"]


async def test_a_process_that_is_killed_is_no_fault_of_the_schema(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_process, "_exchange", _kill_child(signal.SIGKILL))
    with pytest.raises(RegistryError, match="safe to retry") as lost:
        await engines.run(Canonicalise(HEAVY))
    assert (lost.value.status, lost.value.retry_after) == (503, 1)
    monkeypatch.undo()
    assert await engines.run(Canonicalise(HEAVY))


def _kill_child(number: signal.Signals) -> Any:
    exchange = job_process._exchange

    async def kill_and_exchange(child: asyncio.subprocess.Process, message: bytes) -> Any:
        child.send_signal(number)
        return await exchange(child, message)

    return kill_and_exchange


async def test_a_light_job_does_not_wait_for_heavy_ones(engines: Engines) -> None:
    heavy = [asyncio.create_task(engines.run(compare(HEAVY, _version(number)))) for number in range(10)]
    await asyncio.sleep(0)
    assert await engines.run(Canonicalise(LIGHT))
    assert not any(each.done() for each in heavy)
    assert await engines.run(Canonicalise(ORDINARY))
    await asyncio.gather(*heavy)


def _version(number: int) -> ResolvedSchema:
    return ResolvedSchema(SchemaType.AVRO, RECORD % f',"doc":"{number}"')


async def test_pinned_outcomes_outlive_the_caches(engines: Engines) -> None:
    """Else a write whose outcomes other writes push out would never be planned."""
    pinned = PinnedOutcomes(engines)
    job = Canonicalise(ORDINARY)
    answer = await pinned.run(job)
    engines._outcomes.clear()
    planning = pinned.run(job)
    with pytest.raises(StopIteration) as done:
        planning.send(None)
    assert done.value.value is answer


async def test_too_many_heavy_jobs_are_refused_and_no_other(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karapace_like.registry.engines._MAX_HEAVY", 1)
    first = asyncio.create_task(engines.run(Canonicalise(HEAVY)))
    await asyncio.sleep(0)
    with pytest.raises(RegistryError, match="retry later") as refused:
        await engines.run(ListTopFields(HEAVY))
    assert refused.value.status == 503
    assert await engines.run(Canonicalise(ORDINARY))
    await first
