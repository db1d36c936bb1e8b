"""Subject names and the contexts they live in (Confluent API, schema contexts).

A qualified subject is `:.context:subject`; a subject of the default context `.` is written without the prefix.
`:.context:` alone names the context itself, where configs and modes are kept for all its subjects.
"""

import re
from collections.abc import Callable

from karapace_like.registry import errors

DEFAULT_CONTEXT = "."
GLOBAL_SCOPE = ":.__GLOBAL:"
"""The scope of configs and modes above all contexts."""
EVERY_CONTEXT = ":*:"
"""The subject prefix that means "in all contexts" when listing."""

COUNTER = "__MAX_ID"
"""The local name under which the topic keeps the largest id that a context has given out; no subject may have it."""

_RESERVED = {"__GLOBAL", "__EMPTY", COUNTER}
_CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")
"""The characters of Unicode's category Cc."""
_MAX_ALIASES = 10
"""The longest chain of aliases that is followed."""


def context_of(subject: str) -> str:
    """Return the context of a subject, such as `.` or `.ctx`."""
    return _split(subject)[0] if subject.startswith(":.") else DEFAULT_CONTEXT


def local_name(subject: str) -> str:
    """Return the name inside its context; empty for a subject that names a context."""
    return _split(subject)[1]


def qualify(context: str, name: str) -> str:
    """Return the qualified name, as the topic and the API write it."""
    return name if context == DEFAULT_CONTEXT else f":{context}:{name}"


def canonical(subject: str) -> str:
    """Return the canonical spelling of a subject: `a` for `:.:a`."""
    return qualify(*_split(subject)) if subject.startswith(":.") else subject


def parse_context(text: str) -> str:
    """Parse a context that clients write as `.ctx`, `ctx`, `:.ctx` or `:.ctx:`; raises RegistryError (400)."""
    name = text.removeprefix(":").removesuffix(":")
    if ":" in name:
        raise errors.malformed_context()
    return name if name.startswith(DEFAULT_CONTEXT) else DEFAULT_CONTEXT + name


def is_context_name(name: str) -> bool:
    """Return whether a context may have the name, such as `.ctx`."""
    return name.startswith(DEFAULT_CONTEXT) and ":" not in name


def place_in_context(subject: str, context: str | None) -> str:
    """Qualify a subject by the context of a path's prefix, unless it is qualified; raises RegistryError (400)."""
    if context is None:
        return subject
    name = parse_context(context)
    return subject if subject.startswith(":.") else f":{name}:{subject}"


def is_context(subject: str) -> bool:
    """Return whether the name stands for a whole context."""
    return subject.startswith(":.") and not local_name(subject)


def scope(subject: str | None) -> str | None:
    """Return the key of the config or mode of this subject or context; None for the default context."""
    if subject is None:
        return None
    name = canonical(subject)
    return name or None


def scopes(subject: str | None) -> list[str | None]:
    """Return the scopes in which a setting of the subject is looked up, the nearest first."""
    if subject is None:
        return [None, GLOBAL_SCOPE]
    context = context_of(subject)
    in_context = None if context == DEFAULT_CONTEXT else qualify(context, "")
    searched: list[str | None] = [scope(subject), in_context, GLOBAL_SCOPE]
    return list(dict.fromkeys(searched))


def resolve_reference(subject: str, referrer: str) -> str:
    """Return the subject of a reference: an unqualified one is in the context of the schema that refers to it."""
    if subject.startswith(":."):
        return canonical(subject)
    return qualify(context_of(referrer), subject)


def is_referable(subject: str, referrer: str) -> bool:
    """Return whether a schema of the subject `referrer` may refer to this spelling.

    Confluent's registry takes `:.:a` for unqualified: outside of the default context it finds no such subject.
    """
    spells_default = subject.startswith(":.") and context_of(subject) == DEFAULT_CONTEXT
    return not spells_default or context_of(referrer) == DEFAULT_CONTEXT


def resolve_alias(subject: str, alias_of: Callable[[str], str | None]) -> str:
    """Return the canonical name of the subject that this one is an alias of; the subject itself for a cycle of aliases.

    An unqualified alias is in the context of the subject that has it. `alias_of` returns the alias of one subject.
    """
    followed = [canonical(subject)]
    while len(followed) <= _MAX_ALIASES and (alias := alias_of(followed[-1])):
        name = resolve_reference(alias, followed[-1])
        if name == followed[-1]:  # an alias of itself stands for itself
            break
        if name in followed:
            return followed[0]
        followed.append(name)
    return followed[-1]


def check(subject: str) -> None:
    """Raise 42208 for a name that no subject may have; one below `:*:` would be taken for every context's."""
    name = local_name(subject)
    if name in _RESERVED or subject.startswith(EVERY_CONTEXT) or _CONTROL_CHARACTER.search(subject):
        raise errors.invalid_subject(subject)


def _split(subject: str) -> tuple[str, str]:
    if not subject.startswith(":."):
        return DEFAULT_CONTEXT, subject
    context, _, name = subject[1:].partition(":")
    return context, name
