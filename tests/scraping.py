"""`/metrics` as a client reads it."""

import urllib.request
from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.service_process import ServiceProcess

Series = Mapping[tuple[str, frozenset[tuple[str, str]]], float]
"""(name, labels) -> value."""


def scraped(service: ServiceProcess) -> Series:
    """Every series; each family is told once."""
    with urllib.request.urlopen(f"{service.url}/metrics") as answer:
        assert answer.headers["Content-Type"].startswith("text/plain; version=")
        families = list(text_string_to_metric_families(answer.read().decode()))
    assert len({each.name for each in families}) == len(families)
    return {(each.name, frozenset(each.labels.items())): each.value for family in families for each in family.samples}


def value(series: Series, name: str, **labels: str) -> float:
    """Of the series with these labels and no other; 0 where there is none."""
    return series.get((f"karapace_like_{name}", frozenset(labels.items())), 0.0)


def sum_of(series: Series, name: str) -> float:
    """Of all series of the name."""
    return sum(found for (each, _), found in series.items() if each == f"karapace_like_{name}")


def values_by_labels(series: Series, name: str) -> Mapping[frozenset[tuple[str, str]], float]:
    """Of all series of the name; there is at least one."""
    found = {labels: value for (each, labels), value in series.items() if each == f"karapace_like_{name}"}
    assert found
    return found


def count_in_flight(service: ServiceProcess) -> int:
    """Return how many requests it is answering beside this one, which each of its workers counts.

    A request that one worker forwards to another counts twice.
    """
    counts = values_by_labels(scraped(service), "http_requests_in_flight").values()
    return int(sum(counts)) - len(counts)


def is_busy(service: ServiceProcess) -> bool:
    """Whether it is answering another request than this one."""
    return count_in_flight(service) > 0
