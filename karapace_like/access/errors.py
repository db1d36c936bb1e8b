"""The errors of access control, one constructor for each condition. None reveals whether a resource exists."""

import math

from karapace_like.errors import ApiError

BASIC_CHALLENGE = 'Basic realm="karapace-like", charset="UTF-8"'
BEARER_CHALLENGE = 'Bearer realm="karapace-like"'
_RETRY_SECONDS = 5


class UnauthenticatedError(ApiError):
    """The caller is not authenticated; `challenges` are the accepted schemes (RFC 9110, 11.6.1)."""

    def __init__(self, message: str, challenges: tuple[str, ...] = (), *, code: int = 401) -> None:
        super().__init__(code, message)
        self.challenges = challenges


class ForbiddenError(ApiError):
    """The caller is authenticated and lacks the permission."""


def no_credentials() -> UnauthenticatedError:
    return UnauthenticatedError("HTTP 401 Unauthorized: credentials are needed")


def wrong_credentials() -> UnauthenticatedError:
    return UnauthenticatedError("HTTP 401 Unauthorized: the credentials are not accepted")


def bad_token(reason: str) -> UnauthenticatedError:
    return UnauthenticatedError(f"HTTP 401 Unauthorized: the token is not accepted: {reason}")


def keys_unavailable_error() -> ApiError:
    return ApiError(503, "The token issuer's keys cannot be fetched", retry_after=_RETRY_SECONDS)


def too_many_checks() -> ApiError:
    message = "Too many requests: too many credentials are being checked. Nothing was done; repeat the request."
    return ApiError(42901, message, retry_after=1)


def too_many_failures(seconds: float) -> ApiError:
    message = (
        "Too many requests: this user has sent wrong credentials too often from this address. Nothing was checked; "
        "repeat the request later."
    )
    return ApiError(42901, message, retry_after=math.ceil(seconds))


def over_quota(seconds: float) -> ApiError:
    message = "Too many requests: the quota of these credentials is used up. Nothing was done."
    return ApiError(42901, message, retry_after=math.ceil(seconds))


def forbidden(principal: str, operation: str, resource: str) -> ForbiddenError:
    return ForbiddenError(403, f"HTTP 403 Forbidden: {principal} may not {operation} {resource}")


def imports(principal: str, context: str) -> ForbiddenError:
    return ForbiddenError(
        403,
        f"HTTP 403 Forbidden: {principal} may not import ids into {context}: all subjects of a context share its ids, "
        "so this needs write or config on the context",
    )


def only_existing(principal: str, resource: str) -> ForbiddenError:
    return ForbiddenError(
        403, f"HTTP 403 Forbidden: {principal} may register in {resource} only what is registered already"
    )
