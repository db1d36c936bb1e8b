"""Which topics, groups and ACLs are internal, however they are spelled."""

from collections.abc import Sequence

import pytest

from karapace_like.administration import AclFilter, PatternType, ResourceType
from karapace_like.config import Settings
from karapace_like.proxy import guarding
from karapace_like.proxy.errors import ProxyError
from karapace_like.proxy.guarding import GuardedProducer
from karapace_like.proxy.internal import InternalResources
from karapace_like.records import NO_OVERRIDES, Delivery, OutgoingRecord, ProducerOverrides
from karapace_like.serve.internal_resources import list_internal_resources

SETTINGS = Settings(topic_name="state.of-mine", group_id="nodes")
INTERNAL = list_internal_resources(SETTINGS)
ALLOWED = list_internal_resources(Settings(topic_name="state.of-mine", group_id="nodes", rest_internal_resources=True))


def refusal(internal: InternalResources, *, topic: str | None = None, group: str | None = None) -> int | None:
    try:
        if topic is not None:
            internal.check_topics(["ordinary", topic])
        if group is not None:
            internal.check_group(group)
    except ProxyError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("topic", "code"),
    [
        ("state.of-mine", 403),
        ("state.of-mine\0", 403),
        ("state.of-mine\0-public", 403),
        ("__consumer_offsets", 403),
        ("__", 403),
        ("_schemas", None),
        ("state-of-mine", None),
        ("State.of-mine", None),
        ("state.of-mine-2", None),
        ("_", None),
        ("ordinary\0x", 40002),
    ],
)
def test_topics(topic: str, code: int | None) -> None:
    """Kafka tells names apart by their bytes, and its client ends a name at the null character."""
    assert refusal(INTERNAL, topic=topic) == code
    assert refusal(ALLOWED, topic=topic) == (40002 if "\0" in topic else None)
    assert INTERNAL.is_internal_topic(topic) is (code == 403)


class Sent:
    """A producer that notes the topics of what it is to send."""

    def __init__(self) -> None:
        self.topics: list[list[str]] = []

    async def send(self, records: Sequence[OutgoingRecord], _: ProducerOverrides = NO_OVERRIDES) -> list[Delivery]:
        self.topics.append([record.topic for record in records])
        return [Delivery()] * len(records)

    async def close(self) -> None:
        """Nothing to close."""


async def test_a_topic_that_has_passed_lets_no_other_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guarding, "_KEPT_TOPICS", 2)
    sent = Sent()
    guarded = GuardedProducer(sent, INTERNAL)

    async def send(*topics: str) -> None:
        await guarded.send([OutgoingRecord(topic, None, None) for topic in topics])

    accepted = [["a"], ["a"], ["a", "b"], ["c", "d"], ["e"], ["a"]]
    for topics in accepted:
        await send(*topics)
        for refused in ("state.of-mine", "__consumer_offsets", "x\0"):
            with pytest.raises(ProxyError):
                await send("a", refused)
    assert sent.topics == accepted


@pytest.mark.parametrize(
    ("group", "code"),
    [("nodes", 403), ("nodes\0x", 403), ("state.of-mine-reader", 403), ("Nodes", None), ("x\0", 40002)],
)
def test_groups(group: str, code: int | None) -> None:
    assert refusal(INTERNAL, group=group) == code
    assert INTERNAL.is_internal_group(group) is (code == 403)


@pytest.mark.parametrize(
    ("kind", "pattern", "name", "is_refused"),
    [
        ("TOPIC", "LITERAL", "state.of-mine", True),
        ("ANY", "ANY", "state.of-mine", True),
        ("ANY", "MATCH", "nodes", True),
        ("TOPIC", "PREFIXED", "state", True),
        ("TOPIC", "PREFIXED", "state.of-mine", True),
        ("TOPIC", "PREFIXED", "_", True),
        ("TOPIC", "PREFIXED", "__consumer", True),
        ("TOPIC", "PREFIXED", "state.of-mine-", False),
        ("TOPIC", "LITERAL", "state", False),
        ("TOPIC", "LITERAL", "*", False),
        ("TOPIC", "LITERAL", "nodes", False),
        ("GROUP", "LITERAL", "nodes", True),
        ("GROUP", "PREFIXED", "no", True),
        ("GROUP", "LITERAL", "state.of-mine", False),
        ("TRANSACTIONAL_ID", "LITERAL", "nodes-state.of-mine", True),
        ("TRANSACTIONAL_ID", "PREFIXED", "nodes-", True),
        ("CLUSTER", "LITERAL", "kafka-cluster", False),
        ("TOPIC", "ANY", None, False),
    ],
)
def test_acls(kind: str, pattern: str, name: str | None, *, is_refused: bool) -> None:
    """What names one, or a prefix of one: what is about everything is not about them in particular."""
    acl = AclFilter(ResourceType(kind), name, PatternType(pattern))
    ALLOWED.check_acl(acl)
    if not is_refused:
        INTERNAL.check_acl(acl)
        return
    with pytest.raises(ProxyError, match=r"is internal: .*rest_internal_resources=true") as refused:
        INTERNAL.check_acl(acl)
    assert refused.value.status == 403
