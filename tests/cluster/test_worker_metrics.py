"""A node with several workers: whoever is asked for metrics tells of all of them."""

import urllib.error
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from karapace_like.kafka.cluster import Cluster
from tests.service_process import ServiceProcess

ASKED = 40
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(service: ServiceProcess) -> Series:
    with urllib.request.urlopen(f"{service.url}/metrics") as answer:
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert len({each.name for each in families}) == len(families)  # each family is told once
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def primaries(found: Series) -> list[float]:
    return [value for (name, _), value in found.items() if name == "karapace_like_election_is_primary"]


def test_any_worker_tells_of_all(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        while len({dict(labels)["worker"] for _, labels in series(service)}) < 2:
            pass  # one of them is not ready yet
        for _ in range(ASKED):
            urllib.request.urlopen(f"{service.url}/subjects").read()
        found = series(service)
        asked = [
            value
            for (name, labels), value in found.items()
            if name == "karapace_like_http_requests_total" and ("route", "/subjects") in labels
        ]
        assert sum(asked) == ASKED
        while sorted(primaries(series(service))) != [0, 1]:
            pass  # none is elected yet

        with pytest.raises(urllib.error.HTTPError, match="404") as refused:  # only a worker may ask so
            urllib.request.urlopen(f"{service.url}/_worker/metrics")
        refused.value.close()
