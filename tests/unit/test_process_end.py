"""The end of a process that has loaded librdkafka, whose threads call Python until then."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys, threading, time, weakref
{imported}
from karapace_like.process.ending import run_as_process

class Unloaded:
    def __del__(self):
        print("unloaded")

kept = Unloaded()

def run():
    weakref.finalize(kept, print, "exit function")
    threading.Thread(target=lambda: (time.sleep(0.1), print("thread"))).start()
    {end}

run_as_process(run)
"""


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("pass", 0),
        ("sys.exit()", 0),
        ("sys.exit(3)", 3),
        ("sys.exit('why')", 1),
        ("raise LookupError('why')", 1),
    ],
)
@pytest.mark.parametrize("is_loaded", [True, False])
def test_the_interpreter_is_not_unloaded_beside_threads_of_librdkafka(end: str, code: int, is_loaded: object) -> None:
    """All else ends as ever: threads, exit functions, the exit code and what is printed of an exception."""
    program = PROGRAM.format(imported="import confluent_kafka" if is_loaded else "", end=end)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == code
    assert ended.stdout.split("\n") == ["thread", "exit function", *([] if is_loaded else ["unloaded"]), ""]
    assert ("why" in ended.stderr) == ("why" in end)
