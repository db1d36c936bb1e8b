"""What the settings of other products become here: a row for each name, with the setting or the reason for none.

Sources: the documentation of Karapace, and Confluent's configuration references of Schema Registry and REST Proxy.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from karapace_like.config.settings import Settings

Row: TypeAlias = Callable[[Any], Mapping[str, Any]] | str
"""Value -> settings, or the reason why there are none."""

_JAAS = re.compile(r"(\w+)LoginModule\b.*?\busername=\"([^\"]*)\".*?\bpassword=\"([^\"]*)\"", re.DOTALL)
_NO_LOGS = "logs are set by log_level and log_format"
_NO_JMX = "metrics are at /metrics, and exported by the telemetry_* settings"
_NO_STORES = "key stores are not read: name PEM files"
_NO_PLUGINS = "there are no plug-ins in Java"
_NO_LICENCE = "nothing here needs a licence"


def to(name: str) -> Row:
    """Return the row of a setting with the same values."""
    return lambda value: {name: value}


def to_upper(name: str) -> Row:
    """Return the row of a setting whose values are in upper case."""
    return lambda value: {name: str(value).upper()}


def to_lower(name: str) -> Row:
    """Return the row of a setting whose values are in lower case."""
    return lambda value: {name: str(value).lower()}


def _to_seconds(name: str) -> Row:
    return lambda value: {name: max(int(value) // 1000, 1)}


def _to_brokers(value: Any) -> Mapping[str, Any]:
    """Brokers without the protocol that Confluent writes before them."""
    addresses = (address.strip() for address in str(value).split(","))
    return {"bootstrap_uri": ",".join(address.rpartition("://")[2] for address in addresses if address)}


def _to_client_auth(value: Any) -> Mapping[str, Any]:
    client_auth = {"NONE": "none", "REQUESTED": "optional", "REQUIRED": "required", "TRUE": "required", "FALSE": "none"}
    if str(value).upper() not in client_auth:
        raise ValueError(f"{value!r} is not one of {', '.join(client_auth)}")
    return {"server_tls_client_auth": client_auth[str(value).upper()]}


def _to_login(value: Any) -> Mapping[str, Any]:
    match = _JAAS.search(str(value))
    if match is None:
        raise ValueError("only login modules with username and password are converted: set sasl_* by hand")
    return {"sasl_plain_username": match.group(2), "sasl_plain_password": match.group(3)}


def _to_registry(value: Any) -> Mapping[str, Any]:
    """The first of the registry's addresses."""
    address = urlsplit(str(value).split(",")[0].strip())
    if address.hostname is None:
        raise ValueError(f"{value!r} is not a URL")
    return {
        "registry_scheme": address.scheme,
        "registry_host": address.hostname,
        "registry_port": address.port or (443 if address.scheme == "https" else 80),
    }


def _to_registry_user(value: Any) -> Mapping[str, Any]:
    user, _, password = str(value).partition(":")
    return {"registry_user": user, "registry_password": password}


def _to_host_check(value: Any) -> Mapping[str, Any]:
    return {"ssl_check_hostname": bool(str(value).strip())}


def _of_kafka(prefix: str) -> dict[str, Row]:
    """Return the rows of a Kafka client's settings under a prefix."""
    rows: dict[str, Row] = {
        "bootstrap.servers": _to_brokers,
        "security.protocol": to_upper("security_protocol"),
        "sasl.mechanism": to("sasl_mechanism"),
        "sasl.jaas.config": _to_login,
        "sasl.kerberos.service.name": to("sasl_kerberos_service_name"),
        "sasl.oauthbearer.token.endpoint.url": to("sasl_oauth_token_endpoint_url"),
        "sasl.login.callback.handler.class": _NO_PLUGINS,
        "ssl.cipher.suites": to("ssl_ciphers"),
        "ssl.endpoint.identification.algorithm": _to_host_check,
        "client.id": to("client_id"),
        "metadata.max.age.ms": to("metadata_max_age_ms"),
        "connections.max.idle.ms": to("connections_max_idle_ms"),
        "enable.metrics.push": to("enable_metrics_push"),
        "session.timeout.ms": to("session_timeout_ms"),
        "ssl.truststore.*": f"{_NO_STORES} by ssl_cafile",
        "ssl.keystore.*": f"{_NO_STORES} by ssl_certfile and ssl_keyfile",
        "ssl.key.*": f"{_NO_STORES} by ssl_certfile and ssl_keyfile, the pass phrase by ssl_password",
        "ssl.*": "TLS to Kafka is that of librdkafka",
        "sasl.*": "SASL to Kafka is that of librdkafka; the sasl_* settings are all there are",
    }
    return {prefix + name: row for name, row in rows.items()}


