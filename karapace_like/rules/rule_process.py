"""The child process that executes rules: `python -m karapace_like.rules.rule_process`."""

import importlib
import sys
from contextlib import suppress
from typing import Any

import msgspec

from karapace_like.process.job_process import JobLimits, serve_jobs
from karapace_like.rules.jobs import RuleJob, run_job
from karapace_like.rules.trial import Trial, run_trial
from karapace_like.schema.model import InvalidSchemaError

LIMITS = JobLimits(seconds=3, memory_bytes=1024**3)
"""A value's rules take some milliseconds, and a second at most if they end at all (JSONATA's own limit)."""
_MAX_FRAMES = 5_000
"""JSONATA takes some ten frames of Python for each of its steps."""

_decode = msgspec.msgpack.Decoder(RuleJob | Trial).decode


def _run(message: bytes) -> Any:
    job = _decode(message)
    # Its result holds JSON, which MessagePack could not hold.
    return run_job(job) if isinstance(job, RuleJob) else msgspec.json.encode(run_trial(job))


if __name__ == "__main__":
    for library in ("cel", "jsonata"):  # before the time of the first job begins
        with suppress(ImportError):
            importlib.import_module(library)
    sys.setrecursionlimit(_MAX_FRAMES)  # after jsonata, whose import raises it
    serve_jobs(_run, LIMITS, InvalidSchemaError)
