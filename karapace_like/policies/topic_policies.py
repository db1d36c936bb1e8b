"""The topic policies of the service: replicated through a topic of their own, and from a file.

They fail closed. A process that has not read the topic accepts no records; nor does one that cannot show, once a policy
is enforced, that it is at most a second behind. It shows that by reading up to the topic's end, several times a second.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence

from karapace_like.errors import KafkaFailure
from karapace_like.policies import errors, names, records
from karapace_like.policies.policy import TopicPolicy
from karapace_like.policies.records import MARK, PolicyRecord
from karapace_like.policies.store import PolicyEntry, PolicyStore
from karapace_like.replication.log import Log, LogRecord
from karapace_like.replication.optional_state import OptionalState
from karapace_like.replication.planning import Plan

logger = logging.getLogger(__name__)

MAX_STALE_SECONDS = 1.0
"""How far behind the topic a process may be that accepts records."""
_CHECK_SECONDS = 0.25
"""Pause between two readings of the topic's end."""
_MAX_POLICIES = 10_000
_OFF = (
    "Records are written without its policies (topic_policies_enabled=auto). Let this service create, describe, read "
    "and write the topic, or set topic_policies_enabled=false."
)


class FilePolicies:
    """The policies of a service without a policies topic: those of the file."""

    def __init__(self, file: Mapping[str, TopicPolicy] | None = None) -> None:
        self.store = PolicyStore(file)

    def find(self, topic: str) -> PolicyEntry | None:
        """Return the policy of the topic."""
        return self.store.find(topic)


class TopicPolicies(OptionalState[PolicyStore]):
    """The policies of the topic and the file, and the only way to change those of the topic."""

    def __init__(
        self,
        log: Log,
        file: Mapping[str, TopicPolicy] | None = None,
        *,
        is_optional: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`is_optional`: where Kafka denies the topic, records are accepted without its policies."""
        super().__init__(log, PolicyStore(file), "policies")
        self._is_optional = is_optional
        self._problem: str | None = None
        self._is_without_topic = False
        """Whether there are no policies but those of the file, since the topic is missing, or denied and optional."""
        self._settled = asyncio.Event()
        self._now = clock
        self._verified = float("-inf")
        """When the process knew the last time that it has applied everything that had been written."""

    def find(self, topic: str) -> PolicyEntry | None:
        """Return the policy of the topic; raises ApiError 503 where this process cannot know it.

        While policies only observe, an old state does no harm: what is written is the same.
        """
        store = self.read()
        if store.may_refuse:
            behind = self._now() - self._verified
            if behind > MAX_STALE_SECONDS:
                raise errors.stale(behind, MAX_STALE_SECONDS)
        return store.find(topic)

    def read(self) -> PolicyStore:
        """Return the policies; raises ApiError 503 before the topic is replayed, and after it was lost."""
        if self._is_without_topic:
            return self._store
        self.require_topic()
        return super().read()

    def require_topic(self) -> None:
        """Raise PolicyError 503 where the topic cannot be opened."""
        if self._problem is not None:
            raise errors.unavailable(self._problem)

    def report_problem(
        self, problem: str | None, *, is_missing: bool = False, is_denied: bool = False, is_transient: bool = False
    ) -> None:
        """See `OptionalState`. No record is accepted until there is no problem.

        A topic that does not exist, and cannot be created, holds no policy: records are accepted. So they are where the
        topic is denied, if the policies are optional.
        """
        is_off = is_denied and self._is_optional
        self._problem = f"{problem} {_OFF}" if problem is not None and is_off else problem
        self._is_without_topic = is_missing or is_off
        if problem is not None and not is_transient:
            self._settled.set()

    @property
    def warnings(self) -> list[str]:
        """Sentences for operators: why no record is accepted, and which policies cannot be used."""
        problems = [self._failure, self._problem]
        unusable = [entry for entry in self._store if entry.policy is None]
        problems += [f"The policy {entry.name} cannot be used: {entry.problem}" for entry in unusable]
        return [problem for problem in problems if problem is not None]

    async def verify(self) -> None:
        """Read up to the topic's end several times a second while there is a policy; returns when the topic is lost."""
        await self.wait_until_replayed()
        while self._failure is None:
            if self._store.has_stored:
                await self._verify_once()
            self._settled.set()
            await asyncio.sleep(_CHECK_SECONDS)

    async def _verify_once(self) -> None:
        begun = self._now()
        try:
            await self.wait_until_applied(await self._log.end())
        except KafkaFailure as failure:
            logger.debug("The end of the policies topic cannot be read: %s", failure.message)
        else:
            self._verified = begun

    def _apply(self, record: LogRecord) -> None:
        policy = records.decode(record.key, record.value)
        if policy is None:
            self._store.unknown += record.key != MARK
            return
        if not self._store.has_stored:
            self._verified = self._now()  # the first one was read as it was written, or within the replay
        if policy.problem is not None:
            logger.error("The policy %s cannot be used: %s", policy.name, policy.problem)
        self._store.apply(policy, record.timestamp)

    def _encode(self, planned: Sequence[PolicyRecord]) -> list[tuple[bytes, bytes | None]]:
        return [records.encode(record) for record in planned]


def put(store: PolicyStore, name: str, policy: TopicPolicy, *, force: bool = False) -> Plan[TopicPolicy]:
    """Plan to set the policy; 409 for one of the file, 422 where it would move keys, unless `force` accepts that."""
    entry = store.get(name)
    if entry is not None and entry.is_from_file:
        raise errors.set_by_file(name)
    if entry is None and len(store) >= _MAX_POLICIES:
        raise errors.too_many_policies(_MAX_POLICIES)
    if entry is not None and entry.policy == policy:
        return Plan(policy)
    _check_keys(store, name, policy, force=force)
    return Plan(policy, (PolicyRecord(name, policy),))


def delete(store: PolicyStore, name: str, *, force: bool = False) -> Plan[None]:
    """Plan to delete the policy; 404, and as `put`."""
    entry = store.get(name)
    if entry is None:
        raise errors.not_found_error(name)
    if entry.is_from_file:
        raise errors.set_by_file(name)
    _check_keys(store, name, None, force=force)
    return Plan(None, (PolicyRecord(name, None),))


def _check_keys(store: PolicyStore, name: str, policy: TopicPolicy | None, *, force: bool) -> None:
    """Raise InvalidPolicyError where the change gives other bytes to keys that are sent as before."""
    before = store.find(name.removesuffix(names.EVERY_ENDING))
    if policy is None:
        after = store.find(name.removesuffix(names.EVERY_ENDING), without=name)
        policy = None if after is None else after.policy
    encoding_before = None if before is None or before.policy is None else before.policy.key_encoding
    if encoding_before != (None if policy is None else policy.key_encoding) and not force:
        raise errors.moves_keys(name)
