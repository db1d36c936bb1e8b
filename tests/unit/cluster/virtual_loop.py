"""An event loop whose time is a number that moves when nothing else can."""

import asyncio
import selectors
from typing import Any


class _NothingToSelect(selectors.BaseSelector):
    """Lets the loop's time jump to its next timer."""

    def __init__(self) -> None:
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "the simulation waits for something that cannot happen"
        self.now += timeout
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> Any:
        raise NotImplementedError

    def unregister(self, fileobj: Any) -> Any:
        raise NotImplementedError

    def get_map(self) -> Any:
        raise NotImplementedError


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop without a clock."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _NothingToSelect()

    def time(self) -> float:
        return self._selector.now

    def _process_events(self, events: list[Any]) -> None:
        assert not events

    def _write_to_self(self) -> None:
        """Nothing sleeps."""
