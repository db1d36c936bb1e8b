"""Passwords as authfiles keep them, in Karapace's format: `algorithm`, `salt` and `password_hash` (base64).

Computing one takes tens of milliseconds, which is what protects a stolen file.
"""

import base64
import enum
import hashlib
import hmac
import secrets

import msgspec

_PBKDF2_ROUNDS = 5000
"""Karapace's, and part of the format: prefer scrypt."""
_SCRYPT_COST = 16_384
_SCRYPT_BLOCK = 8
_SALT_BYTES = 16


class Algorithm(enum.StrEnum):
    """How a password is hashed; the sha ones are the hash inside of PBKDF2."""

    SCRYPT = "scrypt"
    SHA512 = "sha512"
    SHA256 = "sha256"
    SHA1 = "sha1"


class User(msgspec.Struct, frozen=True):
    """One entry of an authfile's `users`."""

    username: str
    algorithm: Algorithm
    salt: str
    password_hash: str

    def __repr__(self) -> str:
        return f"User({self.username!r}, {self.algorithm.value})"

    def has(self, password: str) -> bool:
        """Whether this is the user's password; takes as long for a wrong one."""
        return hmac.compare_digest(self.password_hash.encode(), hashed(self.algorithm, self.salt, password).encode())


def hashed(algorithm: Algorithm, salt: str, password: str) -> str:
    """The hash in base64."""
    salted, text = salt.encode(), password.encode()
    if algorithm is Algorithm.SCRYPT:
        digest = hashlib.scrypt(text, salt=salted, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1)
    else:
        digest = hashlib.pbkdf2_hmac(algorithm.value, text, salted, _PBKDF2_ROUNDS)
    return base64.b64encode(digest).decode()


def new_user(username: str, password: str, algorithm: Algorithm = Algorithm.SCRYPT) -> User:
    """An entry with a salt of its own."""
    salt = secrets.token_urlsafe(_SALT_BYTES)
    return User(username, algorithm, salt, hashed(algorithm, salt, password))


NOBODY = User("", Algorithm.SCRYPT, "", base64.b64encode(bytes(64)).decode())
"""Compared with where a user is not known, so that the time taken does not tell."""
