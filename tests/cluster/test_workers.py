"""One node of two workers: it serves as one process does, whichever of its processes is killed or stopped."""

import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import aiohttp
import pytest
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster import held_worker
from tests.cluster.registry_nodes import RegistryNodes, health, is_running
from tests.scraping import scraped
from tests.service_process import ServiceProcess, list_children
from tests.waiting import wait_until

_SECONDS = 120.0


@pytest.fixture(scope="module")
def node(kafka: Cluster) -> Iterator[ServiceProcess]:
    """A test that ends a worker waits for the next one."""
    with ServiceProcess(kafka.bootstrap_servers, workers=2, ssl_password="the workers' own") as process:
        yield process


def folder_of(node: ServiceProcess) -> Path:
    """Where the workers' sockets are: only what belongs to this node's workers is looked at."""
    for line in Path("/proc/net/unix").read_text().splitlines():
        path = line.rpartition(" ")[2]
        if path.startswith("/") and "/karapace-like-" in path and _listens(node.worker(0), line.split()[6]):
            return Path(path).parent
    raise AssertionError("worker 0 has no socket")


def _listens(pid: int, inode: str) -> bool:
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            if each.readlink() == Path(f"socket:[{inode}]"):
                return True
    return False


def replaced(node: ServiceProcess, number: int, before: int) -> None:
    """Return when another process has taken the worker's place, and is ready."""
    wait_until(lambda: node.worker(number) != before)
    wait_until(lambda: any(f"Worker {number} is ready" in line for line in node.lines[_started_at(node, number) :]))


def _started_at(node: ServiceProcess, number: int) -> int:
    wanted = f"Worker {number} is process {node.worker(number)}"
    return next(at for at, line in enumerate(node.lines) if line.endswith(wanted))


