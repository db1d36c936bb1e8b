"""Fixtures that every test may ask for. Nothing starts before a test asks; what cannot start fails that test.

`pytest -n 3` runs the tests in three processes (`parallel.py`), which share one broker (`shared_kafka.py`).
"""

import os
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import is_hypothesis_test, settings
from xdist.scheduler import LoadScopeScheduling

from karapace_like.kafka.cluster import Cluster
from tests import parallel, shared_kafka
from tests.ended_services import free_ended_services
from tests.forms import count_examples
from tests.leaks import (  # noqa: F401 - pytest calls them
    pytest_configure,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_testnodedown,
)
from tests.service_process import ServiceProcess

# Drawn examples take as long as the machine needs. CI draws the same ones each time: a new find belongs to its finder.
settings.register_profile("here", deadline=None, max_examples=count_examples(100))
settings.register_profile("ci", settings.get_profile("here"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

_BROKERS = {"kafka", "three_brokers", "breakable_kafka", "secured"}
"""A test that uses one of these is marked as `kafka`; one that starts a broker by itself is marked by hand."""
_FAILING_BROKERS = {"three_brokers", "breakable_kafka"}
"""A test that uses one of these is marked as `long`."""
_OF_WORKERS = pytest.StashKey[shared_kafka.KafkaOfWorkers]()


def pytest_sessionstart() -> None:
    shared_kafka.keep_data_in_memory()
    shared_kafka.guard()


def pytest_unconfigure(config: pytest.Config) -> None:
    if _OF_WORKERS in config.stash:
        config.stash[_OF_WORKERS].close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark and order, before pytest leaves out what is not asked for."""
    for item in items:
        fixtures = getattr(item, "fixturenames", ())
        if not _BROKERS.isdisjoint(fixtures):
            item.add_marker(pytest.mark.kafka)
        if not _FAILING_BROKERS.isdisjoint(fixtures):
            item.add_marker(pytest.mark.long)
        if is_hypothesis_test(getattr(item, "obj", None)):
            item.add_marker(pytest.mark.drawn)
    items[:] = parallel.in_order(items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    shared_kafka.allow(start=item.get_closest_marker("kafka") is not None)


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    if nextitem is None or nextitem.path != item.path:
        free_ended_services()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where to ask for the broker."""
    stash = node.config.stash
    if _OF_WORKERS not in stash:
        stash[_OF_WORKERS] = shared_kafka.KafkaOfWorkers()
    node.workerinput["kafka"] = stash[_OF_WORKERS].address


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return parallel.FileScheduling(config, log)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> Iterator[Cluster]:
    """One real broker for the whole run: tests share it and take topics, subjects and groups of their own."""
    told: dict[str, Any] | None = getattr(request.config, "workerinput", None)
    if told is not None:
        yield shared_kafka.KafkaElsewhere(told["kafka"])
        return
    with Cluster(properties=shared_kafka.PROPERTIES) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def breakable_kafka() -> Iterator[Cluster]:
    """One real broker that a test may pause or stop, if it runs again afterwards; no other test runs meanwhile."""
    with Cluster(properties={"producer.id.expiration.check.interval.ms": 200}) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def three_brokers() -> Iterator[Cluster]:
    """Three real brokers for the whole run: a test that stops one starts it again."""
    with Cluster(brokers=3) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def service(kafka: Cluster) -> Iterator[ServiceProcess]:
    """One service on that broker for the whole run, as a process: tests share it like the broker."""
    with ServiceProcess(kafka.bootstrap_servers) as process:
        yield process
        # Else tests that it left alone fail with a refused connection, and none says why it ended.
        assert process.running, "\n".join(process.lines[-50:])


@pytest.fixture
def topic() -> Callable[[], str]:
    """Make topic names that nobody else uses. Call it for each; the topic is not created."""
    return lambda: f"topic-{secrets.token_hex(8)}"
