"""Hash and verify the passwords of authfiles, in Karapace's format: `algorithm`, `salt`, `password_hash` (base64).

Computing a hash takes tens of milliseconds, which protects the passwords of a stolen file.
"""

import base64
import enum
import hashlib
import hmac
import secrets
from collections.abc import Iterable

import msgspec

_PBKDF2_ROUNDS = 5000
"""Karapace's, and part of the format: prefer scrypt."""
_SCRYPT_COST = 16_384
_SCRYPT_BLOCK = 8
_SALT_BYTES = 16


class Algorithm(enum.StrEnum):
    """The algorithm of a hash; the SHA ones are the hash function of PBKDF2."""

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
        """Return whether this is the password of the user, in constant time."""
        return hmac.compare_digest(
            self.password_hash.encode(), hash_password(self.algorithm, self.salt, password).encode()
        )


def hash_password(algorithm: Algorithm, salt: str, password: str) -> str:
    """Return the hash in base64."""
    salted, text = salt.encode(), password.encode()
    if algorithm is Algorithm.SCRYPT:
        digest = hashlib.scrypt(text, salt=salted, n=_SCRYPT_COST, r=_SCRYPT_BLOCK, p=1)
    else:
        digest = hashlib.pbkdf2_hmac(algorithm.value, text, salted, _PBKDF2_ROUNDS)
    return base64.b64encode(digest).decode()


def new_user(username: str, password: str, algorithm: Algorithm = Algorithm.SCRYPT) -> User:
    """Create an entry with a random salt."""
    salt = secrets.token_urlsafe(_SALT_BYTES)
    return User(username, algorithm, salt, hash_password(algorithm, salt, password))


def check_password(user: User | None, password: str, algorithms: Iterable[Algorithm]) -> bool:
    """Return whether this is the password of the user; False for an unknown one (None).

    `algorithms` are those of all users. Each is computed once, whoever the user is, so that the time of a response
    reveals neither which users exist nor how their passwords are hashed.
    """
    is_right = False
    for algorithm in algorithms:
        if user is not None and user.algorithm is algorithm:
            is_right = user.has(password)
        else:
            hash_password(algorithm, "", password)
    return is_right
