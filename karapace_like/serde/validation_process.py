"""The child process that validates JSON values: `python -m karapace_like.serde.validation_process`."""

from typing import Any

import msgspec

from karapace_like.process.job_process import JobLimits, serve_jobs
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde.codec import Validation
from karapace_like.serde.json_schema import run_validation

LIMITS = JobLimits(seconds=5, memory_bytes=1024**3)
"""A value of 10 MB takes about a second."""

_decode = msgspec.msgpack.Decoder(Validation).decode


def _run(message: bytes) -> Any:
    return run_validation(_decode(message))


if __name__ == "__main__":
    serve_jobs(_run, LIMITS, InvalidSchemaError)
