"""Frees the services that ran in this process and have ended, with their Kafka clients.

A process has one service, so nothing frees it: what exists when it is ready is excluded from garbage collection, and
aiohttp caches its application. In a process of tests, which starts one service after the other, each would keep some
twenty threads of clients, and the 1,024 thread-local keys of a process would run out.
"""

import gc
from pathlib import Path
from typing import Any

from aiohttp import web_app

_MANY_THREADS = 150
"""A collection takes longer than most tests, so it waits for the clients of several services."""
_THREADS = Path("/proc/self/task")


def free_ended_services() -> None:
    """Free what belongs to ended services, if this process has many threads or its system does not count them."""
    if _THREADS.exists() and len([*_THREADS.iterdir()]) < _MANY_THREADS:
        return
    cached: Any = web_app
    build_middleware = cached._cached_build_middleware
    if build_middleware.cache_info().currsize or gc.get_freeze_count():
        build_middleware.cache_clear()
        gc.unfreeze()
        gc.collect()
