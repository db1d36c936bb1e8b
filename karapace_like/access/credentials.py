"""Parse the `Authorization` header of a request (RFC 9110, 11.6.2; RFC 7617; RFC 6750)."""

import base64
import binascii
from dataclasses import dataclass

from karapace_like.access import errors
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
