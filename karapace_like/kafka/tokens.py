"""Tokens for SASL/OAUTHBEARER: a constant one, or those that an issuer grants for this service's credentials.

Brokers validate a token; only its expiry is read here, so that the client renews it in time.
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

_TIMEOUT_SECONDS: Final = 10.0
"""How long the issuer may take to respond."""
_MAX_BYTES: Final = 1024 * 1024
_LIFETIME: Final = 300.0
"""Assumed seconds until a token expires that does not say when."""
_RENEWED_AT: Final = 0.8
"""The share of a token's lifetime after which it is replaced: later it may expire on its way to a broker."""


class Token(NamedTuple):
    """A token, and when it expires: seconds since the epoch."""

    value: str
    expires: float

    def __repr__(self) -> str:
        return f"Token('***', {self.expires})"


TokenSource = Callable[[], Token]
"""Returns a valid token. May block, is called from several threads, and raises OSError."""


class _Claims(msgspec.Struct):
    """The one claim that is read (RFC 7519, 4.1.4)."""

    exp: float


_claims = msgspec.json.Decoder(_Claims)


def make_constant_source(token: Secret) -> TokenSource:
    """Return a source of this token."""
    return lambda: Token(token.value, parse_expiry(token.value))


def parse_expiry(token: str) -> float:
    """Return the expiry that a JWT claims, in seconds since the epoch, without validation; in 5 minutes without one."""
    try:
        middle = token.split(".")[1]
        return _claims.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4))).exp
    except (IndexError, ValueError, *NOT_JSON):
        return time.time() + _LIFETIME


class ClientCredentials:
    """Tokens by the client credentials grant (RFC 6749, 4.4), each shared by all clients until it is replaced."""

    def __init__(self, url: str, client_id: str, secret: Secret, scope: str | None) -> None:
        self._url = url
        self._form = {"grant_type": "client_credentials", **({} if scope is None else {"scope": scope})}
        credentials = [urllib.parse.quote(text, safe="") for text in (client_id, secret.value)]
        self._authorization = "Basic " + base64.b64encode(":".join(credentials).encode()).decode()
        self._lock = threading.Lock()
        self._token = Token("", 0)
        self._renew_after = 0.0
        # A redirect would send the credentials to another host.
        self._opener = urllib.request.build_opener(_NoRedirects)

    def __call__(self) -> Token:
        """Return the current token, fetched again if it is due; a TokenSource."""
        with self._lock:
            if time.time() >= self._renew_after:
                self._token = self._fetch()
                self._renew_after = time.time() + (self._token.expires - time.time()) * _RENEWED_AT
            return self._token

    def _fetch(self) -> Token:
        request = urllib.request.Request(  # noqa: S310 - the settings take no other scheme than http and https
            self._url,
            urllib.parse.urlencode(self._form).encode(),
            {"Authorization": self._authorization, "Accept": "application/json"},
        )
        with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            grant = _parse_response(response.read(_MAX_BYTES))
        token, seconds = grant.access_token, grant.expires_in
        return Token(token, parse_expiry(token) if seconds is None else time.time() + seconds)


def _parse_response(body: bytes) -> "_TokenResponse":
    try:
        return msgspec.json.decode(body, type=_TokenResponse)
    except NOT_JSON as error:
        raise OSError(
            f"the response of the token endpoint is no JSON object with access_token (RFC 6749, 5.1): {error}"
        ) from error


class _TokenResponse(msgspec.Struct):
    """The response of a token endpoint (RFC 6749, 5.1)."""

    access_token: str
    expires_in: float | None = None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Return no request: a redirect is an error here."""
