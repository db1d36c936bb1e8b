"""From a schema's direct references to the closure that its parser needs.

The closure maps each reference's *name* to a text, those without references of their own first; a name that
occurs twice keeps its first text, as Confluent's registry does.
"""

from collections.abc import Callable

from karapace_like.schema.model import Dependencies, InvalidSchemaError, Reference, UnparsedSchema

MAX_REFERENCES = 10_000
"""Distinct referenced versions in one closure."""


class MissingReferenceError(InvalidSchemaError):
    """A reference names a subject and version that is not registered."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(f"No schema reference found for subject {reference.subject!r} and version {reference.version}")
        self.reference = reference


class CyclicReferenceError(InvalidSchemaError):
    """A chain of references comes back to a version that it started from."""

    def __init__(self, chain: list[Reference]) -> None:
        super().__init__(
            "Schema references form a cycle: "
            + " -> ".join(f"{reference.subject}:{reference.version}" for reference in chain)
        )


def closure(schema: UnparsedSchema, look_up: Callable[[Reference], UnparsedSchema | None]) -> Dependencies:
    """Return every text that the schema needs, dependencies first; raises Missing- or CyclicReferenceError.

    `look_up` gives the referenced version's schema, or None where there is none.
    """
    texts: dict[str, str] = {}
    done: set[tuple[str, int]] = set()
    chain: dict[tuple[str, int], Reference] = {}
    # Depth first without recursion: a frame is the references still to visit and the schema they belong to.
    frames: list[tuple[list[Reference], UnparsedSchema]] = [(list(reversed(schema.references)), schema)]
    while frames:
        pending, owner = frames[-1]
        if not pending:
            frames.pop()
            if chain:
                key, reference = chain.popitem()
                done.add(key)
                texts.setdefault(reference.name, owner.text)
            continue
        reference = pending.pop()
        referred = look_up(reference)
        if referred is None:
            raise MissingReferenceError(reference)
        key = (reference.subject, reference.version)
        if key in chain:
            raise CyclicReferenceError([*chain.values(), reference])
        if key in done:
            texts.setdefault(reference.name, referred.text)
            continue
        if len(done) + len(chain) >= MAX_REFERENCES:
            raise InvalidSchemaError(f"the schema refers to more than {MAX_REFERENCES} others")
        chain[key] = reference
        frames.append((list(reversed(referred.references)), referred))
    return texts
