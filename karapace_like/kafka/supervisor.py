"""The parent process of one broker's JVM: it ends the broker when the program that started it ends.

Run as a script: `supervisor.py GRACE_SECONDS FOLDER_TO_DROP COMMAND...`. It prints the process id of COMMAND, and
exits with its exit code. Its standard input is a pipe from the starting program, which ends when that program closes it
or dies by any signal. Then the supervisor terminates the broker, kills it after the grace period, and removes
FOLDER_TO_DROP (unless empty).

A pipe works on macOS too. Linux's own mechanism (`PR_SET_PDEATHSIG`) reports the end of the starting *thread*, and a
service starts its broker from a thread of a pool. This script imports nothing of the package: it runs without
site-packages, to start within milliseconds.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading


def main(grace: float, folder_to_drop: str, command: list[str]) -> int:
    """Run `command` until it ends or standard input does. Returns its exit code, negative for a signal."""
    # The command's own output goes to the log, which is this process's standard error.
    broker = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sys.stderr)  # noqa: S603 - the caller's Java
    signal.signal(signal.SIGTERM, lambda *_: broker.terminate())
    orphaned = threading.Event()
    threading.Thread(target=_end_with_input, args=(broker, grace, orphaned), daemon=True).start()
    sys.stdout.write(f"{broker.pid}\n")
    sys.stdout.flush()
    code = broker.wait()
    if orphaned.is_set() and folder_to_drop:
        shutil.rmtree(folder_to_drop, ignore_errors=True)
    return code


def _end_with_input(broker: "subprocess.Popen[bytes]", grace: float, orphaned: threading.Event) -> None:
    while os.read(sys.stdin.fileno(), 1):  # no program writes to it
        pass
    orphaned.set()
    broker.terminate()
    broker.send_signal(signal.SIGCONT)  # a paused process handles no other signal
    try:
        broker.wait(grace)
    except subprocess.TimeoutExpired:
        broker.kill()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3:]))
