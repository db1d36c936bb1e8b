"""Subject names and the contexts they live in (Confluent API, schema contexts).

A qualified subject is `:.context:subject`; a subject of the default context `.` is written without the prefix.
`:.context:` alone names the context itself, where configs and modes are kept for all its subjects.
"""

import unicodedata

from karapace_like.registry import errors

DEFAULT_CONTEXT = "."
GLOBAL_SCOPE = ":.__GLOBAL:"
"""Where configs and modes above all contexts are kept."""
EVERY_CONTEXT = ":*:"
"""The subject prefix that means "in all contexts" when listing."""

_RESERVED = {"__GLOBAL", "__EMPTY"}


def context_of(subject: str) -> str:
    """The context, such as `.` or `.ctx`."""
    return _split(subject)[0]


def local_name(subject: str) -> str:
    """The name inside of its context; empty for a subject that names a context."""
    return _split(subject)[1]


def qualified(context: str, name: str) -> str:
    """The name as the topic and the API write it."""
    return name if context == DEFAULT_CONTEXT else f":{context}:{name}"


def canonical(subject: str) -> str:
    """The one spelling of a subject: `:.:a` is `a`."""
    return qualified(*_split(subject)) if subject.startswith(":.") else subject


def context_named(text: str) -> str:
    """The context that clients write as `.ctx`, `ctx`, `:.ctx` or `:.ctx:`; raises RegistryError (400)."""
    name = text.removeprefix(":").removesuffix(":")
    if ":" in name:
        raise errors.malformed_context()
    return name if name.startswith(DEFAULT_CONTEXT) else DEFAULT_CONTEXT + name


def is_context(subject: str) -> bool:
    """Whether the name stands for a whole context."""
    return subject.startswith(":.") and not local_name(subject)


def scope(subject: str | None) -> str | None:
    """The key under which a config or mode of this subject or context is kept; None is the default context."""
    if subject is None:
        return None
    name = canonical(subject)
    return name or None


def scopes(subject: str | None) -> list[str | None]:
    """Where a setting for the subject is looked for, the nearest first."""
    if subject is None:
        return [None, GLOBAL_SCOPE]
    context = context_of(subject)
    in_context = None if context == DEFAULT_CONTEXT else qualified(context, "")
    found: list[str | None] = [scope(subject), in_context, GLOBAL_SCOPE]
    return list(dict.fromkeys(found))


def resolve_reference(subject: str, referrer: str) -> str:
    """The subject that a reference means: an unqualified one lives in the context of the schema that refers to it."""
    if subject.startswith(":."):
        return canonical(subject)
    return qualified(context_of(referrer), subject)


def check(subject: str) -> None:
    """Raise 42208 for a name that no subject may have; one below `:*:` would be taken for every context's."""
    name = local_name(subject)
    if (
        name in _RESERVED
        or subject.startswith(EVERY_CONTEXT)
        or any(unicodedata.category(character) == "Cc" for character in subject)
    ):
        raise errors.invalid_subject(subject)


def _split(subject: str) -> tuple[str, str]:
    if not subject.startswith(":."):
        return DEFAULT_CONTEXT, subject
    context, _, name = subject[1:].partition(":")
    return context, name
