"""Metrics of several processes: whichever worker is asked tells of all of its node; nodes tell of each other."""

import os
import signal
import urllib.error
import urllib.request

import pytest

from karapace_like.kafka.cluster import Cluster
from tests.calling import call
from tests.cluster.registry_nodes import RegistryNodes, kill
from tests.scraping import Series, scraped, sum_of
from tests.service_process import ServiceProcess
from tests.waiting import wait_until

ASKED = 40
RESTARTS = "karapace_like_worker_restarts_total"


def primaries(found: Series) -> list[float]:
    return [value for (name, _), value in found.items() if name == "karapace_like_election_is_primary"]


def test_any_worker_tells_of_all(kafka: Cluster) -> None:
    with ServiceProcess(kafka.bootstrap_servers, workers=2) as service:
        while len({dict(labels)["worker"] for _, labels in scraped(service)}) < 2:
            pass  # one of them is not ready yet
        for _ in range(ASKED):
            urllib.request.urlopen(f"{service.url}/subjects").read()
        found = scraped(service)
        asked = [
            value
            for (name, labels), value in found.items()
            if name == "karapace_like_http_requests_total" and ("route", "/subjects") in labels
        ]
        assert sum(asked) == ASKED
        while sorted(primaries(scraped(service))) != [0, 1]:
            pass  # none is elected yet

        with pytest.raises(urllib.error.HTTPError, match="404") as refused:  # only a worker may ask so
            urllib.request.urlopen(f"{service.url}/_worker/metrics")
        refused.value.close()

        usage = call(service.url, "GET", "/usage")
        assert len(usage["processes"]) == 2
        assert [row["principal"] for row in usage["principals"]] == ["anyone"]
        assert usage["principals"][0]["requests"] >= ASKED

        def count_restarts() -> set[float]:
            return {value for (name, _), value in scraped(service).items() if name == RESTARTS}

        assert count_restarts() == {0}
        os.kill(service.worker(1), signal.SIGKILL)
        wait_until(lambda: 1 in count_restarts())


@pytest.mark.long
def test_nodes_tell_of_elections_forwards_and_their_place_in_the_topic(kafka: Cluster) -> None:
    with RegistryNodes(kafka.bootstrap_servers, 2, session_timeout_ms=6_000) as nodes:
        primary = nodes.primary()
        (other,) = nodes.others(primary)
        before = scraped(other)
        call(other.url, "POST", "/subjects/a/versions", {"schema": '"int"'})
        after = scraped(other)
        assert sum_of(after, "registry_forwarded_requests_total") > sum_of(before, "registry_forwarded_requests_total")
        assert sum_of(after, "registry_position") > sum_of(before, "registry_position")
        assert sum_of(after, "registry_written_records_total") == sum_of(before, "registry_written_records_total")
        assert sum_of(scraped(primary), "registry_written_records_total") >= 1
        assert (sum_of(scraped(primary), "election_is_primary"), sum_of(after, "election_is_primary")) == (1, 0)
        kill(primary)
        assert nodes.primary([other]) is other
        after = scraped(other)
        assert sum_of(after, "election_is_primary") == 1
        assert sum_of(after, "election_terms_total") > sum_of(before, "election_terms_total")
        assert sum_of(after, "election_generation") > sum_of(before, "election_generation")
        assert sum_of(after, "election_rounds_total") > sum_of(before, "election_rounds_total")
        while sum_of(scraped(other), "registry_lag_records"):
            pass  # it has not read what it wrote as the new primary
