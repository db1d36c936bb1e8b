"""How the console is served, and the key under which handlers find that."""

from typing import NamedTuple

from aiohttp import web


class ConsoleSettings(NamedTuple):
    """What operators decide about the console."""

    writes: bool | None = None
    """Whether it offers changes; None: to callers that access control decides about, and on this machine itself."""


CONSOLE: web.AppKey[ConsoleSettings] = web.AppKey("console", ConsoleSettings)
"""Absent where no console is served."""
