"""The proxy's access to the registry of the same process: direct calls, and HTTP only to register at the primary."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

import msgspec

from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.ports import IsCurrent, RegisteredSchema
from karapace_like.proxy.rights import ALL_SUBJECTS, SubjectRights
from karapace_like.registry import errors, lookups, names, parsing, registration
from karapace_like.registry.content import Content
from karapace_like.registry.errors import RegistryError
from karapace_like.registry.registration import Registered, Submission
from karapace_like.registry.registry import Registry
from karapace_like.registry.store import Deleted
from karapace_like.registry.view import CallerView, RegistryView
from karapace_like.replication import errors as log_errors
from karapace_like.replication.writes import Forwarded, NotWritten, Unknown, WriteRequest, Written
from karapace_like.schema.model import SchemaId, UnparsedSchema
from karapace_like.web.cluster.forwarding import ask_primary
from karapace_like.web.cluster.peers import PeerResponse, Peers


class RegistrySchemas:
    """Implements `proxy.ports.Schemas`."""

    def __init__(self, registry: Registry, peers: Peers | None = None) -> None:
        """`peers` stay open: their creator closes them."""
        self._registry = registry
        self._peers = peers or Peers()

    async def by_id(self, schema_id: int, subject: str, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the id in the context of the subject; raise RegistryError 40403."""
        view = self._view(rights)
        holders = view.holders(view.resolve_alias(subject), schema_id)
        if not holders:
            raise errors.schema_not_found_error(schema_id)
        return self._with_dependencies(schema_id, holders[0].content, holders[0].subject)

    async def by_guid(self, guid: uuid.UUID, rights: SubjectRights) -> RegisteredSchema:
        """Return the schema with the GUID, in any context; raise RegistryError 40403."""
        stored = (await lookups.by_guid(self._view(rights), str(guid)))[0]
        return self._with_dependencies(stored.id, stored.content, stored.subject)

    async def by_version(self, subject: str, version: int, rights: SubjectRights) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of a live version, -1 for the latest; raise ApiError 403, 40401 or 40402."""
        stored = lookups.version(self._registry.read(), self._use_subject(subject, rights.require_reading), version)
        return stored.version, self._with_dependencies(stored.id, stored.content, stored.subject)

    async def by_metadata(
        self, subject: str, metadata: Mapping[str, str], rights: SubjectRights
    ) -> tuple[int, RegisteredSchema]:
        """Return (number, schema) of the latest live version with these properties; raise ApiError 403, 40401."""
        subject = self._use_subject(subject, rights.require_reading)
        store = self._registry.read()
        stored = lookups.latest_with_metadata(store, subject, list(metadata.items()), Deleted.EXCLUDE)
        return stored.version, self._with_dependencies(stored.id, stored.content, stored.subject)

    async def version_of(self, subject: str, schema_id: int, rights: SubjectRights, *, registers: bool) -> int:
        """Return the number of the subject's live version with this id; raise ApiError 403, 40401 or 40403."""
        require = rights.require_registering if registers else rights.require_reading
        versions = self._registry.read().versions(self._use_subject(subject, require))
        if not versions:
            raise errors.subject_not_found_error(subject)
        for version in versions:
            if version.id == schema_id:
                return version.version
        raise errors.schema_not_found_error()

    async def written_version(self, subject: str, schema_id: int, rights: SubjectRights) -> int:
        """Return the number of the subject's version with this id, also of a deleted one; raise ApiError 403, 40403."""
        store, subject = self._registry.read(), self._use_subject(subject, rights.require_reading)
        for deleted in (Deleted.EXCLUDE, Deleted.INCLUDE):
            for version in reversed(store.versions(subject, deleted)):
                if version.id == schema_id:
                    return version.version
        raise errors.schema_not_found_error()

    async def versions_after(
        self, subject: str, first: int, last: int, rights: SubjectRights
    ) -> Sequence[RegisteredSchema]:
        """Return the versions after `first` up to `last`, also deleted ones, in their order; raise ApiError 403."""
        versions = self._registry.read().versions(self._use_subject(subject, rights.require_reading), Deleted.INCLUDE)
        return [
            self._with_dependencies(stored.id, stored.content, stored.subject)
            for stored in versions
            if first < stored.version <= last
        ]

    async def register(self, subject: str, schema: UnparsedSchema, rights: SubjectRights) -> RegisteredSchema:
        """Return the subject's version with this schema, registered if need be; raise ApiError."""
        subject = self._use_subject(subject, rights.require_registering)
        # The primary, to which the registration may be forwarded, takes it for one of this service itself.
        for reference in schema.references:
            rights.require_reading(names.resolve_reference(reference.subject, subject))
        submission = Submission(reader=rights, type=schema.type, text=schema.text, references=schema.references)
        planner = partial(registration.plan, subject=subject, submission=submission, rules=self._registry.rules)
        refusal = await rights.refuse_new(subject)
        if refusal is not None:
            plan = await planner(self._registry.read(), self._registry.engines)
            if plan.records:
                raise refusal
            return self._with_dependencies(plan.answer.id, plan.answer.content, subject)
        write = WriteRequest(planner=planner, key=subject)
        forwarder = _RegistrationForwarder(self._peers, subject, schema)
        outcome = await self._registry.write(write, forwarder)
        if isinstance(outcome, Forwarded):
            if not outcome.is_success:
                raise _refusal(outcome.response, subject, rights)
            outcome = await self._registry.write(
                write, forwarder
            )  # finds the version of the primary, which is applied here now
        match outcome:
            case Written(Registered(_, _, schema_id, content)):
                return self._with_dependencies(schema_id, content, subject)
            case Forwarded():
                raise log_errors.outcome_unknown("the version was deleted as soon as it was registered")
            case Unknown(reason):
                raise log_errors.outcome_unknown(reason)

    def resolve_reference(self, subject: str, referrer: str) -> str:
        """Return the whole subject that a reference in a schema of the subject `referrer` means."""
        return names.resolve_reference(subject, referrer)

    def get_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str]:
        """Return the subjects that the keys or values of the topic are associated with, in any namespace."""
        associations = self._registry.read().associations
        if not len(associations):
            return ()
        return associations.subjects_of_topic(topic, part)

    async def fetch_associated_subjects(self, part: RecordPart, topic: str) -> Sequence[str]:
        """Return the same."""
        return self.get_associated_subjects(part, topic)

    def cache_validity(self, subject: str) -> IsCurrent | None:
        """Return the validity of cached responses about the subject; None for an alias, which is resolved each time."""
        versions = self._registry.read().versions_by_number(subject)
        if versions is None or self._registry.read().resolve_alias(subject) != names.canonical(subject):
            return None
        return self._registry.cache_validity(versions).is_current

    def _view(self, rights: SubjectRights) -> RegistryView:
        store = self._registry.read()
        return store if rights is ALL_SUBJECTS else CallerView(store, rights)

    def _use_subject(self, subject: str, require: Callable[[str], None]) -> str:
        """Return the subject that this one stands for; raise ApiError unless the caller has the right to both."""
        resolved = self._registry.read().resolve_alias(subject)
        for name in dict.fromkeys((names.canonical(subject), resolved)):
            require(name)
        return resolved

    def _with_dependencies(self, schema_id: int, content: Content, subject: str) -> RegisteredSchema:
        dependencies = parsing.dependencies_of(self._registry.read(), content.schema, subject)
        schema = content.schema
        return RegisteredSchema(SchemaId(schema_id), schema, dependencies, content.metadata, content.rule_set)


