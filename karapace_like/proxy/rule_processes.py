"""The processes that execute rules which may take long, or much memory, or cannot be interrupted."""

from typing import Any

import msgspec

from karapace_like.process.job_process import JobLimitError, JobLostError, JobProcesses
from karapace_like.proxy import errors
from karapace_like.rules import rule_process
from karapace_like.rules.encryption import MissingKeyError
from karapace_like.rules.errors import Failure, RuleFailedError
from karapace_like.rules.jobs import RuleJob, RuleResult
from karapace_like.rules.model import Action
from karapace_like.rules.trial import Trial, TrialResult, describe_excess

_PROCESSES = 2
_MAX_WAITING = 100
"""Values whose rules are being executed, or wait for it."""

_encode = msgspec.msgpack.Encoder().encode


class RuleProcesses:
    """The rule processes of one process of the service; `close` them at the end."""

    def __init__(self) -> None:
        self._processes = JobProcesses(rule_process.__name__, rule_process.LIMITS, _PROCESSES)
        self._waiting = 0

    async def execute(self, job: RuleJob) -> bytes | None:
        """Return the JSON that the rules make of the value, None where they do not change it.

        Raises RuleFailedError, also for rules that exceed the limits, whatever their actions; MissingKeyError;
        ProxyError 42901 and 503.
        """
        try:
            answer, refusal = await self._run(job)
        except JobLimitError as excess:
            raise _fail(job, f"to execute the rules on this value takes {excess}") from excess
        if refusal is not None:
            raise _fail(job, f"the schema cannot be used: {refusal}")
        result = msgspec.convert(answer, RuleResult)
        if result.missing is not None:
            raise MissingKeyError(result.missing)
        if result.failure is not None:
            raise RuleFailedError(result.failure)
        return result.value

    async def execute_trial(self, trial: Trial) -> TrialResult:
        """Return what the rules of a schema make of a record; raises ProxyError 42205, 42901 and 503."""
        try:
            answer, refusal = await self._run(trial)
        except JobLimitError as excess:
            return describe_excess(str(excess))
        if refusal is not None:
            raise errors.unusable_schema(refusal)
        return msgspec.json.decode(answer, type=TrialResult)

    async def _run(self, job: RuleJob | Trial) -> tuple[Any, str | None]:
        if self._waiting >= _MAX_WAITING:
            raise errors.too_many("values with complex rules")
        self._waiting += 1
        try:
            return await self._processes.run(_encode(job))
        except JobLostError as lost:
            raise errors.rule_process_lost_error() from lost
        finally:
            self._waiting -= 1

    async def close(self) -> None:
        """End the processes. Executions under way are given up."""
        await self._processes.close()


def _fail(job: RuleJob, reason: str) -> RuleFailedError:
    return RuleFailedError(Failure("(all)", "", job.mode, Action.ERROR, reason))
