"""What comes while others are unacknowledged waits for them, and passes together."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from karapace_like.kafka.nagle import Nagle
from tests.waiting import until


class Calls:
    """Calls of one client, which end when they are told to."""

    def __init__(self, *, is_ticking: bool = True) -> None:
        self.nagle = Nagle(is_ticking=is_ticking)
        self.passed: list[str] = []
        self.tasks: dict[str, asyncio.Task[None]] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def begin(self, name: str, topic: str = "t") -> None:
        self._ends[name] = asyncio.Event()
        self.tasks[name] = asyncio.ensure_future(self._run(name, topic))
        await turns()

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await turns()

    async def tick(self) -> None:
        self.nagle.tick()
        await turns()

    async def _run(self, name: str, topic: str) -> None:
        await self.nagle.enter(topic)
        self.passed.append(name)
        try:
            await self._ends[name].wait()
        finally:
            self.nagle.leave(topic)


async def turns() -> None:
    """Have the event loop run what is ready."""
    for _ in range(4):
        await asyncio.sleep(0)


async def test_the_first_calls_pass_together_at_a_tick() -> None:
    calls = Calls()
    await calls.begin("a")
    await calls.begin("b")
    assert calls.passed == []
    await calls.tick()
    assert calls.passed == ["a", "b"]


async def test_without_ticks_the_first_call_passes_at_once() -> None:
    calls = Calls(is_ticking=False)
    await calls.begin("a")
    await calls.begin("b")
    assert calls.passed == ["a"]
    await calls.end("a")
    assert calls.passed == ["a", "b"]


async def test_others_pass_when_the_last_of_those_before_them_has_ended() -> None:
    calls = Calls()
    await calls.begin("a")
    await calls.begin("b")
    await calls.tick()
    await calls.begin("c")
    await calls.begin("d")
    await calls.end("b")
    assert calls.passed == ["a", "b"]
    await calls.end("a")
    assert calls.passed == ["a", "b", "c", "d"]


async def test_topics_do_not_wait_for_each_other() -> None:
    calls = Calls()
    await calls.begin("slow", "one")
    await calls.tick()
    await calls.begin("quick", "other")
    await calls.tick()
    assert calls.passed == ["slow", "quick"]


async def test_no_call_waits_for_long_for_one_that_does_not_end() -> None:
    calls = Calls()
    await calls.begin("hangs")
    await calls.tick()
    await calls.begin("waits")

    async def has_passed() -> bool:
        calls.nagle.tick()
        return calls.passed == ["hangs", "waits"]

    await until(has_passed)


async def test_a_cancelled_call_keeps_nobody_waiting() -> None:
    """Neither those that came with it, nor those after it."""
    calls = Calls()
    for name in ("a", "b", "c"):
        await calls.begin(name)
    calls.tasks["b"].cancel()
    await calls.tick()
    assert calls.passed == ["a", "c"]
    await calls.begin("d")
    calls.tasks["c"].cancel()
    await calls.end("a")
    assert calls.passed == ["a", "c", "d"]


steps = st.lists(
    st.one_of(
        st.tuples(st.just("begin"), st.sampled_from("xy")),
        st.tuples(st.sampled_from(["end", "cancel"]), st.integers(0, 9)),
        st.just(("tick", None)),
    ),
    max_size=40,
)


@given(steps=steps, is_ticking=st.booleans())
def test_every_call_passes_in_the_order_of_its_topic(steps: list[tuple[str, object]], *, is_ticking: bool) -> None:
    """However calls end and are cancelled: once all before it have, a call passes at the next tick."""

    async def run() -> None:
        calls = Calls(is_ticking=is_ticking)
        topics: dict[str, str] = {}
        cancelled: set[str] = set()
        for step, value in steps:
            name = f"call {value}"
            if step == "begin":
                topics[f"call {len(topics)}"] = str(value)
                await calls.begin(f"call {len(topics) - 1}", str(value))
            elif step == "tick":
                await calls.tick()
            elif name in calls.tasks and step == "end":
                await calls.end(name)
            elif name in calls.tasks:
                if name not in calls.passed:
                    cancelled.add(name)
                calls.tasks[name].cancel()
                await turns()
        for name in topics:
            await calls.end(name)
        await calls.tick()
        await asyncio.gather(*calls.tasks.values(), return_exceptions=True)
        for topic in "xy":
            begun = [name for name, of in topics.items() if of == topic and name not in cancelled]
            assert [name for name in calls.passed if topics[name] == topic] == begun

    asyncio.run(run())
