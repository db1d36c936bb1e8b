"""Parse the `Authorization` header of a request (RFC 9110, 11.6.2; RFC 7617; RFC 6750)."""

import base64
import binascii
from dataclasses import dataclass

import msgspec

from karapace_like.access import errors
from karapace_like.errors import NOT_JSON
from karapace_like.secret import Secret

MAX_BYTES = 16_384
"""The longest header; a longer one is rejected before it is parsed."""


_NULL = "\0"


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Bearer:
    """A bearer token."""

    token: Secret


Credentials = Basic | Bearer


class _Claims(msgspec.Struct):
    """The claims that say whose a token is (RFC 7519, 4.1.1 and 4.1.2)."""

    sub: str
    iss: str = ""


_claims = msgspec.json.Decoder(_Claims)


def read_subject(token: Secret) -> tuple[str, str] | None:
    """Return (issuer, subject) as a JWT claims them, without validation; None where it names no subject.

    Tokens of one subject have the same, however often they are renewed. Only for tokens that others have validated.
    """
    try:
        middle = token.value.split(".")[1]
        claims = _claims.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (IndexError, ValueError, *NOT_JSON):
        return None
    return (claims.iss, claims.sub) if claims.sub else None


def parse(header: str) -> Credentials:
    """Return the credentials; raise UnauthenticatedError for an unknown scheme or a malformed header."""
    scheme, _, rest = header.partition(" ")
    if len(header) > MAX_BYTES:
        raise errors.wrong_credentials()
    if scheme.lower() == "bearer" and rest.strip():
        return Bearer(Secret(rest.strip()))
    if scheme.lower() != "basic":
        raise errors.wrong_credentials()
    try:
        username, colon, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError) as error:
        raise errors.wrong_credentials() from error
    # HMAC, which every hash of a password is made of, pads with nulls: "a" and "a" with a null have one hash.
    if not colon or _NULL in username + password:
        raise errors.wrong_credentials()
    return Basic(username, Secret(password))
