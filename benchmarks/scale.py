"""A model of large deployments: nodes, workers and brokers for a load, and what breaks first. Pure arithmetic.

    python -m benchmarks.scale [--requests 100000] [--records 1000000] [--instances 100000] [--schemas 1000000] ...

Prints the tables of `docs/scale.md`. Its inputs are costs that `docs/benchmarks.md` has with their commands, and
assumptions about brokers and the load, which are options: `--help` lists them.
"""

import argparse
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from karapace_like.kafka.identity import EPOCH_FENCE, SOFTWARE, Identity, encode_assignment, encode_identity
from karapace_like.leadership import Strategy

_MICRO = 1e-6
_UTILISATION = 0.5
"""Of a core, so that a node may fail and latency stays low."""
_HEARTBEAT_SECONDS = 3.0
"""Of a Kafka client in a group (librdkafka's default)."""
_METADATA_SECONDS = 60.0
"""`metadata_max_age_ms`."""
_GROUP_RECORD_BYTES = 1_048_576
"""What a broker accepts as one record of `__consumer_offsets` by default: all members of a group are in one."""
_MEMBER_BYTES = 110
"""Of a member in that record beside its metadata and assignment: ids of member and client, address, time limits."""
_READY_SECONDS = 300.0
"""What the chart's startup probe allows."""
_ACTIVE_INSTANCES = 250
"""`consumer_max_active_instances`."""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was measured, by the commands that `docs/benchmarks.md` names."""

    read_us: float = 8.3
    """CPU of a read of a schema that the response cache has: `benchmarks.bench`, get by id."""
    unseen_read_us: float = 26.7
    """One that it does not have: `benchmarks.unseen`."""
    known_us: float = 8.9
    """A registration of a known schema at the primary: `benchmarks.bench`, register known."""
    known_elsewhere: float = 3.5
    """As many times that, at another node, which asks Kafka for the topic's end: `benchmarks.forwarding`."""
    new_us: float = 165.2
    """A registration of a new one, at the primary: `benchmarks.bench`, register new."""
    forwarded: float = 2.0
    """As many times that at another node, which forwards it, beside the primary's part: `benchmarks.forwarding`."""
    single_us: float = 30.7
    """A produce request with one record: `benchmarks.bench`, produce 1 json."""
    produce_us: float = 4.3
    """A record among 100 in Avro: `benchmarks.bench`, produce 100 avro."""
    consume_us: float = 5.8
    """A record that is read in Avro: `benchmarks.bench`, consume avro."""
    replay_us: float = 5.8
    """A record of the schemas topic at the start: `benchmarks.replay`."""
    base_mb: float = 75.0
    """A worker with nothing: `benchmarks.replay`."""
    caches_mb: float = 95.0
    """Caches after load: `benchmarks.bench`."""
    schema_kb: float = 1.6
    """A schema of 1 KB in memory: `benchmarks.replay`."""
    instance_mb: float = 0.458
    """An active consumer instance: `benchmarks.members`."""
    parked_mb: float = 0.016
    """A parked one: `benchmarks.consumers`."""
    idle_cores: float = 0.00038
    """CPU of an active instance that reads nothing: `benchmarks.members`, 7.6 % for 200."""


@dataclass(frozen=True, kw_only=True)
class Load:
    """What is asked for, and what the brokers are assumed to do; every field is an option."""

    requests: float = 100_000
    """Requests to the registry in a second."""
    unseen_share: float = 0.01
    """Of the reads, those that no cache has."""
    known_share: float = 0.10
    """Of the requests, registrations of known schemas, as producers send them when they start."""
    new_per_second: float = 50
    """New schemas in a second."""
    records: float = 1_000_000
    """Records of 1 KB in a second, in requests of 100, and read once."""
    instances: float = 100_000
    """Consumer instances."""
    active_share: float = 0.05
    """Of the instances, those that are not parked."""
    schemas: float = 1_000_000
    """Schemas of 1 KB."""
    workers_per_node: int = 8
    """Cores of a node, one worker on each."""
    nodes_away: int = 1
    """Nodes that may be away."""
    broker_mb: float = 100
    """MB a second that a broker takes from producers and from other brokers, and as many that it sends. Assumed."""
    partition_mb: float = 10
    """MB a second to one partition. Assumed."""
    broker_connections: float = 10_000
    """Connections to one broker. Assumed."""
    replicas: int = 3
    """Of each partition."""


