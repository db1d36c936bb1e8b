"""Names (Avro specification, "Names"): which are valid, how they are resolved, how they are written shortest."""

import re

from karapace_like.schema.avro.model import PRIMITIVES
from karapace_like.schema.model import InvalidSchemaError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TYPE_KEYWORDS = frozenset(PRIMITIVES) | {"record", "enum", "array", "map", "union", "fixed"}


def check_name(name: str, role: str = "") -> str:
    """Return the name; raises InvalidSchemaError if it is invalid. `role` describes it in the message."""
    if _NAME.fullmatch(name):
        return name
    if not name:
        fault = "Empty name"
    elif not _NAME.match(name):
        fault = f"Illegal initial character: {name}"
    else:
        fault = f"Illegal character in: {name}"
    raise InvalidSchemaError(f'{role} "{name}" is invalid: {fault}' if role else fault)


def check_namespace(namespace: str) -> None:
    """Raise InvalidSchemaError unless this is empty or a dot-separated sequence of names."""
    if namespace:
        for part in namespace.split("."):
            check_name(part, "Namespace part")


def split(full: str) -> tuple[str, str]:
    """Return (namespace, simple name); the namespace is empty for the null namespace."""
    namespace, _, name = full.rpartition(".")
    return namespace, name


def qualify(name: str, namespace: str) -> str:
    """Return the full name of what a definition or an alias calls `name` inside of a namespace."""
    if "." in name:
        return name.removeprefix(".") if name.rindex(".") == 0 else name
    return f"{namespace}.{name}" if namespace else name


def shortest(full: str, namespace: str) -> str:
    """Return the shortest spelling of a type's full name inside of a namespace.

    A name that is also a keyword stays qualified: bare, it would be read as the type of that name.
    """
    own, name = split(full)
    return name if own == namespace and name not in _TYPE_KEYWORDS else full


def relative(full: str, namespace: str) -> str:
    """Return the spelling of an alias in a namespace; a leading dot says that the alias has none."""
    return f".{full}" if namespace and "." not in full else shortest(full, namespace)
