"""The short form of `benchmarks/mixed.py`, and that its latencies count from the times at which requests are due."""

import asyncio
import time

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from benchmarks import mixed, paths
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess


@pytest.mark.long
def test_every_request_of_the_mix_is_answered_at_a_fixed_rate(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers) as service:
        mix = asyncio.run(mixed.make_mix(service.url))
        assert mixed.drive(service.url, mix, 0.5).completed > 0
        driven = mixed.drive(service.url, mix, 1.0, rate=100.0)
    assert [result.failures for result in driven.results] == [0] * len(mix)
    assert [result.decode_histogram().total_count for result in driven.results] == [part.weight for part in mix]
    assert sum(part.weight for part in mix) == 100


@pytest.mark.parametrize(("status", "failures"), [(200, 0), (503, 3)])
async def test_a_latency_counts_from_the_scheduled_time(status: int, failures: int) -> None:
    """Also that of a request which waits for a connection: what it waits is not omitted."""

    async def respond(_: web.BaseRequest) -> web.Response:
        return web.Response(status=status)

    async with RawTestServer(respond) as server:
        part = mixed.Part(1, paths.Path("any", "GET", "/", connections=1))
        lane = mixed.Lane(part, server.host, server.port or 0)
        await lane.connect()
        is_answered = asyncio.Event()
        lane.on_response = lambda: None if lane.unanswered else is_answered.set()
        late_seconds = 10
        for _ in range(3):
            lane.submit(time.perf_counter() - late_seconds)
        await is_answered.wait()
        lane.close()
    result = lane.result()
    histogram = result.decode_histogram()
    assert (histogram.total_count, result.failures) == (3, failures)
    assert histogram.get_min_value() >= 0.99 * late_seconds * 1e6  # three digits are kept
