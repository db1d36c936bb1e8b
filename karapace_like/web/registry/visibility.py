"""What a caller sees of the registry."""

from aiohttp import web

from karapace_like.access.policy import Operation
from karapace_like.registry.store import Store
from karapace_like.registry.view import View
from karapace_like.web import access
from karapace_like.web.keys import REGISTRY


def store(request: web.Request, *operations: Operation) -> Store:
    """The state, without the subjects on which the caller may do none of these; 503 before the replay has ended.

    Without any, it is about reading.
    """
    everything = request.app[REGISTRY].read()
    caller = access.caller(request)
    if caller is None or caller.policy is None:
        return everything
    wanted = operations or (Operation.READ,)
    return View(everything, lambda subject: any(caller.may(each, *access.spelled(subject)) for each in wanted))