def is_paused(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


@contextlib.contextmanager
def paused(node: ServiceProcess, number: int) -> Iterator[None]:
    """The other worker takes the connections meanwhile: left alone, one of them may take all."""
    pid = node.worker(number)
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_until(lambda: is_paused(pid))
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def end(node: ServiceProcess, number: int, how: signal.Signals) -> None:
    before = node.worker(number)
    os.kill(before, how)
    replaced(node, number, before)


def test_ids_of_requests_differ_between_workers(node: ServiceProcess) -> None:
    """Each draws a beginning of its own, though both are forked from one process."""

    def read_id() -> str:
        with urllib.request.urlopen(f"{node.url}/subjects") as response:
            return str(response.headers["X-Request-ID"])

    ids = [read_id()]
    while len({each[:-12] for each in ids}) < 2:
        ids.append(read_id())
    assert len(set(ids)) == len(ids)


def test_what_is_written_over_one_connection_is_read_over_any_other(node: ServiceProcess) -> None:
    """Each call takes a connection of its own, and so any of the workers."""
    ids = []
    for number in range(12):
        text = f'{{"type":"fixed","name":"any{number}","size":4}}'
        ids.append(call(node.url, "POST", f"/subjects/any{number}/versions", {"schema": text})["id"])
        for _ in range(3):
            assert call(node.url, "GET", f"/schemas/ids/{ids[-1]}")["schema"] == text
    assert len(set(ids)) == 12


def test_a_known_schema_is_registered_again_without_kafka_at_a_worker_that_does_not_write(
    breakable_kafka: Cluster,
) -> None:
    """Nothing can have been written that this node has not, until its session with the group has ended."""
    with ServiceProcess(breakable_kafka.bootstrap_servers, workers=2, session_timeout_ms=300_000) as service:
        register = partial(call, service.url, "POST", "/subjects/known/versions", {"schema": '"int"'})
        known = register()["id"]
        with paused(service, 0):
            assert register()["id"] == known  # it has read by now what the other had
            breakable_kafka.brokers[0].pause()
            try:
                for _ in range(3):
                    assert register()["id"] == known
            finally:
                breakable_kafka.brokers[0].resume()


def test_every_worker_tells_the_nodes_health(node: ServiceProcess) -> None:
    """Each answers on its own where the one that takes part in the election is busy: all do not at the same time."""
    lives = {call(node.url, "GET", "/health/live")["instance"] for _ in range(12)}
    assert len(lives) == 1

    def tells() -> bool:
        status = health(node)
        return bool(status["schema_registry_is_primary"] and status["schema_registry_primary_url"] == node.url)

    wait_until(lambda: all(tells() for _ in range(12)))
    wait_until(lambda: all(call(node.url, "GET", "/health/ready")["writes"] for _ in range(12)))


@pytest.mark.long
def test_a_node_is_ready_when_all_its_workers_are(kafka: Cluster) -> None:
    """Who asks reaches one that is ready; the next connection may reach the one that is not."""
    program = (sys.executable, "-m", held_worker.__name__)
    service = ServiceProcess(kafka.bootstrap_servers, program=program, workers=2)
    service.start(wait=False)
    try:
        wait_until(lambda: any("Worker 0 is ready" in line for line in service.lines))
        assert call(service.url, "GET", "/subjects") == []
        for path in ("/health/ready", "/_health"):
            with pytest.raises(urllib.error.HTTPError, match="503"):
                call(service.url, "GET", path)
        wait_until(lambda: is_paused(service.worker(held_worker.NUMBER)))
        os.kill(service.worker(held_worker.NUMBER), signal.SIGCONT)
        service.wait()
        for _ in range(12):
            assert call(service.url, "GET", "/health/ready")["ready"] is True
    finally:
        os.kill(service.worker(held_worker.NUMBER), signal.SIGCONT)
        service.stop()


def test_no_setting_is_to_be_seen_from_outside(node: ServiceProcess) -> None:
    """Neither in arguments nor in a worker's environment; their sockets are in a folder of this user alone."""
    for number in (0, 1):
        for file in ("cmdline", "environ"):
            shown = Path(f"/proc/{node.worker(number)}/{file}").read_bytes()
            assert b"secret" not in shown
            assert b"KARAPACE" not in shown
    assert stat.S_IMODE(folder_of(node).stat().st_mode) == 0o700


def test_the_others_door_is_shut_to_clients(node: ServiceProcess) -> None:
    with pytest.raises(OSError, match="404"):
        call(node.url, "GET", "/_worker/applied/0")


@pytest.mark.parametrize("number", [pytest.param(0, marks=pytest.mark.long), 1])
def test_a_killed_worker_is_replaced(node: ServiceProcess, number: int) -> None:
    """Writes that come meanwhile are slow, and not refused; ids go on."""
    first = call(node.url, "POST", f"/subjects/before{number}/versions", {"schema": '"int"'})["id"]
    before = node.worker(number)
    os.kill(before, signal.SIGKILL)
    text = f'{{"type":"fixed","name":"after{number}","size":4}}'
    wait_until(lambda: not is_running(before))  # a connection that it has taken ends with it
    second = call(node.url, "POST", f"/subjects/after{number}/versions", {"schema": text})["id"]
    assert second > first
    replaced(node, number, before)
    for _ in range(8):
        assert call(node.url, "GET", f"/schemas/ids/{second}")["schema"] == text
    (template,) = list_children(node.pid)
    assert list_children(template) == {node.worker(0), node.worker(1)}


def test_a_consumer_instance_answers_over_any_connection_until_its_worker_ends(
    kafka: Cluster, node: ServiceProcess, topic: Callable[[], str]
) -> None:
    """Each lives in one worker; what a client has named is found, too, and not made twice."""
    name = topic()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, 1, 1)])[name].result()
    ask = partial(call, node.url, content_type="application/vnd.kafka.v2+json")
    json_type = "application/vnd.kafka.json.v2+json"
    call(node.url, "POST", f"/topics/{name}", {"records": [{"value": 1}]}, content_type=json_type)
    paths = []
    for number in range(8):
        wanted = {"format": "json", "auto.offset.reset": "earliest"} | ({"name": f"mine{number}"} if number % 2 else {})
        # Whether there is one of that name already, all workers are asked.
        with contextlib.nullcontext() if number % 2 else paused(node, number // 2 % 2):
            made = ask("POST", f"/consumers/{name}-{number}", wanted)
        paths.append(f"/consumers/{name}-{number}/instances/{made['instance_id']}")
        with pytest.raises(urllib.error.HTTPError, match="409" if number % 2 else "409|422"):
            ask("POST", f"/consumers/{name}-{number}", {"name": made["instance_id"]})
    for path in paths:
        ask("POST", f"{path}/assignments", {"partitions": [{"topic": name, "partition": 0}]})
        for _ in range(3):
            assert ask("GET", f"{path}/assignments") == {"partitions": [{"topic": name, "partition": 0}]}
    before = node.worker(1)
    os.kill(before, signal.SIGKILL)
    replaced(node, 1, before)
    gone = 0
    for number, path in enumerate(paths):
        try:
            assert ask("GET", f"{path}/assignments") == {"partitions": [{"topic": name, "partition": 0}]}
            ask("DELETE", path)
        except urllib.error.HTTPError as error:
            with error:
                refusal = json.loads(error.read())
            gone += 1
            assert refusal["error_code"] == 40403
            assert "the worker that held it has stopped" in refusal["message"] or number % 2
    assert 0 < gone < len(paths)


@pytest.mark.long
async def test_no_request_fails_while_the_workers_are_restarted_one_by_one(node: ServiceProcess) -> None:
    """Reads and writes over kept connections: a worker that stops tells its clients to go elsewhere."""
    over = asyncio.Event()
    answered: list[int] = []
    found = await asyncio.to_thread(call, node.url, "POST", "/subjects/rolling/versions", {"schema": '"int"'})

    async def ask(session: aiohttp.ClientSession, method: str, path: str, body: object = None) -> None:
        """As HTTP clients do: a kept connection that has ended before the first byte of an answer is no failure."""
        with contextlib.suppress(aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            async with session.request(method, node.url + path, json=body) as answer:
                answered.append(answer.status)
                await answer.json(content_type=None)

    async def read(session: aiohttp.ClientSession) -> None:
        while not over.is_set():
            await ask(session, "GET", f"/schemas/ids/{found['id']}")

    async def write(session: aiohttp.ClientSession, client: int) -> None:
        number = 0
        while not over.is_set():
            text = json.dumps({"type": "fixed", "name": f"rolling_{client}_{number}", "size": 4})
            await ask(session, "POST", f"/subjects/rolling-{client}-{number}/versions", {"schema": text})
            number += 1

    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as clients:
        for client in range(4):
            clients.create_task(read(session))
            clients.create_task(write(session, client))
        try:
            for number in (1, 0):
                await asyncio.to_thread(end, node, number, signal.SIGTERM)
        finally:
            over.set()
    assert set(answered) == {200}


@pytest.mark.long
@pytest.mark.parametrize(
    "how", [*(pytest.param(how, marks=pytest.mark.long) for how in (signal.SIGTERM, signal.SIGINT)), signal.SIGKILL]
)
def test_nothing_outlives_the_supervisor(kafka: Cluster, how: signal.Signals) -> None:
    """Not a process, not a file, and nothing is left at its address."""
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        workers = [service.worker(0), service.worker(1)]
        folder = folder_of(service)
        code = service.stop(how)
        assert code == (-signal.SIGKILL if how is signal.SIGKILL else 0), service.lines
        wait_until(lambda: not any(map(is_running, workers)))
        wait_until(lambda: not folder.exists())
        with pytest.raises(OSError, match="refused"):
            call(service.url, "GET", "/")


def test_one_worker_is_one_process(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=1) as service:
        assert list_children(service.pid) == set()


def test_workers_outlive_the_process_that_they_were_forked_from(kafka: Cluster) -> None:
    """The next worker is forked from another one, and all of them stop in order."""
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        (template,) = list_children(service.pid)
        os.kill(template, signal.SIGKILL)
        wait_until(lambda: not is_running(template))
        workers = [service.worker(0), service.worker(1)]
        call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})
        assert [service.worker(0), service.worker(1)] == workers
        os.kill(workers[1], signal.SIGKILL)
        replaced(service, 1, workers[1])
        assert service.worker(0) == workers[0]
        assert not list_children(service.pid).intersection({template, *workers})
        assert service.stop() == 0
        assert not is_running(workers[0])
    assert not any("killed" in line for line in service.lines)


