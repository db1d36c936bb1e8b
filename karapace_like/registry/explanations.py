"""Why a schema may not follow the versions of its subject, and whom it would affect.

The verdicts are those of `checks.py`. What explains them is bounded: the newest versions, the nearest referring
subjects, and the time for all of it.
"""

import time
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from karapace_like.explanation import effects
from karapace_like.explanation.effects import Judgement
from karapace_like.explanation.incompatibilities import MAX_EXPLAINED, Explanation
from karapace_like.registry import checks, errors, parsing
from karapace_like.registry.content import Content
from karapace_like.registry.engine_jobs import ResolvedSchema
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.explanation_jobs import Explain, JudgeEffect
from karapace_like.registry.settings import Config
from karapace_like.registry.store import StoredVersion
from karapace_like.registry.subject_search import find_level
from karapace_like.registry.view import RegistryView
from karapace_like.schema.model import CompatibilityLevel, CompatibilityPolicy, InvalidSchemaError

_MAX_VERSIONS = 20
"""The newest versions of the subject, which are compared."""
_MAX_EXPLAINED_VERSIONS = 3
"""The newest incompatible versions, whose incompatibilities are explained."""
_MAX_AFFECTED = 50
"""Referring subjects, nearest first."""
_SECONDS = 10.0
"""After which no other version or subject is looked at."""


class Successor(NamedTuple):
    """A schema that is to be the next version of a subject."""

    subject: str
    resolved: ResolvedSchema
    content: Content


class VersionVerdict(NamedTuple):
    """How the schema compares with one version, in the directions of the level."""

    version: int
    is_compared: bool
    """Whether the level compares with this version."""
    messages: Sequence[str]
    """As those of a check; empty where both are compatible."""
    explanations: Sequence[Explanation]


class Affected(NamedTuple):
    """The latest version of a subject that refers to the schema's, judged as if it referred to the schema."""

    version: StoredVersion
    level: CompatibilityLevel
    judgement: Judgement


class Explained(NamedTuple):
    """The explanation of one schema."""

    versions: Sequence[VersionVerdict]
    """The newest first."""
    affected: Sequence[Affected]
    is_complete: bool
    """False: there are more versions, incompatibilities or referring subjects than these."""


async def explain(
    view: RegistryView, engines: EngineAccess, successor: Successor, default: CompatibilityLevel
) -> Explained:
    """Explain how the schema compares with the versions of its subject, and whom it affects.

    `default` is the level of subjects whose config has none.
    """
    until = time.monotonic() + _SECONDS
    candidates = view.versions(successor.subject)
    versions = await _compare_versions(view, engines, successor, default, until)
    referring = _list_referring(view, candidates)
    affected: list[Affected] = []
    for version in referring[:_MAX_AFFECTED]:
        if time.monotonic() > until:
            break
        affected.append(await _judge_referring(view, engines, successor, version, default))
    is_complete = (
        len(versions) == len(candidates)
        and len(affected) == len(referring)
        and all(len(verdict.messages) <= MAX_EXPLAINED for verdict in versions)
    )
    return Explained(versions, affected, is_complete)


async def _compare_versions(
    view: RegistryView, engines: EngineAccess, successor: Successor, default: CompatibilityLevel, until: float
) -> list[VersionVerdict]:
    """Return a verdict on each of the newest versions."""
    config = view.config(successor.subject) or Config()
    level = find_level(view, successor.subject, default)
    candidates = view.versions(successor.subject)
    compared = {
        candidate.version
        for candidate in checks.select_versions_to_compare(candidates, successor.content.metadata, config, level)
        if level is not CompatibilityLevel.NONE
    }
    verdicts: list[VersionVerdict] = []
    explained = 0
    for old in candidates[: -_MAX_VERSIONS - 1 : -1]:
        if time.monotonic() > until:
            break
        messages = await checks.compare(view, engines, successor.resolved, old, config, level)
        explanations: Sequence[Explanation] = ()
        if messages and explained < _MAX_EXPLAINED_VERSIONS:
            explained += 1
            explanations = await _explain_version(view, engines, successor.resolved, old, config, level)
        verdicts.append(VersionVerdict(old.version, old.version in compared, messages, explanations))
    return verdicts


async def _explain_version(
    view: RegistryView,
    engines: EngineAccess,
    new: ResolvedSchema,
    old: StoredVersion,
    config: Config,
    level: CompatibilityLevel,
) -> Sequence[Explanation]:
    """Return the explained incompatibilities; none where the engine refuses one of the schemas: messages say why."""
    if old.content.type is not new.type:
        return ()
    policy = config.compatibility_policy or CompatibilityPolicy.STRICT
    try:
        resolved = parsing.resolve_stored_schema(view, old.content, old.subject)
        return await engines.run(Explain(new, resolved, level, policy))
    except errors.RegistryError as error:
        if error.status != errors.UNPROCESSABLE:
            raise
        return ()


def _list_referring(view: RegistryView, versions: Sequence[StoredVersion]) -> list[StoredVersion]:
    """Return the latest version of each subject that refers to these versions, directly or not; the nearest first.

    One more than `_MAX_AFFECTED` at most.
    """
    seen = {version.subject for version in versions}
    latest: list[StoredVersion] = []
    waiting = deque(versions)
    while waiting and len(latest) <= _MAX_AFFECTED:
        version = waiting.popleft()
        for referrer in view.references_to(version.subject, version.version):
            if referrer.subject not in seen and len(latest) <= _MAX_AFFECTED:
                seen.add(referrer.subject)
                versions_of_one = view.versions(referrer.subject)
                waiting.extend(versions_of_one)
                latest += versions_of_one[-1:]
    return latest


async def _judge_referring(
    view: RegistryView, engines: EngineAccess, successor: Successor, version: StoredVersion, default: CompatibilityLevel
) -> Affected:
    level = find_level(view, version.subject, default)
    config = view.config(version.subject) or Config()
    policy = config.compatibility_policy or CompatibilityPolicy.STRICT
    try:
        before = parsing.resolve_stored_schema(view, version.content, version.subject)
        after = parsing.resolve_with_successor(
            view, version.content, version.subject, successor.subject, successor.content.schema
        )
        judgement = await engines.run(JudgeEffect(after, before, level, policy))
    except InvalidSchemaError as error:
        judgement = effects.make_unreadable(str(error))
    except errors.RegistryError as error:
        if error.status != errors.UNPROCESSABLE:
            raise
        judgement = effects.make_unreadable(error.message)
    return Affected(version, level, judgement)
