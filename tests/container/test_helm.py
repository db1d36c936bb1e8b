"""The Helm chart: linted and rendered by Helm's own engine, every manifest judged by Kubernetes' schemas."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from helm_python import Chart, lint
from helm_python.errors import HelmError

from karapace_like import config

ROOT = Path(__file__).parents[2]
CHART = ROOT / "container" / "helm"
VALIDATOR = Path(sys.executable).parent / "kubernetes-validate"
EVERYTHING: dict[str, Any] = {
    "image": {"digest": "sha256:" + "0" * 64},
    "imagePullSecrets": [{"name": "pull"}],
    "workers": 2,
    "kafka": {
        "bootstrapServers": "kafka-1:9093,kafka-2:9093",
        "securityProtocol": "SASL_SSL",
        "tls": {"existingSecret": "kafka-ca", "clientCertificate": True},
        "sasl": {"mechanism": "SCRAM-SHA-512", "existingSecret": "kafka-user"},
    },
    "listeners": [{"name": "https", "port": 8443, "tls": True}, {"name": "inside", "port": 8081}],
    "tls": {"existingSecret": "server", "clientAuth": "optional"},
    "authfile": {"existingSecret": "access"},
    "oidc": {
        "enabled": True,
        "jwksUrl": "https://login.example.org/keys#1",
        "issuer": "https://login.example.org/",
        "audience": "registry",
        "rolesClaim": "realm_access.roles",
    },
    "config": {
        "http_request_max_size": 33554432,
        "log_format": "json",
        "karapace_rest": False,
        "sasl_oauthbearer_skip_auth_paths": ["/health/live", "/health/ready", "/health/startup"],
    },
    "extraEnv": [{"name": "KARAPACE_SSL_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "kafka-ca", "key": "p"}}}],
    "autoscaling": {"enabled": True},
    "networkPolicy": {
        "enabled": True,
        "from": [{"namespaceSelector": {"matchLabels": {"team": "a"}}}],
        "extraEgress": [{"ports": [{"port": 443}]}],
        "kafkaPorts": [9093],
    },
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "podAnnotations": {"a": "b"},
    "podLabels": {"c": "d"},
    "nodeSelector": {"e": "f"},
    "tolerations": [{"key": "g", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "serviceAccountName": "registry",
    "priorityClassName": "high",
    "service": {"type": "LoadBalancer", "annotations": {"h": "i"}},
}
SETS = {"the defaults": {}, "everything": EVERYTHING}
FOREIGN = {"ServiceMonitor", "PrometheusRule"}
"""Kinds of the Prometheus operator, which Kubernetes' schemas do not have."""


def render(values: dict[str, Any]) -> dict[str, Any]:
    """Kind -> manifest, of which the chart has one each."""
    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        rendered = chart.render(values, name="registry", namespace="data")
    texts = [text for path, text in rendered.items() if path.endswith(".yaml") and text.strip()]
    manifests = [yaml.safe_load(text) for text in texts]
    return {each["kind"]: each for each in manifests if each is not None}


def environment(manifests: dict[str, Any]) -> dict[str, str]:
    """What the container finds, Secrets and the address of the pod left out."""
    data: dict[str, str] = manifests["ConfigMap"]["data"]
    assert all(isinstance(value, str) for value in data.values())
    return data


@pytest.mark.parametrize("values", SETS.values(), ids=SETS.keys())
def test_the_linter_has_nothing_to_say(values: dict[str, Any]) -> None:
    """Strictly; that a chart has no icon is only information."""
    report = lint(CHART, values, strict=True)
    assert report["errors"] == []
    assert [each for each in report["messages"] if each["severity"] > 1] == []


