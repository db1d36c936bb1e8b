"""The process from which workers are forked, killed in moments that a whole node does not meet often."""

import os
import signal

import pytest

from karapace_like.workers.forking import ForkedProcess, TemplateEndedError, WorkerTemplate
from tests.cluster.registry_nodes import is_running
from tests.service_process import list_children
from tests.waiting import wait_until


@pytest.mark.slow
async def test_another_template_is_started_where_the_end_of_the_last_one_was_not_noticed() -> None:
    """The one fork fails whose request was for the former; the event loop has had no turn to learn of its end."""
    template, others = WorkerTemplate(), list_children(os.getpid())
    heard, orders = os.pipe()
    messages, said = os.pipe()
    descriptors = [heard, said, said]
    forked: list[ForkedProcess] = []
    try:
        forked.append(await template.fork(b"", descriptors))
        (first,) = list_children(os.getpid()) - others
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: not is_running(first))
        with pytest.raises(TemplateEndedError):
            await template.fork(b"", descriptors)
        forked.append(await template.fork(b"", descriptors))
        assert is_running(forked[1].pid)
        assert first not in list_children(os.getpid())
    finally:
        for process in forked:
            os.kill(process.pid, signal.SIGKILL)
            await process.wait()
        await template.close()
        for descriptor in (heard, orders, messages, said):
            os.close(descriptor)