@pytest.mark.long
def test_a_node_that_cannot_serve_says_so_and_ends(kafka: Cluster, topic: Callable[[], str]) -> None:
    """The workers' reason is the command's."""
    name = topic()
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap_servers})
    admin.create_topics([NewTopic(name, 2, 1, config={"cleanup.policy": "compact"})])[name].result()
    service = ServiceProcess(kafka.bootstrap_servers, workers=2, topic_name=name)
    service.start(wait=False)
    assert service.ended() == 1
    assert sum(f"The topic {name} has 2 partitions" in line for line in service.lines) == 1


@pytest.mark.long
def test_workers_of_two_nodes_write_through_either(kafka: Cluster) -> None:
    """A write crosses to the worker of its node that takes part in the election, and from there to the primary."""
    with RegistryNodes(kafka.bootstrap_servers, 2, workers=2) as nodes:
        nodes.primary()
        for number in range(8):
            url = nodes.all[number % 2].url
            text = f'{{"type":"fixed","name":"two{number}","size":4}}'
            found = call(url, "POST", f"/subjects/two{number}/versions", {"schema": text})["id"]
            for _ in range(3):
                assert call(url, "GET", f"/schemas/ids/{found}")["schema"] == text


def test_the_topic_is_read_once_for_all_workers(kafka: Cluster) -> None:
    """Also for one that replaces another; each reads what has been written since."""
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        first = call(service.url, "POST", "/subjects/early/versions", {"schema": '"int"'})["id"]
    service.lines.clear()
    with service:
        assert count_loads(service) == 2
        assert list(folder_of(service).glob("*.snapshot*")) == []
        assert not any("registry_snapshot" in name for name, _ in scraped(service))  # which is of `snapshot_directory`
        second = call(service.url, "POST", "/subjects/late/versions", {"schema": '"long"'})["id"]
        assert second == first + 1
        end(service, 1, signal.SIGKILL)
        assert count_loads(service) == 3
        for _ in range(12):
            assert call(service.url, "GET", "/subjects") == ["early", "late"]


