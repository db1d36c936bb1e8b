"""The child process that does heavy jobs of the schema engines: `python -m karapace_like.registry.engine_process`."""

from typing import Any

import msgspec

from karapace_like.process.job_process import JobLimits, serve_jobs
from karapace_like.registry.engine_jobs import (
    ApplyTags,
    Canonicalise,
    CheckRules,
    Compare,
    Differ,
    Fingerprint,
    Format,
    IsSpellingOf,
    Job,
    ListFields,
    ListTags,
    ListTopFields,
    MeanTheSame,
)
from karapace_like.registry.explanation_jobs import Explain, JudgeEffect
from karapace_like.schema.model import InvalidSchemaError

LIMITS = JobLimits(seconds=30, memory_bytes=4 * 1024**3)
"""An Avro schema of 500 kB, compared with its predecessor, takes about a second."""

JOBS = (
    Canonicalise
    | Fingerprint
    | Format
    | ListTags
    | ApplyTags
    | CheckRules
    | ListTopFields
    | ListFields
    | Compare
    | Differ
    | IsSpellingOf
    | MeanTheSame
    | Explain
    | JudgeEffect
)
"""Every kind of job."""
_job_decoder = msgspec.msgpack.Decoder(JOBS)


def decode_job(data: bytes) -> Job[Any]:
    """Return the job of these bytes, which `engine_jobs.encode` wrote in another process of this version."""
    job: Job[Any] = _job_decoder.decode(data)
    return job


def _run(message: bytes) -> Any:
    return decode_job(message).run()


if __name__ == "__main__":
    serve_jobs(_run, LIMITS, InvalidSchemaError)
