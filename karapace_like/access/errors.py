"""Refusals: one constructor per condition. None of them says whether what was asked for exists."""

import math

from karapace_like.errors import ApiError

BASIC_CHALLENGE = 'Basic realm="karapace-like", charset="UTF-8"'
BEARER_CHALLENGE = 'Bearer realm="karapace-like"'
_RETRY_SECONDS = 5


class UnauthenticatedError(ApiError):
    """It is not known who the caller is; `challenges` are the ways to say it (RFC 9110, 11.6.1)."""

    def __init__(self, message: str, challenges: tuple[str, ...] = (), *, code: int = 401) -> None:
        super().__init__(code, message)
        self.challenges = challenges


class ForbiddenError(ApiError):
    """The caller is known and may not do this."""


def no_credentials() -> UnauthenticatedError:
    return UnauthenticatedError("HTTP 401 Unauthorized: credentials are needed")


def wrong_credentials() -> UnauthenticatedError:
    return UnauthenticatedError("HTTP 401 Unauthorized: the credentials are not accepted")


def bad_token(reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"HTTP 401 Unauthorized: the token is not accepted: {reason}")


def keys_not_known() -> ApiError:
    return ApiError(503, "The token issuer's keys cannot be fetched", retry_after=_RETRY_SECONDS)


def over_quota(seconds: float) -> ApiError:
    message = "Too many requests: these credentials have asked for too much. Nothing was done."
    return ApiError(42901, message, retry_after=math.ceil(seconds))


def forbidden(principal: str, operation: str, resource: str) -> ForbiddenError:
    return ForbiddenError(403, f"HTTP 403 Forbidden: {principal} may not {operation} {resource}")


def only_existing(principal: str, resource: str) -> ForbiddenError:
    return ForbiddenError(
        403, f"HTTP 403 Forbidden: {principal} may register in {resource} only what is registered already"
    )
