"""Plan a new version that differs from an existing one in tags, metadata and rules only.

Source: Confluent API, POST /subjects/{subject}/versions/{version}/tags.
"""

from dataclasses import dataclass

from karapace_like.registry import content as contents
from karapace_like.registry import lookups, registration
from karapace_like.registry.content import Json
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.registration import Registered, Rules, Submission
from karapace_like.registry.store import Store
from karapace_like.registry.view import EVERYBODY
from karapace_like.replication.planning import Plan
from karapace_like.schema.model import LATEST
from karapace_like.schema.tags import TagChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Tagging:
    """The changes of a request to tag a version; None keeps the version's metadata and the latest version's rules."""

    changes: tuple[TagChange, ...] = ()
    new_version: int | None = None
    """The number after the latest version, if the request names one."""
    metadata: Json | None = None
    rule_set: Json | None = None
    """All rules; ignored where the request merges or removes rules."""
    rules_to_merge: Json | None = None
    """Rules that are added, or replace those with the same names."""
    rules_to_remove: tuple[str, ...] = ()


async def plan(
    store: Store, engines: EngineAccess, *, subject: str, number: int, request: Tagging, rules: Rules
) -> Plan[Registered]:
    """Return the records of the new version, with its number in its metadata; raises RegistryError."""
    tagged = lookups.version(store, subject, number).content
    submission = Submission(
        reader=EVERYBODY,  # what is registered is understood with all that it refers to
        type=tagged.type,
        text=tagged.text,
        references=tagged.references,
        metadata=contents.with_property(
            tagged.metadata if request.metadata is None else request.metadata,
            contents.VERSION_PROPERTY,
            str(request.new_version or 0),
        ),
        rule_set=_rule_set(store, subject, request),
        version=request.new_version,
        tag_changes=request.changes,
        explicit=True,
    )
    return await registration.plan(store, engines, subject=subject, submission=submission, rules=rules)


def _rule_set(store: Store, subject: str, request: Tagging) -> Json | None:
    if request.rules_to_merge is None and not request.rules_to_remove:
        return request.rule_set
    latest = store.version(subject, LATEST)
    before = None if latest is None else latest.content.rule_set
    return contents.without_rules(contents.merge(before, request.rules_to_merge, None), request.rules_to_remove)
