"""Who would be affected by a schema: the subject's own versions, and the subjects that refer to it, near and far.

A subject that refers to it is judged as if its latest version referred to the new schema instead, at its own level.
"""

import asyncio
import enum
from collections.abc import Mapping, Sequence

import msgspec

from karapace_like.schema import compatibility, formats, references
from karapace_like.schema.model import (
    CompatibilityLevel,
    CompatibilityPolicy,
    InvalidSchemaError,
    ParsedSchema,
    Reference,
    Strictness,
    UnparsedSchema,
)
from karapace_like.tooling.baselines import Earlier
from karapace_like.tooling.remote import Registered, Remote, Standard
from karapace_like.tooling.report import printable
from karapace_like.tooling.workspace import Linked


class Effect(enum.StrEnum):
    """What becomes of one version or subject."""

    HOLDS = "holds"
    BREAKS = "breaks"
    """At the level that counts for it."""
    DIFFERS = "differs"
    """Not compatible in both directions, but no level asks for more."""
    UNREADABLE = "unreadable"
    """Its schema is no schema any more."""


class Affected(msgspec.Struct, frozen=True):
    """One version of the subject, or the latest of one that refers to it."""

    subject: str
    version: int
    level: str
    effect: Effect
    can_read_old: bool
    """The new schema reads what was written with this version."""
    can_be_read: bool
    """This version reads what is written with the new schema."""
    reasons: Sequence[str] = ()

    @property
    def sentence(self) -> str:
        """One line."""
        reads = "reads its data" if self.can_read_old else "cannot read its data"
        is_read = "is read by it" if self.can_be_read else "is not read by it"
        told = "" if self.effect is Effect.UNREADABLE else f" (the new schema {reads}, {is_read})"
        return f"{self.subject} version {self.version}, {self.level}: {self.effect}{told}"


class Impact(msgspec.Struct, frozen=True):
    """What one schema would do."""

    subject: str
    file: str
    versions: Sequence[Affected]
    referring: Sequence[Affected]

    @property
    def breaks(self) -> bool:
        """Whether anything does."""
        return any(each.effect in {Effect.BREAKS, Effect.UNREADABLE} for each in [*self.versions, *self.referring])

    def text(self) -> str:
        """For people."""
        lines = [f"{self.subject} ({self.file})"]
        for title, affected in (("its versions", self.versions), ("subjects that refer to it", self.referring)):
            lines.append(f"  {title}:" + ("" if affected else " none"))
            for each in affected:
                lines.append(f"    {each.sentence}")
                lines += [f"      {reason}" for reason in each.reasons]
        return "\n".join(map(printable, lines)) + "\n"


async def impact(remote: Remote, subject: str, new: Linked) -> Impact:
    """Of a schema as the subject's next version; raises InvalidSchemaError if it is none."""
    standard = await remote.standard(subject)
    versions = await remote.versions(subject, every=True)
    parsed = new.parsed()
    level = standard.level or CompatibilityLevel.BACKWARD
    counted = {each.version for each in compatibility.counted(versions, level)}
    own = [
        _affected(parsed, await remote.earlier(each), each, standard, counts=each.version in counted)
        for each in versions
    ]
    referring = await _referring(remote, subject, versions)
    return Impact(subject, new.file.path, own, [await _through(remote, each, subject, new) for each in referring])


async def _referring(remote: Remote, subject: str, versions: Sequence[Registered]) -> list[Registered]:
    """The latest versions of the subjects of which some version refers to one of these, near or far."""
    seen = {subject}
    found: list[Registered] = []
    pending = list(versions)
    while pending:
        answers = await asyncio.gather(*map(remote.referrers, pending))
        names = sorted({name for users in answers for name, _ in users} - seen)
        seen.update(names)
        everything = [await remote.versions(name, every=True) for name in names]
        pending = [each for versions_of_one in everything for each in versions_of_one]
        found += [versions_of_one[-1] for versions_of_one in everything if versions_of_one]
    return found


async def _through(remote: Remote, user: Registered, subject: str, new: Linked) -> Affected:
    """What the new schema does to a subject that refers to it."""
    standard = await remote.standard(user.subject)
    before = await remote.earlier(user)
    dependencies = _with(new, subject, user, remote)
    try:
        after = formats.parse(UnparsedSchema(before.type, before.source.text), dependencies, Strictness.STRICT)
        return _affected(after, before, user, standard, counts=True)
    except InvalidSchemaError as error:
        level = str(standard.level or CompatibilityLevel.BACKWARD)
        reasons = [str(error)]
        return Affected(
            user.subject, user.version, level, Effect.UNREADABLE, can_read_old=False, can_be_read=False, reasons=reasons
        )


def _with(new: Linked, subject: str, user: Registered, remote: Remote) -> Mapping[str, str]:
    """What the user's schema refers to, with the new schema in place of each version of the subject."""

    def look_up(reference: Reference) -> UnparsedSchema | None:
        if reference.subject == subject:
            return UnparsedSchema(new.file.type, new.file.text)
        return remote.known(reference)

    return {**new.source.dependencies, **references.closure(user.schema, look_up)}


def _affected(new: ParsedSchema, old: Earlier, registered: Registered, standard: Standard, *, counts: bool) -> Affected:
    """`counts`: whether the level asks about this version at all."""
    level = standard.level or CompatibilityLevel.BACKWARD
    backward = _reasons(new, old, CompatibilityLevel.BACKWARD, standard.policy)
    forward = _reasons(new, old, CompatibilityLevel.FORWARD, standard.policy)
    asked = compatibility.directions(level) if counts else (False, False)
    broken = [
        each for reasons, is_asked in zip((backward, forward), asked, strict=True) if is_asked for each in reasons
    ]
    effect = Effect.BREAKS if broken else Effect.DIFFERS if backward or forward else Effect.HOLDS
    return Affected(
        registered.subject,
        registered.version,
        str(level),
        effect,
        can_read_old=not backward,
        can_be_read=not forward,
        reasons=broken,
    )


def _reasons(
    new: ParsedSchema, old: Earlier, level: CompatibilityLevel, policy: CompatibilityPolicy | None
) -> list[str]:
    if old.type is not new.type:
        return [f"it was {old.type} and is {new.type}"]
    schema = UnparsedSchema(old.type, old.source.text)
    parsed = formats.parse(schema, old.source.dependencies, Strictness.STORED)
    found = compatibility.compare(new, parsed, level, policy or CompatibilityPolicy.STRICT)
    return [f"{each.incompatibility.rule.name}: {each.message}" for each in found]
