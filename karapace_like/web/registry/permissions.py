"""The permissions that calls of the registry require: operations on subjects, contexts, and global settings."""

from aiohttp import web

from karapace_like.access import errors
from karapace_like.access.policy import Operation, ResourceKind
from karapace_like.errors import ApiError
from karapace_like.registry import names
from karapace_like.web.callers import access
from karapace_like.web.callers.permissions import RequiredPermission
from karapace_like.web.registry import requests


def on_subject(*operations: Operation) -> RequiredPermission:
    """Require the operations on the subject of the path, and on the one that it is an alias of."""
    return RequiredPermission(operations, _list_subjects)


def on_scope(*operations: Operation) -> RequiredPermission:
    """Require the operations on the scope of the path's config or mode: a subject, a context, or everything."""
    return RequiredPermission(operations, lambda request: (_name_scope(requests.scope(request)),))


def on_named_context(*operations: Operation) -> RequiredPermission:
    """Require the operations on the context that the path names, apart from any prefix."""
    return RequiredPermission(
        operations,
        lambda request: ((ResourceKind.CONTEXT.name_resource(names.parse_context(request.match_info["name"])),),),
    )


def refuse_registration(request: web.Request, subject: str, *, chooses_id: bool) -> ApiError | None:
    """Return why the caller may not write a new version of the subject; None if they may.

    Ids are shared by all subjects of a context, so that choosing one takes a permission on the context.
    """
    caller = access.caller(request)
    if not caller.is_allowed(Operation.WRITE, *access.resource_names(subject)):
        return errors.only_existing(caller.principal.name, subject)
    context = names.qualify(names.context_of(subject), "")
    if chooses_id and not any(
        caller.is_allowed(operation, *_name_scope(context)) for operation in (Operation.WRITE, Operation.CONFIG)
    ):
        return errors.imports(caller.principal.name, ResourceKind.CONTEXT.name_resource(names.context_of(subject)))
    return None


def _list_subjects(request: web.Request) -> list[tuple[str, str]]:
    named = requests.named_subject(request)
    return [access.resource_names(subject) for subject in dict.fromkeys((named, requests.subject(request)))]


def _name_scope(scope: str | None) -> tuple[str, ...]:
    if scope is None or names.scope(scope) is None:
        return ResourceKind.CONFIG.name_resource(""), ResourceKind.CONTEXT.name_resource(names.DEFAULT_CONTEXT)
    if scope == names.GLOBAL_SCOPE:
        return (ResourceKind.CONFIG.name_resource(""),)
    return (
        (ResourceKind.CONTEXT.name_resource(names.context_of(scope)),)
        if names.is_context(scope)
        else access.resource_names(scope)
    )
