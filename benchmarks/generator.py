"""What sends the load: `wrk`, a program of its own in C; where it is missing, the client of `benchmarks/load.py`.

Either way the CPU time is the service's, from /proc, and everything is warmed up for a second first. An open loop is
always the client's: wrk has none.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path as File

from benchmarks import load
from benchmarks.load import UNIQUE
from benchmarks.paths import Path

_TIMEOUT_SECONDS = 30
"""After which an answer counts as an error; wrk's own 2 s would call slow answers of a busy machine wrong ones."""
_SCRIPT = """
wrk.method = "%(method)s"
%(content)s
local number = 0
local unique = "%(unique)s"
if unique ~= "" then
  local start = os.time() * 1000000
  request = function()
    number = number + 1
    local id = string.format("%%d", start + number)
    return wrk.format(nil, (wrk.path:gsub(unique, id)), nil, (wrk.body:gsub(unique, id)))
  end
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nFOUND {"requests": %%d, "us": %%d, "p50": %%d, "p99": %%d, "errors": %%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


class LoadError(Exception):
    """A path cannot be measured; the text says why."""


@dataclass(frozen=True)
class Found:
    """Of one run; a unit is a request, or a record of one."""

    units_a_second: float
    cpu_us: float
    """Of the serving process, for each unit."""
    p50_ms: float
    p99_ms: float
    """Of a request."""
    errors: int


def least(found: Iterable[Found]) -> Found:
    """The one with the least CPU: on a shared machine the others say what its neighbours did."""
    return min(found, key=lambda each: each.cpu_us)


def name() -> str:
    """The generator's name and version."""
    wrk = shutil.which("wrk")
    if wrk is None:
        return "benchmarks/load.py (Python; wrk is not installed, so that the client takes more of the machine)"
    shown = subprocess.run([wrk, "-v"], capture_output=True, text=True, check=False)
    return (shown.stdout + shown.stderr).splitlines()[0].split("[")[0].strip()


def run(pid: int, url: str, path: Path, seconds: float, rate: float = 0) -> Found:
    """Load the path of a process for so long, at so many requests a second where a rate is given."""
    if rate or shutil.which("wrk") is None:
        return _own(pid, url, path, seconds, rate)
    with tempfile.TemporaryDirectory() as folder:
        script = File(folder, "path.lua")
        script.write_text(_SCRIPT % {"method": path.method, "content": _content(path, folder), "unique": _unique(path)})
        _wrk(url, path, script, 1)
        before = load.tree_cpu_seconds(pid)
        found = _wrk(url, path, script, seconds)
        spent = load.tree_cpu_seconds(pid) - before
    units = found["requests"] * path.units
    return Found(
        units / found["us"] * 1e6, spent / max(units, 1) * 1e6, found["p50"] / 1e3, found["p99"] / 1e3, found["errors"]
    )


def _content(path: Path, folder: str) -> str:
    if not path.body:
        return ""
    body = File(folder, "body")
    body.write_bytes(path.body)
    return f'wrk.body = io.open("{body}", "rb"):read("*a")\nwrk.headers["Content-Type"] = "{path.content_type}"'


def _unique(path: Path) -> str:
    return UNIQUE if UNIQUE in path.path or UNIQUE.encode() in path.body else ""


def _wrk(url: str, path: Path, script: File, seconds: float) -> dict[str, int]:
    options = [f"-c{path.connections}", f"-d{seconds:.0f}s", f"--timeout={_TIMEOUT_SECONDS}s"]
    command = ["wrk", "-t1", *options, "-s", str(script), url + path.path]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    line = next((line for line in ended.stdout.splitlines() if line.startswith("FOUND ")), None)
    if line is None:
        raise LoadError(f"wrk ended with {ended.returncode}: {ended.stderr.strip()}")
    found: dict[str, int] = json.loads(line.removeprefix("FOUND "))
    return found


def _own(pid: int, url: str, path: Path, seconds: float, rate: float) -> Found:
    host, _, port = url.removeprefix("http://").partition(":")
    headers = {"Content_Type": path.content_type} if path.content_type else {}
    sent = load.request(path.method, path.path, f"{host}:{port}", path.body, **headers)
    cost = load.measure(pid, host, int(port), [sent], load.Load(path.connections, seconds, rate=rate))
    units = cost.requests * path.units
    return Found(units / cost.seconds, cost.cpu_us / path.units, cost.p50_ms, cost.p99_ms, cost.failures)