def count_loads(service: ServiceProcess) -> int:
    return sum("The snapshot in memory was loaded" in line for line in service.lines)


@pytest.mark.long
def test_a_node_whose_reader_is_killed_serves(breakable_kafka: Cluster) -> None:
    """While the reader waits for Kafka it tells the node's health, and refuses what it would not live to complete."""
    service = ServiceProcess(breakable_kafka.bootstrap_servers, workers=2)
    breakable_kafka.brokers[0].pause()
    try:
        service.start(wait=False)
        wait_until(lambda: any("The reader is process" in line for line in service.lines))
        assert call(service.url, "GET", "/health/live")["live"] is True
        for path, status in {"/health/ready": 503, "/subjects": 503, "/topics": 503, "/nothing": 404}.items():
            with pytest.raises(urllib.error.HTTPError) as refused:
                call(service.url, "GET", path)
            assert refused.value.code == status
            if path != "/health/ready":
                assert json.load(refused.value)["message"]
        (line,) = (line for line in service.lines if "The reader is process" in line)
        os.kill(int(line.split()[-1]), signal.SIGKILL)
        wait_until(lambda: any("The reader has ended (SIGKILL)" in line for line in service.lines))
    finally:
        breakable_kafka.brokers[0].resume()
    try:
        service.wait()
        assert call(service.url, "POST", "/subjects/a/versions", {"schema": '"int"'})["id"] == 1
        assert count_loads(service) == 0
    finally:
        service.stop()
