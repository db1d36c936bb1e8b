"""Plan the creation, update and deletion of associations.

Source: Confluent API, "Associations". With strict schemas the rules of Confluent's newest branch hold as well: strong
associations are those that are frozen, a resource has one lifecycle, and an update creates weak associations only.
"""

import enum
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

import msgspec

from karapace_like.registry import deletion, errors, names, planning, registration
from karapace_like.registry.associations import TOPIC, Association, AssociationType, Lifecycle, Resource
from karapace_like.registry.engines import EngineAccess
from karapace_like.registry.records import AssociationRecord, Record
from karapace_like.registry.registration import Registered, Rules, Submission
from karapace_like.registry.store import Deleted, Store
from karapace_like.replication.planning import Plan
from karapace_like.schema.model import Strictness

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")
_MAX_ID = 256
"""Characters of a resource's id."""


class AssociationOperation(enum.StrEnum):
    """What is done with an association."""

    CREATE = "CREATE"
    UPSERT = "UPSERT"
    """Create it or update it."""
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssociationChange:
    """A change of one association; None is what a request leaves out."""

    operation: AssociationOperation
    association_type: str | None = None
    """None: `value`; in a deletion, every type."""
    subject: str | None = None
    lifecycle: Lifecycle | None = None
    frozen: bool | None = None
    submission: Submission | None = None
    """The schema to register in the subject."""
    cascade: bool = False
    """Whether a deletion deletes the subject of a strong association, and frozen associations at all."""
    guid: str = ""
    """Of a new association."""

    @property
    def part(self) -> str:
        """The type of a created or updated association."""
        return self.association_type or AssociationType.VALUE

    @property
    def parts(self) -> Sequence[str]:
        """All types that the change is about."""
        is_for_all = self.operation is AssociationOperation.DELETE and self.association_type is None
        return tuple(AssociationType) if is_for_all else (self.part,)


@dataclass(frozen=True, slots=True)
class ChangedAssociation:
    """What a change has written."""

    association: Association
    registered: Registered | None = None


class AssociationRights(Protocol):
    """The rights of whoever changes associations."""

    def require(
        self, resource: Resource, subject: str, *, submission: Submission | None = None, deletes: bool = False
    ) -> None:
        """Raise ApiError (403) for who may not associate the two, register the schema, or delete the subject."""
        ...


def check_resource(resource: Resource, *, needs_id: bool) -> None:
    """Raise 42212 for a resource that cannot be associated."""
    for name, value in (("resourceName", resource.name), ("resourceNamespace", resource.namespace)):
        if not _NAME.fullmatch(value):
            raise errors.invalid_association(
                name, f"expected 1 to 256 letters, digits, '_' and '-' (was '{value[:_MAX_ID]}')"
            )
    if needs_id and not resource.id:
        raise errors.invalid_association("resourceId", "it cannot be null or empty")
    if len(resource.id or "") > _MAX_ID:
        raise errors.invalid_association("resourceId", f"it has more than {_MAX_ID} characters")
    if resource.type != TOPIC:
        raise errors.invalid_association("resourceType", f"expected '{TOPIC}' (was '{resource.type[:_MAX_ID]}')")


def check_types(types: Collection[str]) -> None:
    """Raise 42212 for a type of association that does not exist."""
    for association_type in types:
        if association_type not in set(AssociationType):
            expected = " or ".join(f"'{known}'" for known in AssociationType)
            raise errors.invalid_association(
                "associationType", f"expected {expected} (was '{association_type[:_MAX_ID]}')"
            )


def check_distinct_types(types: Sequence[str]) -> None:
    """Raise 42212 where a request names a type twice."""
    if len(set(types)) < len(types):
        raise errors.invalid_association("associations", "each associationType can be named once")


async def plan_change(
    store: Store,
    engines: EngineAccess,
    *,
    resource: Resource,
    change: AssociationChange,
    rules: Rules,
    rights: AssociationRights,
) -> Plan[ChangedAssociation | None]:
    """Return the plan of a creation or update; its answer is None where nothing is written. Raises ApiError."""
    planner = _Planner(store, engines, resource, change, rules, rights)
    existing = planner.find_existing()
    if existing is None:
        return await planner.create()
    if change.operation is AssociationOperation.CREATE:
        return await planner.repeat_creation(existing)
    return await planner.update(existing)


