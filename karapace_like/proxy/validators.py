"""Validation of values that may take long, in child processes with bounds of their own.

The validator of JSON Schema can neither be interrupted nor run beside the event loop. Values of ordinary schemas never
come here: their codec validates them at once.
"""

from typing import Any

import msgspec

from karapace_like.process.job_process import JobLimitError, JobLostError, JobProcesses
from karapace_like.proxy import errors
from karapace_like.proxy.rule_processes import RuleProcesses
from karapace_like.serde import validation_process
from karapace_like.serde.codec import EncodeError, HeavyValidationError, Validation

_PROCESSES = 2
_MAX_WAITING = 100
"""Values that are being validated, or wait for it."""

_encode = msgspec.msgpack.Encoder().encode


class Validators:
    """The validating processes of one process of the service, and those of rules; `close` them at the end."""

    def __init__(self) -> None:
        self.rules = RuleProcesses()
        self._processes = JobProcesses(validation_process.__name__, validation_process.LIMITS, _PROCESSES)
        self._waiting = 0

    async def validate(self, heavy: HeavyValidationError) -> bytes:
        """Return the finished payload of a valid value; raise EncodeError, or ProxyError: 42901, 503 without a process.

        A value whose validation exceeds the limits counts as invalid.
        """
        if self._waiting >= _MAX_WAITING:
            raise errors.too_many("values to validate whose schemas are complex")
        self._waiting += 1
        try:
            return heavy.finish(await self._validate(heavy.validation))
        except JobLostError as lost:
            raise errors.validator_lost_error() from lost
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the processes. Validations under way are given up."""
        await self._processes.close()
        await self.rules.close()

    async def _validate(self, validation: Validation) -> bytes:
        try:
            if not validation.is_invalid and await self._run(validation):
                return validation.payload
        except JobLimitError as excess:
            raise EncodeError(
                (),
                f"to validate the value takes {excess}. Simplify the schema (alternatives that lead to each other, "
                "patterns), or send a smaller value.",
            ) from excess
        try:
            path, message, expected = await self._run(msgspec.structs.replace(validation, is_invalid=True))
        except JobLimitError as excess:
            raise EncodeError(
                (), f"the value does not match its schema. To find the place that does not takes {excess}."
            ) from excess
        raise EncodeError(tuple(path), message, expected)

    async def _run(self, validation: Validation) -> Any:
        answer, refusal = await self._processes.run(_encode(validation))
        if refusal is not None:
            raise EncodeError((), f"the schema cannot be used: {refusal}")
        return answer
