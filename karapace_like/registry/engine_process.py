"""The child process that does heavy jobs of the schema engines: `python -m karapace_like.registry.engine_process`."""

from typing import Any

from karapace_like.process.job_process import JobLimits, serve_jobs
from karapace_like.registry.engine_jobs import decode_job
from karapace_like.schema.model import InvalidSchemaError

LIMITS = JobLimits(seconds=30, memory_bytes=4 * 1024**3)
"""An Avro schema of 500 kB, compared with its predecessor, takes about a second."""


def _run(message: bytes) -> Any:
    return decode_job(message).run()


if __name__ == "__main__":
    serve_jobs(_run, LIMITS, InvalidSchemaError)
