"""The effects of a new schema on its subject's versions and on the subjects that refer to it, directly or indirectly.

The latest version of a referring subject is compared, at its own level, as if it referred to the new schema.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from karapace_like.explanation import effects
from karapace_like.explanation.effects import Effect, Judgement
from karapace_like.explanation.excerpts import make_printable
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
from karapace_like.tooling.remote import Registered, Remote, SubjectRules
from karapace_like.tooling.workspace import Linked


class Affected(msgspec.Struct, frozen=True):
    """A version of the subject, or the latest version of a referring subject."""

    subject: str
    version: int
    level: str
    effect: Effect
    can_read_old: bool
    """The new schema can read data of this version."""
    can_be_read: bool
    """This version can read data of the new schema."""
    reasons: Sequence[str] = ()

    @property
    def sentence(self) -> str:
        """One line that describes the effect."""
        reads = "reads its data" if self.can_read_old else "cannot read its data"
        is_read = "is read by it" if self.can_be_read else "is not read by it"
        directions = "" if self.effect is Effect.UNREADABLE else f" (the new schema {reads}, {is_read})"
        return f"{self.subject} version {self.version}, {self.level}: {self.effect}{directions}"


class Impact(msgspec.Struct, frozen=True):
    """The effects of one schema."""

    subject: str
    file: str
    versions: Sequence[Affected]
    referring: Sequence[Affected]

    @property
    def breaks(self) -> bool:
        """Whether any version breaks or becomes unreadable."""
        return any(
            affected.effect in {Effect.BREAKS, Effect.UNREADABLE} for affected in [*self.versions, *self.referring]
        )

    def text(self) -> str:
        """Return the effects as lines of text."""
        lines = [f"{self.subject} ({self.file})"]
        for title, affected in (("its versions", self.versions), ("subjects that refer to it", self.referring)):
            lines.append(f"  {title}:" + ("" if affected else " none"))
            for subject_impact in affected:
                lines.append(f"    {subject_impact.sentence}")
                lines += [f"      {reason}" for reason in subject_impact.reasons]
        return "\n".join(map(make_printable, lines)) + "\n"


async def assess_impact(remote: Remote, subject: str, new: Linked) -> Impact:
    """Return the effects of a schema as the next version of the subject; raises InvalidSchemaError."""
    rules = await remote.fetch_rules(subject)
    versions = await remote.fetch_versions(subject, every=True)
    parsed = new.parse()
    level = rules.level or CompatibilityLevel.BACKWARD
    counted = {version.version for version in compatibility.select_versions(versions, level)}
    own = [
        _judge(parsed, await remote.resolve(version), version, rules, counts=version.version in counted)
        for version in versions
    ]
    referring = await _list_referring(remote, subject, versions)
    return Impact(
        subject, new.file.path, own, [await _judge_referrer(remote, referrer, subject, new) for referrer in referring]
    )


async def _list_referring(remote: Remote, subject: str, versions: Sequence[Registered]) -> list[Registered]:
    """Return the latest version of each subject with a version that refers to one of these, directly or indirectly."""
    seen = {subject}
    latest: list[Registered] = []
    pending = list(versions)
    while pending:
        referrers = await asyncio.gather(*map(remote.list_referrers, pending))
        names = sorted({name for users in referrers for name, _ in users} - seen)
        seen.update(names)
        everything = [await remote.fetch_versions(name, every=True) for name in names]
        pending = [version for versions_of_one in everything for version in versions_of_one]
        latest += [versions_of_one[-1] for versions_of_one in everything if versions_of_one]
    return latest


async def _judge_referrer(remote: Remote, user: Registered, subject: str, new: Linked) -> Affected:
    """Return the effect of the new schema on a subject that refers to it."""
    rules = await remote.fetch_rules(user.subject)
    before = await remote.resolve(user)
    dependencies = _substitute(new, subject, user, remote)
    try:
        after = formats.parse(UnparsedSchema(before.type, before.source.text), dependencies, Strictness.STRICT)
        return _judge(after, before, user, rules, counts=True)
    except InvalidSchemaError as error:
        return _describe_affected_user(user, rules, effects.make_unreadable(str(error)))


def _substitute(new: Linked, subject: str, user: Registered, remote: Remote) -> Mapping[str, str]:
    """Return the references of the user's schema, with the new schema in place of each version of the subject."""

    def look_up(reference: Reference) -> UnparsedSchema | None:
        if reference.subject == subject:
            return UnparsedSchema(new.file.type, new.file.text)
        return remote.find_cached_version(reference)

    return {**new.source.dependencies, **references.closure(user.schema, look_up)}


def _judge(new: ParsedSchema, old: Earlier, registered: Registered, rules: SubjectRules, *, counts: bool) -> Affected:
    """Return the effect on one version; `counts` is whether its level compares with this version."""
    schema = UnparsedSchema(old.type, old.source.text)
    parsed = formats.parse(schema, old.source.dependencies, Strictness.STORED)
    level = rules.level or CompatibilityLevel.BACKWARD
    policy = rules.policy or CompatibilityPolicy.STRICT
    return _describe_affected_user(registered, rules, effects.judge(new, parsed, level, policy, is_compared=counts))


def _describe_affected_user(registered: Registered, rules: SubjectRules, judgement: Judgement) -> Affected:
    level = str(rules.level or CompatibilityLevel.BACKWARD)
    return Affected(
        registered.subject,
        registered.version,
        level,
        judgement.effect,
        can_read_old=judgement.can_read_old,
        can_be_read=judgement.can_be_read,
        reasons=judgement.reasons,
    )
