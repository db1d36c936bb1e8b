"""Keeping heavy work off the event loop: what engines compute is remembered, and computed on another thread.

Parsing, writing and comparing schemas are pure, so their outcomes may be remembered by their arguments, errors
included. Inside of `off_the_loop` a `remembered` function may only be *found* to have an outcome: where it has none,
the call is abandoned, the outcome is computed on a thread, and the call is made again. A hostile schema can take
seconds to parse or compare; requests for others are answered meanwhile. What is light by its arguments is computed at
once: going to a thread and back costs more.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from contextvars import ContextVar
from functools import partial, wraps
from threading import Lock
from typing import Any, NamedTuple, ParamSpec, TypeVar

from karapace_like.measures import Cache
from karapace_like.schema.model import InvalidSchemaError

P = ParamSpec("P")
T = TypeVar("T")

_ATTEMPTS = 1000
"""How many outcomes one call may wait for; a transitive check asks one for each version."""

CACHES: list[Cache] = []
"""How each of them is used."""

_on_the_loop: ContextVar[bool] = ContextVar("on_the_loop", default=False)


class _MissingError(Exception):
    """An outcome is not known; `compute` makes it known."""

    def __init__(self, compute: Callable[[], object]) -> None:
        super().__init__("computed on the event loop without being awaited")
        self.compute = compute


class _Outcome(NamedTuple):
    value: object
    error: InvalidSchemaError | None


def _never(*_: object) -> bool:
    return False


def remembered(size: int, *, is_light: Callable[..., bool] = _never) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Remember what a pure function of hashable positional arguments returns or refuses, the `size` used last.

    `is_light` tells by the arguments whether less than a millisecond of work is certain.
    """

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        outcomes: OrderedDict[Hashable, _Outcome] = OrderedDict()
        lock = Lock()
        cache = Cache(f"{function.__module__.rpartition('.')[2]}.{function.__name__.strip('_')}")
        CACHES.append(cache)

        def compute(*args: P.args, **kwargs: P.kwargs) -> _Outcome:
            try:
                outcome = _Outcome(function(*args, **kwargs), None)
            except InvalidSchemaError as error:
                outcome = _Outcome(None, error)
            with lock:
                outcomes[args] = outcome
                if len(outcomes) > size:
                    outcomes.popitem(last=False)
                cache.misses += 1
                cache.size = len(outcomes)
            return outcome

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            with lock:
                outcome = outcomes.get(args)
                if outcome is not None:
                    outcomes.move_to_end(args)
                    cache.hits += 1
            if outcome is None:
                if _on_the_loop.get() and not is_light(*args, **kwargs):
                    raise _MissingError(partial(compute, *args, **kwargs))
                outcome = compute(*args, **kwargs)
            if outcome.error is not None:
                raise outcome.error.with_traceback(None)
            return outcome.value  # type: ignore[return-value]

        return call

    return decorate


def off_the_loop(function: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a coroutine function do no remembered work on the event loop. It must not have changed anything before."""

    @wraps(function)
    async def call(*args: P.args, **kwargs: P.kwargs) -> T:
        for _ in range(_ATTEMPTS):
            token = _on_the_loop.set(True)
            try:
                return await function(*args, **kwargs)
            except _MissingError as missing:
                compute = missing.compute
            finally:
                _on_the_loop.reset(token)
            await asyncio.to_thread(compute)
        return await function(*args, **kwargs)

    return call
