"""Values that are validated in another process: the verdict, its explanation, and what exceeds the limits."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from karapace_like.process.job_process import JobFaultError, JobLimits, JobProcesses
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.validators import Validators
from karapace_like.serde import validation_process
from karapace_like.serde.codec import EncodeError, HeavyValidationError, Validation
from tests.unit.serde.test_json_schema_cost import doubling


@pytest.fixture
async def validators() -> AsyncIterator[Validators]:
    validators = Validators()
    yield validators
    await validators.close()


def heavy(schema: object, payload: bytes, *, is_invalid: bool = False) -> HeavyValidationError:
    return HeavyValidationError(Validation(json.dumps(schema), (), payload, is_invalid), lambda valid: valid)


async def test_a_verdict_has_its_explanation(validators: Validators) -> None:
    schema = {"properties": {"a": {"items": {"type": "integer"}}}}
    assert await validators.validate(heavy(schema, b'{"a":[1]}')) == b'{"a":[1]}'
    for is_invalid in (False, True):
        with pytest.raises(EncodeError) as refused:
            await validators.validate(heavy(schema, b'{"a":[1,"x"]}', is_invalid=is_invalid))
        assert str(refused.value) == 'a[1]: "x" is not of type "integer"'
    with pytest.raises(EncodeError, match="out of range"):
        await validators.validate(heavy(schema, b"1e999"))
    with pytest.raises(EncodeError, match=r"the schema cannot be used: .*regex"):
        await validators.validate(heavy({"pattern": "("}, b"1"))


@pytest.mark.slow
async def test_what_exceeds_the_limits_is_refused(validators: Validators, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel ends the process: by its alarm, or for lack of memory. The next value gets a new one."""
    monkeypatch.setattr(validators, "_processes", _limited(1))
    with pytest.raises(EncodeError, match=r"to validate the value takes longer than 1 seconds\. Simplify the schema"):
        await validators.validate(heavy(doubling(200), b"1"))
    await validators.close()
    monkeypatch.setattr(validators, "_processes", _limited(10))  # the verdict comes in time on a busy machine, too
    with pytest.raises(
        EncodeError, match=r"the value does not match its schema\. To find the place that does not takes"
    ):
        await validators.validate(heavy(doubling(21), b"1"))
    assert await validators.validate(heavy(True, b"1")) == b"1"
    await validators.close()


def _limited(seconds: int) -> JobProcesses:
    """Processes that have less time than those of the service, else this takes long."""
    limits = JobLimits(seconds, validation_process.LIMITS.memory_bytes)
    return JobProcesses("tests.unit.proxy.hasty_validation", limits, 1)


async def test_a_bug_is_no_verdict(validators: Validators) -> None:
    with pytest.raises(JobFaultError, match="Expected"):
        await validators._run(heavy(True, b"1").validation.text)  # type: ignore[arg-type]


async def test_too_many_values_are_refused(validators: Validators, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("karapace_like.proxy.validators._MAX_WAITING", 1)
    first = asyncio.create_task(validators.validate(heavy(True, b"1")))
    await asyncio.sleep(0)
    with pytest.raises(ProxyError, match="too many values to validate") as refused:
        await validators.validate(heavy(True, b"1"))
    assert refused.value.code == 42901
    assert await first == b"1"
