"""The caller of a request that lasts, such as a stream, is checked again while it does."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from karapace_like.proxy.reading import FollowedRecords
from karapace_like.web.callers import access
from karapace_like.web.proxy.callers import recheck_kafka_credentials
from karapace_like.web.proxy.subject_rights import find_subject_rights

_INTERVAL = 0.5
"""Seconds between two checks of one request."""


def admit_follower(request: web.Request, followed: FollowedRecords) -> "Admission":
    """Return the admission of a stream, whose records are decoded with the rights that its caller has at the time."""

    def use_rights() -> None:
        followed.rights = find_subject_rights(request)

    return Admission(request, use_rights)


class Admission:
    """Whether the caller of one request is still let in: users, grants and keys change, and tokens expire."""

    def __init__(self, request: web.Request, on_change: Callable[[], None] = lambda: None) -> None:
        """`on_change` is called when the caller has another policy, and is let in by that, too."""
        self._request = request
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._checked = self._loop.time()

    async def renew(self) -> None:
        """Raise ApiError (401, 403) if the caller may not make the request any more; checked every half second."""
        if self._loop.time() - self._checked < _INTERVAL:
            return
        self._checked = self._loop.time()
        if await access.recheck(self._request):
            self._on_change()
        await recheck_kafka_credentials(self._request)
