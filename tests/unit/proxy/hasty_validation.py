"""The validating process with a second for each value: `python -m tests.unit.proxy.hasty_validation`."""

from karapace_like.process.job_process import serve_jobs
from karapace_like.schema.model import InvalidSchemaError
from karapace_like.serde import validation_process

if __name__ == "__main__":
    serve_jobs(validation_process._run, validation_process.LIMITS._replace(seconds=1), InvalidSchemaError)