def plan_deletion(
    store: Store,
    *,
    resource_id: str,
    resource_type: str = TOPIC,
    types: Collection[str] = (),
    cascade: bool,
    rights: AssociationRights,
) -> Plan[None]:
    """Return the plan that deletes the associations of the resource; raises 40410, 40908, or what the subject refuses.

    No `types` are all types.
    """
    deleted = [
        association
        for association in store.associations.of_resource(resource_id)
        if association.resource.type == resource_type and (not types or association.association_type in types)
    ]
    if not deleted:
        raise errors.association_not_found_error(resource_id)
    written: list[Record] = []
    for association in deleted:
        deletes_subject = cascade and association.lifecycle is Lifecycle.STRONG
        rights.require(association.resource, association.subject, deletes=deletes_subject)
        if association.frozen and not cascade:
            raise errors.association_is_frozen(association.association_type, association.resource.name)
        planning.require_writable(store, association.subject)
        written.append(AssociationRecord(association.key, None))
        if deletes_subject:
            written += deletion.erase_subject(store, association.subject)
    return Plan(None, planning.with_counters(store, written))


@dataclass(frozen=True, slots=True)
class _Planner:
    store: Store
    engines: EngineAccess
    resource: Resource
    change: AssociationChange
    rules: Rules
    rights: AssociationRights

    @property
    def is_strict(self) -> bool:
        """Whether the rules of the newest branch hold."""
        return self.rules.strictness is Strictness.STRICT

    def find_existing(self) -> Association | None:
        """Return the resource's association of the type; raises 42212 or 40903 for the id and name of two resources."""
        resource, part = self.resource, self.change.part
        check_types([part])
        same_id = self.store.associations.of_resource(resource.id) if resource.id else []
        for association in same_id:
            if (association.resource.name, association.resource.namespace) != (resource.name, resource.namespace):
                raise errors.invalid_association(
                    "resourceId",
                    f"'{resource.id}' is the id of the resource '{association.resource.name}' in the namespace "
                    f"'{association.resource.namespace}'",
                )
        same_name = self.store.associations.find_by_name(resource.namespace, resource.name)
        for association in same_name:
            if resource.id and association.resource.id != resource.id:
                raise errors.association_exists(association.association_type, resource.name)
        return next((association for association in same_name if association.association_type == part), None)

    async def create(self) -> Plan[ChangedAssociation | None]:
        """Return the plan of a new association."""
        lifecycle, frozen = self._resolve_new()
        own = self.resource.default_subject(self.change.part)
        subject = names.canonical(self.change.subject or own)
        names.check(subject)
        if frozen and subject != own:
            raise errors.invalid_association("subject", f"a frozen association has the subject '{own}'")
        if lifecycle is Lifecycle.WEAK and subject == own:
            raise errors.invalid_association(
                "subject", f"a weak association needs another subject than '{own}', which is the resource's own"
            )
        self.rights.require(self.resource, subject, submission=self.change.submission)
        planning.require_writable(self.store, subject)
        self._check_sharing(subject, lifecycle)
        registration_plan = await self._register(subject, is_new_and_frozen=frozen)
        if registration_plan is None and not self.store.versions(subject):
            raise errors.no_active_subject(subject)
        association = Association(
            guid=self.change.guid,
            resource=self.resource,
            association_type=self.change.part,
            subject=subject,
            lifecycle=lifecycle,
            frozen=frozen,
        )
        return _combine(association, registration_plan)

    async def repeat_creation(self, existing: Association) -> Plan[ChangedAssociation | None]:
        """Return a plan that writes nothing; raises 40903 unless the existing association is what is wanted."""
        change = self.change
        self.rights.require(self.resource, existing.subject, submission=change.submission)
        is_same = (
            names.canonical(change.subject or existing.subject) == existing.subject
            and change.lifecycle in {None, existing.lifecycle}
            and change.frozen in {None, existing.frozen}
        )
        if is_same and change.submission is not None:
            registration_plan = await self._register(existing.subject)
            is_same = registration_plan is None or not registration_plan.records
        if not is_same:
            raise errors.association_exists(existing.association_type, self.resource.name)
        return Plan(None)

    async def update(self, existing: Association) -> Plan[ChangedAssociation | None]:
        """Return the plan of a changed lifecycle, or of a new version of the subject."""
        change, subject = self.change, existing.subject
        self.rights.require(self.resource, subject, submission=change.submission)
        if change.lifecycle is None and change.submission is None:
            raise errors.invalid_association("lifecycle", "an update needs a lifecycle or a schema")
        if change.subject is not None and names.canonical(change.subject) != subject:
            raise errors.invalid_association("subject", f"it cannot change (is '{subject}')")
        if change.frozen not in {None, existing.frozen}:
            raise errors.invalid_association("frozen", "it cannot change")
        lifecycle = change.lifecycle or existing.lifecycle
        is_changed = lifecycle is not existing.lifecycle
        if existing.frozen and (is_changed or change.submission is not None):
            raise errors.association_is_frozen(existing.association_type, self.resource.name)
        planning.require_writable(self.store, subject)
        if is_changed:
            self._check_new_lifecycle(existing, lifecycle)
        registration_plan = await self._register(subject)
        if not is_changed and (registration_plan is None or not registration_plan.records):
            return Plan(None)
        return _combine(msgspec.structs.replace(existing, lifecycle=lifecycle), registration_plan)

    def _check_new_lifecycle(self, existing: Association, lifecycle: Lifecycle) -> None:
        own = existing.resource.default_subject(existing.association_type)
        if lifecycle is Lifecycle.WEAK and existing.subject == own:
            raise errors.invalid_association("lifecycle", f"the resource's own subject '{own}' stays STRONG")
        if self.is_strict and lifecycle is Lifecycle.STRONG:
            raise errors.invalid_association("lifecycle", "a strong association is created with its schema, and frozen")
        self._check_sharing(existing.subject, lifecycle)

    def _resolve_new(self) -> tuple[Lifecycle, bool]:
        """Return (lifecycle, frozen) of a new association."""
        change = self.change
        is_creation = change.operation is AssociationOperation.CREATE
        if change.submission is not None:
            if self.is_strict and not is_creation:
                raise errors.invalid_association("schema", "an update cannot create an association with a schema")
            if change.lifecycle is Lifecycle.WEAK:
                raise errors.invalid_association("lifecycle", "with a schema it is STRONG (was 'WEAK')")
            if is_creation and change.frozen is False:
                raise errors.invalid_association("frozen", "with a schema it is true (was 'false')")
            if not is_creation and change.frozen:
                raise errors.invalid_association("frozen", "only a creation can freeze an association")
            return Lifecycle.STRONG, is_creation
        lifecycle = change.lifecycle or Lifecycle.WEAK
        if change.frozen:
            raise errors.invalid_association(
                "frozen", "a frozen association is created with its schema, and an update cannot create it"
            )
        if self.is_strict and lifecycle is Lifecycle.STRONG:
            raise errors.invalid_association("lifecycle", "a strong association is created with its schema, and frozen")
        return lifecycle, False

    def _check_sharing(self, subject: str, lifecycle: Lifecycle) -> None:
        """Raise 40904, 40905, 42206 or 42212 where other associations, or schemas, forbid the lifecycle."""
        place = (self.resource.namespace, self.resource.name, self.change.part)
        for other in self.store.associations.of_subject(subject):
            if (other.resource.namespace, other.resource.name, other.association_type) == place:
                continue
            if lifecycle is Lifecycle.STRONG:
                raise errors.association_for_subject_exists(subject)
            if other.lifecycle is Lifecycle.STRONG:
                raise errors.strong_association_for_subject_exists(subject)
        if not self.is_strict:
            return
        for other in self.store.associations.find_by_name(self.resource.namespace, self.resource.name):
            if other.association_type != self.change.part and other.lifecycle is not lifecycle:
                raise errors.invalid_association(
                    "lifecycle", f"all associations of a resource have the same one (another is {other.lifecycle})"
                )
        if lifecycle is Lifecycle.STRONG:
            for version in self.store.versions(subject):
                referrers = self.store.references_to(subject, version.version)
                if any(referrer.subject != subject for referrer in referrers):
                    raise errors.reference_exists(subject, version.version)

    async def _register(self, subject: str, *, is_new_and_frozen: bool = False) -> Plan[Registered] | None:
        """Return the plan that registers the schema; None without one, and in import mode, which leaves it out."""
        submission = self.change.submission
        if submission is None:
            return None
        if planning.effective_mode(self.store, subject).is_import:
            if self.is_strict:
                raise planning.refusal(subject, "is not in read-write mode")
            return None
        planned = await registration.plan(
            self.store, self.engines, subject=subject, submission=submission, rules=self.rules
        )
        others = [version for version in self.store.versions(subject) if version.version != planned.answer.version]
        if is_new_and_frozen and (others or (planned.records and self.store.versions(subject, Deleted.INCLUDE))):
            raise errors.invalid_association("subject", f"'{subject}' has other schemas, so that it cannot be frozen")
        return planned


def _combine(association: Association, registration_plan: Plan[Registered] | None) -> Plan[ChangedAssociation | None]:
    """Return the plan that writes the schema, and after it the association."""
    written = AssociationRecord(association.key, association)
    if registration_plan is None:
        return Plan(ChangedAssociation(association), (written,))
    answer = ChangedAssociation(association, registration_plan.answer if registration_plan.records else None)
    return Plan(answer, (*registration_plan.records, written))
