"""A schema that takes long to understand holds up nobody else."""

import asyncio
import json
import time

from tests.web.conftest import Api


async def _longest_pause(stop: asyncio.Event) -> float:
    """How long the event loop was kept from something that asks for it all the time, in seconds."""
    longest = 0.0
    while not stop.is_set():
        begun = time.perf_counter()
        await asyncio.sleep(0.001)
        longest = max(longest, time.perf_counter() - begun)
    return longest


async def test_a_heavy_comparison_is_made_beside_the_event_loop(api: Api) -> None:
    """The pause of the loop is a fraction of the work, whose length depends on the machine."""
    fields = [{"name": f"f{each}", "type": ["null", "string"], "default": None} for each in range(8000)]
    schema = {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}
    stop = asyncio.Event()
    watching = asyncio.create_task(_longest_pause(stop))
    await asyncio.sleep(0)
    begun = time.perf_counter()
    status, _ = await api("POST", "/subjects/a/versions", schema)
    fields[0]["doc"] = "changed"
    schema = {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}
    status, _ = await api("POST", "/subjects/a/versions", schema)
    took = time.perf_counter() - begun
    stop.set()
    assert status == 200
    assert await watching < took / 2