@pytest.mark.parametrize("values", SETS.values(), ids=SETS.keys())
def test_every_manifest_follows_its_schema(values: dict[str, Any], tmp_path: Path) -> None:
    """Strictly: a field that Kubernetes does not know is a mistake."""
    manifests = render(values)
    assert manifests.keys() >= FOREIGN or not values
    own = [manifest for kind, manifest in manifests.items() if kind not in FOREIGN]
    files = [tmp_path / f"{number}.yaml" for number in range(len(own))]
    for file, manifest in zip(files, own, strict=True):
        file.write_text(yaml.safe_dump(manifest))
    done = subprocess.run([VALIDATOR, "--strict", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_default_values_give_three_nodes_that_lose_no_request() -> None:
    """Nothing of what is optional is there."""
    manifests = render({})
    assert manifests.keys() == {"ConfigMap", "Deployment", "Service", "PodDisruptionBudget"}
    deployment = manifests["Deployment"]["spec"]
    assert deployment["replicas"] == 3
    assert deployment["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    pod = deployment["template"]["spec"]
    assert pod["enableServiceLinks"] is False
    settings, unknown = config.load(environment=environment(manifests))
    assert unknown == ()
    assert settings.shutdown_delay_ms == 10_000
    assert pod["terminationGracePeriodSeconds"] * 1000 > settings.shutdown_delay_ms + 30_000
    assert [each.port for each in settings.addresses] == [8081, 8082]
    assert pod["containers"][0]["image"] == "karapace-like:0.1.0"
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"]


def test_every_value_reaches_the_service() -> None:
    """As the service itself reads it."""
    manifests = render(EVERYTHING)
    pod = manifests["Deployment"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    named = {each["name"]: "from elsewhere" for each in container["env"]}
    settings, unknown = config.load(environment={**environment(manifests), **named})
    assert unknown == ()
    assert [(each.port, each.is_tls) for each in settings.addresses] == [(8443, True), (8081, False)]
    assert settings.http_request_max_size == 33_554_432
    assert settings.bootstrap_uri == "kafka-1:9093,kafka-2:9093"
    assert (settings.workers, settings.karapace_rest) == (2, False)
    assert settings.sasl_oauthbearer_jwks_endpoint_url == "https://login.example.org/keys#1"
    assert (settings.sasl_mechanism, settings.sasl_plain_username) == ("SCRAM-SHA-512", "from elsewhere")
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    secrets = {each["name"]: each["secret"]["secretName"] for each in pod["volumes"] if "secret" in each}
    assert secrets == {"kafka": "kafka-ca", "tls": "server", "access": "access"}
    files = (settings.ssl_cafile, settings.ssl_keyfile, settings.server_tls_certfile, settings.registry_authfile)
    assert [str(file).rpartition("/")[0] for file in files] == [
        mounted[name] for name in ("kafka", "kafka", "tls", "access")
    ]
    assert container["readinessProbe"]["httpGet"] == {"path": "/health/ready", "port": "https", "scheme": "HTTPS"}
    assert container["image"] == f"karapace-like@{EVERYTHING['image']['digest']}"
    assert "replicas" not in manifests["Deployment"]["spec"], "the autoscaler says how many"


def test_prometheus_finds_the_service_and_the_alerts() -> None:
    """The rules are those of monitoring/, which has the only copy."""
    manifests = render(EVERYTHING)
    monitor, service = manifests["ServiceMonitor"]["spec"], manifests["Service"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"] == [{"port": "https", "path": "/metrics", "interval": "30s", "scheme": "https"}]
    assert monitor["endpoints"][0]["port"] in {each["name"] for each in service["spec"]["ports"]}
    alerts = yaml.safe_load((ROOT / "monitoring" / "alerts.yaml").read_text())
    assert manifests["PrometheusRule"]["spec"] == alerts


def test_the_network_policy_lets_nodes_clients_and_kafka_through() -> None:
    policy = render(EVERYTHING)["NetworkPolicy"]["spec"]
    nodes = {"podSelector": {"matchLabels": policy["podSelector"]["matchLabels"]}}
    assert policy["ingress"][0]["from"] == [nodes, *EVERYTHING["networkPolicy"]["from"]]
    assert [rule.get("ports") for rule in policy["egress"]] == [
        [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        [{"port": 8443}, {"port": 8081}],
        [{"port": 9093}],
        [{"port": 443}],
    ]


def test_the_values_of_the_page_are_those_of_a_service_that_starts() -> None:
    """The settings that they give contradict each other nowhere."""
    page = (ROOT / "docs" / "kubernetes.md").read_text()
    manifests = render(yaml.safe_load(page.split("```yaml\n")[1].split("```")[0]))
    pod = manifests["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    settings, unknown = config.load(
        environment={**environment(manifests), **{each["name"]: "x" for each in pod["env"]}}
    )
    assert (unknown, settings.log_format) == ((), "json")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"replicsa": 2}, "replicsa"),
        ({"workers": 0}, "workers"),
        ({"kafka": {"securityProtocol": "TLS"}}, "securityProtocol"),
        ({"listeners": []}, "listeners"),
        ({"listeners": [{"name": "a", "port": 70000}]}, "port"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"config": {"KARAPACE_HOST": "a"}}, "KARAPACE_HOST"),
        ({"listeners": [{"name": "https", "port": 8443, "tls": True}]}, "tls.existingSecret is required"),
        ({"kafka": {"securityProtocol": "SASL_SSL"}}, "kafka.sasl.mechanism is required"),
        ({"oidc": {"enabled": True}}, "oidc.jwksUrl is required"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(values: dict[str, Any], told: str) -> None:
    with pytest.raises(HelmError) as raised:
        render(values)
    assert told in str(raised.value)


def test_the_schema_describes_every_value() -> None:
    """So that a misspelt name is refused at every level."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() == values.keys() | {"global"}
    for name, value in values.items():
        if schema["properties"][name].get("additionalProperties") is False:
            assert schema["properties"][name]["properties"].keys() >= value.keys(), name
