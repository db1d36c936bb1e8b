"""What counting a request for `/metrics` costs on the two fast ways, CPU of one thread; the best of many runs.

python -m benchmarks.metrics
"""

import time
from collections.abc import Callable

from karapace_like.web.callers.usage import PrincipalUsage
from karapace_like.web.http.http_metrics import CachedTally, HttpMetrics, Series

_CALLS = 1000
_RUNS = 300


def main() -> None:
    """Print a line for each."""
    metrics = HttpMetrics()
    series, usage, tally = Series("POST", "/topics/{topic}"), PrincipalUsage("anyone", "none"), CachedTally()

    def timed() -> None:
        begun = time.monotonic()
        metrics.in_flight += 1
        series.count(200, time.monotonic() - begun, 130, 120)
        usage.count(200, 130, 120)
        metrics.in_flight -= 1

    print(f"an answer that was made, timed: {_microseconds(timed):.2f} us")
    print(f"an answer from remembered bytes: {_microseconds(lambda: tally.count(200, 0, 1200)):.2f} us")


def _microseconds(call: Callable[[], None]) -> float:
    """For one call."""
    best = float("inf")
    for _ in range(_RUNS):
        begun = time.thread_time()
        for _ in range(_CALLS):
            call()
        best = min(best, time.thread_time() - begun)
    return best / _CALLS * 1e6


if __name__ == "__main__":
    main()
