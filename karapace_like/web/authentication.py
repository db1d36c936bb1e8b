"""Who a caller is: by a password, by a token, or by the certificate of his connection.

What an `Authorization` header has proved is remembered, so that a password is not hashed for each request. What is
kept is a keyed hash of the header: neither the secret, nor anything that the time of a comparison could tell of it.
"""

import asyncio
import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TYPE_CHECKING

from karapace_like.access import certificates, credentials, errors
from karapace_like.access.certificates import Rule
from karapace_like.access.credentials import Basic, Bearer
from karapace_like.access.passwords import NOBODY, User
from karapace_like.access.principals import Method, Principal, Proved
from karapace_like.recent import Recent

if TYPE_CHECKING:
    from karapace_like.web.tokens import Tokens

_REMEMBERED = 1000
_HASHING = 2
"""Passwords that are hashed at the same time: each takes a core."""


def certified_name(rules: Sequence[Rule], transport: asyncio.BaseTransport | None) -> str | None:
    """The principal that the connection's client certificate stands for; None if there is none."""
    peer = None if transport is None else transport.get_extra_info("peercert")
    return certificates.principal_name(rules, certificates.subject(peer["subject"])) if peer else None


class Authentication:
    """The ways in which callers may prove who they are: several at once, and a header counts before a certificate."""

    def __init__(self, *, tokens: "Tokens | None" = None, rules: Sequence[Rule] = ()) -> None:
        self._users: Mapping[str, User] = {}
        self._takes_passwords = False
        self._tokens = tokens
        self._rules = rules
        self._key = secrets.token_bytes(32)
        self._forget()
        self._hashing = asyncio.Semaphore(_HASHING)
        if tokens is not None:
            tokens.on_change(self._forget)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Must be entered while callers are asked for."""
        return nullcontext() if self._tokens is None else self._tokens.running()

    def use(self, users: Mapping[str, User]) -> None:
        """Know these users from now on."""
        self._users = users
        self._takes_passwords = bool(users)
        self._forget()

    def known(self, header: str) -> Principal | None:
        """Who this `Authorization` header stands for, if it is known without work."""
        found = self._known.get(self._digest(header))
        return found.principal if found is not None and time.time() < found.expires else None

    async def principal(self, header: str | None, transport: asyncio.BaseTransport | None) -> Principal:
        """Who calls; raises UnauthenticatedError. A header that is wrong is not made good by a certificate."""
        if header is not None:
            found = self.known(header)
            return found if found is not None else await self._proved(header)
        certified = self.certified(transport)
        if certified is None:
            raise self._challenging(errors.no_credentials())
        return certified

    def certified(self, transport: asyncio.BaseTransport | None) -> Principal | None:
        """Who is at the other end, by his certificate."""
        name = certified_name(self._rules, transport)
        return Principal(name, Method.CERTIFICATE) if name else None

    async def _proved(self, header: str) -> Principal:
        known, refused, checking, digest = self._known, self._refused, self._checking, self._digest(header)
        if refused.get(digest):
            raise self._challenging(errors.wrong_credentials())
        if digest not in checking:
            checking[digest] = task = asyncio.create_task(self._check(header))
            task.add_done_callback(lambda _: checking.pop(digest))
        try:
            found = await asyncio.shield(checking[digest])
        except errors.UnauthenticatedError as error:
            raise self._challenging(error) from error
        if found is None:
            refused.keep(digest, value=True)
            raise self._challenging(errors.wrong_credentials())
        return known.keep(digest, found).principal

    async def _check(self, header: str) -> Proved | None:
        """None for a wrong password; raises UnauthenticatedError where another time it may be right."""
        given = credentials.parse(header)
        if isinstance(given, Bearer) and self._tokens is not None:
            return await self._tokens.verified(given.token.value)
        if isinstance(given, Basic) and self._takes_passwords:
            user = self._users.get(given.username, NOBODY)
            async with self._hashing:
                is_right = await asyncio.to_thread(user.has, given.password.value)
            return Proved(Principal(user.username, Method.PASSWORD)) if is_right and user is not NOBODY else None
        raise errors.wrong_credentials()

    def _challenging(self, error: errors.UnauthenticatedError) -> errors.UnauthenticatedError:
        challenges = (errors.BASIC_CHALLENGE,) if self._takes_passwords else ()
        if self._tokens is not None:
            challenges = (*challenges, errors.BEARER_CHALLENGE)
        return errors.UnauthenticatedError(error.message, challenges)

    def _forget(self) -> None:
        self._known: Recent[bytes, Proved] = Recent(_REMEMBERED)
        self._refused: Recent[bytes, bool] = Recent(_REMEMBERED)
        self._checking: dict[bytes, asyncio.Task[Proved | None]] = {}

    def _digest(self, header: str) -> bytes:
        return hashlib.blake2b(header.encode("utf-8", "surrogateescape"), key=self._key).digest()
