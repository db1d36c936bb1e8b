"""A schema that takes long to understand holds up nobody else, and what waits for it is neither lost nor repeated."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from karapace_like.registry.engine_jobs import Canonicalise, Compare, Job
from tests.web.conftest import Api


def _schema(number: int, fields: int = 4_000) -> str:
    """Compatible with every other of them."""
    fields_ = [{"name": f"f{each}", "type": ["null", "string"], "default": None} for each in range(fields)]
    fields_[0]["doc"] = str(number)
    return json.dumps({"type": "record", "name": "R", "fields": fields_})


@pytest.mark.slow
async def test_heavy_schemas_are_compared_in_another_process(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """No engine runs in this process, on the event loop or in a thread."""
    jobs_run_here: list[Job[Any]] = []
    for kind in (Canonicalise, Compare):
        monkeypatch.setattr(kind, "run", _record_calls(kind.run, jobs_run_here))
    for number in range(2):
        assert (await api("POST", "/subjects/a/versions", {"schema": _schema(number)}))[0] == 200
    assert jobs_run_here == []
    assert (await api("POST", "/subjects/b/versions", {"schema": '{"type": "string"}'}))[0] == 200
    assert jobs_run_here != []  # a light schema's: the record is real


def _record_calls(run: Callable[[Any], Any], jobs: list[Job[Any]]) -> Callable[[Any], Any]:
    def record_and_run(job: Job[Any]) -> Any:
        jobs.append(job)
        return run(job)

    return record_and_run


@pytest.mark.slow
async def test_heavy_schemas_at_one_subject_are_all_registered(api: Api) -> None:
    """Each is compared with the one that comes before it, whichever that is; each gets a version of its own.

    Few enough that a slow machine does it within a write's 60 s: n registrations take up to n²/2 comparisons.
    """
    await api("POST", "/subjects/a/versions", {"schema": _schema(0, 2_000)})
    answers = await asyncio.gather(
        *(api("POST", "/subjects/a/versions", {"schema": _schema(number, 2_000)}) for number in range(1, 7))
    )
    assert {status for status, _ in answers} == {200}
    assert sorted(body["version"] for _, body in answers) == list(range(2, 8))
    assert await api("GET", "/subjects/a/versions") == (200, list(range(1, 8)))


@pytest.mark.slow
async def test_heavy_schemas_that_exclude_each_other_are_not_both_registered(api: Api) -> None:
    """Every one is compatible with the first version, and with no other."""

    def schema(number: int) -> dict[str, Any]:
        fields = [{"name": f"f{each}", "type": "int", "default": 0} for each in range(2_000)]
        kind = {"type": "fixed", "name": f"K{number}", "size": 4}
        fields.append({"name": "kind", "type": kind, "default": "aaaa"})
        return {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}

    assert (await api("POST", "/subjects/a/versions", {"schema": '{"type":"record","name":"R","fields":[]}'}))[0] == 200
    answers = await asyncio.gather(*(api("POST", "/subjects/a/versions", schema(number)) for number in range(6)))
    assert sorted(status for status, _ in answers) == [200, 409, 409, 409, 409, 409]
