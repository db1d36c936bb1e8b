"""Every alert rule, evaluated by promtool: none fires in a healthy cluster, and each fires for its own fault only."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.prometheus_tools import find_program

ROOT = Path(__file__).parents[2]
ALERTS = ROOT / "monitoring" / "alerts.yaml"
RULES: list[dict[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"]
A, B = ('job="karapace_like",instance="a:8081"', 'job="karapace_like",instance="b:8081"')
OTHER = 'job="karapace_like",instance="c:8081"'
MINUTES = 50
DAY = 86_400


def every(value: float) -> str:
    """The same value each minute."""
    return f"{value}+0x{MINUTES}"


def rising(each_minute: float) -> str:
    return f"0+{each_minute}x{MINUTES}"


def once(later: float, *, at: int = 40) -> str:
    """0, and from that minute on the other value."""
    return f"0x{at} {later}x{MINUTES - at}"


def node(labels: str, cluster: str = "k1", *, is_primary: int = 0) -> dict[str, str]:
    """The series of a healthy node."""
    gauges = {
        "registry_ready": 1, "registry_writable": 1, "election_is_primary": is_primary, "registry_lag_records": 0,
        "http_requests_in_flight": 9, "http_requests_limit": 2000, "proxy_consumer_instances": 9,
        "proxy_consumer_instances_limit": 1000, "registry_unreadable_records": 0, "registry_conflicting_versions": 0,
        "registry_unknown_records_total": 0, "registry_fenced_writes_total": 0, "worker_restarts_total": 0,
        "election_rounds_total": 1, "warnings": 0, "build_info": 1,
    }  # fmt: skip
    return {
        f"up{{{labels}}}": every(1),
        f"process_start_time_seconds{{{labels}}}": every(1000),
        **{f"karapace_like_{name}{{{labels}}}": every(value) for name, value in gauges.items()},
        f'karapace_like_registry_info{{{labels},cluster="{cluster}",topic="_schemas",group="g"}}': every(1),
        f'karapace_like_file_reload_failing{{{labels},files="/auth.json"}}': every(0),
        f'karapace_like_tls_certificate_expiry_timestamp_seconds{{{labels},use="clients"}}': every(90 * DAY),
        f'karapace_like_kafka_request_errors_total{{{labels},client="schemas_reader"}}': rising(6),
        **requests(labels, {"200": 6000, "404": 60, "429": 6, "401": 6, "500": 6}),
        **delays(f'karapace_like_event_loop_delay_seconds_bucket{{{labels},le="%s"}}', 0.25, is_slow=False),
        **durations(labels, "GET", "/schemas/ids/{id}"),
        **durations(labels, "POST", "/subjects/{subject}/versions"),
        **durations(labels, "POST", "/topics/{topic}"),
    }


def requests(labels: str, each_minute: Mapping[str, float]) -> dict[str, str]:
    name = "karapace_like_http_requests_total"
    return {
        f'{name}{{{labels},method="GET",route="/subjects",status="{status}"}}': rising(count)
        for status, count in each_minute.items()
    }


def durations(labels: str, method: str, route: str, *, is_slow: bool = False) -> dict[str, str]:
    name = "karapace_like_http_request_duration_seconds_bucket"
    return delays(f'{name}{{{labels},method="{method}",route="{route}",le="%s"}}', 1, is_slow=is_slow)


def delays(series: str, bound: float, *, is_slow: bool) -> dict[str, str]:
    """A histogram with buckets below, at and above the bound; slow: 5 % of the values are above."""
    return {
        series % 0.1: rising(95 if is_slow else 100),
        series % bound: rising(95 if is_slow else 100),
        series % (bound * 2): rising(100),
        series % "+Inf": rising(100),
    }


HEALTHY = {**node(A, is_primary=1), **node(B), **node(OTHER, "k2", is_primary=1)}
"""Two nodes of one cluster and one of another, which has a primary of its own, all scraped by one job."""


class Fault(NamedTuple):
    """What differs from a healthy cluster, and the alerts that fire."""

    series: Mapping[str, str]
    alerts: frozenset[str]


def fault(*alerts: str, **gauges: str) -> Fault:
    """Gauges and counters of node a."""
    return Fault({f"karapace_like_{name}{{{A}}}": values for name, values in gauges.items()}, frozenset(alerts))


INFO = f'karapace_like_registry_info{{{A},cluster="k1",topic="_schemas",group="g"}}'
CERTIFICATE = f'karapace_like_tls_certificate_expiry_timestamp_seconds{{{A},use="clients"}}'
NO_WRITERS = {f"karapace_like_registry_writable{{{labels}}}": every(0) for labels in (A, B)}
FAULTS = [
    Fault({f"up{{{A}}}": every(0)}, frozenset({"KarapaceDown"})),
    Fault(dict.fromkeys(HEALTHY, "_"), frozenset({"KarapaceAbsent"})),
    Fault({f"process_start_time_seconds{{{A}}}": "0+1x50"}, frozenset({"ProcessRestarts"})),
    fault("WorkersRestart", worker_restarts_total=once(4)),
    fault("RegistryNotReady", registry_ready=every(0)),
    Fault(NO_WRITERS, frozenset({"RegistryNotWritable"})),
    Fault({f"karapace_like_election_is_primary{{{B}}}": every(1)}, frozenset({"RegistryTwoPrimaries"})),
    fault("RegistryElectionsFlap", election_rounds_total=rising(1)),
    fault("RegistryWritesFenced", registry_fenced_writes_total=rising(1)),
    fault("RegistryLags", registry_lag_records=every(5000)),
    Fault(durations(A, "POST", "/subjects/{subject}/versions", is_slow=True), frozenset({"RegistryWritesSlow"})),
    Fault(durations(A, "POST", "/topics/{topic}", is_slow=True), frozenset({"ProduceSlow"})),
    Fault(durations(A, "GET", "/schemas/ids/{id}", is_slow=True), frozenset({"RequestsSlow"})),
    Fault(requests(A, {"500": 600}), frozenset({"RequestsFail"})),
    Fault(requests(A, {"429": 6000}), frozenset({"RequestsThrottled"})),
    Fault(requests(A, {"401": 600}), frozenset({"CredentialsRejected"})),
    fault("RequestsNearLimit", http_requests_in_flight=every(1900)),
    fault("InstancesNearLimit", proxy_consumer_instances=every(900)),
    Fault({f'karapace_like_file_reload_failing{{{A},files="/auth.json"}}': every(1)}, frozenset({"FilesNotReloaded"})),
    Fault({CERTIFICATE: every(7 * DAY)}, frozenset({"CertificateExpiresSoon"})),
    Fault({CERTIFICATE: every(DAY)}, frozenset({"CertificateExpiresSoon", "CertificateExpires"})),
    fault("RegistryUnreadableRecords", registry_unreadable_records=every(1)),
    fault("RegistryUnknownRecords", registry_unknown_records_total=once(3)),
    fault("RegistryIdConflicts", registry_conflicting_versions=every(1)),
    fault("NodeWarns", warnings=every(1)),
    Fault(
        delays(f'karapace_like_event_loop_delay_seconds_bucket{{{A},le="%s"}}', 0.25, is_slow=True),
        frozenset({"EventLoopBlocked"}),
    ),
    Fault(
        {f'karapace_like_kafka_request_errors_total{{{A},client="schemas_reader"}}': rising(120)},
        frozenset({"KafkaRequestsFail"}),
    ),
]  # fmt: skip


def case(fault: Fault) -> dict[str, Any]:
    """A test of promtool: these alerts fire, and no others."""
    series = [{"series": name, "values": values} for name, values in {**HEALTHY, **fault.series}.items()]
    firing = [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in sorted(fault.alerts)]
    expression = 'max by (alertname) (ALERTS{alertstate="firing"})'
    return {
        "interval": "1m",
        "name": " and ".join(sorted(fault.alerts)) or "healthy",
        "input_series": series,
        "promql_expr_test": [{"expr": expression, "eval_time": "45m", "exp_samples": firing}],
    }


@pytest.mark.slow
def test_each_alert_fires_for_its_fault_and_no_other(tmp_path: Path) -> None:
    cases = [case(each) for each in (Fault({}, frozenset()), *FAULTS)]
    file = tmp_path / "test.yaml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": cases}))
    promtool = find_program("promtool")
    ended = subprocess.run([promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_each_alert_has_a_fault_that_it_is_tested_with() -> None:
    assert frozenset[str]().union(*(each.alerts for each in FAULTS)) == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule["alert"]))
def test_each_alert_has_a_section_in_the_runbooks(rule: dict[str, Any]) -> None:
    sections = re.split(r"^## ", (ROOT / "docs" / "runbooks.md").read_text(), flags=re.MULTILINE)
    (section,) = (each for each in sections if each.splitlines()[0] == rule["alert"])
    assert all(f"**{part}**" in section for part in ("Meaning.", "See it.", "Do."))
    assert rule["annotations"]["runbook_url"].endswith(f"/docs/runbooks.md#{rule['alert'].lower()}")
