"""The policies of one process, by name, and the one that is in force for a topic."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from karapace_like.policies import errors, names
from karapace_like.policies.policy import Mode, TopicPolicy
from karapace_like.policies.records import PolicyRecord


class PolicyEntry(NamedTuple):
    """A policy under its name."""

    name: str
    policy: TopicPolicy | None
    """None where this release cannot use the policy."""
    updated: int | None = None
    """Milliseconds since the epoch; None for a policy of the file."""
    problem: str | None = None

    @property
    def is_from_file(self) -> bool:
        """Whether the file of the setting `topic_policies` has it."""
        return self.updated is None

    def read(self) -> TopicPolicy:
        """Return the policy; raises PolicyError 503 for one that this release cannot use."""
        if self.policy is None:
            raise errors.unreadable(self.name, self.problem or "")
        return self.policy


class PolicyStore:
    """The policies of the topic and of the file; a policy of the file hides that of the topic with its name."""

    def __init__(self, file: Mapping[str, TopicPolicy] | None = None) -> None:
        self.revision = 0
        """Grows with each change."""
        self.unknown = 0
        """Records of the topic that are about no policy, and are no marks."""
        self._stored: dict[str, PolicyEntry] = {}
        self._file: dict[str, PolicyEntry] = {}
        self._in_force: dict[str, PolicyEntry] = {}
        self._prefix_lengths: tuple[int, ...] = ()
        """Lengths of the prefixes, the longest first."""
        self._may_refuse = False
        self.replace_file(file or {})

    @property
    def is_empty(self) -> bool:
        """Whether no policy is in force."""
        return not self._in_force

    @property
    def has_stored(self) -> bool:
        """Whether the topic has a policy, so that it has to be followed closely."""
        return bool(self._stored)

    @property
    def may_refuse(self) -> bool:
        """Whether a policy of the topic is enforced, so that records may not be accepted without knowing all."""
        return self._may_refuse

    def __len__(self) -> int:
        return len(self._in_force)

    def __iter__(self) -> Iterator[PolicyEntry]:
        """Yield the policies by name."""
        return iter(sorted(self._in_force.values()))

    def get(self, name: str) -> PolicyEntry | None:
        """Return the policy with exactly this name."""
        return self._in_force.get(name)

    def find(self, topic: str, *, without: str = "") -> PolicyEntry | None:
        """Return the policy of the topic: its own, else the one with the longest prefix; never the one `without`."""
        if not self._in_force:
            return None
        entry = self._in_force.get(topic)
        if entry is not None and topic != without:
            return entry
        for length in self._prefix_lengths:
            name = topic[:length] + names.EVERY_ENDING
            if length <= len(topic) and name in self._in_force and name != without:
                return self._in_force[name]
        return None

    def apply(self, record: PolicyRecord, timestamp: int) -> None:
        """Store or delete the policy; `timestamp` is the record's."""
        if record.policy is None and record.problem is None:
            self._stored.pop(record.name, None)
        else:
            self._stored[record.name] = PolicyEntry(record.name, record.policy, timestamp, record.problem)
        self._combine()

    def replace_file(self, policies: Mapping[str, TopicPolicy]) -> None:
        """Use these policies of the file from now on."""
        self._file = {name: PolicyEntry(name, policy) for name, policy in policies.items()}
        self._combine()

    def _combine(self) -> None:
        self.revision += 1
        self._in_force = self._stored | self._file
        self._may_refuse = any(
            entry.policy is None or entry.policy.mode is Mode.ENFORCE for entry in self._stored.values()
        )
        lengths = {len(name) - 1 for name in self._in_force if names.is_prefix(name)}
        self._prefix_lengths = tuple(sorted(lengths, reverse=True))
