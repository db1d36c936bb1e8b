"""The permissions that calls of the DEK registry require: operations on KEKs, and on the subjects of DEKs."""

from collections.abc import Iterable

from aiohttp import web

from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.web.callers import access
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.keys import requests
from karapace_like.web.keys.services import find_services

CREATES_DEK = (Operation.WRITE, Operation.REGISTER_EXISTING)
"""Whoever produces with a subject's schemas may create DEKs for it."""


def on_kek(*operations: Operation) -> RequiredPermission:
    """Require the operations on the KEK of the path."""
    return RequiredPermission(operations, lambda request: (_name_kek(request),))


def on_dek(*operations: Operation) -> RequiredPermission:
    """Require the operations on both the KEK and the subject of the path, and on what that is an alias of."""
    return RequiredPermission(operations, _list_resources)


def require_subject(request: web.Request, subject: str) -> None:
    """Raise ForbiddenError unless the caller may create DEKs for the subject, which the body names."""
    access.caller(request).require(CREATES_DEK, (access.resource_names(subject),))


def may_see_secrets(request: web.Request, kek_name: str) -> bool:
    """Return whether the response shows the secrets of the KEK."""
    if not access.caller(request).is_restricted:
        return find_services(request).shows_secrets
    return access.is_allowed(request, Operation.READ_SECRETS, ResourceKind.KEK, kek_name)


def may_describe_subject(request: web.Request, subject: str) -> bool:
    """Return whether a list shows the subject."""
    return access.caller(request).is_allowed(Operation.DESCRIBE, *access.resource_names(subject))


def _name_kek(request: web.Request) -> tuple[str, ...]:
    return (ResourceKind.KEK.name_resource(request.match_info["kek"]),)


def _list_resources(request: web.Request) -> Iterable[tuple[str, ...]]:
    subjects = dict.fromkeys((requests.named_subject(request), requests.subject(request)))
    return [_name_kek(request), *(access.resource_names(subject) for subject in subjects)]