_SERVER: Mapping[str, Row] = {
    "listeners": to("listeners"),
    "port": to("port"),
    "ssl.client.authentication": _to_client_auth,
    "ssl.client.auth": _to_client_auth,
    "ssl.keystore.*": f"{_NO_STORES} by server_tls_certfile and server_tls_keyfile",
    "ssl.key.*": f"{_NO_STORES} by server_tls_certfile and server_tls_keyfile, the pass phrase by server_tls_password",
    "ssl.truststore.*": f"{_NO_STORES} by server_tls_cafile",
    "ssl.*": "TLS for clients is that of Python's ssl module",
    "authentication.*": "users and permissions are in an authfile: registry_authfile (see security.md)",
    "confluent.*": _NO_LICENCE,
    "metric*": _NO_JMX,
    "telemetry.*": _NO_JMX,
    "debug": _NO_LOGS,
    "request.logger.name": _NO_LOGS,
    "access.control.allow.origin": to("cors_allowed_origins"),
    "access.control.allow.methods": to("cors_allowed_methods"),
    "access.control.allow.headers": to("cors_allowed_headers"),
    "access.control.*": "preflights are answered by the service; CORS has the settings cors_*",
    "compression.enable": "responses are not compressed; a proxy before the service can do it",
    "response.http.headers.config": "a proxy before the service can add headers",
    "resource.extension.class*": _NO_PLUGINS,
    "rest.servlet.*": _NO_PLUGINS,
    "websocket.*": _NO_PLUGINS,
    "size.limit.filter.max.request.body.size": to("http_request_max_size"),
    "dos.filter.*": "requests are limited by http_requests_max, and for each principal by http_principal_*",
    "rate.limit.*": "requests are limited by http_requests_max, and for each principal by http_principal_*",
    "request.queue.*": "requests are limited by http_requests_max",
    "thread.pool.*": "requests need no threads",
    "idle.timeout.ms": "a client that stops within a request is limited by http_request_patience_ms",
    "shutdown.graceful.ms": "requests in flight have ten seconds",
    "http2.enabled": "HTTP/1.1 only",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product whose configuration can be converted."""

    name: str
    prefix: str = "\0"
    """Names that only this product's configuration has begin so."""
    defaults: Mapping[str, Any]
    """Settings by which this service behaves as the product does without any."""
    rows: Mapping[str, Row]
    """By name; a `*` at the end stands for any text, and the longest fitting row counts."""

    def find_row(self, name: str) -> Row | None:
        """Return the row for a name; None if the product has no such setting."""
        row = self.rows.get(name)
        if row is not None:
            return row
        fitting = (pattern for pattern in self.rows if pattern.endswith("*") and name.startswith(pattern[:-1]))
        longest = max(fitting, key=len, default=None)
        return None if longest is None else self.rows[longest]


def _same(names: Iterable[str]) -> dict[str, Row]:
    return {name: to(name) for name in names}


KARAPACE = Product(
    name="Karapace",
    defaults=MappingProxyType(
        {
            "api_dialect": "karapace",
            "schema_validation": "reference",
            "port": 8081,
            "client_id": "sr-1",
            "consumer_idle_disconnect_timeout": 0,
            "consumer_request_timeout_ms": 11000,
            "http_request_max_size": 1_048_576,
            "producer_acks": "1",
            "producer_linger_ms": 100,
        }
    ),
    rows={
        **_same(setting.name for setting in dataclasses.fields(Settings)),
        "producer_acks": lambda value: {"producer_acks": str(value)},
        "consumer_enable_autocommit": to("consumer_enable_auto_commit"),
        "compatibility": to_upper("compatibility"),
        "waiting_time_before_acting_as_master_ms": "a new primary fences its predecessor, and need not wait",
        "producer_count": "one producer writes the records of all requests",
        "admin_metadata_max_age": "metadata is asked for where it is needed",
        "kafka_schema_reader_strict_mode": "records that are not understood are counted, and shown by /health/ready",
        "kafka_retriable_errors_silenced": "errors that pass are retried, and logged once",
        "force_key_correction": "updates are written under the keys that the topic holds",
        "name_strategy_validation": "the subject of a schema id is always checked",
        "use_protobuf_formatter": "Protobuf schemas have one text in any case",
        "protobuf_runtime_directory": "nothing is generated on disk",
        "sasl_oauth_token_provider_class": "tokens come from sasl_oauth_token, or sasl_oauth_token_endpoint_url",
        "schema_registry_client_cache_maxsize": "the registry is in the same process",
        "access_logs_debug": _NO_LOGS,
        "access_log_class": _NO_LOGS,
        "log_handler": _NO_LOGS,
        "log_format": "it may name fields that are Karapace's; set log_format by hand",
        "statsd_host": _NO_JMX,
        "statsd_port": _NO_JMX,
        "sentry*": "errors are logged; a collector of logs can report them",
        "tags_*": _NO_JMX,
        "telemetry_otel_traces_exporter": "traces go to telemetry_otel_endpoint_url",
        "telemetry_otel_metrics_exporter": "metrics go to telemetry_otel_endpoint_url",
        "telemetry_metrics_export_interval_milliseconds": to("telemetry_metrics_export_interval_milliseconds"),
        "telemetry_resource_service_instance_id": "it is generated",
        "telemetry_resource_telemetry_sdk_*": "the SDK names itself",
    },
)
REGISTRY = Product(
    name="Confluent Schema Registry",
    prefix="kafkastore.",
    defaults=MappingProxyType(
        {"karapace_rest": False, "host": "0.0.0.0", "port": 8081, "replication_factor": 3}  # noqa: S104 - Confluent's default
        | {"schema_validation": "reference"}
    ),
    rows={
        **_SERVER,
        **_of_kafka("kafkastore."),
        "kafkastore.topic": to("topic_name"),
        "kafkastore.topic.replication.factor": to("replication_factor"),
        "kafkastore.connection.url": "ZooKeeper is not needed: name brokers by kafkastore.bootstrap.servers",
        "kafkastore.*": "the schemas topic is read and written without it",
        "kafkagroup.session.timeout.ms": to("session_timeout_ms"),
        "kafkagroup.*": "the election has only session_timeout_ms",
        "schema.registry.group.id": to("group_id"),
        "host.name": to("advertised_hostname"),
        "host.port": to("advertised_port"),
        "inter.instance.protocol": to_lower("advertised_protocol"),
        "schema.registry.inter.instance.protocol": to_lower("advertised_protocol"),
        "inter.instance.listener.name": "set advertised_port and advertised_protocol",
        "inter.instance.headers.whitelist": "all headers of a client are forwarded",
        "inter.instance.*": "set advertised_* and forwarding_*",
        "schema.compatibility.level": to_upper("compatibility"),
        "avro.compatibility.level": to_upper("compatibility"),
        "mode.mutability": to("mode_mutability"),
        "leader.eligibility": to("master_eligibility"),
        "master.eligibility": to("master_eligibility"),
        "leader.election.sticky": to("master_election_sticky"),
        "leader.election.delay": "a new primary fences its predecessor, and need not wait",
        "leader.*": "forwarded requests have the time of a write",
        "schema.cache.*": "parsed schemas are cached by size",
        "schema.providers*": "Avro, JSON Schema and Protobuf are always there; remote references are never fetched",
        "schema.validate.*": "set validateFields and validateNewSchemas by PUT /config",
        "schema.canonicalize.on.consume": "schemas are compared in their canonical form",
        "schema.reject.empty.subject": "an empty subject is accepted as before",
        "schema.search.*": "listings are limited by their query",
        "subject.*": "listings are limited by their query",
        "context.search.*": "listings are limited by their query",
        "metadata.encoder.secret": "sensitive metadata is stored as it is sent; encrypted values stay encrypted",
        "schema.registry.resource.extension.class": _NO_PLUGINS,
        "schema.registry.zk.namespace": "ZooKeeper is not needed",
        "dek.registry.topic": to("dek_registry_topic"),
        "dek.registry.max.keys": to("dek_registry_max_keys"),
        "dek.registry.*": "the DEK registry writes as the registry does",
        "kek.search.*": "listings are limited by their query",
        "dek.subject.search.*": "listings are limited by their query",
        "dek.version.search.*": "listings are limited by their query",
        "associations.enable": "associations are always served",
        "enable.store.health.check": "/health/ready reports it",
        "access.log.*": _NO_LOGS,
    },
)
_PREFIXED = {
    name: row
    for prefix in ("client.", "admin.", "consumer.", "producer.", "")
    for name, row in _of_kafka(prefix).items()
    if not (prefix == "" and name.startswith("ssl."))
}
REST = Product(
    name="Confluent REST Proxy",
    defaults=MappingProxyType({"karapace_registry": False, "host": "0.0.0.0", "port": 8082, "producer_acks": "1"}),  # noqa: S104 - Confluent's default
    rows={
        **_SERVER,
        **_PREFIXED,
        "id": "consumer instances name their node by themselves",
        "zookeeper.connect": "ZooKeeper is not needed: name brokers by bootstrap.servers",
        "host.name": "set rest_base_uri, the address in the answers about consumer instances",
        "advertised.listeners": lambda value: {"rest_base_uri": str(value).split(",")[0].strip()},
        "schema.registry.url": _to_registry,
        "schema.registry.basic.auth.user.info": _to_registry_user,
        "schema.registry.basic.auth.credentials.source": "it is USER_INFO: registry_user and registry_password",
        "schema.registry.*": "the connection to another registry is described by the registry_* settings",
        "consumer.request.timeout.ms": to("consumer_request_timeout_ms"),
        "consumer.request.max.bytes": to("consumer_request_max_bytes"),
        "consumer.instance.timeout.ms": _to_seconds("consumer_idle_disconnect_timeout"),
        "consumer.enable.auto.commit": to("consumer_enable_auto_commit"),
        "consumer.auto.offset.reset": to("consumer_auto_offset_reset"),
        "consumer.fetch.min.bytes": to("fetch_min_bytes"),
        "fetch.min.bytes": to("fetch_min_bytes"),
        "consumer.session.timeout.ms": "session_timeout_ms is for the election; instances have Kafka's default",
        "consumer.*": "consumer instances have only the consumer_* settings",
        "producer.acks": lambda value: {"producer_acks": str(value)},
        "producer.compression.type": to("producer_compression_type"),
        "producer.linger.ms": to("producer_linger_ms"),
        "producer.max.request.size": to("producer_max_request_size"),
        "producer.request.timeout.ms": to("producer_request_timeout_ms"),
        "producer.delivery.timeout.ms": to("producer_delivery_timeout_ms"),
        "producer.*": "the producer has only the producer_* settings",
        "simpleconsumer.*": "there are no simple consumers; GET /topics/{topic}/partitions/{partition}/records reads",
        "api.v3.produce.batch.maximum.entries": to("producer_max_batch_entries"),
        "api.*": "every call is served; permissions restrict them (see security.md)",
        "kafka.rest.resource.extension.class": _NO_PLUGINS,
        "admin.*": "Kafka's clients share their settings",
        "client.*": "Kafka's clients share their settings",
        "streaming.*": "the streams of REST v3 need no limits of their own",
        "value.subject.name.strategy": "set name_strategy",
        "key.subject.name.strategy": "set name_strategy",
    },
)
