"""A call that never returns, as some commits of librdkafka, costs its own client and nothing else."""

import ast
import asyncio
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from karapace_like.errors import KafkaFailure
from karapace_like.kafka.blocking import BlockingCalls, CallThreads

_ENDLESS = """
import asyncio, threading
from karapace_like.errors import KafkaFailure
from karapace_like.kafka.blocking import BlockingCalls, CallThreads

async def main():
    calls = BlockingCalls(CallThreads(1), 0)
    try:
        await calls.make(threading.Event().wait)
    except KafkaFailure as failure:
        print(failure.name)

asyncio.run(main())
"""
_KAFKA = Path(__file__).parents[3] / "karapace_like" / "kafka"
_WITHOUT_CLIENT = {
    "epoch_fence/writer.py": "builds batches",
    "wire.py": "asks for a token",
    "jar_download.py": "set-up",
}
"""Modules of the Kafka room that hand other work to an executor, and which."""


async def test_a_client_whose_call_never_returns_holds_up_no_other() -> None:
    threads = CallThreads(1)
    stuck, other = BlockingCalls(threads, 0), BlockingCalls(threads, 60)
    returning = threading.Event()
    try:
        with pytest.raises(KafkaFailure) as raised:
            await stuck.make(returning.wait)
        assert raised.value.name == "_TIMED_OUT"
        assert stuck.is_overdue
        assert await other.make(lambda: "answer") == "answer"
    finally:
        returning.set()
    assert await stuck.see_through(lambda: "closed") == "closed"
    assert not stuck.is_waiting


async def test_no_more_calls_than_threads_run_at_a_time() -> None:
    threads = CallThreads(1)
    first, second = BlockingCalls(threads, 60), BlockingCalls(threads, 60)
    running, most, lock = 0, 0, threading.Lock()

    def count() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.01)
        with lock:
            running -= 1

    await asyncio.gather(*(calls.make(count) for calls in (first, second)))
    assert most == 1


@pytest.mark.slow
def test_the_end_of_the_process_waits_for_no_call() -> None:
    ended = subprocess.run([sys.executable, "-c", _ENDLESS], capture_output=True, text=True, timeout=120, check=True)
    assert ended.stdout == "_TIMED_OUT\n", ended.stderr


def test_no_call_of_a_client_is_made_in_a_thread_that_the_end_of_the_process_waits_for() -> None:
    executors = {"to_thread", "run_in_executor", "ThreadPoolExecutor"}
    users = {
        str(path.relative_to(_KAFKA))
        for path in _KAFKA.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Attribute, ast.Name))
        and (node.attr if isinstance(node, ast.Attribute) else node.id) in executors
    }
    assert users == set(_WITHOUT_CLIENT), "use blocking.call_in_thread"