@dataclass(frozen=True)
class Need:
    """What one load needs."""

    what: str
    cores: float
    """Of CPU, at full use."""
    mb: float
    """Memory of a worker."""
    brokers: int
    bound_workers: float = 0.0
    """Workers that are needed for another reason than CPU."""

    def workers(self) -> int:
        """Return the number of workers, each half a core busy."""
        return max(1, math.ceil(max(self.cores / _UTILISATION, self.bound_workers)))

    def nodes(self, load: Load) -> int:
        """Return the number of nodes, with those that may be away."""
        return math.ceil(self.workers() / load.workers_per_node) + load.nodes_away


def compute_needs(load: Load, costs: Costs) -> Iterator[Need]:
    """Yield what each load needs alone, and all of them together."""
    reads = load.requests * (1 - load.known_share) - load.new_per_second
    read_us = costs.read_us * (1 - load.unseen_share) + costs.unseen_read_us * load.unseen_share
    # Nearly all of these reach another node than the primary, where there are several.
    known_us = load.requests * load.known_share * costs.known_us * costs.known_elsewhere
    new_us = load.new_per_second * costs.new_us * (1 + costs.forwarded)
    registry = Need(
        f"{load.requests:,.0f} requests/s to the registry",
        (reads * read_us + known_us + new_us) * _MICRO,
        costs.base_mb + costs.caches_mb,
        load.replicas,
    )
    record_mb = load.records / 1000
    records = Need(
        f"{load.records:,.0f} records/s of 1 KB in and out",
        load.records * (costs.produce_us + costs.consume_us) * _MICRO,
        costs.base_mb + costs.caches_mb,
        max(load.replicas, math.ceil(record_mb * load.replicas / load.broker_mb)),
    )
    singles = replace(
        records,
        what="the same, one record a request",
        cores=load.records * (costs.single_us + costs.consume_us) * _MICRO,
    )
    active = load.instances * load.active_share
    on_one_worker = min(active, _ACTIVE_INSTANCES)
    bound_workers = math.ceil(active / _ACTIVE_INSTANCES)
    parked_mb = load.instances * (1 - load.active_share) / max(1, bound_workers) * costs.parked_mb
    instances = Need(
        f"{load.instances:,.0f} instances, {active:,.0f} of them active",
        active * costs.idle_cores,
        costs.base_mb + costs.caches_mb + on_one_worker * costs.instance_mb + parked_mb,
        _brokers_for_connections(active, load),
        bound_workers,
    )
    schemas_mb = load.schemas * costs.schema_kb / 1000
    schemas = Need(
        f"{load.schemas:,.0f} schemas of 1 KB", 0.0, costs.base_mb + costs.caches_mb + schemas_mb, load.replicas
    )
    yield from (registry, records, singles, instances, schemas)
    yield Need(
        "all of these except the third",
        registry.cores + records.cores + instances.cores,
        instances.mb + schemas_mb,
        max(records.brokers, instances.brokers),
        registry.workers() + records.workers() + instances.workers(),
    )


def _brokers_for_connections(active: float, load: Load) -> int:
    """A client is connected to every broker that leads one of its partitions, so to all in the worst case."""
    return max(load.replicas, math.ceil(active / load.broker_connections) if active else 0)


@dataclass(frozen=True)
class Limit:
    """One resource that cannot be had twice, and how much of it the load takes."""

    what: str
    most: float
    load: float
    unit: str
    way_out: str

    @property
    def share(self) -> float:
        """The load's part of the limit; above 1 the limit is exceeded."""
        return self.load / self.most


