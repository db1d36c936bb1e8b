"""What a request's `Authorization` header says (RFC 9110, 11.6.2; RFC 7617; RFC 6750)."""

import base64
import binascii
from dataclasses import dataclass

from karapace_like.access import errors
from karapace_like.secret import Secret

MAX_BYTES = 16_384
"""Of the header: a longer one is refused before anything looks into it."""


@dataclass(frozen=True, slots=True)
class Basic:
    """A user name and a password."""

    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token."""

    token: Secret


Credentials = Basic | Bearer


def parse(header: str) -> Credentials:
    """The credentials; raises UnauthenticatedError for a scheme that is not known, or what is not well formed."""
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
    if not colon:
        raise errors.wrong_credentials()
    return Basic(username, Secret(password))
