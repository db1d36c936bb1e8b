"""The part of the registry that a caller may see."""

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry.store import Store
from karapace_like.registry.view import CallerView, RegistryView
from karapace_like.web.callers import access
from karapace_like.web.callers.access import Caller
from karapace_like.web.http.app_keys import REGISTRY


def store(request: web.Request, *operations: Operation) -> RegistryView:
    """Return the state without the subjects on which the caller may do none of these; 503 before the replay has ended.

    The default is reading.
    """
    return restrict(request.app[REGISTRY].read(), access.caller(request), *operations)


def restrict(everything: Store, caller: Caller, *operations: Operation) -> RegistryView:
    """Return the state without the subjects on which the caller may do none of these; the default is reading."""
    return (
        CallerView(everything, _Reader(caller, operations or (Operation.READ,))) if caller.is_restricted else everything
    )


class _Reader(NamedTuple):
    """Sees the subjects on which the caller may do one of the operations; implements `registry.view.SubjectReader`."""

    caller: Caller
    operations: Sequence[Operation]

    def may_read(self, subject: str) -> bool:
        names = access.resource_names(subject)
        return any(self.caller.is_allowed(operation, *names) for operation in self.operations)
