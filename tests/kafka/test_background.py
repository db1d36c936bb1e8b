"""What runs beside requests fails as nobody has foreseen: it is told, and goes on or ends the process."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like import background
from karapace_like.access import authfile
from karapace_like.background import BackgroundTaskError
from karapace_like.kafka import async_producer, group
from karapace_like.kafka.cluster import Cluster
from karapace_like.kafka.group import Group, GroupSettings
from karapace_like.kafka.log_topic_reader import LogTopicReader
from karapace_like.kafka.settings import KafkaSettings
from karapace_like.registry import apply
from tests.calling import call
from tests.forms import shorten
from tests.kafka.service_in_process import Node, serving
from tests.service_process import ServiceProcess
from tests.waiting import until
from tests.web.access.conftest import basic, written

Topic = Callable[[], str]
RECORD = {"records": [{"value": "eA=="}]}
BINARY = {"Content-Type": "application/vnd.kafka.binary.v2+json"}


class Failing:
    """A method that fails after it has done its work, `times` times; `of` leaves it whole in other objects."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, *, of: Callable[[Any], bool] = lambda _: True
    ) -> None:
        self.times = 0
        self._of = of
        self._real = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *arguments: self._do(*arguments))  # noqa: PLW0108 - a method

    def _do(self, *arguments: Any) -> Any:
        done = self._real(*arguments)
        if self.times and done and self._of(arguments[0]):
            self.times -= 1
            if asyncio.iscoroutine(done):
                done.close()
            raise ZeroDivisionError("nobody expected this")
        return done


async def _warns(node: Node, of: str) -> bool:
    return any(of in each and "nobody expected this" in each for each in await node.warnings())


