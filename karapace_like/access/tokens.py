"""Bearer tokens: JWTs of an OpenID Connect issuer, checked by its keys (RFC 7519, RFC 8725, RFC 9068).

Only algorithms with a public key are taken: with `none` or a shared secret, whoever knows the public key could sign.
Where the keys come from is not known here.
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


class KeysError(Exception):
    """What should be a set of keys is none."""


class UnknownKeyError(Exception):
    """The token is signed by a key that is not in the set: it may be a newer one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What a token must say."""

    issuer: str | None = None
    audiences: frozenset[str] = frozenset()
    """One of them; empty: any."""
    authorized_party: str | None = None
    """The client that the token was issued to (`azp`)."""
    is_typed: bool = False
    """Whether the header must say that it is an access token (`at+jwt`)."""
    leeway: int = 0
    """Seconds that the clocks may differ."""
    subject_claim: str = "sub"
    roles_path: tuple[str, ...] = ()
    """The claim that lists roles, with the claims that it is inside of."""


def key_set(text: bytes) -> Keys:
    """The keys of a JWKS document that can check signatures; raises KeysError."""
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
        keys = [each for each in found["keys"] if each.get("kty") != "oct" and each.get("use", "sig") == "sig"]
        return KeySet.import_key_set({"keys": keys})
    except (*NOT_JSON, JoseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise KeysError(f"The document is no set of keys: {error}") from error


def verify(token: str, keys: Keys, rules: TokenRules, now: float) -> Proved:
    """Whom the token names; raises UnauthenticatedError, or UnknownKeyError. `now` is in seconds since the epoch."""
    try:
        decoded = jwt.decode(token, keys, algorithms=list(ALGORITHMS))
    except InvalidKeyIdError as error:
        raise UnknownKeyError from error
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise errors.bad_token("it is malformed, or its signature is not the issuer's") from error
    claims: Mapping[str, Any] = decoded.claims
    if rules.is_typed and str(decoded.header.get("typ", "")).lower() not in _TYPES:
        raise errors.bad_token("it is no access token (typ)")
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
        raise errors.bad_token(f"it names nobody ({rules.subject_claim})")
    return Proved(Principal(name, Method.TOKEN, frozenset(_roles(claims, rules.roles_path))), expires)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.bad_token(f"it has no time {name}")
    return value


def _roles(claims: Mapping[str, Any], path: Sequence[str]) -> Sequence[str]:
    """The roles that the claim at the path lists; a text lists them with blanks, as scopes are."""
    found: Any = claims if path else None
    for each in path:
        found = found.get(each) if isinstance(found, dict) else None
    return found.split() if isinstance(found, str) else _texts(found)


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()
