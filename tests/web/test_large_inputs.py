"""The short form of `benchmarks/large.py`: every request of every case is answered as it should be."""

import pytest

from benchmarks import large

_SIZES = large.Sizes(versions=40, files=12, megabytes=0.02)
_REFUSED = {
    "register an incompatible one": 409,
    "look up a missing one": 404,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", large.CASES)
async def test_the_measured_requests_are_answered(name: str) -> None:
    rows = await large.run(large.CASES[name], _SIZES)
    assert [(row.name, row.status) for row in rows] == [(row.name, _REFUSED.get(row.name, 200)) for row in rows]
    assert all(row.longest_turn > 0 for row in rows)
