"""Verify bearer tokens: JWTs of an OpenID Connect issuer, with its public keys (RFC 7519, RFC 8725, RFC 9068).

Only algorithms with a public key are accepted: with `none` or a shared secret, anyone with the public key could sign.
The caller fetches the keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from karapace_like.access import errors
from karapace_like.access.principals import Method, Principal, Proved
from karapace_like.errors import NOT_JSON

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
Keys = KeySet
_TYPES = frozenset({"at+jwt", "application/at+jwt"})
_LATEST_TIME = 2**53
"""Seconds since the epoch. JSON readers agree on whole numbers up to here (RFC 8259, 6)."""


class KeysError(Exception):
    """The document is not a JWK set."""


class UnknownKeyError(Exception):
    """The token is signed by a key that is not in the set: fetch the set again, the key may be new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """The claims that a token must have."""

    issuer: str | None = None
    audiences: frozenset[str] = frozenset()
    """The accepted audiences, of which the token must have one; empty: any."""
    authorized_party: str | None = None
    """The client that the token must be issued to (`azp`); None: any."""
    is_typed: bool = False
    """Whether the header must declare an access token (`at+jwt`)."""
    leeway: int = 0
    """Seconds by which the clocks may differ."""
    subject_claim: str = "sub"
    roles_path: tuple[str, ...] = ()
    """The path of nested claims to the list of roles; empty: no roles."""


def key_set(text: bytes) -> Keys:
    """Return the keys of a JWKS document that can verify signatures; raise KeysError."""
    try:
        document = msgspec.json.decode(text, type=dict[str, Any])
        keys = [key for key in document["keys"] if key.get("kty") != "oct" and key.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": keys})
    except (*NOT_JSON, JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise KeysError(f"The document is not a set of keys (JWKS): {error}") from error


def verify(token: str, keys: Keys, rules: TokenRules, now: float) -> Proved:
    """Return the principal of the token; raise UnauthenticatedError or UnknownKeyError. `now` is in epoch seconds."""
    try:
        decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
    except InvalidKeyIdError as error:
        raise UnknownKeyError from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise errors.bad_token("it is malformed, or its signature is not the issuer's") from error
    claims: Mapping[str, Any] = decoded.claims
    if rules.is_typed and str(decoded.header.get("typ", "")).lower() not in _TYPES:
        raise errors.bad_token("it is not an access token (typ)")
    if rules.issuer is not None and claims.get("iss") != rules.issuer:
        raise errors.bad_token("it is of another issuer (iss)")
    if rules.audiences and rules.audiences.isdisjoint(_texts(claims.get("aud"))):
        raise errors.bad_token("it is for another audience (aud)")
    if rules.authorized_party is not None and claims.get("azp") != rules.authorized_party:
        raise errors.bad_token("it was issued to another client (azp)")
    expires = _time(claims, "exp") + rules.leeway
    if now >= expires:
        raise errors.bad_token("it has expired (exp)")
    if any(name in claims and _time(claims, name) - rules.leeway > now for name in ("nbf", "iat")):
        raise errors.bad_token("it is not valid yet (nbf, iat)")
    name = claims.get(rules.subject_claim)
    if not isinstance(name, str) or not name:
        raise errors.bad_token(f"it has no subject ({rules.subject_claim})")
    roles = frozenset(_roles(claims, rules.roles_path))
    if not all(map(_is_unicode, (name, *roles))):
        raise errors.bad_token("its subject or one of its roles has an unpaired surrogate")
    return Proved(Principal(name, Method.TOKEN, roles), expires)


def _is_unicode(text: str) -> bool:
    """Return whether the text can be encoded: JSON can escape half of a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _time(claims: Mapping[str, Any], name: str) -> float:
    """Return the time; NaN would be neither before nor after any other, and infinity never ends."""
    value = claims.get(name)
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LATEST_TIME:
        return value
    raise errors.bad_token(f"its claim {name} is not a time")


def _roles(claims: Mapping[str, Any], path: Sequence[str]) -> Sequence[str]:
    """Return the roles of the claim at the path; a string lists them separated by blanks, as scopes are."""
    value: Any = claims if path else None
    for claim in path:
        value = value.get(claim) if isinstance(value, dict) else None
    return value.split() if isinstance(value, str) else _texts(value)


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else ()