def compute_limits(load: Load, costs: Costs) -> list[Limit]:
    """Return the limits for the deployment of all loads, the one that is nearest first."""
    *_, together = compute_needs(load, costs)
    nodes = together.nodes(load)
    active = load.instances * load.active_share
    topic_mb = load.schemas * 1.2 / 1000
    limits = [
        Limit(
            "new schemas: one primary writes", _UTILISATION / (costs.new_us * _MICRO), load.new_per_second,
            "a second", "none: nodes and workers do not help",
        ),
        Limit(
            "replay fan-out: the leader of the schemas topic sends it to each node that starts",
            _READY_SECONDS * load.broker_mb / topic_mb, nodes, "nodes that start at once", "start nodes in waves",
        ),
        Limit(
            "CPU of a replay within the startup probe",
            _READY_SECONDS / (costs.replay_us * _MICRO), load.schemas, "schemas", "raise the probe's limit",
        ),
        Limit(
            "election group: all members are one record of `__consumer_offsets`",
            _GROUP_RECORD_BYTES / _count_member_bytes(), nodes, "nodes", "more workers on fewer nodes",
        ),
        Limit(
            "connections of active instances to one broker, which leads a partition of each",
            load.broker_connections, active, "connections", "park sooner; more brokers, fewer partitions for a topic",
        ),
        Limit(
            "partitions of one topic that has all records, at this rate for each",
            4_000, load.records / 1000 / load.partition_mb, "partitions", "several topics",
        ),
    ]  # fmt: skip
    return sorted(limits, key=lambda limit: -limit.share)


def _count_member_bytes() -> int:
    """Return the bytes of one node in the record of the election's group."""
    host = "registry-karapace-like-7c9d8b6f5-abcde.streaming.svc.cluster.local"
    identity = encode_identity(
        Identity(
            host=host, port=8081, scheme="https", master_eligibility=True, software=SOFTWARE, node="0" * 16,
            fence=EPOCH_FENCE,
        )
    )  # fmt: skip
    member_id = "karapace-like-00000000-0000-0000-0000-000000000000"
    return _MEMBER_BYTES + len(identity) + len(encode_assignment({member_id: identity}, Strategy.LOWEST, sticky=False))


def compute_background(load: Load, costs: Costs) -> list[tuple[str, float, str]]:
    """Return the load on brokers that exists while no client calls: (what, how much, unit)."""
    *_, together = compute_needs(load, costs)
    processes = together.nodes(load) * load.workers_per_node
    active = load.instances * load.active_share
    return [
        ("heartbeats of active instances", active / _HEARTBEAT_SECONDS, "requests/s"),
        ("... if none were parked", load.instances / _HEARTBEAT_SECONDS, "requests/s"),
        ("fetches that wait 500 ms: active instances, and readers of the schemas topic", 2 * (active + processes),
         "requests/s, at each broker that leads a partition"),
        ("metadata refreshes: of instances, and of producer, reader and admin client of each process",
         (active + 3 * processes) / _METADATA_SECONDS, "requests/s"),
        ("new schemas, 1.2 KB to each process", load.new_per_second * 1.2 * processes / 1000, "MB/s"),
    ]  # fmt: skip


def render(load: Load, costs: Costs) -> str:
    """Return the tables of the page."""
    needs = list(compute_needs(load, costs))
    limits = compute_limits(load, costs)
    return "\n\n".join(
        (
            _render_table(
                ("load", "cores", "workers", f"nodes of {load.workers_per_node}", "memory of a worker", "brokers"),
                (
                    (need.what, f"{need.cores:.1f}", f"{need.workers()}", f"{need.nodes(load)}",
                     f"{need.mb:,.0f} MB", f"{need.brokers}")
                    for need in needs
                ),
            ),
            _render_table(
                ("what has a limit", "limit", "the load above", "share", "way out"),
                (
                    (limit.what, f"{limit.most:,.0f} {limit.unit}", f"{limit.load:,.0f}",
                     f"{limit.share:.0%}", limit.way_out)
                    for limit in limits
                ),
            ),
            _render_table(
                ("without any request", "load on the brokers"),
                ((what, f"{much:,.0f} {unit}") for what, much, unit in compute_background(load, costs)),
            ),
        )
    )  # fmt: skip


def _render_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    """Print the tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for group in (Load, Costs):
        for field in fields(group):
            name = f"--{field.name.replace('_', '-')}"
            arguments.add_argument(name, type=type(field.default), default=field.default, help="default: %(default)s")
    values = vars(arguments.parse_args())
    load, costs = ({field.name: values[field.name] for field in fields(group)} for group in (Load, Costs))
    print(render(Load(**load), Costs(**costs)))


if __name__ == "__main__":
    main()