async def test_the_reader_goes_on_without_losing_what_it_had_read(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE_SECONDS", 0.01)
    name = topic()
    # The policies and the keys have readers, too, which read at any time.
    poll = Failing(monkeypatch, LogTopicReader, "_poll", of=lambda reader: reader._topic == name)
    async with serving(kafka, name) as node:
        assert await node.register("a", '"int"') == 1
        poll.times = 2  # once for each: more than there is room for batches
        assert await node.register("b", '"long"') == 2
        poll.times = 2
        assert await node.register("c", '"string"') == 3
        assert await node.call("GET", "/subjects") == (200, ["a", "b", "c"])
        assert await _warns(node, "reader of the schemas topic failed, and is started again")
        assert await node.failures("reader of the schemas topic") == 4


@pytest.mark.long
def test_a_reader_that_does_not_come_back_ends_the_process(kafka: Cluster) -> None:
    program = (sys.executable, "-m", "tests.kafka.poisoned_reader")
    service = ServiceProcess(kafka.bootstrap_servers, program=program, workers=1)
    service.start()
    # Nobody answers it: the process ends.
    with suppress(OSError):
        call(service.url, "POST", "/subjects/poison/versions", {"schema": '"int"'})
    assert service.ended() == 1
    assert any(
        "reader of the schemas topic failed 5 times in a row: LookupError: poison" in line for line in service.lines
    )


async def test_a_process_that_could_not_apply_a_record_ends(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would know less than other nodes: it serves nothing more, and its supervisor starts another one."""
    async with serving(kafka, topic()) as node:
        await node.register("a")
        monkeypatch.setattr(apply, "apply", _out_of_memory)
        registering = asyncio.create_task(node.call("POST", "/subjects/b/versions", {"schema": '"long"'}))
        with pytest.raises(BackgroundTaskError, match="could not be applied: MemoryError"):
            await asyncio.wait_for(node.ended, 60)
        status, body = await node.call("GET", "/health/ready")
        assert (status, body["ready"]) == (503, False)
        assert "could not be applied" in body["reason"]
        registering.cancel()


async def test_the_election_is_taken_part_in_again(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    heartbeat = Failing(monkeypatch, group.Group, "heartbeat")
    async with serving(kafka, topic()) as node:
        assert await node.register("a") == 1
        heartbeat.times = 1
        await until(lambda: _warns(node, "election failed, and is started again"))
        assert await node.register("b", '"long"') == 2
        assert await node.failures("election") == 1


async def test_an_election_that_always_fails_ends_the_process(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_FIRST_PAUSE_SECONDS", 0.01)
    join = Failing(monkeypatch, group.Group, "join")
    join.times = 1_000
    async with serving(kafka, topic()) as node:
        with pytest.raises(BackgroundTaskError, match="election failed 5 times in a row"):
            await asyncio.wait_for(node.ended, 60)


async def test_a_file_watcher_takes_in_later_what_it_could_not(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    grants = [{"principals": ["alice", "bob"], "operations": ["read"], "resource": "subject"}]
    users = tmp_path / "users.json"
    users.write_bytes(written({"alice": "a"}, grants))
    async with serving(kafka, topic(), registry_authfile=str(users)) as node:
        parse = Failing(monkeypatch, authfile, "parse")
        parse.times = 1
        users.write_bytes(written({"alice": "a", "bob": "b"}, grants))

        async def is_known() -> bool:
            return (await node.call("GET", "/subjects", headers=basic("bob", "b")))[0] == 200

        await until(is_known)
        status, body = await node.call("GET", "/health/ready", headers=basic("bob", "b"))
        assert status == 200
        assert any(f"watcher of {users} failed, and is started again" in each for each in body["warnings"])


async def test_delivery_reports_are_served_after_a_failure(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(kafka, topic()) as node:
        name = topic()
        assert (await node.call("POST", f"/topics/{name}", RECORD, headers=BINARY))[0] == 200
        monkeypatch.setattr(async_producer.AsyncProducer, "_poll", _once(async_producer.AsyncProducer._poll))
        assert (await node.call("POST", f"/topics/{name}", RECORD, headers=BINARY))[0] == 200
        await until(lambda: _warns(node, "delivery reports failed"))
        assert await node.failures("delivery reports") == 1


async def test_one_consumer_instance_does_not_keep_others_from_being_looked_after(
    kafka: Cluster, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(kafka, topic()) as node:
        for name in ("first", "second"):
            made = await node.call("POST", f"/consumers/{name}", {}, headers={"Content-Type": BINARY["Content-Type"]})
            assert made[0] == 200
            instance = f"/consumers/{name}/instances/{made[1]['instance_id']}"
            subscribed = await node.call(
                "POST",
                f"{instance}/subscription",
                {"topics": [topic()]},
                headers={"Content-Type": BINARY["Content-Type"]},
            )
            assert subscribed[0] == 204
        tended: list[Any] = []

        def tend(instance: Any) -> None:
            tended.append(instance)
            raise ZeroDivisionError("nobody expected this")

        monkeypatch.setattr("karapace_like.proxy.consumers.ConsumerInstance.tend", tend)
        await until(lambda: _warns(node, "upkeep of a consumer instance failed"))
        assert len(set(tended)) == 2


async def test_a_missing_topic_is_told_where_others_have_read_it(kafka: Cluster, topic: Topic) -> None:
    """A node joins the group once it has read the topic."""
    name = topic()
    settings = KafkaSettings(bootstrap_servers=kafka.bootstrap_servers)
    member = Group(settings, GroupSettings(id=f"group-of-{name}", session_timeout_ms=60_000))
    await member.join(b"another product")
    async with serving(kafka, name) as node:
        (warning,) = await node.warnings()
        assert f"was missing and has been recreated, although the group group-of-{name} has members (1)" in warning
        await member.leave()


@pytest.mark.parametrize("is_made_anew", shorten([False, True]))
async def test_a_topic_that_lost_everything_between_two_runs_is_told(
    kafka: Cluster, topic: Topic, caplog: pytest.LogCaptureFixture, *, is_made_anew: bool
) -> None:
    name = topic()
    for subject in ("a", "b"):
        async with serving(kafka, name) as node:
            await node.register(subject)
            assert await node.warnings() == []
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    await asyncio.to_thread(admin.delete_topics([name])[name].result)
    if is_made_anew:
        made = NewTopic(name, 1, 1, config={"cleanup.policy": "compact"})
        await until(lambda: asyncio.to_thread(_is_made, admin, made))
    async with serving(kafka, name) as node:
        (warning,) = await node.warnings()
        assert ("holds no record" if is_made_anew else "was missing and has been recreated") in warning
        assert f"although the transactional id group-of-{name}-{name} has written before" in warning
        assert warning in [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
        async with node.session.get("/metrics") as answer:
            assert "\nkarapace_like_warnings 1.0\n" in await answer.text()
        assert await node.register("a") == 1


def _is_made(admin: AdminClient, topic: NewTopic) -> bool:
    try:
        admin.create_topics([topic])[topic.topic].result()
    except KafkaException as error:
        if error.args[0].name() != "TOPIC_ALREADY_EXISTS":  # the one before is still being deleted
            raise
        return False
    return True


def _once(real: Callable[..., Any]) -> Callable[..., Any]:
    failures = [ZeroDivisionError("nobody expected this")]

    def call(*arguments: Any) -> Any:
        if failures:
            raise failures.pop()
        return real(*arguments)

    return call


def _out_of_memory(*_: object, **__: object) -> None:
    raise MemoryError
