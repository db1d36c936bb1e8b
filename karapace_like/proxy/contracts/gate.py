"""The gate that every produced record passes: it finds the policy of a topic, once for each request and topic."""

from functools import partial
from typing import Protocol

from karapace_like.policies import errors as policy_errors
from karapace_like.policies.store import PolicyEntry
from karapace_like.policies.topic_policies import FilePolicies
from karapace_like.proxy.contracts.admission import Offer, TopicAdmission, open_admission
from karapace_like.proxy.contracts.targets import Targets
from karapace_like.proxy.contracts.uniform_admission import Judging, UniformAdmission, Verdicts
from karapace_like.proxy.contracts.violation_log import ViolationLog
from karapace_like.proxy.formats import RecordPart
from karapace_like.proxy.internal import InternalResources
from karapace_like.proxy.rights import KeyRights
from karapace_like.proxy.schemas import SchemaCache


class PolicySource(Protocol):
    """The policies of the service."""

    def find(self, topic: str) -> PolicyEntry | None:
        """Return the policy of the topic; raises ApiError 503 where this process cannot know it."""
        ...


NO_POLICIES: PolicySource = FilePolicies()


class Gate:
    """Opens for the records of a topic as its policy says; every way of producing asks it."""

    def __init__(
        self, policies: PolicySource, schemas: SchemaCache, log: ViolationLog, internal: InternalResources
    ) -> None:
        """`log` counts what is refused, and what a policy in the mode `observe` would refuse.

        No `internal` topic holds dead letters, whatever a policy says.
        """
        self._internal = internal
        self._policies = policies
        self._schemas = schemas
        self._targets = Targets(schemas)
        self._verdicts = Verdicts()
        self._log = log

    def expects_plain_json(self, topic: str, role: RecordPart) -> bool:
        """Return whether the topic's policy validates or encodes keys, or values, that are sent as plain JSON.

        Raises ApiError 503 where the topic's policy cannot be known.
        """
        entry = self._policies.find(topic)
        return entry is not None and entry.read().enforces_schema_of(role)

    def find_judging_policy(self, topic: str) -> PolicyEntry | None:
        """Return the topic's policy; None where all records are written as they are sent.

        Raises ApiError 503 where the topic's policy cannot be known.
        """
        entry = self._policies.find(topic)
        return None if entry is None or entry.read().accepts_everything else entry

    def find_admission(self, topic: str, rights: KeyRights) -> TopicAdmission | None:
        """Return what admits the records of one request to the topic; None, and raises, as `find_judging_policy`.

        `rights` are the caller's.
        """
        entry = self.find_judging_policy(topic)
        return None if entry is None else self._open_topic(topic, entry, rights)

    def open_uniform_admission(
        self, topic: str, entry: PolicyEntry, key: Offer, value: Offer, rights: KeyRights
    ) -> UniformAdmission:
        """Return the same for records whose keys are all offered like `key`, and their values like `value`."""
        judging = Judging(topic, entry, partial(self._open_topic, topic, entry, rights))
        return UniformAdmission(self._verdicts, judging, key, value, self._schemas.validators)

    def _open_topic(self, topic: str, entry: PolicyEntry, rights: KeyRights) -> TopicAdmission:
        policy = entry.read()
        dead_letters = policy.dead_letter_topic
        if dead_letters is not None and self._internal.is_internal_topic(dead_letters):
            raise policy_errors.unreadable(entry.name, f"its dead_letter_topic {dead_letters} is internal.")
        return open_admission(
            self._schemas, self._targets, self._log, topic=topic, name=entry.name, policy=policy, rights=rights
        )