class _RegistrationForwarder:
    """Registers a schema at the primary; implements `replication.writes.Forwarder`."""

    was_forwarded = False

    def __init__(self, peers: Peers, subject: str, schema: UnparsedSchema) -> None:
        self._peers = peers
        self._path = f"/subjects/{quote(subject, safe='')}/versions"
        self._body = msgspec.json.encode(
            {"schema": schema.text, "schemaType": schema.type, "references": schema.references}
        )

    def is_awaited(self) -> bool:
        """Return True: a request without a waiting client is cancelled as a task."""
        return True

    async def forward(self, primary: str) -> Forwarded[PeerResponse] | NotWritten:
        """See `Forwarder`."""
        headers = {"Content-Type": "application/json"}
        return await ask_primary(self._peers, primary, "POST", self._path, headers, self._body)


def _refusal(answer: PeerResponse, subject: str, rights: SubjectRights) -> RegistryError:
    """Return the error of the primary's response, which was for this service: the caller may have fewer rights."""
    if answer.status == HTTPStatus.CONFLICT and not rights.may_read(subject):
        return errors.incompatible_schema(subject, ())
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except msgspec.MsgspecError:
        refusal = _Refusal(answer.status, f"HTTP {answer.status}")
    return RegistryError(refusal.error_code, refusal.message, status=answer.status)


class _Refusal(msgspec.Struct):
    error_code: int
    message: str
