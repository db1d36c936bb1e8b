"""A schema that takes long to understand holds up nobody else."""

import json
import time

from tests.web.conftest import Api


async def test_a_heavy_comparison_is_made_beside_the_event_loop(api: Api) -> None:
    """The loop's thread has a fraction of the work, told by the CPU that both take: no matter of scheduling."""
    fields = [{"name": f"f{each}", "type": ["null", "string"], "default": None} for each in range(8000)]
    before = {"schema": json.dumps({"type": "record", "name": "R", "fields": fields})}
    after = {
        "schema": json.dumps({"type": "record", "name": "R", "fields": [{**fields[0], "doc": "new"}, *fields[1:]]})
    }
    everywhere, here = time.process_time(), time.thread_time()
    for schema in (before, after):
        assert (await api("POST", "/subjects/a/versions", schema))[0] == 200
    assert time.thread_time() - here < (time.process_time() - everywhere) / 2
