"""Whether who produces may use a subject's schemas.

Requests come without a word of who sends them: whoever holds callers to what they may do says so for the task.
"""

from collections.abc import Callable
from contextvars import ContextVar

CHECK: ContextVar[Callable[[str, bool], None] | None] = ContextVar("check of subjects", default=None)
"""Given a subject, and whether a schema may be registered there; raises ApiError. None: everybody may."""


def check(subject: str, *, registers: bool) -> None:
    """Raise ApiError unless the schemas of the subject may be used, or one may be registered."""
    found = CHECK.get()
    if found is not None:
        found(subject, registers)
