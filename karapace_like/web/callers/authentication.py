"""Authentication of callers: by password, by token, or by the client certificate of the connection.

The principal of an `Authorization` header is cached, so that a password is not hashed for each request. The cache is
keyed by a keyed hash of the header: it holds no secret, and the time of a comparison reveals nothing about one.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from karapace_like.access import certificates, credentials, errors
from karapace_like.access.certificates import Rule
from karapace_like.access.credentials import Basic, Bearer
from karapace_like.access.passwords import Algorithm, User, check_password
from karapace_like.access.principals import Method, Principal, Proved
from karapace_like.process.lru import LruCache
from karapace_like.web.callers.credential_checks import Claimant, CredentialChecks

if TYPE_CHECKING:
    from karapace_like.web.callers.tokens import TokenVerifier

_MAX_CACHED = 1000
_HASHING = 2
"""Passwords that are hashed at the same time; each occupies a core."""


def find_certified_name(rules: Sequence[Rule], transport: asyncio.BaseTransport | None) -> str | None:
    """Return the principal of the connection's client certificate; None if the client has shown none."""
    peer = None if transport is None else transport.get_extra_info("peercert")
    return certificates.principal_name(rules, certificates.subject(peer["subject"])) if peer else None


class Authentication:
    """The enabled methods of authentication; an `Authorization` header takes precedence over a certificate."""

    def __init__(self, *, tokens: "TokenVerifier | None" = None, rules: Sequence[Rule] = ()) -> None:
        self._users: Mapping[str, User] = {}
        self._algorithms: frozenset[Algorithm] = frozenset()
        self._takes_passwords = False
        self._tokens = tokens
        self._rules = rules
        self._key = secrets.token_bytes(32)
        self._clear_caches()
        self._checks = CredentialChecks(_HASHING)
        self._threads = ThreadPoolExecutor(_HASHING, thread_name_prefix="password-hash")
        """Those of the event loop's pool may all be waiting for Kafka."""
        if tokens is not None:
            tokens.on_change(self._clear_caches)

    @asynccontextmanager
    async def run(self) -> AsyncIterator[None]:
        """Enter the context in which `authenticate` may be called."""
        try:
            async with nullcontext() if self._tokens is None else self._tokens.run():
                yield
        finally:
            self._threads.shutdown(wait=False)

    def use(self, users: Mapping[str, User]) -> None:
        """Replace the users that may authenticate by password."""
        self._users = users
        self._algorithms = frozenset(user.algorithm for user in users.values())
        self._takes_passwords = bool(users)
        self._clear_caches()

    def find_cached_principal(self, header: str) -> Principal | None:
        """Return the cached principal of an `Authorization` header; None if it is not cached, or has expired."""
        proved = self._proved.get(self._digest(header))
        return proved.principal if proved is not None and time.time() < proved.expires else None

    async def authenticate(self, header: str | None, transport: asyncio.BaseTransport | None) -> Principal:
        """Return the caller; raises UnauthenticatedError, also for a wrong header beside a valid certificate."""
        if header is not None:
            cached = self.find_cached_principal(header)
            return cached if cached is not None else await self._prove(header, transport)
        certified = self.find_certified_principal(transport)
        if certified is None:
            raise self._add_challenges(errors.no_credentials())
        return certified

    def find_certified_principal(self, transport: asyncio.BaseTransport | None) -> Principal | None:
        """Return the principal of the connection's client certificate; None if there is none."""
        name = find_certified_name(self._rules, transport)
        return Principal(name, Method.CERTIFICATE) if name else None

    async def _prove(self, header: str, transport: asyncio.BaseTransport | None) -> Principal:
        """Return the caller; raise UnauthenticatedError, or ApiError 42901 for one check too many."""
        # Held here: `use` replaces the caches, and this check belongs to the old ones.
        cache, refused, checking, digest = self._proved, self._refused, self._checking, self._digest(header)
        if refused.get(digest):
            raise self._add_challenges(errors.wrong_credentials())
        if digest not in checking:
            checking[digest] = task = asyncio.create_task(self._check(header, transport))
            task.add_done_callback(lambda _: checking.pop(digest))
        try:
            proved = await asyncio.shield(checking[digest])
        except errors.UnauthenticatedError as error:
            raise self._add_challenges(error) from error
        if proved is None:
            refused.put(digest, value=True)
            raise self._add_challenges(errors.wrong_credentials())
        return cache.put(digest, proved).principal

    async def _check(self, header: str, transport: asyncio.BaseTransport | None) -> Proved | None:
        """Return None for a wrong password, which is cached; raises UnauthenticatedError, which is not."""
        parsed = credentials.parse(header)
        if isinstance(parsed, Bearer) and self._tokens is not None:
            return await self._tokens.verify(parsed.token.value)
        if isinstance(parsed, Basic) and self._takes_passwords:
            claimant = Claimant.at(transport, self._digest(parsed.username))
            check = partial(self._check_password, parsed, self._users.get(parsed.username), self._algorithms)
            return await self._checks.run(claimant, check)
        raise errors.wrong_credentials()

    async def _check_password(self, sent: Basic, user: User | None, algorithms: Iterable[Algorithm]) -> Proved | None:
        check = partial(check_password, user, sent.password.value, algorithms)
        is_right = await asyncio.get_running_loop().run_in_executor(self._threads, check)
        return Proved(Principal(user.username, Method.PASSWORD)) if is_right and user is not None else None

    def _add_challenges(self, error: errors.UnauthenticatedError) -> errors.UnauthenticatedError:
        challenges = (errors.BASIC_CHALLENGE,) if self._takes_passwords else ()
        if self._tokens is not None:
            challenges = (*challenges, errors.BEARER_CHALLENGE)
        return errors.UnauthenticatedError(error.message, challenges)

    def _clear_caches(self) -> None:
        self._proved: LruCache[bytes, Proved] = LruCache(_MAX_CACHED)
        self._refused: LruCache[bytes, bool] = LruCache(_MAX_CACHED)
        self._checking: dict[bytes, asyncio.Task[Proved | None]] = {}
        """Requests with the same header share one check."""

    def _digest(self, header: str) -> bytes:
        return hashlib.blake2b(header.encode("utf-8", "surrogateescape"), key=self._key).digest()
