"""The keys that tokens are checked by: fetched from their issuer, kept, and fetched anew when it changes them."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import aiohttp

from karapace_like.access import errors, tokens
from karapace_like.access.principals import Proved
from karapace_like.access.tokens import Keys, TokenRules, UnknownKeyError

logger = logging.getLogger(__name__)

_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MAX_BYTES = 1024 * 1024
_AGAIN_SECONDS = 600.0
_RETRY_SECONDS = 5.0
_MOST_ASKED = 5
_PER_SECONDS = 60.0
"""A token with a key that is not known lets the keys be fetched this often, and not for each request."""


class Tokens:
    """Checks tokens; `running` must be entered while it is asked."""

    def __init__(self, url: str, rules: TokenRules) -> None:
        self._url = url
        self._rules = rules
        self._keys: Keys | None = None
        self._document = b""
        self._session: aiohttp.ClientSession | None = None
        self._fetching: asyncio.Task[None] | None = None
        self._asked: deque[float] = deque(maxlen=_MOST_ASKED)
        self._changed: Callable[[], None] = lambda: None

    def on_change(self, do: Callable[[], None]) -> None:
        """What is to be done when the issuer has other keys: a key that is gone must not count any more."""
        self._changed = do

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the keys fresh for as long as the application runs."""
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as self._session:
            refreshing = asyncio.create_task(self._refresh())
            try:
                yield
            finally:
                for task in filter(None, (refreshing, self._fetching)):
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)

    async def verified(self, token: str) -> Proved:
        """What the token says; raises UnauthenticatedError, or ApiError 503 while no keys are known."""
        if self._keys is None and self._may_ask():
            await self._fetch_once()
        with suppress(UnknownKeyError):
            return self._verified(token)
        if self._may_ask():
            await self._fetch_once()
        try:
            return self._verified(token)
        except UnknownKeyError as error:
            raise errors.bad_token("its key is not one of the issuer's") from error

    def _verified(self, token: str) -> Proved:
        if self._keys is None:
            raise errors.keys_not_known()
        return tokens.verify(token, self._keys, self._rules, time.time())

    def _may_ask(self) -> bool:
        now = time.monotonic()
        if len(self._asked) == _MOST_ASKED and now - self._asked[0] < _PER_SECONDS:
            return False
        self._asked.append(now)
        return True

    async def _fetch_once(self) -> None:
        """Fetch the keys, together with all who want them now."""
        if self._fetching is None or self._fetching.done():
            self._fetching = asyncio.create_task(self._fetch())
        await asyncio.shield(self._fetching)

    async def _refresh(self) -> None:
        while True:
            await self._fetch_once()
            await asyncio.sleep(_AGAIN_SECONDS if self._keys is not None else _RETRY_SECONDS)

    async def _fetch(self) -> None:
        """Take the issuer's keys; what is known stays where it cannot be asked, or does not answer with keys."""
        assert self._session is not None
        try:
            async with self._session.get(self._url, allow_redirects=False, raise_for_status=True) as answer:
                document = await _body(answer)
            if document != self._document:
                self._keys = tokens.key_set(document)
                self._document = document
                self._changed()
        except (aiohttp.ClientError, OSError, tokens.KeysError) as error:
            logger.warning("The keys of the token issuer cannot be fetched: %s", str(error) or type(error).__name__)


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    """The whole body; raises KeysError for one that is too large to be keys."""
    body = b""
    async for chunk in answer.content.iter_any():
        body += chunk
        if len(body) > _MAX_BYTES:
            raise tokens.KeysError(f"The document has more than {_MAX_BYTES} bytes")
    return body
