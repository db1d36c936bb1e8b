"""How pytest-xdist spreads the tests over processes: whole files, the ones that wait longest first.

Files whose tests share an expensive fixture of one process are one unit, so that it starts once.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import WorkerController

_ROOT = Path(__file__).parents[1]
_SHARED = re.compile(r"\b(three_brokers|breakable_kafka|secured)\b")
"""Fixtures of the session that are brokers, which take seconds to start."""
_FOLDERS = (
    "tests/container",
    "tests/cluster",
    "tests/security",
    "tests/kafka",
    "tests/web/proxy",
    "tests/cli",
    "tests/clients",
)
"""Tests of these wait for other processes most: they begin first, so that quick ones fill what time is left."""
_LAST = len(_FOLDERS) + 1
"""The rank of all others, after those with a test that is marked as `slow`."""


class FileScheduling(LoadScopeScheduling):
    """Gives each worker the next unit, in the order of collection."""

    def __init__(self, config: pytest.Config, log: Any) -> None:
        super().__init__(config, log)
        config.option.loadscopereorder = False  # else the order is that of how many tests a unit has

    def remove_node(self, node: WorkerController) -> str | None:
        """Give the rest of a process that ended to others; return the test that ended it, which does not run again."""
        units = self.assigned_work.pop(node)
        ended_in = next((test for unit in units.values() for test, is_done in unit.items() if not is_done), None)
        if ended_in is not None:
            for unit in units.values():
                if ended_in in unit:
                    unit[ended_in] = True
        self.workqueue.update({name: unit for name, unit in units.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return ended_in

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid.partition("::")[0])


@cache
def unit_of(path: str) -> str:
    """The unit of this test file: itself, or the fixture that it shares with others, of which it may use one."""
    shared = {*_SHARED.findall((_ROOT / path).read_text())}
    assert len(shared) < 2, f"{path} would start {' and '.join(shared)} in one process: split it"
    return shared.pop() if shared else path


def in_order(items: list[pytest.Item]) -> list[pytest.Item]:
    """Tests in the order in which their units are to begin; within a unit they stay as they are."""
    ranks: dict[str, int] = {}
    for item in items:
        unit = _unit_of_item(item)
        ranks[unit] = min(ranks.get(unit, _LAST), _rank(item))
    return sorted(items, key=lambda item: ranks[_unit_of_item(item)])


def _rank(item: pytest.Item) -> int:
    path = item.nodeid.partition("::")[0]
    if unit_of(path) != path:
        return -1
    own = _LAST if item.get_closest_marker("slow") is None else _LAST - 1
    return next((place for place, folder in enumerate(_FOLDERS) if path.startswith(folder)), own)


def _unit_of_item(item: pytest.Item) -> str:
    return unit_of(item.nodeid.partition("::")[0])
