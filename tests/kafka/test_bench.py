"""The short form of `make bench`, with a second service as the peer, which has no REST proxy."""

import re
from collections.abc import Iterator

import pytest

from benchmarks import bench
from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

pytestmark = pytest.mark.long
SHORT = ["--dry", "--accept", "--rounds", "2", "--seconds", "1", "--records", "2000"]


@pytest.fixture(scope="module")
def peer(kafka: Cluster) -> Iterator[str]:
    with ServiceProcess(kafka.bootstrap_servers, karapace_rest=False) as registry:
        yield f"other={registry.url},,{registry.pid}"


def test_a_peer_is_measured_beside_each_path_that_it_has(
    kafka: Cluster, peer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = ["check new", "produce 1 json", "consume avro"]
    bench.main([*SHORT, "--bootstrap-servers", kafka.bootstrap_servers, "--peer", peer, "--paths", *paths])
    table, _, peers = capsys.readouterr().out.partition("other: a second")
    for path in paths:
        row = re.search(rf"^\| {path} \| [1-9].*\| 0 \|", table, flags=re.MULTILINE)
        assert row is not None, table
    assert re.search(
        r"^\| check new \| [1-9][^|]+\|[^|]+\|[^|]+\| [1-9][^|]+\|[^|]+\|[^|]+\| \d+\.\d{3} \|$", peers, re.MULTILINE
    )
    assert peers.count("| no REST proxy is given |") == 2


def test_curves_have_a_point_for_each_number_of_connections(
    kafka: Cluster, peer: str, capsys: pytest.CaptureFixture[str]
) -> None:
    options = [*SHORT, "--bootstrap-servers", kafka.bootstrap_servers, "--peer", peer]
    bench.main([*options, "--paths", "register new", "consume binary 1 KB", "--connections", "1", "3"])
    curves = capsys.readouterr().out
    for path, target in (("register new", "karapace_like"), ("register new", "other"), ("consume binary 1 KB", "kara")):
        assert re.search(rf"^\| {path}, a second \| {target}\w* \| [1-9][^|]+\| [1-9][^|]+\|$", curves, re.MULTILINE), (
            curves
        )
    bench.main([*options, "--paths", "get by id", "--rate", "50"])
    rates = capsys.readouterr().out
    assert len(re.findall(r"^\| get by id, p99 ms \| \w+ \| [\d.]+[^|]+\|$", rates, re.MULTILINE)) == 2


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--peer", "other"], "a peer is name=registry,rest,pid"),
        (["--connections", "0"], "'0' is not a whole number from 1"),
        (["--connections", "1", "--rate", "1"], "not allowed with argument"),
        (["--rate", "1", "--paths", "produce 10 json, atomic"], "curves have no produce 10 json, atomic"),
    ],
)
def test_wrong_options_are_refused(options: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        bench.main(options)
    assert complaint in capsys.readouterr().err
