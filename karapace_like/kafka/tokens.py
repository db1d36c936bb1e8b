"""Tokens for SASL/OAUTHBEARER: a given one, or those of an issuer that is asked with this service's credentials.

The broker checks a token; here only its end is read from it, so that it is renewed in time.
"""

import base64
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

from karapace_like.errors import NOT_JSON
from karapace_like.secret import Secret

_SECONDS: Final = 10.0
"""How long the issuer may take."""
_MAX_BYTES: Final = 1024 * 1024
_LIFETIME: Final = 300.0
"""Of a token that does not say how long it counts."""
_RENEWED_AT: Final = 0.8
"""Of a token's life: later it may end on its way to a broker."""


class Token(NamedTuple):
    """A token, and when it ends: seconds since the epoch."""

    value: str
    expires: float

    def __repr__(self) -> str:
        return f"Token('***', {self.expires})"


TokenSource = Callable[[], Token]
"""Gives a token that counts now. It may block, is called from several threads, and raises OSError or ValueError."""


class _Claims(msgspec.Struct):
    """What is looked at of what a token says of itself."""

    exp: float


_claims = msgspec.json.Decoder(_Claims)


def given(token: Secret) -> TokenSource:
    """This token, always."""
    return lambda: Token(token.value, expiry(token.value))


def expiry(token: str) -> float:
    """When a token ends by its own words, which are not checked; some minutes from now where it does not say it."""
    try:
        middle = token.split(".")[1]
        return _claims.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))).exp
    except (IndexError, ValueError, *NOT_JSON):
        return time.time() + _LIFETIME


class ClientCredentials:
    """Tokens of an issuer's endpoint (RFC 6749, 4.4), one for all clients of this process until it is to be renewed."""

    def __init__(self, url: str, client_id: str, secret: Secret, scope: str | None) -> None:
        self._url = url
        self._form = {"grant_type": "client_credentials", **({} if scope is None else {"scope": scope})}
        names = [urllib.parse.quote(each, safe="") for each in (client_id, secret.value)]
        self._authorization = "Basic " + base64.b64encode(":".join(names).encode()).decode()
        self._lock = threading.Lock()
        self._token = Token("", 0)
        self._renew_after = 0.0
        # A redirect would take the credentials elsewhere.
        self._opener = urllib.request.build_opener(_NoRedirects)

    def __call__(self) -> Token:
        """The token; a TokenSource."""
        with self._lock:
            if time.time() >= self._renew_after:
                self._token = self._fetched()
                self._renew_after = time.time() + (self._token.expires - time.time()) * _RENEWED_AT
            return self._token

    def _fetched(self) -> Token:
        request = urllib.request.Request(  # noqa: S310 - the settings take no other scheme than http and https
            self._url,
            urllib.parse.urlencode(self._form).encode(),
            {"Authorization": self._authorization, "Accept": "application/json"},
        )
        with self._opener.open(request, timeout=_SECONDS) as answer:
            found = msgspec.json.decode(answer.read(_MAX_BYTES), type=_Given)
        seconds = found.expires_in
        return Token(found.access_token, expiry(found.access_token) if seconds is None else time.time() + seconds)


class _Given(msgspec.Struct):
    """What a token endpoint answers (RFC 6749, 5.1)."""

    access_token: str
    expires_in: float | None = None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Leave a redirect as the error that it is here."""
