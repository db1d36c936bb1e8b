"""The bounds without HTTP: Kafka's own performance tools (Java), and a bare loop over confluent-kafka.

Each is a process of its own; what it costs is read from its resource usage.

    python -m benchmarks.native produce|consume BOOTSTRAP TOPIC RECORDS
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from confluent_kafka import Consumer, Producer

from karapace_like.kafka.jars import JarSet, find_jars
from karapace_like.kafka.java import find_java

_TOOLS = JarSet("Kafka's tools", "tools", Path(__file__).with_name("pom.xml"), 50, "kafka-tools-*.jar")
_SIZE = 1024
_AGAIN_SECONDS = 0.001


class Native(NamedTuple):
    """Of one run."""

    records_a_second: float
    cpu_us: float
    """For each record, start of the process included."""


def java_produce(bootstrap_servers: str, topic: str, records: int) -> Native:
    """ProducerPerformance with acks=all."""
    producer = ["--producer-props", f"bootstrap.servers={bootstrap_servers}", "acks=all"]
    size = ["--num-records", str(records), "--record-size", str(_SIZE), "--throughput", "-1"]
    shown, cpu = _java("org.apache.kafka.tools.ProducerPerformance", ["--topic", topic, *size, *producer])
    total = shown.strip().splitlines()[-1]  # "200000 records sent, 51282.1 records/sec (50.08 MB/sec), ..."
    return Native(float(total.split(",")[1].split()[0]), cpu / records * 1e6)


def java_consume(bootstrap_servers: str, topic: str, records: int) -> Native:
    """ConsumerPerformance; its rate without the rebalance."""
    options = ["--bootstrap-server", bootstrap_servers, "--topic", topic, "--num-records", str(records)]
    shown, cpu = _java("org.apache.kafka.tools.ConsumerPerformance", [*options, "--timeout", "20000"])
    fields = [field.strip() for field in shown.strip().splitlines()[-1].split(",")]
    return Native(float(fields[9]), cpu / records * 1e6)  # fetch.nMsg.sec


def loop_produce(bootstrap_servers: str, topic: str, records: int) -> Native:
    """confluent-kafka, a callback for each record."""
    return _loop("produce", bootstrap_servers, topic, records)


def loop_consume(bootstrap_servers: str, topic: str, records: int) -> Native:
    """confluent-kafka, 500 records at a time."""
    return _loop("consume", bootstrap_servers, topic, records)


def _java(program: str, arguments: list[str]) -> tuple[str, float]:
    java = find_java()
    jars = [find_jars(java, print), find_jars(java, print, _TOOLS)]
    with tempfile.TemporaryDirectory() as folder:
        quiet = Path(folder, "log4j2.properties")
        quiet.write_text("rootLogger.level = off\n")
        classes = ":".join(f"{each}/*" for each in jars)
        command = [str(java.home / "bin" / "java"), f"-Dlog4j2.configurationFile={quiet}", "-cp", classes, program]
        return _costs(lambda: subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout)


def _loop(what: str, *arguments: str | int) -> Native:
    command = [sys.executable, "-m", "benchmarks.native", what, *map(str, arguments)]
    shown, cpu = _costs(lambda: subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return Native(float(shown), cpu / int(arguments[-1]) * 1e6)


def _costs(run: Callable[[], str]) -> tuple[str, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    shown = run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return shown, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _produce(bootstrap_servers: str, topic: str, records: int) -> float:
    producer = Producer({"bootstrap.servers": bootstrap_servers, "enable.idempotence": True, "linger.ms": 1})
    reported = [0]

    def report(_: object, __: object) -> None:
        reported[0] += 1

    value, begun = bytes(_SIZE), time.perf_counter()
    for _ in range(records):
        while True:
            try:
                producer.produce(topic, value, on_delivery=report)
                break
            except BufferError:
                producer.poll(_AGAIN_SECONDS)
        producer.poll(0)
    producer.flush()
    assert reported[0] == records
    return records / (time.perf_counter() - begun)


def _consume(bootstrap_servers: str, topic: str, records: int) -> float:
    options = {
        "bootstrap.servers": bootstrap_servers,
        "group.id": f"native-{time.time()}",
        "auto.offset.reset": "earliest",
    }
    consumer = Consumer(options | {"fetch.queue.backoff.ms": 10})
    consumer.subscribe([topic])
    while not (read := len(consumer.consume(1, 1.0))):
        pass
    begun = time.perf_counter()
    while read < records:
        read += len(consumer.consume(500, 0.01))
    took = time.perf_counter() - begun
    consumer.close()
    return records / took


if __name__ == "__main__":
    print({"produce": _produce, "consume": _consume}[sys.argv[1]](sys.argv[2], sys.argv[3], int(sys.argv[4])))
