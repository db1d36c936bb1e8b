"""The log of a process: every line is an object where the log is JSON, and only a request's lines carry its id."""

import asyncio
import json
import logging
import socket
import subprocess
import sys
import threading
import warnings

import pytest

from karapace_like.background import BackgroundTasks
from karapace_like.process import logs


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own handlers and hooks come back."""
    monkeypatch.setattr(logging.root, "handlers", list(logging.root.handlers))
    monkeypatch.setattr(logging.root, "level", logging.root.level)
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    for module, name in ((sys, "excepthook"), (sys, "unraisablehook"), (threading, "excepthook")):
        monkeypatch.setattr(module, name, getattr(module, name))


def test_every_line_is_an_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "_warnings_showwarning", None)
    logs.configure("WARNING", logs.JSON_FORMAT)
    logs.announce("Ready at http://a\n  API documentation: b")
    logging.getLogger("a").warning("two\nlines")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("old", stacklevel=1)
    error = ValueError("wrong")
    sys.excepthook(ValueError, error, None)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["message"] for line in lines[:3]] == ["Ready at http://a", "API documentation: b", "two\nlines"]
    assert "old" in lines[3]["message"]
    assert "wrong" in lines[4]["exception"]
    logging.captureWarnings(capture=False)


class _Broken:
    def __del__(self) -> None:
        raise LookupError("of an object's end")


def _fail() -> None:
    raise LookupError("of a thread")


def _exit() -> None:
    raise SystemExit


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_python_would_print_itself_is_an_object_too(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("WARNING", logs.JSON_FORMAT)
    for target in (_fail, _exit):
        thread = threading.Thread(target=target, name="reader")
        thread.start()
        thread.join()
    broken = _Broken()
    del broken
    of_thread, of_object = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert of_thread["message"] == "Unexpected failure in the thread reader"
    assert of_thread["exception"].endswith("LookupError: of a thread")
    assert "_Broken.__del__" in of_object["message"]
    assert "LookupError: of an object's end" in of_object["exception"]


def test_announcements_are_plain_where_the_log_is(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("ERROR", "%(message)s")
    logs.announce("Ready at http://a\n  more")
    logging.captureWarnings(capture=False)
    assert capsys.readouterr().err == "Ready at http://a\n  more\n"


async def test_a_background_task_that_a_request_starts_does_not_log_as_the_request() -> None:
    background, found = BackgroundTasks(), list[object]()

    async def work() -> None:
        found.append(logs.request_id.get())

    logs.request_id.set(lambda: "a-1")
    await background.run_once("work", work())
    task = background.start("more work", work)
    while len(found) < 2:
        await asyncio.sleep(0)
    task.cancel()
    assert found == [None, None]


def test_a_line_is_written_in_one_piece() -> None:
    """Also unbuffered: several processes of a node write to the same pipe, and parts of lines would mix."""
    program = "import sys; from karapace_like.process import logs; logs.announce('Stopping')"
    reading, writing = socket.socketpair(type=socket.SOCK_DGRAM)
    with reading, writing:
        subprocess.run([sys.executable, "-u", "-c", program], stderr=writing.fileno(), check=True)
        assert reading.recv(100) == b"Stopping\n"
